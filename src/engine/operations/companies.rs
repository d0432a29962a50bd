//! Adding, renaming and removing companies.

use crate::engine::commit::Transaction;
use crate::engine::{Engine, EngineError, NewCompany, Reader};
use crate::key::{
    AuditAction, Company, CompanyId, DisplayName, Level, Principal, Role, Subject, User, UserKind, UserStatus,
};
use crate::limits;
use crate::store::codec::Record;
use crate::store::schema;

impl Engine {
    /// Adds a company and its account: the bot that owns the company's own keys.
    ///
    /// # Errors
    /// [`EngineError::CompanyExists`]; [`EngineError::UsernameTaken`] when another user has the account's login name,
    /// which is `company-` and the id: the caller chooses another id. [`EngineError::Entropy`], [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, the company survives a power cut.
    pub fn add_company(&self, by: impl Into<Principal>, new: NewCompany) -> Result<Company, EngineError> {
        let by = by.into();
        let id = new.id.map_or_else(|| CompanyId::generate(self.entropy()), Ok)?;
        let username = Company::account_name(id)?;
        self.write(move |tx| {
            let place = schema::company(&id.to_bytes());
            if tx.has(&place)? {
                return Err(EngineError::CompanyExists);
            }
            let account = User {
                id: tx.next_user_id()?,
                username: username.clone(),
                display_name: Some(new.name.clone()),
                email: None,
                kind: UserKind::Bot,
                role: Role::Moderator,
                company: Some(id),
                status: UserStatus::Active,
                api_access: false,
                api_access_removed_by: Level::AUTHENTICATE,
                demoted: None,
                created: tx.now(),
            };
            let company = Company { id, name: new.name.clone(), account: account.id };
            tx.put(schema::USER_COUNTER, &account.id)?;
            tx.replace_user(None, &account)?;
            tx.write_company(None, Some(&company))?;
            tx.record(by.actor, AuditAction::CompanyAdded, Subject::Company(id))?;
            Ok(company)
        })
    }

    /// Changes the name of a company.
    ///
    /// # Errors
    /// [`EngineError::NoSuchCompany`], [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, the name survives a power cut.
    pub fn rename_company(
        &self,
        by: impl Into<Principal>,
        id: CompanyId,
        name: DisplayName,
    ) -> Result<Company, EngineError> {
        let by = by.into();
        self.write(move |tx| {
            let old = tx.company(id)?;
            let company = Company { name: name.clone(), ..old.clone() };
            if company != old {
                tx.write_company(Some(&old), Some(&company))?;
                tx.record(by.actor, AuditAction::CompanyUpdated, Subject::Company(id))?;
            }
            Ok(company)
        })
    }

    /// Removes a company without members, with its account and every key of the account, as one operation.
    ///
    /// # Errors
    /// [`EngineError::NoSuchCompany`]; [`EngineError::CompanyNotEmpty`]: the caller moves or removes the members first.
    /// [`EngineError::LastAdministrator`] when the account is the last active administrator; [`EngineError::Store`].
    ///
    /// # Durability
    /// After this returns, no verify allows a key of the company, also after a power cut.
    pub fn remove_company(&self, by: impl Into<Principal>, id: CompanyId) -> Result<(), EngineError> {
        let by = by.into();
        self.write(move |tx| {
            let company = tx.company(id)?;
            let members = tx.scan(&schema::members(Some(&id.to_bytes())), None, 2)?;
            if members.iter().any(|member| schema::member_id(&member.key) != Some(company.account.0)) {
                return Err(EngineError::CompanyNotEmpty);
            }
            let account = tx.user(company.account)?;
            tx.check_administrator_left(&account, None)?;
            for key in tx.keys_of(account.id, None)? {
                tx.write_key(Some(&key), None)?;
            }
            tx.drop_owner_limits(account.id)?;
            tx.write_user(Some(&account), None)?;
            tx.write_company(Some(&company), None)?;
            tx.record(by.actor, AuditAction::CompanyRemoved, Subject::Company(id))?;
            Ok(())
        })
    }
}

impl Transaction<'_> {
    /// Refuses a change that would take an account from its company, or change its login name. `new` is the user after
    /// the change; `None` when it is removed.
    pub(in crate::engine) fn check_account_stays(
        &mut self,
        old: &User,
        new: Option<&User>,
    ) -> Result<(), EngineError> {
        let stays = |new: &User| new.company == old.company && new.username == old.username;
        match old.company {
            Some(id) if old.kind == UserKind::Bot && !new.is_some_and(stays) => {
                if self.company(id)?.account == old.id { Err(EngineError::CompanyAccount) } else { Ok(()) }
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a bot with the name of another bot of the same company: people could not tell them apart. The company's
    /// account does not count, and equal names from before stay.
    pub(in crate::engine) fn check_bot_name(
        &mut self,
        old: Option<&User>,
        new: &User,
    ) -> Result<(), EngineError> {
        let stays = old.is_some_and(|old| old.name() == new.name() && old.company == new.company);
        // Login names are unique anyway.
        if new.kind != UserKind::Bot || new.display_name.is_none() || new.is_account() || stays {
            return Ok(());
        }
        let name = new.name().to_lowercase();
        let (site, mut after) =
            (schema::members(new.company.map(|id| id.to_bytes()).as_ref()), None::<Vec<u8>>);
        loop {
            let page = self.scan(&site, after.as_deref(), limits::PAGE_MAX)?;
            for id in page.iter().filter_map(|member| schema::member_id(&member.key)) {
                let Some(other) = self.get::<User>(&schema::user(id))? else { continue };
                let is_other_bot = other.kind == UserKind::Bot && other.id != new.id && !other.is_account();
                if is_other_bot && other.name().to_lowercase() == name {
                    return Err(EngineError::BotNameTaken);
                }
            }
            if page.len() < limits::PAGE_MAX {
                return Ok(());
            }
            after = page.into_iter().next_back().map(|last| last.key);
        }
    }
}

impl Reader {
    /// Returns the company with this id.
    ///
    /// # Errors
    /// [`EngineError::Store`] when it could not be read.
    pub fn company(&self, id: CompanyId) -> Result<Option<Company>, EngineError> {
        self.get(&schema::company(&id.to_bytes()))
    }

    /// Returns up to `limit` companies (at most 1,001) by rising id, after one. Fewer than `limit` are the end.
    ///
    /// # Errors
    /// [`EngineError::Store`] when they could not be read.
    pub fn companies(&self, after: Option<CompanyId>, limit: usize) -> Result<Vec<Company>, EngineError> {
        let after = after.map(|id| schema::company(&id.to_bytes()));
        let limit = limit.clamp(1, limits::PAGE_AND_NEXT_MAX);
        let entries = self.store.scan(schema::COMPANIES, after.as_deref(), limit)?;
        Ok(entries.iter().map(Company::from_entry).collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Parts, UserChange};
    use crate::entropy::OsEntropy;
    use crate::key::{Actor, PepperRing};
    use crate::store::MemoryStore;

    #[test]
    fn a_company_stays_whose_account_is_the_last_administrator() {
        let parts = Parts::new(MemoryStore::new(), PepperRing::generate(&OsEntropy).unwrap());
        let engine = Engine::open(parts).unwrap();
        let new = NewCompany { id: None, name: "Example".parse().unwrap() };
        let company = engine.add_company(Actor::Operator, new).unwrap();
        let change = UserChange { role: Some(Role::Administrator), ..UserChange::default() };
        engine.update_user(Actor::Operator, company.account, change).unwrap();
        let removed = engine.remove_company(Actor::Operator, company.id);
        assert!(matches!(removed, Err(EngineError::LastAdministrator)), "{removed:?}");
    }
}
