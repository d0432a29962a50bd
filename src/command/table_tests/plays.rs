//! What each command is asked for: as little as there is, and more than the caller may have.

use super::Which;
use super::world::{Texts, World, level, revealed};
use crate::command::*;
use crate::engine::{
    CreateOutcome, EventFilter, IdempotencyKey, ImportedKey, KeyChange, KeyFilter, NewCompany, NewKey,
    NewKind, NewUser, UserChange,
};
use crate::key::{
    Allowlist, DisplayName, Expiry, ImportedSecret, IssuedKey, Key, KeyId, Level, Password, Patch,
    RateLimits, RevokeReason, Role,
};

/// One way to ask for a command: the texts that came out.
pub(super) type Play = fn(&World) -> Result<Texts, CommandError>;

/// Requests for a command. The first one asks for the least, on a target that no principal narrowed.
#[expect(clippy::too_many_lines, reason = "an arm for each command, and nothing else")]
pub(super) fn plays(which: Which) -> Vec<Play> {
    match which {
        Which::AddUser => vec![
            |w| w.done(AddUser(NewUser::person("new".parse().unwrap(), Role::User, None))),
            |w| {
                let new = NewUser::person("new".parse().unwrap(), Role::Administrator, Some(password()));
                w.done(AddUser(new))
            },
            |w| {
                let new = NewUser::person("new".parse().unwrap(), Role::Administrator, None);
                w.done(AddUser(NewUser { kind: NewKind::Bot, ..new }))
            },
            |w| {
                let new = NewUser::person("new".parse().unwrap(), Role::Administrator, None);
                w.done(AddUser(NewUser { company: Some(w.own), ..new }))
            },
            |w| {
                let new = NewUser::person("new".parse().unwrap(), Role::User, None);
                w.done(AddUser(NewUser { company: Some(w.other), ..new }))
            },
        ],
        Which::ShowUser => vec![|w| w.done(ShowUser(UserRef::Id(w.user)))],
        Which::ListUsers => vec![|w| w.done(ListUsers { after: None, limit: 10 })],
        Which::ListUsersOf => {
            vec![|w| w.done(ListUsersOf { company: Some(w.company), after: None, limit: 10 })]
        }
        Which::UpdateUser => {
            vec![
                |w| w.done(UpdateUser { user: UserRef::Id(w.user), change: UserChange::default() }),
                |w| {
                    let change = UserChange { company: Patch::Set(w.other), ..UserChange::default() };
                    w.done(UpdateUser { user: UserRef::Id(w.user), change })
                },
                |w| {
                    let change = UserChange { role: Some(Role::Administrator), ..UserChange::default() };
                    w.done(UpdateUser { user: UserRef::Id(w.user), change })
                },
            ]
        }
        Which::SetPassword => {
            vec![|w| w.done(SetPassword { user: UserRef::Id(w.user), password: password() })]
        }
        Which::RemoveUser => vec![|w| w.done(RemoveUser(UserRef::Id(w.user)))],
        Which::ListRequests => vec![|w| w.done(ListRequests(UserRef::Id(w.user)))],
        Which::CountSessions => vec![|w| w.done(CountSessions(UserRef::Id(w.user)))],
        Which::EndSessions => vec![|w| w.done(EndSessions(UserRef::Id(w.user)))],
        Which::AddCompany => {
            vec![|w| w.done(AddCompany(NewCompany { id: None, name: "New".parse().unwrap() }))]
        }
        Which::ShowCompany => vec![|w| w.done(ShowCompany(w.company))],
        Which::ListCompanies => vec![|w| w.done(ListCompanies { after: None, limit: 10 })],
        Which::RenameCompany => vec![|w| {
            let name: DisplayName = "Renamed".parse().unwrap();
            w.done(RenameCompany { company: w.company, name })
        }],
        Which::RemoveCompany => vec![|w| w.done(RemoveCompany(w.company))],
        Which::CreateKey => vec![
            |w| w.issued(CreateKey(w.new_key())),
            |w| w.issued(CreateKey(w.wide_key())),
            |w| w.issued(CreateKey(NewKey { level: w.caller.level(), ..w.new_key() })),
            |w| w.issued(CreateKey(NewKey { level: w.caller.level(), ..w.wide_key() })),
        ],
        Which::CreateKeyOnce => vec![|w| created_once(w, w.new_key()), |w| {
            created_once(w, NewKey { level: w.caller.level(), ..w.wide_key() })
        }],
        Which::ShowKey => vec![|w| w.done(ShowKey(KeyRef::Id(w.key)))],
        Which::ShowText => vec![|w| shown_text(w, w.key), |w| shown_text(w, w.narrowed)],
        Which::ListKeys => vec![|w| {
            let owner = UserRef::Id(w.user);
            let page = w.run(ListKeys { owner, keyspace: None, after: None, limit: None, texts: true })?;
            let text = |(key, text): (Key, Option<IssuedKey>)| text.map(|text| (key.id, revealed(text)));
            Ok(page.keys.into_iter().filter_map(text).collect())
        }],
        Which::FindKeys => vec![|w| {
            let filter = KeyFilter::default();
            w.done(FindKeys { owner: None, filter, after: None, limit: 10 })
        }],
        Which::UpdateKey => vec![
            |w| w.changed(w.key, KeyChange::default()),
            |w| w.changed(w.key, KeyChange { level: Some(Level::ALL), ..KeyChange::default() }),
            |w| w.changed(w.key, KeyChange { level: Some(w.caller.level()), ..KeyChange::default() }),
            |w| w.changed(w.key, KeyChange { active: Some(false), ..KeyChange::default() }),
            |w| w.changed(w.narrowed, KeyChange { active: Some(true), ..KeyChange::default() }),
            |w| w.changed(w.narrowed, KeyChange { level: Some(level(4)), ..KeyChange::default() }),
            |w| {
                let allowlist = Some(Allowlist::Anyone);
                w.changed(w.narrowed, KeyChange { allowlist, ..KeyChange::default() })
            },
            |w| w.changed(w.narrowed, KeyChange { expiry: Some(Expiry::Never), ..KeyChange::default() }),
            |w| {
                let rate_limits = Some(RateLimits::none());
                w.changed(w.narrowed, KeyChange { rate_limits, ..KeyChange::default() })
            },
        ],
        Which::RotateKey => vec![|w| w.issued(RotateKey { key: KeyRef::Id(w.key), grace_ms: 0 }), |w| {
            w.issued(RotateKey { key: KeyRef::Id(w.narrowed), grace_ms: 0 })
        }],
        Which::StageRotation => vec![|w| w.issued(StageRotation(KeyRef::Id(w.key))), |w| {
            w.issued(StageRotation(KeyRef::Id(w.narrowed)))
        }],
        Which::CommitRotation => vec![|w| w.done(CommitRotation(KeyRef::Id(w.key)))],
        Which::CancelRotation => vec![|w| w.done(CancelRotation(KeyRef::Id(w.key)))],
        Which::RevokeKey => {
            vec![|w| w.done(RevokeKey { key: KeyRef::Id(w.key), reason: RevokeReason::Unspecified })]
        }
        Which::DeleteKey => vec![|w| w.done(DeleteKey(KeyRef::Id(w.key)))],
        Which::UndeleteKey => vec![|w| w.done(UndeleteKey(w.deleted)), |w| w.done(UndeleteKey(w.taken))],
        Which::ImportKeys => vec![|w| {
            let secret = ImportedSecret::Text("imported-key".to_owned().into());
            w.done(ImportKeys { keys: vec![ImportedKey::new(w.new_key(), secret)], dry: false })
        }],
        Which::ListEvents => {
            vec![|w| w.done(ListEvents { filter: EventFilter::default(), after: 0, limit: 10 })]
        }
        Which::SearchEvents => {
            vec![|w| w.done(SearchEvents { filter: EventFilter::default(), before: None, limit: 10 })]
        }
        Which::CheckAudit => vec![|w| w.done(CheckAudit { kept: None })],
        Which::Backup => vec![|w| w.done(Backup { from: None })],
        Which::CountPeppers => vec![|w| w.done(CountPeppers)],
        Which::CheckStore => vec![|w| w.done(CheckStore)],
        Which::ShowOverview => vec![|w| w.done(ShowOverview)],
        Which::AcceptClock => vec![|w| w.done(AcceptClock)],
    }
}

fn password() -> Password {
    Password::new(b"correct horse").unwrap()
}

fn created_once(world: &World, new: NewKey) -> Result<Texts, CommandError> {
    let mark = IdempotencyKey { name: [0; 32], content: [0; 32] };
    Ok(match world.run(CreateKeyOnce { new, mark })? {
        CreateOutcome::Created(key, text) => vec![(key.id, revealed(text))],
        CreateOutcome::Repeated(_) => Texts::new(),
    })
}

fn shown_text(world: &World, key: KeyId) -> Result<Texts, CommandError> {
    let text = world.run(ShowText(KeyRef::Id(key)))?;
    Ok(text.into_iter().map(|text| (key, revealed(text))).collect())
}
