//! What the model does with each command that changes something.

use keyward::clock::Timestamp;
use keyward::command::{
    AddCompany, AddUser, CancelRotation, CommitRotation, CreateKey, CreateKeyOnce, DeleteKey, EndSessions,
    ImportKeys, KeyRef, RemoveCompany, RemoveUser, RenameCompany, RevokeKey, RotateKey, SetPassword,
    StageRotation, UndeleteKey, UpdateKey, UpdateUser, UserRef,
};
use keyward::engine::EngineError;
use keyward::key::{CompanyId, KeyId, UserId};

use crate::any_change::Command;
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
}

impl Model {
    /// Carries a command out for the operator.
    pub(crate) fn apply(&mut self, command: &Command, now: Timestamp) -> Result<Told, EngineError> {
        match command.clone() {
            Command::AddUser(AddUser(new)) => self.add_user(&new, now),
            Command::UpdateUser(UpdateUser { user, change }) => {
                self.update_user(self.named(&user)?, change, now)
            }
            Command::SetPassword(SetPassword { user, .. }) => self.set_password(self.named(&user)?, now),
            Command::RemoveUser(RemoveUser(user)) => self.remove_user(self.named(&user)?, now),
            Command::AddCompany(AddCompany(new)) => self.add_company(&new, now),
            Command::RenameCompany(RenameCompany { company, name }) => {
                self.rename_company(company, &name, now)
            }
            Command::RemoveCompany(RemoveCompany(id)) => self.remove_company(id, now),
            Command::CreateKey(CreateKey(new)) => self.create_key(new, now),
            Command::CreateKeyOnce(CreateKeyOnce { new, mark }) => self.create_key_idempotent(new, mark, now),
            Command::UpdateKey(UpdateKey { key, change }) => self.update_key(id_of(&key), change, now),
            Command::RotateKey(RotateKey { key, grace_ms }) => self.rotate_key(id_of(&key), grace_ms, now),
            Command::StageRotation(StageRotation(key)) => self.stage_rotation(id_of(&key), now),
            Command::CommitRotation(CommitRotation(key)) => self.commit_rotation(id_of(&key), now),
            Command::CancelRotation(CancelRotation(key)) => self.cancel_rotation(id_of(&key)),
            Command::RevokeKey(RevokeKey { key, reason }) => self.revoke_key(id_of(&key), reason, now),
            Command::DeleteKey(DeleteKey(key)) => self.delete_key(id_of(&key), now),
            Command::UndeleteKey(UndeleteKey(id)) => self.undelete_key(id, now),
            Command::ImportKeys(ImportKeys { keys, dry }) => self.import_keys(&keys, dry, now),
            Command::EndSessions(EndSessions(user)) => self.named(&user).map(|_| Told::Done),
        }
    }

    fn named(&self, user: &UserRef) -> Result<UserId, EngineError> {
        match user {
            UserRef::Own => panic!("steps name users by id or by name"),
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
