//! Every command, at every level, on everyone's things: allowed or refused.

use super::*;
use crate::engine::{Engine, EngineError, ImportedKey, KeyFilter, Parts, RequestMark};
use crate::entropy::OsEntropy;
use crate::key::{Actor, Keyspace, Level, PepperRing, Role};
use crate::store::MemoryStore;

/// Whose things a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// The caller's.
    Own,
    /// Of somebody in the caller's company who is no higher.
    Company,
    /// Of somebody in the caller's company who is higher.
    CompanyAbove,
    /// Of somebody else.
    Others,
}

/// Whose things a command can be about at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// A user, or the things of one: the lowest levels for one's own, and for those of the company.
    Someone(u8, u8),
    /// The users of a company: the lowest level for one's own.
    Company(u8),
    /// Nobody in particular: the lowest level.
    Nobody(u8),
}

/// Written down on its own, so that a change of the rules has to be made twice.
fn expected(command: &Command) -> About {
    match command {
        Command::AddUser(_)
        | Command::ListUsers { .. }
        | Command::AddCompany(_)
        | Command::ListCompanies { .. }
        | Command::ImportKeys { .. }
        | Command::ListEvents { .. }
        | Command::SearchEvents { .. }
        | Command::CheckAudit { .. }
        | Command::Backup { .. }
        | Command::CountPeppers
        | Command::ShowOverview
        | Command::Check => About::Nobody(8),
        Command::ListUsersOf { .. } => About::Company(6),
        Command::ShowCompany(_) => About::Company(0),
        Command::RenameCompany(..) | Command::RemoveCompany(_) => About::Company(8),
        Command::ShowUser(_) | Command::ListRequests(_) => About::Someone(0, 6),
        Command::CountSessions(_) | Command::EndSessions(_) => About::Someone(0, 8),
        Command::UpdateUser(..) | Command::RemoveUser(_) => About::Someone(8, 8),
        Command::SetPassword(..) => About::Someone(4, 8),
        Command::ShowKey(_) => About::Someone(2, 6),
        Command::CreateKey(_)
        | Command::CreateKeyOnce(..)
        | Command::ShowText(_)
        | Command::ListKeys { .. }
        | Command::FindKeys { .. }
        | Command::UpdateKey(..)
        | Command::RotateKey { .. }
        | Command::ProposeText(_)
        | Command::AdoptText(_)
        | Command::DiscardText(_)
        | Command::RevokeKey(..)
        | Command::DeleteKey(_)
        | Command::UndeleteKey(_) => About::Someone(4, 6),
    }
}

fn is_allowed(about: About, level: u8, whose: Whose) -> bool {
    let needed = match (about, whose) {
        (About::Nobody(needed), _) => needed,
        (About::Company(needed), Whose::Own | Whose::Company | Whose::CompanyAbove) => needed,
        (About::Someone(own, _), Whose::Own) => own,
        (About::Someone(_, company), Whose::Company) => company,
        (About::Someone(..), Whose::CompanyAbove | Whose::Others) | (About::Company(_), Whose::Others) => 8,
    };
    level >= needed
}

struct World {
    service: Service,
    caller: Caller,
    /// Whose things the commands are about.
    user: UserId,
    company: CompanyId,
    key: KeyId,
    deleted: KeyId,
}

impl World {
    fn new(level: u8, whose: Whose) -> Option<Self> {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let by = Actor::Operator;
        let company = |name: &str| {
            let new = NewCompany { id: None, name: name.parse().unwrap() };
            engine.add_company(by, new).unwrap().id
        };
        let (own, other) = (company("Own"), company("Other"));
        let add = |name: &str, level: u8, company| {
            let role = Role::of(Level::new(level).unwrap());
            let new =
                NewUser { company: Some(company), ..NewUser::person(name.parse().unwrap(), role, None) };
            engine.add_user(by, new).unwrap().id
        };
        add("last", 8, other);
        let caller = add("caller", level, own);
        let user = match whose {
            Whose::Own => caller,
            Whose::Company => add("peer", level, own),
            // Nobody is above the highest.
            Whose::CompanyAbove => add("above", level.checked_add(1).filter(|level| *level <= 8)?, own),
            Whose::Others => add("stranger", 0, other),
        };
        let create = || {
            let new = NewKey::new(*Keyspace::NATIVE.name(), user, Level::AUTHENTICATE);
            engine.create_key(by, new).unwrap().0.id
        };
        let (key, deleted) = (create(), create());
        engine.delete_key(by, deleted).unwrap();
        let caller = Caller::user(caller, Some(own), None, None, Level::new(level).unwrap());
        engine.propose_text(*caller.actor(), key).unwrap();
        let company = if whose == Whose::Others { other } else { own };
        Some(Self { service: Service::new(engine), caller, user, company, key, deleted })
    }

    /// Every command there is, about the things of this world.
    fn commands(&self) -> Vec<Command> {
        let (user, key) = (UserRef::Id(self.user), KeyRef::Id(self.key));
        let new_key = || NewKey::new(*Keyspace::NATIVE.name(), self.user, Level::AUTHENTICATE);
        let new_user = NewUser::person("new".parse().unwrap(), Role::User, None);
        let name: DisplayName = "New".parse().unwrap();
        let mark = RequestMark { name: [0; 32], content: [0; 32] };
        let secret = crate::key::ForeignSecret::Text("imported-key".to_owned().into());
        vec![
            Command::AddUser(new_user),
            Command::ListUsers { after: None, limit: 10 },
            Command::ListUsersOf { company: Some(self.company), after: None, limit: 10 },
            Command::ShowUser(user.clone()),
            Command::UpdateUser(user.clone(), UserChange::default()),
            Command::RemoveUser(user.clone()),
            Command::SetPassword(user.clone(), Password::new(b"x").unwrap()),
            Command::ListRequests(user.clone()),
            Command::CountSessions(user.clone()),
            Command::EndSessions(user.clone()),
            Command::AddCompany(NewCompany { id: None, name: name.clone() }),
            Command::ShowCompany(self.company),
            Command::ListCompanies { after: None, limit: 10 },
            Command::RenameCompany(self.company, name),
            Command::RemoveCompany(self.company),
            Command::CreateKey(new_key()),
            Command::CreateKeyOnce(new_key(), mark),
            Command::ShowKey(key.clone()),
            Command::ShowText(key.clone()),
            Command::FindKeys {
                owner: Some(user.clone()),
                filter: KeyFilter::default(),
                after: None,
                limit: 10,
            },
            Command::ListKeys { owner: user, keyspace: None, after: None, limit: None, texts: false },
            Command::UpdateKey(key.clone(), KeyChange::default()),
            Command::RotateKey { key: key.clone(), grace_ms: 0 },
            Command::ProposeText(key.clone()),
            Command::AdoptText(key.clone()),
            Command::DiscardText(key.clone()),
            Command::RevokeKey(key.clone(), RevokeReason::Unspecified),
            Command::DeleteKey(key),
            Command::UndeleteKey(self.deleted),
            Command::ImportKeys { keys: vec![ImportedKey::new(new_key(), secret)], dry: false },
            Command::ListEvents { filter: EventFilter::default(), after: 0, limit: 10 },
            Command::SearchEvents { filter: EventFilter::default(), before: None, limit: 10 },
            Command::CheckAudit { kept: None },
            Command::Backup { from: None },
            Command::CountPeppers,
            Command::ShowOverview,
            Command::Check,
        ]
    }

    /// Whether the gate lets it through; what the engine says then is another matter.
    fn lets_through(&self, command: Command) -> bool {
        match self.service.dispatch(&self.caller, command) {
            Err(
                CommandError::LevelTooLow { .. }
                | CommandError::LevelAboveOwn { .. }
                | CommandError::NotYours
                | CommandError::Engine(
                    EngineError::NoSuchUser | EngineError::NoSuchKey | EngineError::NoSuchCompany,
                ),
            ) => false,
            Ok(_) | Err(CommandError::Engine(_)) => true,
        }
    }
}

#[test]
fn every_command_is_allowed_exactly_where_the_table_says() {
    let mut tried = 0;
    for level in 0..=8 {
        for whose in [Whose::Own, Whose::Company, Whose::CompanyAbove, Whose::Others] {
            let Some(count) = World::new(level, whose).map(|world| world.commands().len()) else { continue };
            for at in 0..count {
                let world = World::new(level, whose).unwrap();
                let command = world.commands().swap_remove(at);
                let (about, shown) = (expected(&command), format!("{command:?}"));
                let allowed = world.lets_through(command);
                assert_eq!(allowed, is_allowed(about, level, whose), "level {level}, {whose:?}: {shown}");
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 37 * (9 * 4 - 1), "37 commands, and nobody is above the highest");
}
