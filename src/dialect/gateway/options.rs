//! Options of a gateway, from the address that its configuration calls.
//!
//! Options are in the query, or behind the keyspace as in `/auth/native;for=envoy;level=2/...`, because Envoy appends the
//! client's own path and query to that address. Where a client may have written the query, nothing in the query can
//! relax the options.

use super::Preset;
use crate::http::Query;
use crate::key::{Keyspace, Level, LimitName, Spend};

/// Use that a presented key must allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GatewayOptions {
    pub(super) keyspace: Keyspace,
    pub(super) preset: Preset,
    pub(super) level: Level,
    pub(super) spend: Spend,
}

/// Mistake in an address, which no operator can have meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The gateway, if the address names one.
    pub(super) preset: Preset,
    pub(super) problem: &'static str,
}

impl GatewayOptions {
    /// Reads `/auth/{keyspace}…` and its query.
    ///
    /// Options follow the keyspace, as in `/auth/native;for=envoy;level=2`, and then the query is the client's; or they
    /// are the query. Where the path has more segments, a client may have written the query: options that could relax
    /// the check are refused in that query.
    pub(super) fn of(path: &str, query: &str) -> Result<Self, Mistake> {
        let rest = path.strip_prefix("/auth/").unwrap_or_default();
        let (segment, author) =
            rest.split_once('/').map_or((rest, Author::Operator), |(segment, _)| (segment, Author::Anyone));
        let mut options = Options::default();
        let (name, read) = match segment.split_once(';') {
            Some((name, list)) => (name, options.put_all(listed(list), Author::Operator)),
            None => (segment, options.put_all(Query::new(query).parameters(), author)),
        };
        let preset = options.preset.unwrap_or(Preset::Plain);
        let mistaken = |problem| Mistake { preset, problem };
        read.map_err(mistaken)?;
        let keyspace = name.parse().ok().and_then(|name| Keyspace::named(&name));
        let level = match (options.level, options.permission) {
            (Some(_), Some(_)) => return Err(mistaken("give level or permission, not both")),
            (level, permission) => level.or(permission).unwrap_or(Level::AUTHENTICATE),
        };
        Ok(Self {
            keyspace: keyspace.ok_or_else(|| mistaken("there is no such keyspace"))?,
            preset,
            level,
            spend: Spend { limit: options.limit, cost: options.cost.unwrap_or(1) },
        })
    }
}

/// Names and values of options that follow the keyspace.
fn listed(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let list = list.split(';').filter(|option| !option.is_empty());
    list.map(|option| option.split_once('=').unwrap_or((option, "")))
}

/// Author of a list of options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Author {
    Operator,
    Anyone,
}

#[derive(Default)]
struct Options {
    preset: Option<Preset>,
    level: Option<Level>,
    permission: Option<Level>,
    limit: Option<LimitName>,
    cost: Option<u32>,
}

impl Options {
    fn put_all<'a>(
        &mut self,
        list: impl Iterator<Item = (&'a str, &'a str)>,
        author: Author,
    ) -> Result<(), &'static str> {
        // All of them, also behind a mistake: the preset says how the mistake is answered.
        let mut mistake = Ok(());
        for (name, value) in list {
            let put = self.put(name, value, author);
            mistake = mistake.and(put);
        }
        mistake
    }

    fn put(&mut self, name: &str, value: &str, author: Author) -> Result<(), &'static str> {
        let twice = match (name, author) {
            ("for", _) => {
                let preset = Preset::named(value);
                self.preset
                    .replace(preset.ok_or("for must be nginx, traefik, caddy, envoy or haproxy")?)
                    .is_some()
            }
            ("level", _) => {
                let level = value.parse().map_err(|_| "level must be 0 to 8")?;
                self.level.replace(level).is_some()
            }
            ("permission", _) => {
                let level = Level::permitting(value).map_err(|_| "there is no such permission")?;
                self.permission.replace(level).is_some()
            }
            ("limit" | "cost", Author::Anyone) => {
                return Err("limit and cost stand behind the keyspace where the path goes on, as in ;cost=2");
            }
            ("limit", Author::Operator) => {
                let limit = value.parse().map_err(|_| "limit must be the name of a rate limit")?;
                self.limit.replace(limit).is_some()
            }
            ("cost", Author::Operator) => {
                let cost = value.parse().map_err(|_| "cost must be a number")?;
                self.cost.replace(cost).is_some()
            }
            ("api_key", _) | (_, Author::Anyone) => false,
            (_, Author::Operator) => return Err("options are for, level, permission, limit and cost"),
        };
        if twice { Err("an option is given twice") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(target: &str) -> Result<(Preset, u8, Option<String>, u32), &'static str> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let wanted = GatewayOptions::of(path, query).map_err(|mistake| mistake.problem)?;
        let Spend { limit, cost } = wanted.spend;
        Ok((wanted.preset, wanted.level.number(), limit.map(|limit| limit.to_string()), cost))
    }

    #[test]
    fn options_stand_in_the_query_or_behind_the_keyspace() {
        for (target, preset, level, limit, cost) in [
            ("/auth/native", Preset::Plain, 0, None, 1),
            ("/auth/native/", Preset::Plain, 0, None, 1),
            ("/auth/native?for=nginx&level=2", Preset::Nginx, 2, None, 1),
            ("/auth/native?permission=write&limit=fast&cost=0&for=caddy", Preset::Caddy, 4, Some("fast"), 0),
            ("/auth/native/v1/books?for=traefik&level=3&page=2", Preset::Traefik, 3, None, 1),
            ("/auth/native;for=envoy;level=2;cost=5/v1/books?level=x&cost=0", Preset::Envoy, 2, None, 5),
            ("/auth/native;for=haproxy?level=8", Preset::Haproxy, 0, None, 1),
            ("/auth/telvue?api_key=x", Preset::Plain, 0, None, 1),
        ] {
            let expected = Ok((preset, level, limit.map(str::to_owned), cost));
            assert_eq!(wanted(target), expected, "{target}");
        }
    }

    #[test]
    fn what_no_operator_can_have_meant_is_a_mistake() {
        for target in [
            "/auth/",
            "/auth/nowhere",
            "/auth//native",
            "/auth/native%20",
            "/auth/native?for=apache",
            "/auth/native?for=",
            "/auth/native?level=9",
            "/auth/native?level=",
            "/auth/native?levle=2",
            "/auth/native?level=1&level=2",
            "/auth/native?for=nginx&for=caddy",
            "/auth/native?level=2&permission=read",
            "/auth/native?permission=fly",
            "/auth/native?limit=No",
            "/auth/native?cost=-1",
            "/auth/native?cost=4294967296",
            "/auth/native;leve=2/x",
            "/auth/native;level=2;level=2/x",
        ] {
            assert!(wanted(target).is_err(), "{target}");
        }
        assert_eq!(
            GatewayOptions::of("/auth/native", "level=9&for=nginx").unwrap_err().preset,
            Preset::Nginx
        );
    }

    #[test]
    fn a_client_who_writes_the_query_gains_nothing() {
        for target in
            ["/auth/native/x?cost=0", "/auth/native/?limit=other", "/auth/native/x?for=envoy&cost=1"]
        {
            assert!(wanted(target).is_err(), "{target}");
        }
    }
}
