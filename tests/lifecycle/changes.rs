//! What the model does with each command. A new command does not compile without its arm.

use keyward::clock::Timestamp;
use keyward::command::{Command, KeyRef, UserRef};
use keyward::engine::EngineError;
use keyward::key::{CompanyId, KeyId, UserId};

use crate::model::Model;

/// What a command that was carried out answers.
#[derive(Debug)]
pub(crate) enum Told {
    Done,
    User(UserId),
    Key(KeyId),
    Company(CompanyId),
    /// Of each key whether it is there now or was before, or why it was refused.
    Imported(Vec<Result<bool, EngineError>>),
    /// Whatever the model shows.
    Shown,
}

impl Model {
    /// Carries a command out for whoever controls the machine.
    pub(crate) fn apply(&mut self, command: &Command, now: Timestamp) -> Result<Told, EngineError> {
        match command.clone() {
            Command::AddUser(new) => self.add_user(&new, now),
            Command::UpdateUser(user, change) => self.update_user(self.named(&user)?, change, now),
            Command::SetPassword(user, _) => self.set_password(self.named(&user)?, now),
            Command::RemoveUser(user) => self.remove_user(self.named(&user)?, now),
            Command::AddCompany(new) => self.add_company(&new, now),
            Command::RenameCompany(id, name) => self.rename_company(id, &name, now),
            Command::RemoveCompany(id) => self.remove_company(id, now),
            Command::CreateKey(new) => self.create_key(new, now),
            Command::CreateKeyOnce(new, mark) => self.create_key_once(new, mark, now),
            Command::UpdateKey(key, change) => self.update_key(id_of(&key), change, now),
            Command::RotateKey { key, grace_ms } => self.rotate_key(id_of(&key), grace_ms, now),
            Command::ProposeText(key) => self.propose_text(id_of(&key), now),
            Command::AdoptText(key) => self.adopt_text(id_of(&key), now),
            Command::DiscardText(key) => self.discard_text(id_of(&key)),
            Command::RevokeKey(key, reason) => self.revoke_key(id_of(&key), reason, now),
            Command::DeleteKey(key) => self.delete_key(id_of(&key), now),
            Command::UndeleteKey(id) => self.undelete_key(id, now),
            Command::ImportKeys { keys, dry } => self.import_keys(&keys, dry, now),
            Command::ShowUser(user) | Command::ListRequests(user) | Command::CountSessions(user) => {
                self.named(&user).map(|_| Told::Shown)
            }
            Command::EndSessions(user) => self.named(&user).map(|_| Told::Done),
            Command::ListKeys { owner, .. } | Command::FindKeys { owner: Some(owner), .. } => {
                self.named(&owner).map(|_| Told::Shown)
            }
            Command::ShowKey(key) | Command::ShowText(key) => self.key(id_of(&key)).map(|_| Told::Shown),
            Command::ShowCompany(id) => {
                self.companies.get(&id).map(|_| Told::Shown).ok_or(EngineError::NoSuchCompany)
            }
            Command::ListUsersOf { company: Some(id), .. } if !self.companies.contains_key(&id) => {
                Err(EngineError::NoSuchCompany)
            }
            Command::ListUsersOf { .. }
            | Command::ListUsers { .. }
            | Command::FindKeys { owner: None, .. }
            | Command::ListCompanies { .. }
            | Command::ListEvents { .. }
            | Command::SearchEvents { .. }
            | Command::CheckAudit { .. }
            | Command::Backup { .. }
            | Command::CountPeppers
            | Command::Check
            | Command::ShowOverview => Ok(Told::Shown),
        }
    }

    fn named(&self, user: &UserRef) -> Result<UserId, EngineError> {
        match user {
            UserRef::Id(id) => self.user(*id).map(|member| member.user.id),
            UserRef::Name(name) => {
                let found = self.users.values().find(|member| member.user.username == *name);
                found.map(|member| member.user.id).ok_or(EngineError::NoSuchUser)
            }
        }
    }
}

fn id_of(key: &KeyRef) -> KeyId {
    match key {
        KeyRef::Id(id) => *id,
        other => panic!("steps name keys by their ids: {other:?}"),
    }
}
