//! Sockets in the file system, among them the control socket, through which an operator reaches a running server.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::cli::failure::{CliError, Exit};

/// Path of the control socket of a data directory.
pub(in crate::cli) fn path(data: &Path) -> PathBuf {
    data.join("keyward.sock")
}

/// Error for a control socket that cannot be used, with advice.
pub(in crate::cli) fn failure(data: &Path, error: &io::Error) -> CliError {
    let advice = match error.kind() {
        io::ErrorKind::InvalidInput => " (the path is too long for a socket: choose a shorter --data)",
        io::ErrorKind::PermissionDenied => " (only the user who runs the server may use it)",
        io::ErrorKind::AlreadyExists => " (another file has this name: move it away)",
        _ => "",
    };
    CliError::new(Exit::Failed, format!("the control socket {}: {error}{advice}", path(data).display()))
}

/// Socket file of this process. Removes the file when dropped.
pub(in crate::cli) struct SocketFile {
    path: PathBuf,
}

impl SocketFile {
    /// Binds the control socket in `data`, whose lock the caller holds. An existing socket is left over from a dead server
    /// and is replaced.
    ///
    /// # Errors
    /// The system's, or `AlreadyExists` if another file has the name.
    pub(in crate::cli) fn control(data: &Path) -> io::Result<(Self, UnixListener)> {
        Self::bind(path(data), 0o600)
    }

    /// Binds a socket with these permissions. Replaces a socket without a listening process.
    ///
    /// # Errors
    /// As [`SocketFile::control`]; `AddrInUse` if a process listens there.
    pub(in crate::cli) fn bind_if_dead(path: &Path, mode: u32) -> io::Result<(Self, UnixListener)> {
        match UnixStream::connect(path) {
            Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
            Err(_) => Self::bind(path.to_owned(), mode),
        }
    }

    fn bind(path: PathBuf, mode: u32) -> io::Result<(Self, UnixListener)> {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_socket() => fs::remove_file(&path)?,
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // The umask denies other users access until the permissions are set.
        let listener = UnixListener::bind(&path)?;
        let socket = Self { path };
        fs::set_permissions(&socket.path, fs::Permissions::from_mode(mode))?;
        listener.set_nonblocking(true)?;
        Ok((socket, listener))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // The next start replaces a socket that could not be removed.
        let _ = fs::remove_file(&self.path);
    }
}
