//! The command that a step asks for, about whom and what the model knows.

use keyward::clock::Timestamp;
use keyward::command::{
    AddCompany, AddUser, CancelRotation, CommitRotation, CreateKey, CreateKeyOnce, DeleteKey, EndSessions,
    ImportKeys, KeyRef, RemoveCompany, RemoveUser, RenameCompany, RevokeKey, RotateKey, SetPassword,
    StageRotation, UndeleteKey, UpdateKey, UpdateUser, UserRef,
};
use keyward::engine::{
    IdempotencyKey, ImportedKey, KeyChange, NewCompany, NewKey, NewKind, NewUser, UserChange,
};
use keyward::key::{
    CompanyId, Email, Expiry, ImportedSecret, KeyId, Keyspace, Level, Password, Patch, RateLimits,
    RevokeReason, Role, UserId, UserStatus, Username,
};
use zeroize::Zeroizing;

use crate::any_change::Command;
use crate::imports;
use crate::model::{Model, NETWORKS};
use crate::rates::rate_limits;
use crate::steps::{Step, What};

/// Chooses what a step is about.
pub(crate) struct Chooser<'a> {
    pub(crate) model: &'a Model,
    pub(crate) now: Timestamp,
    /// Rises, so that every key's comment is its own.
    pub(crate) made: &'a mut u32,
    /// Which of the other system's keys may be taken over.
    pub(crate) epoch: u8,
    /// Whether texts that were given out here may be taken over, too. Under several peppers it cannot always be told
    /// that a deleted key had them.
    pub(crate) own_texts: bool,
}

/// So many passwords there are.
pub(crate) const PASSWORDS: u8 = 3;

/// One of them.
pub(crate) fn password(nth: u8) -> Password {
    Password::new(format!("password {nth}").as_bytes()).unwrap()
}

impl Chooser<'_> {
    /// `None` where the step is not about a command.
    pub(crate) fn command(&mut self, step: Step) -> Option<Command> {
        let Step { what, who, a, b, c } = step;
        Some(match what {
            What::AddUser => Command::AddUser(AddUser(self.new_user(a, b, c))),
            What::UpdateUser => {
                Command::UpdateUser(UpdateUser { user: self.user(who, a), change: self.user_change(a, b, c) })
            }
            What::SetPassword => Command::SetPassword(SetPassword {
                user: self.user(who, a),
                password: password(self.model.password),
            }),
            What::RemoveUser => Command::RemoveUser(RemoveUser(self.user(who, a))),
            What::AddCompany => Command::AddCompany(AddCompany(NewCompany {
                id: Some(company(who)),
                name: format!("Company {a}").parse().unwrap(),
            })),
            What::RenameCompany => Command::RenameCompany(RenameCompany {
                company: company(who),
                name: format!("Company {}", a % 2).parse().unwrap(),
            }),
            What::RemoveCompany => Command::RemoveCompany(RemoveCompany(company(who))),
            What::CreateKey => Command::CreateKey(CreateKey(self.new_key(who, a, b, c))),
            What::CreateKeyOnce => {
                let mark = IdempotencyKey { name: [c % 4; 32], content: [c / 4 % 2; 32] };
                Command::CreateKeyOnce(CreateKeyOnce { new: self.new_key(who, a, b, 0), mark })
            }
            What::UpdateKey => {
                Command::UpdateKey(UpdateKey { key: self.key(who), change: self.key_change(a, b, c) })
            }
            What::SwitchKey => {
                let active = Some(a.is_multiple_of(2));
                Command::UpdateKey(UpdateKey {
                    key: self.key(who),
                    change: KeyChange { active, ..KeyChange::default() },
                })
            }
            What::RotateKey => Command::RotateKey(RotateKey { key: self.key(who), grace_ms: grace(a) }),
            What::StageRotation => Command::StageRotation(StageRotation(self.key(who))),
            What::CommitRotation => Command::CommitRotation(CommitRotation(self.key_proposed(who, a))),
            What::CancelRotation => Command::CancelRotation(CancelRotation(self.key_proposed(who, a))),
            What::RevokeKey => Command::RevokeKey(RevokeKey {
                key: self.key(who),
                reason: RevokeReason::ALL[usize::from(a) % RevokeReason::ALL.len()],
            }),
            What::DeleteKey => Command::DeleteKey(DeleteKey(self.key(who))),
            What::UndeleteKey => Command::UndeleteKey(UndeleteKey(self.deleted(who))),
            What::ImportKeys => {
                let keys = (0..=who % 4)
                    .map(|nth| self.imported(who / 2 + nth, a.wrapping_mul(nth + 1), b, c ^ nth));
                Command::ImportKeys(ImportKeys { keys: keys.collect(), dry: c.is_multiple_of(5) })
            }
            What::EndSessions => Command::EndSessions(EndSessions(self.user(who, a))),
            What::Wait
            | What::NewPepper
            | What::RetirePepper
            | What::FailSoon
            | What::Reopen
            | What::Crash
            | What::Restore
            | What::Repair => return None,
        })
    }

    fn user_id(&self, who: u8) -> UserId {
        let ids: Vec<_> = self.model.users.keys().copied().collect();
        // Now and then one that is not there.
        if who == 11 || ids.is_empty() { UserId(9_999) } else { ids[usize::from(who) % ids.len()] }
    }

    fn user(&self, who: u8, a: u8) -> UserRef {
        let id = self.user_id(who);
        match self.model.users.get(&id).filter(|_| a.is_multiple_of(4)) {
            Some(member) => UserRef::Name(member.user.username.clone()),
            None => UserRef::Id(id),
        }
    }

    fn key_id(&self, who: u8) -> KeyId {
        let ids: Vec<_> = self.model.keys.keys().copied().collect();
        if who == 11 || ids.is_empty() {
            KeyId::from_bytes([7; 16])
        } else {
            ids[usize::from(who) % ids.len()]
        }
    }

    fn key(&self, who: u8) -> KeyRef {
        KeyRef::Id(self.key_id(who))
    }

    /// Most often one that waits for its new text.
    fn key_proposed(&self, who: u8, a: u8) -> KeyRef {
        let waits: Vec<_> = self.model.proposals.keys().copied().collect();
        if a.is_multiple_of(4) || waits.is_empty() {
            self.key(who)
        } else {
            KeyRef::Id(waits[usize::from(who) % waits.len()])
        }
    }

    fn deleted(&self, who: u8) -> KeyId {
        let ids: Vec<_> = self.model.deleted.keys().copied().collect();
        if who == 11 || ids.is_empty() { self.key_id(who) } else { ids[usize::from(who) % ids.len()] }
    }

    fn name(&self, nth: u8) -> Option<Username> {
        let name = match nth % 8 {
            0 | 1 => return None,
            6 => format!("person-{}", self.model.last_user + 2),
            7 => format!("company-{}", company(nth / 8)),
            nth => format!("user{nth}"),
        };
        Some(name.parse().unwrap())
    }

    fn new_user(&self, a: u8, b: u8, c: u8) -> NewUser {
        let kind = if a.is_multiple_of(2) { NewKind::Bot } else { NewKind::Person { password: None } };
        let email = (c.is_multiple_of(2)).then(|| address(c / 2));
        let company = (b.is_multiple_of(4)).then(|| company(b / 4));
        let display_name = (a.is_multiple_of(3)).then(|| format!("User {b}").parse().unwrap());
        let role = Role::ALL[usize::from(a / 2) % 9];
        NewUser { username: self.name(b / 2), display_name, email, kind, role, company }
    }

    fn user_change(&self, a: u8, b: u8, c: u8) -> UserChange {
        let mut change = UserChange::default();
        if a.is_multiple_of(3) {
            change.username = self.name(b);
            change.display_name =
                Patch::from((b.is_multiple_of(2)).then(|| format!("User {b}").parse().unwrap()));
        }
        match a / 3 % 4 {
            0 => change.role = Some(Role::ALL[usize::from(b) % 9]),
            1 => change.status = Some(UserStatus::ALL[usize::from(b) % 3]),
            2 => change.role = Some(Role::Administrator),
            _ => {}
        }
        match c % 8 {
            0 | 1 => change.api_access = Some(true),
            2 => change.api_access = Some(false),
            3 => change.company = Patch::Set(company(c / 8)),
            4 => change.company = Patch::Clear,
            5 => change.email = Patch::Set(address(c / 8)),
            6 => change.email = Patch::Clear,
            _ => {}
        }
        change
    }

    fn comment(&mut self) -> String {
        *self.made += 1;
        format!("key {}", self.made)
    }

    fn new_key(&mut self, who: u8, a: u8, b: u8, c: u8) -> NewKey {
        let keyspaces: Vec<_> = Keyspace::all().collect();
        let keyspace = keyspaces[usize::from(a) % keyspaces.len()];
        NewKey {
            comment: self.comment().parse().unwrap(),
            contact: (c.is_multiple_of(3)).then(|| address(b).into()),
            allowlist: Some(NETWORKS[usize::from(c / 4) % NETWORKS.len()].0.parse().unwrap()),
            rate_limits: Some(if c.is_multiple_of(4) { rate_limits(b % 4) } else { RateLimits::none() }),
            expiry: Some(self.expiry(c / 16)),
            ..NewKey::new(*keyspace.name(), self.user_id(who), Level::new(b % 9).unwrap())
        }
    }

    fn expiry(&self, nth: u8) -> Expiry {
        match nth % 16 {
            0..8 => Expiry::Never,
            8 => Expiry::At(self.now),
            9 => Expiry::At(self.now.plus_ms(keyward::limits::LIFE_MS_MAX + 1)),
            10..13 => Expiry::At(self.now.plus_ms(u64::from(nth) * 100)),
            nth => Expiry::At(self.now.plus_ms(u64::from(nth) * 3_600_000)),
        }
    }

    fn key_change(&mut self, a: u8, b: u8, c: u8) -> KeyChange {
        let mut change = KeyChange::default();
        match a % 4 {
            0 => change.level = Some(Level::new(b % 9).unwrap()),
            1 => change.allowlist = Some(NETWORKS[usize::from(b) % NETWORKS.len()].0.parse().unwrap()),
            2 => change.rate_limits = Some(rate_limits(b % 4)),
            _ => change.expiry = Some(self.expiry(b)),
        }
        match a / 4 % 4 {
            0 => change.comment = Some(self.comment().parse().unwrap()),
            1 => change.contact = Patch::from((c.is_multiple_of(2)).then(|| address(c).into())),
            2 => change.active = Some(c.is_multiple_of(2)),
            _ => {}
        }
        change
    }

    fn imported(&mut self, who: u8, a: u8, b: u8, c: u8) -> ImportedKey {
        let mut new = self.new_key(who % 12, a, b, c);
        // A staged text belongs to no key yet, and cannot be staged twice.
        let proposed = |text: &String| {
            self.model.proposals.values().any(|(proposed, _)| proposed.as_ref() == Some(text))
        };
        let ours = |text: &String| !imports::is_theirs(text) && !proposed(text);
        let issued: Vec<_> = self.model.texts.iter().filter(|(_, text)| ours(text)).collect();
        let secret = match issued.len() {
            known if c.is_multiple_of(7) && known > 0 && self.own_texts => {
                let (keyspace, text) = issued[usize::from(b) % known];
                new.keyspace = *keyspace.name();
                ImportedSecret::Text(Zeroizing::new(text.clone()))
            }
            _ => imports::secret(c, self.epoch * 4 + b % 4),
        };
        ImportedKey::new(new, secret)
    }
}

fn company(nth: u8) -> CompanyId {
    CompanyId::from_bytes([nth % 3 + 1; 16])
}

/// One of a few addresses, in one of its spellings.
fn address(nth: u8) -> Email {
    let text = format!("Flo{}@Example.org", nth % 4);
    if nth % 8 < 4 { text } else { text.to_lowercase() }.parse().unwrap()
}

fn grace(nth: u8) -> u64 {
    match nth {
        0..100 => 0,
        100..120 => keyward::limits::GRACE_MS_MAX + 1,
        _ => u64::from(nth) * 100,
    }
}
