//! Claims of dialects to paths: the dialect with the most specific claim answers a request.
//!
//! The documented APIs share addresses: two have pages below `/apikeys/`, two below `/api/`, two below `/xml/`, and one
//! takes its key at any address. None of them can move, since clients hold the addresses. So each dialect says how
//! specific its claim is, and the claims are compared here, in one place. The order in which dialects are listed says
//! nothing: a test plays every pair of APIs in both orders.
//!
//! An exact path goes before a pattern, a pattern before a prefix, a longer prefix before a shorter one, and a claim to
//! any path comes last. Where a header field decides, the claim depends on it: QReserve's claim to `/` is exact for a
//! request with `Authorization`, and a claim to any path for all others.

use super::Dialect;
use crate::http::Head;

/// Claim to a path, least specific first.
///
/// ```
/// use keyward::dialect::Specificity;
/// assert!(Specificity::Exact > Specificity::Pattern { literals: 3 });
/// assert!(Specificity::Pattern { literals: 1 } > Specificity::Prefix { bytes: 5 });
/// assert!(Specificity::Prefix { bytes: 5 } > Specificity::Anywhere);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Specificity {
    /// Any path.
    Anywhere,
    /// Every path that begins with these many bytes.
    Prefix {
        /// Length of the beginning.
        bytes: usize,
    },
    /// Every path of some segments, of which so many are words of the API and the others are anything.
    Pattern {
        /// Segments that are words of the API.
        literals: usize,
    },
    /// This path alone. Two dialects may have an exact claim to one path only if each declines what the other takes.
    Exact,
}

impl Specificity {
    /// The same claim below a path of so many bytes.
    pub(super) const fn below(self, bytes: usize) -> Self {
        match self {
            Self::Anywhere => Self::Prefix { bytes },
            Self::Prefix { bytes: own } => Self::Prefix { bytes: own + bytes },
            Self::Pattern { literals } => Self::Pattern { literals },
            Self::Exact => Self::Exact,
        }
    }
}

/// The dialect that answers a request: of those that claim its path and do not decline it the one whose claim is the
/// most specific. `None` where no dialect claims it.
///
/// An exact claim ends the search, so the busiest dialect is best listed first.
pub fn most_specific<'d, D: AsRef<dyn Dialect>>(dialects: &'d [D], head: &Head<'_>) -> Option<&'d D> {
    let mut best: Option<(Specificity, &D)> = None;
    for candidate in dialects {
        let dialect = candidate.as_ref();
        if !dialect.claims(head.path) || dialect.declines(head) {
            continue;
        }
        let claim = dialect.specificity(head);
        if claim == Specificity::Exact {
            return Some(candidate);
        }
        if best.is_none_or(|(other, _)| claim > other) {
            best = Some((claim, candidate));
        }
    }
    best.map(|(_, dialect)| dialect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{BokaMera, Filebin, FreeSewing, Gateway, Native, Nested, QReserve, TelVue, Welcome};
    use crate::http::Entrance;

    fn all() -> Vec<(&'static str, Box<dyn Dialect>)> {
        vec![
            ("gateway", Box::new(Gateway::default())),
            ("native", Box::new(Native::for_everyone(false))),
            ("welcome", Box::new(Welcome::new([]))),
            ("freesewing", Box::new(FreeSewing)),
            ("bokamera", Box::new(BokaMera)),
            ("filebin", Box::new(Filebin::new("http://localhost"))),
            ("telvue", Box::new(TelVue)),
            ("qreserve", Box::new(QReserve)),
        ]
    }

    /// Dialect that answers each path, without a key and with a QReserve key.
    const PATHS: [(&str, &str, &str); 28] = [
        ("/", "welcome", "qreserve"),
        ("/openapi.json", "native", "native"),
        ("/v1", "native", "native"),
        ("/v1/verify", "native", "native"),
        ("/v1/users/flo", "native", "native"),
        ("/auth/native;for=nginx", "gateway", "gateway"),
        ("/auth/native/a/b", "gateway", "gateway"),
        ("/signin", "freesewing", "freesewing"),
        ("/account/jwt", "freesewing", "freesewing"),
        ("/apikeys", "bokamera", "bokamera"),
        ("/apikeys.xml", "bokamera", "bokamera"),
        ("/apikeys/jwt", "freesewing", "freesewing"),
        ("/ApiKeys/KEY/", "freesewing", "freesewing"),
        ("/apikeys/7ea12968-7758-40b6-8c73-75cc99be762b", "bokamera", "bokamera"),
        ("/apikeys/7ea12968-7758-40b6-8c73-75cc99be762b/jwt", "freesewing", "freesewing"),
        ("/api", "filebin", "filebin"),
        ("/api/v2.2.0/user/apikeys", "filebin", "filebin"),
        ("/api/ApiKeyQuery", "bokamera", "bokamera"),
        ("/api/createapikey%5B%5D", "bokamera", "bokamera"),
        ("/api/nothing", "filebin", "filebin"),
        ("/xml/software_version", "telvue", "telvue"),
        ("/xml/reply/ApiKeyQuery", "bokamera", "bokamera"),
        ("/xml/reply/nothing", "bokamera", "bokamera"),
        ("/xml/metadata", "bokamera", "bokamera"),
        ("/content_api/new", "telvue", "telvue"),
        ("/users/self", "qreserve", "qreserve"),
        ("/sites/main/bots", "qreserve", "qreserve"),
        ("/elsewhere", "nobody", "qreserve"),
    ];

    fn with_head<T>(path: &str, key: &str, look: impl FnOnce(&Head<'_>) -> T) -> T {
        let fields: Vec<_> = Some(("authorization".to_owned(), key.as_bytes().to_vec()))
            .filter(|_| !key.is_empty())
            .into_iter()
            .collect();
        look(&Head {
            method: "GET",
            path,
            query: "",
            client: None,
            entrance: Entrance::Local,
            fields: &fields,
        })
    }

    #[test]
    fn every_pair_of_apis_agrees_in_both_orders_on_who_answers() {
        let all = all();
        for (path, ..) in PATHS {
            for key in ["", "QR-0", "Bearer x"] {
                with_head(path, key, |head| {
                    let claims = |dialect: &dyn Dialect| dialect.claims(path) && !dialect.declines(head);
                    let mut meet = all.iter().filter(|(_, dialect)| claims(dialect.as_ref()));
                    while let Some((name, dialect)) = meet.next() {
                        for (other, rival) in meet.clone() {
                            let (one, two) = (dialect.specificity(head), rival.specificity(head));
                            assert_ne!(one, two, "{name} and {other} at {path} with {key:?}");
                        }
                    }
                });
            }
        }
    }

    #[test]
    fn each_path_is_answered_by_the_api_that_documents_it() {
        for (path, without, with) in PATHS {
            for (key, expected) in [("", without), ("QR-0", with)] {
                for reversed in [false, true] {
                    let (names, mut dialects): (Vec<_>, Vec<_>) = all().into_iter().unzip();
                    let mut names = names;
                    if reversed {
                        names.reverse();
                        dialects.reverse();
                    }
                    let found = with_head(path, key, |head| {
                        let found = most_specific(&dialects, head)?;
                        dialects.iter().position(|dialect| std::ptr::eq(dialect, found))
                    });
                    let found = found.and_then(|at| names.get(at)).copied().unwrap_or("nobody");
                    assert_eq!(found, expected, "{path} with {key:?}");
                }
            }
        }
    }

    #[test]
    fn a_nested_dialect_claims_its_path_before_a_claim_to_any() {
        let dialects: [Box<dyn Dialect>; 2] =
            [Box::new(QReserve), Box::new(Nested::new("/fb", Filebin::new("http://localhost")).unwrap())];
        with_head("/fb/api/v2", "QR-0", |head| {
            assert!(std::ptr::eq(most_specific(&dialects, head).unwrap(), &dialects[1]));
        });
    }
}
