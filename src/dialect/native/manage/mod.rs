//! Users, companies, keys, the audit and the store, for callers who are known.

pub(super) mod audit;
mod backup;
pub(super) mod body;
pub(super) mod companies;
mod first_use;
pub(super) mod import;
pub(super) mod import_line;
mod keys;

use self::body::{NewUserBody, PasswordBody, UserPatch};
use super::page::Page;
use super::refusal::Refusal;
use super::route::Target;
use super::{decode, encode};
use crate::command::{
    AddUser, Caller, CheckStore, Command, DeleteKey, KeyRef, ListUsers, ListUsersOf, RemoveCompany,
    RemoveUser, Service, SetPassword, ShowKey, ShowUser, UpdateUser,
};
use crate::http::{RawRequest, RawResponse};
use crate::key::{CompanyId, User, UserId};

/// One request, its caller where that is known, and the service that answers it.
pub(super) struct RequestContext<'a> {
    pub(super) caller: &'a Caller,
    pub(super) service: &'a Service,
    pub(super) request: &'a RawRequest,
}

impl RequestContext<'_> {
    pub(super) fn answer(&self, target: Target) -> Result<RawResponse, Refusal> {
        let method = match self.request.method.as_str() {
            // The server leaves the body out.
            "HEAD" => "GET",
            other => other,
        };
        match (target, method) {
            (Target::Users, "GET") => self.users(),
            (Target::Users, "POST") => self.add_user(),
            (Target::User(name), "GET") => self.user(ShowUser(name)),
            (Target::User(name), "PATCH") => {
                let patch: UserPatch = decode::body(self.request)?;
                self.user(UpdateUser { user: name, change: patch.into() })
            }
            (Target::User(name), "DELETE") => self.done(RemoveUser(name)),
            (Target::Password(name), "PUT") => {
                let body: PasswordBody = decode::body(self.request)?;
                self.user(SetPassword { user: name, password: body.password.0 })
            }
            (Target::Companies, "GET") => self.companies(),
            (Target::Companies, "POST") => self.add_company(),
            (Target::Company(id), "GET") => self.company(id),
            (Target::Company(id), "PATCH") => self.rename_company(id),
            (Target::Company(id), "DELETE") => self.done(RemoveCompany(id)),
            (Target::Keyspaces, "GET") => Ok(companies::keyspaces()),
            (Target::Keyspace(name), "GET") => companies::keyspace(&name),
            (Target::Keys, "GET") => self.keys(),
            (Target::Keys, "POST") => self.create_key(),
            (Target::Key(id), "GET") => self.key(ShowKey(KeyRef::Id(id))),
            (Target::Key(id), "PATCH") => self.update_key(id),
            (Target::Key(id), "DELETE") => self.done(DeleteKey(KeyRef::Id(id))),
            (Target::KeyText(id), "GET") => self.text(id),
            (Target::KeyAction(id, action), "POST") => self.act(id, action),
            (Target::Audit, "GET") => self.audit(),
            (Target::Import, "POST") => self.import(),
            (Target::Backup, "POST") => self.backup(),
            (Target::Peppers, "GET") => self.peppers(),
            (Target::Clock, "POST") => self.accept_clock(),
            (Target::AuditChain, "POST") => self.verify_audit(),
            (Target::Check, "POST") => self.check(),
            (target, _) => Err(Refusal::Method { allowed: target.methods() }),
        }
    }

    fn run<C: Command>(&self, command: C) -> Result<C::Output, Refusal> {
        Ok(self.service.run(self.caller, command)?)
    }

    fn users(&self) -> Result<RawResponse, Refusal> {
        let [company, after, limit] = decode::query(&self.request.query, ["company", "after", "limit"])?;
        let company = company.map(|company| decode::parsed::<CompanyId>("company", &company)).transpose()?;
        let page = Page::of(("users", company), after, limit)?;
        let (after, limit) = (page.after().map(u64::from_be_bytes).map(UserId), page.and_next());
        let (users, more) = match company {
            Some(_) => self.run(ListUsersOf { company, after, limit })?,
            None => (self.run(ListUsers { after, limit })?, None),
        };
        let (users, next) = page.cut(users, more.is_some(), |user| user.id.0.to_be_bytes().to_vec());
        Ok(encode::users(&users, next))
    }

    fn add_user(&self) -> Result<RawResponse, Refusal> {
        let body: NewUserBody = decode::body(self.request)?;
        let user = self.run(AddUser(body.draft()?))?;
        Ok(encode::added_user(&user))
    }

    fn user(&self, command: impl Command<Output = User>) -> Result<RawResponse, Refusal> {
        let user = self.run(command)?;
        Ok(encode::user(&user))
    }

    fn done(&self, command: impl Command<Output = ()>) -> Result<RawResponse, Refusal> {
        self.run(command)?;
        Ok(encode::done())
    }

    fn check(&self) -> Result<RawResponse, Refusal> {
        decode::no_body(self.request)?;
        let report = self.run(CheckStore)?;
        Ok(encode::report(&report))
    }
}
