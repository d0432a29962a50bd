//! Sockets in the file system; one of them is the control socket, the machine owner's way to a running server.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::cli::failure::{Exit, Failure};

/// Where the server of a data directory listens.
pub(in crate::cli) fn path(data: &Path) -> PathBuf {
    data.join("keyward.sock")
}

/// Why it cannot be used.
pub(in crate::cli) fn failure(data: &Path, error: &io::Error) -> Failure {
    let advice = match error.kind() {
        io::ErrorKind::InvalidInput => " (the path is too long for a socket: choose a shorter --data)",
        io::ErrorKind::PermissionDenied => " (it is for the user who runs the server)",
        io::ErrorKind::AlreadyExists => " (something else is in its place: move it away)",
        _ => "",
    };
    Failure::new(Exit::Failed, format!("the control socket {}: {error}{advice}", path(data).display()))
}

/// A socket of this process in the file system; removed when dropped.
pub(in crate::cli) struct SocketFile {
    path: PathBuf,
}

impl SocketFile {
    /// The control socket in `data`, whose lock the caller holds: a socket that is there already is one a dead
    /// server left.
    ///
    /// # Errors
    /// The system's, or `AlreadyExists` when something other than a socket is in its place.
    pub(in crate::cli) fn control(data: &Path) -> io::Result<(Self, UnixListener)> {
        Self::bind(path(data), 0o600)
    }

    /// A socket with these permissions, in place of one where nobody listens any more.
    ///
    /// # Errors
    /// As [`SocketFile::control`]; `AddrInUse` when somebody listens there.
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
        // The process's umask leaves others nothing from the first moment on.
        let listener = UnixListener::bind(&path)?;
        let socket = Self { path };
        fs::set_permissions(&socket.path, fs::Permissions::from_mode(mode))?;
        listener.set_nonblocking(true)?;
        Ok((socket, listener))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // The next start replaces one that could not be removed.
        let _ = fs::remove_file(&self.path);
    }
}
