//! Managing the bots of a site, and the key of each.

use super::decode::{BotBody, IpAddressesBody, NewBotBody};
use super::route::{Managed, Method};
use super::{Refusal, decode, encode, user};
use crate::command::{
    AddUser, Caller, Command, CreateKey, DeleteKey, KeyPage, KeyRef, KeyWithText, ListKeys, ListUsersOf,
    RemoveUser, RotateKey, Service, ShowCompany, UpdateKey, UpdateUser, UserRef,
};
use crate::engine::{KeyChange, NewKey, NewKind, NewUser, UserChange};
use crate::http::{RawRequest, RawResponse};
use crate::key::{CompanyId, Key, Keyspace, Level, Patch, Role, User, UserId, UserKind};
use crate::limits;

/// One request about the bots of a site, by an administrator.
pub(super) struct Bots<'a> {
    pub(super) service: &'a Service,
    pub(super) caller: &'a Caller,
    pub(super) request: &'a RawRequest,
    pub(super) site: Option<CompanyId>,
}

impl Bots<'_> {
    pub(super) fn answer(&self, managed: Managed, method: Method) -> Result<RawResponse, Refusal> {
        match (managed, method) {
            (Managed::Bots, Method::Post) => self.create(),
            (Managed::Bots, _) => self.list(),
            (Managed::Bot(id), Method::Get) => Ok(encode::bot(&self.bot(id)?)),
            (Managed::Bot(id), Method::Post) => self.change(id),
            (Managed::Bot(id), Method::Delete) => self.remove(id),
            (Managed::Key(id), Method::Get) => Ok(encode::key(&self.key(id)?)),
            (Managed::Key(id), Method::Post) => self.generate(id),
            (Managed::Key(id), Method::Delete) => self.clear(id),
            (Managed::IpAddresses(id), _) => self.restrict(id),
        }
    }

    /// The account of the company, which is no bot of the site.
    fn account(&self) -> Result<Option<UserId>, Refusal> {
        let Some(site) = self.site else { return Ok(None) };
        let company = self.run(ShowCompany(site))?;
        Ok(Some(company.account))
    }

    fn list(&self) -> Result<RawResponse, Refusal> {
        let account = self.account()?;
        let (mut bots, mut after) = (Vec::new(), None);
        loop {
            let page = ListUsersOf { company: self.site, after, limit: limits::PAGE_MAX };
            let (users, next) = self.run(page)?;
            bots.extend(
                users.into_iter().filter(|user| user.kind == UserKind::Bot && Some(user.id) != account),
            );
            after = next;
            if after.is_none() {
                return Ok(encode::bots(&bots));
            }
        }
    }

    fn create(&self) -> Result<RawResponse, Refusal> {
        self.account()?;
        let body: NewBotBody = decode::body(self.request)?;
        let new = NewUser {
            username: None,
            display_name: Some(body.display_name()?),
            email: None,
            kind: NewKind::Bot,
            role: Role::User,
            company: self.site,
        };
        self.changed(AddUser(new))
    }

    fn change(&self, id: UserId) -> Result<RawResponse, Refusal> {
        let bot = self.bot(id)?;
        let body: BotBody = decode::body(self.request)?;
        let (role, name) = (body.role()?, body.display_name()?);
        let display_name = name.map_or(Patch::Keep, Patch::Set);
        let change = UserChange { role, display_name, ..UserChange::default() };
        self.changed(UpdateUser { user: UserRef::Id(bot.id), change })
    }

    fn changed(&self, command: impl Command<Output = User>) -> Result<RawResponse, Refusal> {
        let bot = self.run(command)?;
        Ok(encode::bot(&bot))
    }

    fn remove(&self, id: UserId) -> Result<RawResponse, Refusal> {
        let bot = self.bot(id)?;
        self.done(RemoveUser(UserRef::Id(bot.id)))
    }

    /// Creates the bot's key, or rotates the key that the bot has; the old text is refused from then on.
    fn generate(&self, id: UserId) -> Result<RawResponse, Refusal> {
        let bot = self.bot(id)?;
        decode::empty(self.request)?;
        let KeyWithText { key, text } = match self.live_key(bot.id)? {
            Some(key) => self.run(RotateKey { key: KeyRef::Id(key.id), grace_ms: 0 })?,
            // The key acts with the bot's role, also after the role changes.
            None => self.run(CreateKey(NewKey::new(*Keyspace::QRESERVE.name(), bot.id, Level::ALL)))?,
        };
        Ok(encode::issued(&key, text))
    }

    fn clear(&self, id: UserId) -> Result<RawResponse, Refusal> {
        let key = self.key(id)?;
        self.done(DeleteKey(KeyRef::Id(key.id)))
    }

    fn restrict(&self, id: UserId) -> Result<RawResponse, Refusal> {
        let key = self.key(id)?;
        let body: IpAddressesBody = decode::body(self.request)?;
        let change = KeyChange { allowlist: Some(body.allowlist()?), ..KeyChange::default() };
        let command = UpdateKey { key: KeyRef::Id(key.id), change };
        let key = self.run(command)?;
        Ok(encode::key(&key))
    }

    fn done(&self, command: impl Command<Output = ()>) -> Result<RawResponse, Refusal> {
        self.run(command)?;
        Ok(encode::done())
    }

    /// A bot of this site.
    fn bot(&self, id: UserId) -> Result<User, Refusal> {
        let account = self.account()?;
        let user = user(self.service, self.caller, UserRef::Id(id))?;
        let here = user.kind == UserKind::Bot && user.company == self.site && Some(id) != account;
        if here { Ok(user) } else { Err(Refusal::NotFound) }
    }

    /// The key of a bot of this site.
    fn key(&self, id: UserId) -> Result<Key, Refusal> {
        let bot = self.bot(id)?;
        self.live_key(bot.id)?.ok_or(Refusal::NotFound)
    }

    fn live_key(&self, owner: UserId) -> Result<Option<Key>, Refusal> {
        let command = ListKeys {
            owner: UserRef::Id(owner),
            keyspace: Some(*Keyspace::QRESERVE.name()),
            after: None,
            limit: None,
            texts: false,
        };
        let KeyPage { keys, .. } = self.run(command)?;
        Ok(keys.into_iter().map(|(key, _)| key).find(Key::is_live))
    }

    fn run<C: Command>(&self, command: C) -> Result<C::Output, Refusal> {
        Ok(self.service.run(self.caller, command)?)
    }
}
