//! Addresses and methods.

use super::Refusal;
use crate::key::Level;

/// Call of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// `xml/software_version`
    SoftwareVersion,
    /// `content_api/new`
    NewContent,
    /// `content_api/{number}/edit`
    EditContent(u64),
}

impl Call {
    /// The level it takes.
    pub(super) const fn need(self) -> Level {
        match self {
            Self::SoftwareVersion => Level::READ,
            Self::NewContent | Self::EditContent(_) => Level::OWN,
        }
    }

    /// The methods it takes, as `Allow` lists them.
    const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::SoftwareVersion => &["GET", "HEAD"],
            Self::NewContent | Self::EditContent(_) => &["GET", "HEAD", "POST"],
        }
    }
}

/// Whether a path is this API's.
pub(super) fn claimed(path: &str) -> bool {
    ["/xml/", "/content_api/"].iter().any(|root| path.starts_with(root))
}

/// The call that a method and a path name.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::MethodNotAllowed`].
pub(super) fn read(method: &str, path: &str) -> Result<Call, Refusal> {
    let mut segments = path.split('/').skip(1);
    let segments = [segments.next(), segments.next(), segments.next(), segments.next()];
    let call = match segments {
        [Some("xml"), Some("software_version"), None, None] => Call::SoftwareVersion,
        [Some("content_api"), Some("new"), None, None] => Call::NewContent,
        [Some("content_api"), Some(id), Some("edit"), None]
            if id.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Call::EditContent(id.parse().map_err(|_| Refusal::NotFound)?)
        }
        _ => return Err(Refusal::NotFound),
    };
    if call.methods().contains(&method) { Ok(call) } else { Err(Refusal::MethodNotAllowed(call.methods())) }
}
