//! A filled engine, and what a client knows of it: people, keys, tokens and sessions.

use std::collections::HashMap;
use std::sync::Arc;

use keyward::clock::{ManualClock, Timestamp};
use keyward::command::{Audience, Service};
use keyward::console::Console;
use keyward::dialect::{BokaMera, Dialect, Filebin, FreeSewing, Gateway, Native, QReserve, TelVue};
use keyward::engine::{Engine, NewCompany, NewKey, NewKind, NewUser, Parts, UserChange};
use keyward::entropy::SeededEntropy;
use keyward::http::{RawRequest, RawResponse};
use keyward::key::{
    Actor, Allowlist, CompanyId, KeyId, KeyStatus, Keyspace, Level, Password, Patch, PepperRing, Role, User,
    UserId, UserStatus,
};
use keyward::store::{MemoryStore, Revision, Store, schema};

use crate::documented::Api;
use crate::faulty::Faulty;
use crate::seeded_choice::Chance;

pub(crate) const SITE: &str = "https://keys.example.org";
pub(crate) const SPACES: [&str; 6] = ["native", "filebin", "freesewing", "qreserve", "telvue", "bokamera"];
const PASSWORD: &str = "password";
/// Of texts that were known earlier none is looked for.
const TEXTS_MAX: usize = 400;

#[derive(Clone, Copy, Debug)]
enum Cast {
    Person,
    /// Few, since hashing takes long.
    PersonWithPassword,
    Bot,
}

/// Everyone's name, role and company.
const CAST: [(&str, Role, Option<u8>, Cast); 8] = [
    ("admin", Role::Administrator, Some(1), Cast::PersonWithPassword),
    ("boss", Role::Administrator, None, Cast::Person),
    ("mod", Role::Moderator, Some(1), Cast::Person),
    ("flo", Role::User, Some(1), Cast::PersonWithPassword),
    ("ann", Role::User, Some(2), Cast::Person),
    ("reader", Role::ReadOnly, None, Cast::Person),
    ("robot", Role::Administrator, Some(1), Cast::Bot),
    ("drone", Role::Administrator, None, Cast::Bot),
];

/// A key text that a client has seen.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) keyspace: Keyspace,
    pub(crate) id: KeyId,
    pub(crate) owner: UserId,
    pub(crate) text: String,
}

/// A person who logged in once, with what that left them.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) tokens: HashMap<Api, String>,
    pub(crate) session: Option<(String, String)>,
}

pub(crate) struct World {
    disk: Arc<MemoryStore>,
    store: Arc<Faulty>,
    engine: Option<Engine>,
    service: Option<Service>,
    clock: ManualClock,
    entropy: Arc<SeededEntropy>,
    peppers: PepperRing,
    dialects: Vec<(Api, Box<dyn Dialect>)>,
    console: Console,
    pub(crate) texts: Vec<Known>,
    pub(crate) ids: Vec<KeyId>,
    pub(crate) deleted: Vec<KeyId>,
    pub(crate) logins: Vec<Login>,
    /// Some of the users there are.
    users: Vec<User>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let disk = Arc::new(MemoryStore::new());
        let entropy = Arc::new(SeededEntropy::new(seed));
        let dialects: Vec<(Api, Box<dyn Dialect>)> = vec![
            (Api::Native, Box::new(Native::for_everyone(false))),
            (Api::Operator, Box::new(Native::for_operator())),
            (Api::Gateway, Box::new(Gateway::default())),
            (Api::FreeSewing, Box::new(FreeSewing)),
            (Api::BokaMera, Box::new(BokaMera)),
            (Api::Filebin, Box::new(Filebin::new(SITE))),
            (Api::TelVue, Box::new(TelVue)),
            (Api::QReserve, Box::new(QReserve)),
        ];
        let mut world = Self {
            store: Arc::new(Faulty::over(disk.clone())),
            disk,
            engine: None,
            service: None,
            clock: ManualClock::at(Timestamp::from_unix_ms(1_764_100_000_000)),
            peppers: PepperRing::generate(&*entropy).unwrap(),
            entropy,
            dialects,
            console: Console::new(SITE.parse().unwrap()),
            texts: Vec::new(),
            ids: Vec::new(),
            deleted: Vec::new(),
            logins: Vec::new(),
            users: Vec::new(),
        };
        world.open();
        world.mend();
        world
    }

    fn open(&mut self) {
        let parts = Parts {
            clock: Arc::new(self.clock.clone()),
            entropy: Arc::<SeededEntropy>::clone(&self.entropy),
            index_slots_max: 65_536,
            ..Parts::over(Arc::<Faulty>::clone(&self.store), self.peppers.clone())
        };
        let engine = Engine::open(parts).unwrap();
        self.service = Some(Service::new(engine.clone()));
        self.engine = Some(engine);
    }

    /// Time passes while the engine is stopped alone: so nothing is written behind while requests are answered.
    pub(crate) fn reopen(&mut self, later_ms: u64) {
        drop(self.service.take());
        self.engine.take().unwrap().stop().unwrap();
        self.store = Arc::new(self.store.reopened());
        self.clock.advance_ms(later_ms);
        self.open();
        for login in &mut self.logins {
            login.session = None;
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    pub(crate) fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// People of each role in two companies, bots, and keys of everyone in every keyspace; what requests did to them is
    /// undone, so that each request is right for at least one caller.
    pub(crate) fn mend(&mut self) {
        let by = Actor::Operator;
        let before = self.revision();
        for nth in [1, 2] {
            let id = Some(CompanyId::from_bytes([nth; 16]));
            let new = NewCompany { id, name: format!("Company {nth}").parse().unwrap() };
            // Most often it is there.
            let _ = self.engine().add_company(by, new);
        }
        for at in 0..CAST.len() {
            let user = self.cast(at);
            for (keyspace, level) in
                Keyspace::all().flat_map(|space| [user.role.level(), Level::READ].map(|level| (space, level)))
            {
                let new = NewKey::new(*keyspace.name(), user.id, level);
                if let Ok((key, text)) = self.engine().create_key(by, new) {
                    self.learn(keyspace, key.id, user.id, &text.reveal());
                }
            }
        }
        self.note_changes(before);
        for at in 0..self.logins.len() {
            self.log_in(at);
        }
    }

    /// A user of the cast.
    fn cast(&mut self, at: usize) -> User {
        let (name, role, company, kind) = CAST[at];
        let company = company.map(|nth| CompanyId::from_bytes([nth; 16]));
        let known = self.logins.get(at).and_then(|login| self.user(login.user));
        let Some(user) = known else {
            let kind = match kind {
                Cast::Bot => NewKind::Bot,
                Cast::Person => NewKind::Person { password: None },
                Cast::PersonWithPassword => {
                    NewKind::Person { password: Some(Password::new(PASSWORD.as_bytes()).unwrap()) }
                }
            };
            let username = Some(format!("{name}{}", self.revision().0).parse().unwrap());
            let new = NewUser { username, display_name: None, email: None, kind, role, company };
            let user = self.engine().add_user(Actor::Operator, new).unwrap();
            let (tokens, name) = (HashMap::new(), user.username.to_string());
            let login = Login { user: user.id, name, tokens, session: None };
            if at < self.logins.len() {
                self.logins[at] = login
            } else {
                self.logins.push(login)
            }
            return user;
        };
        let company = company.map_or(Patch::Clear, Patch::Set);
        let (role, status) = (Some(role), Some(UserStatus::Active));
        let change = UserChange { role, status, company, ..UserChange::default() };
        let user = self.engine().update_user(Actor::Operator, user.id, change).unwrap();
        self.logins[at].name = user.username.to_string();
        user
    }

    /// Tokens and a session for a user: checking a password takes as long as hundreds of requests.
    fn log_in(&mut self, at: usize) {
        let login =
            self.service().authenticator().vouch_for(self.logins[at].user, Some([192, 0, 2, 7].into()));
        let Ok(login) = login else { return };
        let tokens = [(Api::FreeSewing, Audience::FreeSewing), (Api::BokaMera, Audience::BokaMera)];
        let tokens = tokens.map(|(api, audience)| {
            (api, self.service().authenticator().token(&login, audience).unwrap().to_string())
        });
        let token = self.service().authenticator().begin_session(&login).unwrap();
        self.logins[at].tokens = HashMap::from(tokens);
        self.logins[at].session = Some((token.reveal().to_owned(), token.form_token().as_str().to_owned()));
    }

    pub(crate) fn learn(&mut self, keyspace: Keyspace, id: KeyId, owner: UserId, text: &str) {
        if self.texts.iter().any(|known| known.text == text) {
            return;
        }
        if self.texts.len() >= TEXTS_MAX {
            self.texts.remove(0);
        }
        self.texts.push(Known { keyspace, id, owner, text: text.to_owned() });
    }

    pub(crate) fn revision(&self) -> Revision {
        self.disk.revision()
    }

    /// Everything that is stored.
    pub(crate) fn content(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let entries = self.disk.scan(b"", None, usize::MAX).unwrap();
        entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    /// Notes which keys came and went since `before`.
    pub(crate) fn note_changes(&mut self, before: Revision) {
        self.users = self.engine().reader().users(None, 60).unwrap();
        for change in self.disk.changes(before, usize::MAX).unwrap() {
            for (place, value) in change.writes {
                let id =
                    place.strip_prefix(schema::KEYS).and_then(|id| id.try_into().ok()).map(KeyId::from_bytes);
                let Some(id) = id else { continue };
                self.ids.retain(|known| *known != id);
                let list = if value.is_some() { &mut self.ids } else { &mut self.deleted };
                list.push(id);
                if list.len() > TEXTS_MAX {
                    list.remove(0);
                }
            }
        }
    }

    /// Answers as the server does, where the address is this API's.
    pub(crate) fn answer(&self, api: Api, request: &RawRequest) -> Option<RawResponse> {
        if api == Api::Console {
            return self.console.claims(&request.path).then(|| self.console.answer(self.service(), request));
        }
        let (_, dialect) = self.dialects.iter().find(|(of, _)| *of == api).unwrap();
        dialect.claims(&request.path).then(|| dialect.answer(self.service(), request))
    }

    pub(crate) fn user(&self, id: UserId) -> Option<User> {
        self.engine().reader().user(id).unwrap()
    }

    pub(crate) fn username(&self, chance: &mut Chance) -> String {
        match chance.below(12) {
            0 => "nobody".to_owned(),
            1..6 => chance.of_these(&self.logins).name.clone(),
            _ => chance.of_these(&self.users).username.to_string(),
        }
    }

    pub(crate) fn user_id(&self, chance: &mut Chance) -> u64 {
        match chance.below(12) {
            0 => 999_999,
            1..6 => chance.of_these(&self.logins).user.0,
            _ => chance.of_these(&self.users).id.0,
        }
    }

    /// A bot and its site.
    pub(crate) fn bot(&self, chance: &mut Chance) -> (UserId, String) {
        let bots: Vec<_> =
            self.users.iter().filter(|user| user.kind == keyward::key::UserKind::Bot).collect();
        // Those of the cast have keys.
        let cast = self.logins.get(6 + chance.below(2)).and_then(|login| self.user(login.user));
        let cast = cast.filter(|_| chance.once_in(2));
        let bot = cast.as_ref().unwrap_or_else(|| *chance.of_these(&bots));
        (bot.id, bot.company.map_or_else(|| "main".to_owned(), |company| company.to_string()))
    }

    /// Name of a user who has a password.
    pub(crate) fn has_password(&self, chance: &mut Chance) -> &str {
        &self.logins[*chance.of_these(&[0, 3])].name
    }

    /// Id of a key of the caller's own.
    pub(crate) fn key_of(
        &self,
        owner: Option<UserId>,
        space: Keyspace,
        chance: &mut Chance,
    ) -> Option<String> {
        let own = |known: &&Known| Some(known.owner) == owner && known.keyspace == space;
        let keys: Vec<_> = self.texts.iter().filter(own).collect();
        chance.recent(&keys).map(|known| known.id.to_string())
    }

    /// The text of a key that is a company's, most often.
    pub(crate) fn company_key(&self, chance: &mut Chance) -> String {
        let of_company = |known: &&Known| {
            known.keyspace == Keyspace::BOKAMERA
                && self.user(known.owner).is_some_and(|owner| owner.username.as_str().starts_with("company-"))
        };
        let keys: Vec<_> = self.texts.iter().filter(of_company).collect();
        match chance.recent(&keys) {
            Some(known) if !chance.once_in(4) => known.text.clone(),
            _ => self.text(Some(Keyspace::BOKAMERA), chance),
        }
    }

    pub(crate) fn key_id(&self, chance: &mut Chance) -> String {
        match chance.below(10) {
            0 => "00000000-0000-4000-8000-000000000000".to_owned(),
            1 => chance.recent(&self.deleted).map_or_else(String::new, ToString::to_string),
            2 => chance.recent(&self.texts).map_or_else(String::new, |known| known.id.to_string()),
            _ => chance.recent(&self.ids).map_or_else(String::new, ToString::to_string),
        }
    }

    pub(crate) fn company(&self, chance: &mut Chance) -> String {
        CompanyId::from_bytes([u8::try_from(chance.below(4)).unwrap(); 16]).to_string()
    }

    pub(crate) fn known(&self, keyspace: Option<Keyspace>, chance: &mut Chance) -> Option<&Known> {
        let of = |known: &&Known| keyspace.is_none_or(|space| space == known.keyspace);
        let texts: Vec<_> = self.texts.iter().filter(of).collect();
        chance.recent(&texts).copied()
    }

    /// One that may do everything now.
    pub(crate) fn strong(&self, keyspace: Option<Keyspace>, chance: &mut Chance) -> Option<&Known> {
        let reader = self.engine().reader();
        let is_strong = |known: &&Known| {
            let key =
                reader.key(known.id).unwrap().filter(|key| key.status(reader.now()) == KeyStatus::Active);
            key.is_some_and(|key| key.level == Level::ALL && key.allowlist == Allowlist::Anyone)
                && self.user(known.owner).is_some_and(|owner| owner.role == Role::Administrator)
        };
        let of = |known: &&Known| keyspace.is_none_or(|space| space == known.keyspace);
        let texts: Vec<_> = self.texts.iter().filter(of).collect();
        let known = (0..30).filter_map(|_| chance.recent(&texts).copied());
        known.into_iter().find(is_strong)
    }

    pub(crate) fn text(&self, keyspace: Option<Keyspace>, chance: &mut Chance) -> String {
        self.known(keyspace, chance).map_or_else(String::new, |known| known.text.clone())
    }

    pub(crate) fn password(&self) -> &'static str {
        PASSWORD
    }
}
