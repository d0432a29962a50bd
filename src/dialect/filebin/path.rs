//! Addresses: `/api/<version>/<group>/<function>`.

use super::Refusal;

/// Target of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// `user/apikeys`
    List,
    /// `user/create_apikey`
    Create,
    /// `user/delete_apikey`
    Delete,
}

/// The newest version, number by number; a version that leaves numbers out counts as older.
const NEWEST: [u64; 3] = [2, 2, 0];

/// Segments as sent, without empty ones and without the front controller's name.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let front_controller = path.trim_start_matches('/').starts_with("index.php/");
    path.split('/').filter(|segment| !segment.is_empty()).skip(usize::from(front_controller))
}

/// Whether a path is the API's, or looks so much like it that the refusal should be the API's.
pub(super) fn claimed(path: &str) -> bool {
    segments(path).next().is_some_and(|first| first.eq_ignore_ascii_case("api"))
}

/// The segments after `/api`.
///
/// # Errors
/// The two refusals that come as pages: [`Refusal::NoSuchPage`] and [`Refusal::DisallowedCharacter`].
pub(super) fn below_api(path: &str) -> Result<impl Iterator<Item = &str>, Refusal> {
    let mut below = segments(path);
    let api = below.next() == Some("api");
    let mut below = below.peekable();
    if !api || below.peek().is_none() {
        return Err(Refusal::NoSuchPage);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b" ~%.:_-/".contains(&byte);
    if path.bytes().all(allowed) { Ok(below) } else { Err(Refusal::DisallowedCharacter) }
}

/// Target of the segments after `/api`; segments after the function are ignored.
///
/// # Errors
/// In this order: [`Refusal::InvalidVersion`], [`Refusal::InvalidEndpoint`], [`Refusal::VersionNotSupported`],
/// [`Refusal::UnknownEndpoint`].
pub(super) fn endpoint<'a>(mut segments: impl Iterator<Item = &'a str>) -> Result<Endpoint, Refusal> {
    let version = segments.next().and_then(version).ok_or(Refusal::InvalidVersion)?;
    let mut name = || segments.next().filter(|name| is_name(name)).ok_or(Refusal::InvalidEndpoint);
    let (group, function) = (name()?, name()?);
    if version.first() != NEWEST.first() || version.as_slice() > NEWEST.as_slice() {
        return Err(Refusal::VersionNotSupported);
    }
    // Functions are compared as PHP compares method names: without case.
    match (group, function.to_ascii_lowercase().as_str()) {
        ("user", "apikeys") => Ok(Endpoint::List),
        ("user", "create_apikey") => Ok(Endpoint::Create),
        ("user", "delete_apikey") => Ok(Endpoint::Delete),
        _ => Err(Refusal::UnknownEndpoint),
    }
}

/// The numbers of `v2`, `v2.1` or `v2.1.0`; a number too large to count is larger than any that is served.
fn version(text: &str) -> Option<Vec<u64>> {
    let numbers: Vec<&str> = text.strip_prefix('v')?.splitn(4, '.').collect();
    let digits = |number: &&str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = numbers.len() <= NEWEST.len() && numbers.iter().all(digits);
    well_formed.then(|| numbers.iter().map(|number| number.parse().unwrap_or(u64::MAX)).collect())
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_and_its_lookalikes_are_claimed_and_nothing_else() {
        for path in
            ["/api", "/api/", "/API/x", "/api/v2/user/apikeys", "//api//v2", "/index.php/api/v2", "/api/!"]
        {
            assert!(claimed(path), "{path}");
        }
        for path in
            ["", "/", "/apix", "/x/api", "/index.php", "/index.php/", "/index.phpx/api", "/v1/api", "/%61pi"]
        {
            assert!(!claimed(path), "{path}");
        }
    }

    #[test]
    fn numbers_of_versions_are_read_whatever_their_length() {
        assert_eq!(version("v2.01.0"), Some(vec![2, 1, 0]));
        assert_eq!(version("v99999999999999999999"), Some(vec![u64::MAX]));
        for wrong in ["", "v", "v.", "2", "v2.", "v.2", "v2..1", "v1.2.3.4", "v+2", "v2 ", "vv2"] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }
}
