//! Site URLs: the address at which a browser reaches the server.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Error of a text that is no site URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be like https://keys.example.org or https://example.org/keys")]
pub struct NotASite;

/// Address at which a browser reaches the server: scheme, authority, and a path that all addresses begin with.
///
/// ```
/// use keyward::http::SiteUrl;
/// let site: SiteUrl = "https://Example.org/keys/".parse()?;
/// assert_eq!((site.origin(), site.path()), ("https://example.org", "/keys"));
/// # Ok::<(), keyward::http::NotASite>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteUrl {
    origin: String,
    path: String,
}

impl SiteUrl {
    /// Scheme and authority, as in the `Origin` of a page.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Path that all addresses begin with; empty for a site without one.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl FromStr for SiteUrl {
    type Err = NotASite;

    fn from_str(text: &str) -> Result<Self, NotASite> {
        let (scheme, rest) = text.split_once("://").ok_or(NotASite)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let scheme = scheme.to_ascii_lowercase();
        let host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(&byte);
        let path = format!("/{}", path.trim_end_matches('/'));
        let good = matches!(scheme.as_str(), "http" | "https")
            && !authority.is_empty()
            && !authority.starts_with(':')
            && authority.bytes().all(host)
            && (path == "/" || is_prefix(&path));
        let origin = format!("{scheme}://{}", authority.to_ascii_lowercase());
        if good { Ok(Self { origin, path: path.trim_end_matches('/').to_owned() }) } else { Err(NotASite) }
    }
}

impl fmt::Display for SiteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

/// Whether paths can begin with this one: it begins with a slash, does not end in one, and every proxy reads it alike.
pub(crate) fn is_prefix(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let good = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(plain);
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(good))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_has_a_scheme_an_authority_and_perhaps_a_path() {
        for (text, shown) in [
            ("https://keys.example.org", "https://keys.example.org"),
            ("HTTPS://Keys.Example.org/", "https://keys.example.org"),
            ("http://localhost:8080/a/b-c/", "http://localhost:8080/a/b-c"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(text.parse::<SiteUrl>().unwrap().to_string(), shown, "{text}");
        }
        for wrong in [
            "",
            "keys.example.org",
            "localhost:8080",
            "//keys.example.org",
            "/keys",
            "https://",
            "https:///keys",
            "https://:8080",
            "ftp://keys.example.org",
            "javascript://x",
            "https://me@x",
            "https://x y",
            "https://x/?a=b",
            "https://x/#a",
            "https://x//y",
            "https://x/../y",
            "https://x/\"y",
            "https://x/%2f",
        ] {
            assert!(wrong.parse::<SiteUrl>().is_err(), "{wrong}");
        }
    }
}
