//! Users of two companies, a caller, and the targets of the commands.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Whose;
use crate::clock::Timestamp;
use crate::command::*;
use crate::engine::{
    Engine, KeyChange, KeyFilter, KeyScope as Keys, NewCompany, NewKey, NewKind, NewUser, Parts,
};
use crate::entropy::OsEntropy;
use crate::key::{
    Actor, Allowlist, CompanyId, Expiry, IssuedKey, Key, KeyId, Keyspace, Level, PepperRing, Principal,
    RateLimit, RateLimits, Role, Usage, User, UserId,
};
use crate::store::MemoryStore;

/// What a key has beside its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Narrow {
    Plain,
    Ending,
    Pinned,
    Limited,
}

/// How the caller comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The control socket.
    Operator,
    /// By a key of this level.
    Key(u8, Narrow),
    /// As a bot of a company, by a key of this level.
    Bot(u8),
    /// In person, with this role.
    Password(u8),
    Session(u8),
    Token(u8),
}

impl Way {
    pub(super) fn all() -> Vec<Self> {
        let narrow = [Narrow::Plain, Narrow::Ending, Narrow::Pinned, Narrow::Limited];
        let keys = (0..=8).flat_map(|level| narrow.map(|narrow| Self::Key(level, narrow)));
        let person = |role| [Self::Password(role), Self::Session(role), Self::Token(role)];
        let bots = (0..=8).map(Self::Bot);
        let people = [2, 4, 6, 8].into_iter().flat_map(person);
        keys.chain(bots).chain(people).chain([Self::Operator]).collect()
    }

    /// The role of who comes: of keys an administrator, so that the key alone says what they may do.
    pub(super) const fn role(self) -> u8 {
        match self {
            Self::Operator | Self::Key(..) | Self::Bot(_) => 8,
            Self::Password(role) | Self::Session(role) | Self::Token(role) => role,
        }
    }

    pub(super) const fn level(self) -> u8 {
        match self {
            Self::Key(level, _) | Self::Bot(level) => level,
            Self::Operator | Self::Password(_) | Self::Session(_) | Self::Token(_) => self.role(),
        }
    }
}

pub(super) const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
pub(super) const FAR: Expiry = Expiry::At(Timestamp::from_unix_ms(4_000_000_000_000));

pub(super) fn level(number: u8) -> Level {
    Level::new(number).unwrap()
}

pub(super) fn limits(count: u32) -> RateLimits {
    let number = |number: u32| number.try_into().unwrap();
    let (count, seconds) = (number(count), number(60));
    RateLimits::of(vec![RateLimit { name: RateLimit::DEFAULT_NAME, count, seconds, burst: count }]).unwrap()
}

pub(super) struct World {
    pub(super) service: Service,
    pub(super) engine: Engine,
    pub(super) caller: Caller,
    /// The key that was shown, if one was.
    pub(super) shown: Option<Key>,
    /// Whose things the commands are about.
    pub(super) user: UserId,
    pub(super) company: CompanyId,
    /// The caller's company, and another one.
    pub(super) own: CompanyId,
    pub(super) other: CompanyId,
    /// Made and, if deleted, deleted by its owner.
    pub(super) key: KeyId,
    pub(super) deleted: KeyId,
    /// Narrowed in every way, or deleted, by an administrator.
    pub(super) narrowed: KeyId,
    pub(super) taken: KeyId,
}

/// Everything that may do something.
#[derive(Debug, PartialEq)]
pub(super) struct Snapshot {
    pub(super) keys: BTreeMap<[u8; 16], Key>,
    pub(super) users: BTreeMap<u64, User>,
}

pub(super) type Texts = Vec<(KeyId, String)>;

impl World {
    pub(super) fn new(way: Way, whose: Whose) -> Option<Self> {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let service = Service::new(engine.clone());
        let company = |name: &str| {
            let new = NewCompany { id: None, name: name.parse().unwrap() };
            engine.add_company(Actor::Operator, new).unwrap().id
        };
        let (own, other) = (company("Own"), company("Other"));
        let add = |name: &str, role: u8, company| {
            let role = Role::of(level(role));
            let new =
                NewUser { company: Some(company), ..NewUser::person(name.parse().unwrap(), role, None) };
            engine.add_user(Actor::Operator, new).unwrap().id
        };
        add("last", 8, other);
        let asking = match way {
            Way::Bot(_) => {
                let bot = NewUser::person("caller".parse().unwrap(), Role::Administrator, None);
                let bot = NewUser { company: Some(own), kind: NewKind::Bot, ..bot };
                engine.add_user(Actor::Operator, bot).unwrap().id
            }
            Way::Operator | Way::Key(..) | Way::Password(_) | Way::Session(_) | Way::Token(_) => {
                add("caller", way.role(), own)
            }
        };
        let user = match whose {
            Whose::Own => asking,
            Whose::Company => add("peer", way.level(), own),
            // No role is above the highest.
            Whose::CompanyAbove => add("above", way.level().checked_add(1).filter(|above| *above <= 8)?, own),
            Whose::Others => add("stranger", 4, other),
        };
        let in_person = Principal { level: level(8), actor: Actor::User { user, key: None, from: None } };
        let create = |by: Principal, given: u8| {
            let new = NewKey::new(*Keyspace::FILEBIN.name(), user, level(given));
            engine.create_key(by, new).unwrap().0.id
        };
        let (key, deleted) = (create(in_person, 0), create(in_person, 0));
        engine.delete_key(in_person, deleted).unwrap();
        let (narrowed, taken) = (create(Actor::Operator.into(), 1), create(Actor::Operator.into(), 1));
        let narrow = KeyChange {
            allowlist: Some("198.51.100.0/24".parse().unwrap()),
            expiry: Some(FAR),
            active: Some(false),
            ..KeyChange::default()
        };
        engine.update_key(Actor::Operator, narrowed, narrow).unwrap();
        engine.delete_key(Actor::Operator, taken).unwrap();
        let (caller, shown) = come_in(&service, &engine, way, asking);
        // What is proposed beforehand can be adopted; a narrow key can propose nothing for a wider one.
        let _ = engine.stage_rotation(*caller.actor(), key);
        let company = if whose == Whose::Others { other } else { own };
        Some(Self {
            service,
            engine,
            caller,
            shown,
            user,
            company,
            own,
            other,
            key,
            deleted,
            narrowed,
            taken,
        })
    }

    pub(super) fn run<C: Command>(&self, command: C) -> Result<C::Output, CommandError> {
        self.service.run(&self.caller, command)
    }

    pub(super) fn done<C: Command>(&self, command: C) -> Result<Texts, CommandError> {
        self.run(command).map(|_| Texts::new())
    }

    pub(super) fn issued(&self, command: impl Command<Output = KeyWithText>) -> Result<Texts, CommandError> {
        self.run(command).map(|KeyWithText { key, text }| vec![(key.id, revealed(text))])
    }

    pub(super) fn new_key(&self) -> NewKey {
        NewKey::new(*Keyspace::NATIVE.name(), self.user, Level::AUTHENTICATE)
    }

    /// A key that asks for everything.
    pub(super) fn wide_key(&self) -> NewKey {
        NewKey {
            level: Level::ALL,
            allowlist: Some(Allowlist::Anyone),
            rate_limits: Some(RateLimits::none()),
            expiry: Some(Expiry::Never),
            ..self.new_key()
        }
    }

    pub(super) fn changed(&self, key: KeyId, change: KeyChange) -> Result<Texts, CommandError> {
        self.done(UpdateKey { key: KeyRef::Id(key), change })
    }

    pub(super) fn held(&self) -> Snapshot {
        let reader = self.engine.reader();
        let (keys, _) = reader.find_keys(Keys::Everyone, &KeyFilter::default(), None, 1_000).unwrap();
        let users = reader.users(None, 1_000).unwrap();
        Snapshot {
            // Coming in is a use, written behind at any time.
            keys: keys
                .into_iter()
                .map(|key| (key.id.to_bytes(), Key { usage: Usage::default(), ..key }))
                .collect(),
            users: users.into_iter().map(|user| (user.id.0, user)).collect(),
        }
    }
}

pub(super) fn revealed(text: IssuedKey) -> String {
    text.reveal().to_string()
}

/// Comes in by `way`; the key that was shown, if one was.
pub(super) fn come_in(service: &Service, engine: &Engine, way: Way, user: UserId) -> (Caller, Option<Key>) {
    let login = || service.authenticator().vouch_for(user, Some(CLIENT)).unwrap();
    let caller = match way {
        Way::Operator => Caller::operator(),
        Way::Password(_) => login().into(),
        Way::Session(_) => {
            let token = service.authenticator().begin_session(&login()).unwrap();
            service.authenticator().by_session(&token, Some(CLIENT)).unwrap().0
        }
        Way::Token(_) => {
            let token = service.authenticator().token(&login(), Audience::FreeSewing).unwrap();
            service.authenticator().by_token(&token, Audience::FreeSewing, Some(CLIENT)).unwrap()
        }
        Way::Key(given, _) | Way::Bot(given) => {
            let narrow = if let Way::Key(_, narrow) = way { narrow } else { Narrow::Plain };
            let new = NewKey::new(*Keyspace::NATIVE.name(), user, level(given));
            let new = match narrow {
                Narrow::Plain => new,
                Narrow::Ending => NewKey { expiry: Some(FAR), ..new },
                Narrow::Pinned => NewKey { allowlist: Some("192.0.2.0/24".parse().unwrap()), ..new },
                Narrow::Limited => NewKey { rate_limits: Some(limits(1_000)), ..new },
            };
            let by = Principal { level: level(8), actor: Actor::User { user, key: None, from: None } };
            let (key, text) = engine.create_key(by, new).unwrap();
            let caller =
                service.authenticator().by_key(&Keyspace::NATIVE, &text.reveal(), Some(CLIENT)).unwrap();
            return (caller, Some(key));
        }
    };
    (caller, None)
}
