//! Carries out commands: one arm each, through the gate and into the engine.

use super::authorize::{Authorized, Gate};
use super::{Caller, Command, CommandError, Outcome, Service, UserRef};
use crate::engine::{Created, Cursor, KeyChange, NewKey};
use crate::key::{IssuedKey, Key, KeyspaceName, RateLimits, UserId};
use crate::limits;

impl Service {
    /// Carries out `command` for `caller`, if the caller may.
    ///
    /// # Errors
    /// [`CommandError`]: each variant says what the caller can do.
    ///
    /// # Durability
    /// When a command that changes something answers `Ok`, the change survives a power cut.
    #[expect(clippy::too_many_lines, reason = "an arm for each command, and nothing else")]
    pub fn dispatch(&self, caller: &Caller, command: Command) -> Result<Outcome, CommandError> {
        let reader = self.engine.reader();
        let gate = Gate::open(caller, &command, &reader)?;
        let by = caller.authority();
        let user = |user| Outcome::User(Box::new(user));
        let key = |key| Outcome::Key(Box::new(key));
        Ok(match command {
            Command::AddUser(new) => {
                gate.anything()?.get();
                user(self.engine.add_user(by, new)?)
            }
            Command::ShowUser(named) => user(gate.user(&named)?.get()),
            Command::ListUsers { after, limit } => {
                gate.anything()?.get();
                Outcome::Users(reader.users(after, limit)?)
            }
            Command::ListUsersOf { company, after, limit } => {
                let company = company.map(|id| gate.company(id)).transpose()?;
                if company.is_none() {
                    gate.anything()?.get();
                }
                let company = company.map(|company| company.get().id);
                let (users, next) = reader.users_of(company, after, limit)?;
                Outcome::Members(users, next)
            }
            Command::UpdateUser(named, change) => {
                user(self.engine.update_user(by, gate.user(&named)?.get().id, change)?)
            }
            Command::SetPassword(named, password) => {
                user(self.engine.set_password(by, gate.user(&named)?.get().id, &password)?)
            }
            Command::RemoveUser(named) => {
                self.engine.remove_user(by, gate.user(&named)?.get().id)?;
                Outcome::Done
            }
            Command::CreateKey(new) => {
                let (key, text) = self.engine.create_key(by, allowed(&gate, new)?)?;
                Outcome::Issued(Box::new(key), text)
            }
            Command::CreateKeyOnce(new, mark) => {
                match self.engine.create_key_once(by, allowed(&gate, new)?, mark)? {
                    Created::Now(key, text) => Outcome::Issued(key, text),
                    Created::Before(key) => Outcome::Key(key),
                }
            }
            Command::ShowText(named) => {
                let key = gate.key(&named)?.get();
                let shown = gate.shows_text(&key)?;
                Outcome::Text(if shown { reader.text(&key)? } else { None })
            }
            Command::FindKeys { owner, filter, after, limit } => {
                let whose = gate.whose(owner.as_ref())?.get();
                let (keys, next) = reader.find_keys(whose, &filter, after.as_ref(), limit)?;
                Outcome::Keys(keys.into_iter().map(|key| (key, None)).collect(), next)
            }
            Command::ShowKey(named) => key(gate.key(&named)?.get()),
            Command::ListKeys { owner, keyspace, after, limit, texts } => {
                let owner = gate.user(&owner)?.get().id;
                let (keys, next) = self.keys_of(owner, keyspace.as_ref(), after, limit)?;
                let shown = |key: &Key| if texts { gate.shows_text(key) } else { Ok(false) };
                Outcome::Keys(self.with_texts(keys, shown)?, next)
            }
            Command::UpdateKey(named, change) => {
                let level = change.level.map(|level| gate.level(level)).transpose()?;
                let rate_limits = change.rate_limits.map(|limits| gate.rate_limits(limits)).transpose()?;
                let change = KeyChange {
                    level: level.map(|level| level.get()),
                    rate_limits: rate_limits.map(|limits| limits.get()),
                    ..change
                };
                key(self.engine.update_key(by, gate.key(&named)?.get().id, change)?)
            }
            Command::RotateKey { key: named, grace_ms } => {
                let (key, text) = self.engine.rotate_key(by, gate.text_of(&named)?.get().id, grace_ms)?;
                Outcome::Issued(Box::new(key), text)
            }
            Command::ProposeText(named) => {
                let (key, text) = self.engine.propose_text(by, gate.text_of(&named)?.get().id)?;
                Outcome::Issued(Box::new(key), text)
            }
            Command::AdoptText(named) => key(self.engine.adopt_text(by, gate.key(&named)?.get().id)?),
            Command::DiscardText(named) => {
                self.engine.discard_text(by, gate.key(&named)?.get().id);
                Outcome::Done
            }
            Command::RevokeKey(named, reason) => {
                key(self.engine.revoke_key(by, gate.key(&named)?.get().id, reason)?)
            }
            Command::DeleteKey(named) => {
                self.engine.delete_key(by, gate.key(&named)?.get().id)?;
                Outcome::Done
            }
            Command::UndeleteKey(id) => key(self.engine.undelete_key(by, gate.deleted_key(id)?.get().id)?),
            Command::ImportKeys { keys, dry } => {
                gate.anything()?.get();
                Outcome::Imported(self.engine.import_keys(by, keys, dry)?)
            }
            Command::ListEvents { filter, after, limit } => {
                gate.anything()?.get();
                let (events, next) = reader.events(&filter, after, limit)?;
                Outcome::Events(events, next)
            }
            Command::AddCompany(new) => {
                gate.anything()?.get();
                Outcome::Company(self.engine.add_company(by, new)?)
            }
            Command::ShowCompany(id) => Outcome::Company(gate.company(id)?.get()),
            Command::ListCompanies { after, limit } => {
                gate.anything()?.get();
                Outcome::Companies(reader.companies(after, limit)?)
            }
            Command::RenameCompany(id, name) => {
                Outcome::Company(self.engine.rename_company(by, gate.company(id)?.get().id, name)?)
            }
            Command::RemoveCompany(id) => {
                self.engine.remove_company(by, gate.company(id)?.get().id)?;
                Outcome::Done
            }
            Command::SearchEvents { filter, before, limit } => {
                gate.anything()?.get();
                Outcome::Trail(reader.trail(&filter, before, limit)?)
            }
            Command::CheckAudit { kept } => {
                gate.anything()?.get();
                Outcome::Chain(reader.audit_chain(kept.as_ref())?)
            }
            Command::ShowOverview => {
                gate.anything()?.get();
                Outcome::Overview(self.overview()?)
            }
            Command::ListRequests(named) => {
                Outcome::Requests(self.memory.recent.of(gate.user(&named)?.get().id))
            }
            Command::CountSessions(named) => Outcome::Count(self.sessions_of(gate.user(&named)?.get().id)),
            Command::EndSessions(named) => {
                self.end_sessions_of(gate.user(&named)?.get().id);
                Outcome::Done
            }
            Command::CountPeppers => {
                gate.anything()?.get();
                Outcome::Peppers(reader.pepper_uses()?)
            }
            Command::Backup { from } => {
                gate.anything()?.get();
                Outcome::Piece(reader.backup_piece(from.as_ref())?)
            }
            Command::Check => {
                gate.anything()?.get();
                Outcome::Checked(self.engine.check()?)
            }
        })
    }

    /// One page of keys, or with no limit all pages.
    fn keys_of(
        &self,
        owner: UserId,
        keyspace: Option<&KeyspaceName>,
        after: Option<Cursor>,
        limit: Option<usize>,
    ) -> Result<(Vec<Key>, Option<Cursor>), CommandError> {
        let reader = self.engine.reader();
        if let Some(limit) = limit {
            return Ok(reader.keys_of(owner, keyspace, after.as_ref(), limit)?);
        }
        let mut all = Vec::new();
        let mut next = after;
        loop {
            let (keys, more) = reader.keys_of(owner, keyspace, next.as_ref(), limits::PAGE_MAX)?;
            all.extend(keys);
            if more.is_none() {
                return Ok((all, None));
            }
            next = more;
        }
    }

    fn with_texts(
        &self,
        keys: Vec<Key>,
        shown: impl Fn(&Key) -> Result<bool, CommandError>,
    ) -> Result<Vec<(Key, Option<IssuedKey>)>, CommandError> {
        let reader = self.engine.reader();
        let text = |key: &Key| if shown(key)? { Ok(reader.text(key)?) } else { Ok(None) };
        keys.into_iter().map(|key| text(&key).map(|text| (key, text))).collect()
    }
}

/// The key that the caller may create, for whom and with what.
fn allowed(gate: &Gate<'_>, new: NewKey) -> Result<NewKey, CommandError> {
    let owner = gate.user(&UserRef::Id(new.owner))?.get().id;
    let level = gate.level(new.level)?.get();
    let limits = |asked: RateLimits| match asked.all() {
        [] => Ok(asked),
        _ => gate.rate_limits(asked).map(Authorized::get),
    };
    let rate_limits = new.rate_limits.map(limits).transpose()?;
    Ok(NewKey { owner, level, rate_limits, ..new })
}
