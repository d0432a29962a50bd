//! What the model does with users and companies.

use keyward::clock::Timestamp;
use keyward::engine::{EngineError, NewCompany, NewKey, NewKind, NewUser, UserChange};
use keyward::key::{
    AuditAction, Company, CompanyId, DisplayName, Keyspace, Level, Patch, RevokeReason, Role, Subject, User,
    UserId, UserKind, UserStatus,
};

use crate::model::{Member, Model, placeholder};
use crate::model_changes::Told;

type Answer = Result<Told, EngineError>;

impl Model {
    fn check_company(&self, company: Option<CompanyId>) -> Result<(), EngineError> {
        if company.is_none_or(|id| self.companies.contains_key(&id)) {
            Ok(())
        } else {
            Err(EngineError::NoSuchCompany)
        }
    }

    pub(crate) fn add_user(&mut self, new: &NewUser, now: Timestamp) -> Answer {
        self.check_company(new.company)?;
        let id = UserId(self.last_user + 1);
        let (kind, word) = match &new.kind {
            NewKind::Bot => (UserKind::Bot, "bot"),
            NewKind::Person { .. } => (UserKind::Person { password: None }, "person"),
        };
        let user = User {
            id,
            username: new.username.clone().unwrap_or_else(|| format!("{word}-{id}").parse().unwrap()),
            display_name: new.display_name.clone(),
            email: new.email.clone(),
            kind,
            role: new.role,
            company: new.company,
            status: UserStatus::Active,
            api_access: false,
            api_access_removed_by: Level::AUTHENTICATE,
            demoted: None,
            created: now,
        };
        self.check_bot_name(None, &user)?;
        self.join(user)?;
        self.record(now, AuditAction::UserAdded, Subject::User(id));
        Ok(Told::User(id))
    }

    fn join(&mut self, user: User) -> Result<(), EngineError> {
        self.check_unique(&user)?;
        self.last_user = user.id.0;
        self.users.insert(user.id, Member { user, password: None });
        Ok(())
    }

    pub(crate) fn update_user(&mut self, id: UserId, change: UserChange, now: Timestamp) -> Answer {
        let old = self.user(id)?.user.clone();
        let user = changed(&old, change);
        if user == old {
            return Ok(Told::User(id));
        }
        if self.loses_administrator(id, Some((user.role, user.status))) {
            return Err(EngineError::LastAdministrator);
        }
        if self.is_account(&old) && (user.company != old.company || user.username != old.username) {
            return Err(EngineError::CompanyAccount);
        }
        self.check_company(user.company)?;
        self.check_bot_name(Some(&old), &user)?;
        self.check_unique(&user)?;
        let (began, ended) = (user.api_access && !old.api_access, old.api_access && !user.api_access);
        let stopped = old.status == UserStatus::Active && user.status != UserStatus::Active;
        let demoted = user.role.level() < old.role.level() || stopped;
        self.users.get_mut(&id).unwrap().user = user;
        if demoted {
            self.users.get_mut(&id).unwrap().user.demoted = Some(now);
            for key in self.live(id, Keyspace::FREESEWING) {
                self.keys.get_mut(&key).unwrap().revoke(now, RevokeReason::PrivilegeWithdrawn);
            }
        }
        if ended {
            for key in self.live(id, Keyspace::TELVUE) {
                self.keys.remove(&key);
            }
        }
        if began {
            let new = NewKey::new(*Keyspace::TELVUE.name(), id, Level::ALL);
            let key = self.begin(new, now, self.next_event());
            self.keys.insert(placeholder(0), key);
        }
        let action = match (began, ended) {
            (true, _) => AuditAction::AccessGranted,
            (_, true) => AuditAction::AccessRemoved,
            _ => AuditAction::UserUpdated,
        };
        self.record(now, action, Subject::User(id));
        Ok(Told::User(id))
    }

    pub(crate) fn set_password(&mut self, id: UserId, now: Timestamp) -> Answer {
        if self.user(id)?.user.kind == UserKind::Bot {
            return Err(EngineError::BotPassword);
        }
        self.users.get_mut(&id).unwrap().password = Some(self.password);
        self.record(now, AuditAction::PasswordSet, Subject::User(id));
        Ok(Told::User(id))
    }

    pub(crate) fn remove_user(&mut self, id: UserId, now: Timestamp) -> Answer {
        let user = self.user(id)?.user.clone();
        if self.loses_administrator(id, None) {
            return Err(EngineError::LastAdministrator);
        }
        if self.is_account(&user) {
            return Err(EngineError::CompanyAccount);
        }
        self.leave(id);
        self.record(now, AuditAction::UserRemoved, Subject::User(id));
        Ok(Told::Done)
    }

    fn leave(&mut self, id: UserId) {
        self.users.remove(&id);
        self.keys.retain(|_, key| key.new.owner != id);
        self.limits.retain(|(owner, _), _| *owner != id);
    }

    pub(crate) fn add_company(&mut self, new: &NewCompany, now: Timestamp) -> Answer {
        let id = new.id.unwrap();
        if self.companies.contains_key(&id) {
            return Err(EngineError::CompanyExists);
        }
        let account = UserId(self.last_user + 1);
        self.join(User {
            id: account,
            username: format!("company-{id}").parse().unwrap(),
            display_name: Some(new.name.clone()),
            email: None,
            kind: UserKind::Bot,
            role: Role::Moderator,
            company: Some(id),
            status: UserStatus::Active,
            api_access: false,
            api_access_removed_by: Level::AUTHENTICATE,
            demoted: None,
            created: now,
        })?;
        self.companies.insert(id, Company { id, name: new.name.clone(), account });
        self.record(now, AuditAction::CompanyAdded, Subject::Company(id));
        Ok(Told::Company(id))
    }

    pub(crate) fn rename_company(&mut self, id: CompanyId, name: &DisplayName, now: Timestamp) -> Answer {
        let company = self.companies.get_mut(&id).ok_or(EngineError::NoSuchCompany)?;
        if company.name != *name {
            company.name = name.clone();
            self.record(now, AuditAction::CompanyUpdated, Subject::Company(id));
        }
        Ok(Told::Company(id))
    }

    pub(crate) fn remove_company(&mut self, id: CompanyId, now: Timestamp) -> Answer {
        let account = self.companies.get(&id).ok_or(EngineError::NoSuchCompany)?.account;
        if self.users.values().any(|member| member.user.company == Some(id) && member.user.id != account) {
            return Err(EngineError::CompanyNotEmpty);
        }
        if self.loses_administrator(account, None) {
            return Err(EngineError::LastAdministrator);
        }
        self.leave(account);
        self.companies.remove(&id);
        self.record(now, AuditAction::CompanyRemoved, Subject::Company(id));
        Ok(Told::Done)
    }
}

fn changed(old: &User, change: UserChange) -> User {
    fn over<T>(change: Patch<T>, old: Option<T>) -> Option<T> {
        match change {
            Patch::Keep => old,
            Patch::Clear => None,
            Patch::Set(new) => Some(new),
        }
    }
    let old = old.clone();
    User {
        username: change.username.unwrap_or(old.username),
        display_name: over(change.display_name, old.display_name),
        email: over(change.email, old.email),
        role: change.role.unwrap_or(old.role),
        company: over(change.company, old.company),
        status: change.status.unwrap_or(old.status),
        api_access: change.api_access.unwrap_or(old.api_access),
        ..old
    }
}
