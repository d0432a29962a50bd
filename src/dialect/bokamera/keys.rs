//! The operations on a company's keys.

use uuid::Uuid;

use super::RequestContext;
use super::input::Input;
use super::record::{Namespace, Record, Value};
use super::refusal::{Refusal, RefusedRequest};
use crate::clock::Timestamp;
use crate::command::{
    Caller, CreateKey, KeyPage, KeyRef, KeyWithText, ListKeys, RevokeKey, ShowCompany, ShowKey, ShowUser,
    UpdateKey, UserRef,
};
use crate::engine::{KeyChange, NewKey};
use crate::key::{
    Allowlist, AllowlistError, Comment, Company, CompanyId, Contact, Expiry, Key, KeyStatus, Keyspace, Level,
    Patch, UncheckedKey,
};
use crate::limits;

/// The fields of a key, in the order in which the service declares them.
pub(super) const COLUMNS: [&str; 8] = [
    "CompanyId",
    "ApiKey",
    "Active",
    "CreatedDate",
    "ExpiryDate",
    "ContactEmail",
    "Notes",
    "AllowedIpAddresses",
];

/// `CreateApiKey`: a new key of the company.
pub(super) fn create(context: &RequestContext<'_>) -> Result<Record, Refusal> {
    let caller = context.administrator()?;
    let draft = Draft::read(context, &caller, &context.input("CreateApiKey")?)?;
    draft.create(context, &caller)
}

/// `CreateApiKey[]`: new keys, one after the other. None is made unless all can be read.
pub(super) fn create_many(context: &RequestContext<'_>) -> Result<Vec<Record>, RefusedRequest> {
    let caller = context.administrator()?;
    let inputs = Input::read_many(context.request, "CreateApiKey")?;
    let drafts = inputs.iter().map(|input| Draft::read(context, &caller, input));
    let mut created = Vec::new();
    for draft in drafts.collect::<Result<Vec<_>, _>>()? {
        match draft.create(context, &caller) {
            Ok(record) => created.push(record),
            Err(wrong) => return Err(RefusedRequest { completed: Some(created.len()), ..wrong.into() }),
        }
    }
    Ok(created)
}

/// Key of a create request.
struct Draft {
    company: Company,
    contact: Option<Contact>,
    notes: Comment,
}

impl Draft {
    fn read(context: &RequestContext<'_>, caller: &Caller, input: &Input) -> Result<Self, Refusal> {
        let (company, contact, notes) = (company_id(input)?, contact(input)?, notes(input)?);
        let contact = match contact {
            Patch::Keep | Patch::Clear => context.user(caller)?.email.map(Contact::from),
            Patch::Set(contact) => Some(contact),
        };
        let company = company_of(context, caller, company)?;
        Ok(Self { company, contact, notes: notes.unwrap_or_else(Comment::empty) })
    }

    fn create(self, context: &RequestContext<'_>, caller: &Caller) -> Result<Record, Refusal> {
        let Self { company, contact, notes: comment } = self;
        let new = NewKey {
            contact,
            comment,
            ..NewKey::new(*Keyspace::BOKAMERA.name(), company.account, Level::OWN)
        };
        let KeyWithText { key, text } = context.run(caller, CreateKey(new))?;
        Ok(record(&key, &company, text.reveal(), context.service.now()))
    }
}

/// `ApiKeyQuery`: the keys of the company, oldest first.
pub(super) fn query(context: &RequestContext<'_>) -> Result<Record, Refusal> {
    let caller = context.administrator()?;
    let input = context.input("ApiKeyQuery")?;
    let (company, active_only) = (company_id(&input)?, input.bool("ActiveOnly")?.unwrap_or(false));
    let company = company_of(context, &caller, company)?;
    let list = ListKeys {
        owner: UserRef::Id(company.account),
        keyspace: Some(*Keyspace::BOKAMERA.name()),
        after: None,
        limit: None,
        texts: true,
    };
    let KeyPage { keys, .. } = context.run(&caller, list)?;
    let now = context.service.now();
    let shown = keys.into_iter().rev().filter(|(key, _)| !active_only || is_active(key, now));
    // Keys with a higher level than the caller are not listed.
    let shown = shown.filter_map(|(key, text)| Some(record(&key, &company, text?.reveal(), now)));
    let fields = vec![("ApiKeys", Value::Records(shown.collect())), ("ResponseStatus", Value::Status(None))];
    Ok(Record { name: "ApiKeyQueryResponse", namespace: Namespace::Dtos, fields })
}

/// `PUT /apikeys/{ApiKey}`: changes what is given.
pub(super) fn update(context: &RequestContext<'_>, key: &str) -> Result<Record, Refusal> {
    let caller = context.administrator()?;
    let named = named(key)?;
    let input = context.input("UpdateApiKey")?;
    let change = KeyChange {
        comment: notes(&input)?,
        contact: contact(&input)?,
        allowlist: allowlist(&input)?,
        expiry: expiry(&input)?,
        active: input.bool("Active")?,
        ..KeyChange::default()
    };
    let (found, company) = find(context, &caller, &named)?;
    let command = UpdateKey { key: KeyRef::Restriction(Keyspace::BOKAMERA, found.id), change };
    let key = context.run(&caller, command)?;
    Ok(record(&key, &company, named, context.service.now()))
}

/// `DELETE /apikeys/{ApiKey}`: revokes the key, which stays in the lists.
pub(super) fn cancel(context: &RequestContext<'_>, key: &str) -> Result<Record, Refusal> {
    let caller = context.administrator()?;
    let named = named(key)?;
    let (found, company) = find(context, &caller, &named)?;
    let command = RevokeKey {
        key: KeyRef::Restriction(Keyspace::BOKAMERA, found.id),
        reason: crate::key::RevokeReason::CessationOfOperation,
    };
    let key = context.run(&caller, command)?;
    Ok(record(&key, &company, named, context.service.now()))
}

/// A key text as this API writes it, of any form that a GUID has.
pub(super) fn canonical(text: &str) -> Option<zeroize::Zeroizing<String>> {
    let bare = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let guid = Uuid::try_parse(bare).ok().filter(|_| !bare.starts_with("urn"))?;
    Some(zeroize::Zeroizing::new(guid.hyphenated().to_string()))
}

fn named(key: &str) -> Result<zeroize::Zeroizing<String>, Refusal> {
    canonical(key).ok_or(Refusal::NotFound { what: "ApiKey" })
}

/// The key of this text and its company. Another company's is not found.
fn find(context: &RequestContext<'_>, caller: &Caller, text: &str) -> Result<(Key, Company), Refusal> {
    let named = KeyRef::Text { keyspace: Keyspace::BOKAMERA, text: UncheckedKey::new(text.to_owned()) };
    let key = context.run(caller, ShowKey(named))?;
    let owner = ShowUser(UserRef::Id(key.owner));
    let owner = context.run(caller, owner)?;
    let company =
        company_of(context, caller, Some(owner.company.ok_or(Refusal::NotFound { what: "ApiKey" })?))?;
    if company.account == key.owner { Ok((key, company)) } else { Err(Refusal::NotFound { what: "ApiKey" }) }
}

/// The company of a request: the caller's own, or any for a caller of level 8.
fn company_of(
    context: &RequestContext<'_>,
    caller: &Caller,
    asked: Option<CompanyId>,
) -> Result<Company, Refusal> {
    let may_name_one = caller.level() >= Level::ALL;
    let asked = asked.filter(|_| may_name_one);
    let id = asked.or_else(|| caller.company()).ok_or_else(|| match may_name_one {
        true => Refusal::Invalid {
            field: "CompanyId",
            problem: "'Company Id' must be given: whoever is logged in belongs to no company.".to_owned(),
        },
        false => Refusal::NotFound { what: "Company" },
    })?;
    let company = context.run(caller, ShowCompany(id))?;
    Ok(company)
}

fn company_id(input: &Input) -> Result<Option<CompanyId>, Refusal> {
    let Some(text) = input.text("CompanyId")? else { return Ok(None) };
    let id = canonical(text).and_then(|guid| guid.parse().ok());
    id.map(Some).ok_or_else(|| input.refused("CompanyId", text))
}

fn contact(input: &Input) -> Result<Patch<Contact>, Refusal> {
    match input.text("ContactEmail")? {
        None => Ok(Patch::Keep),
        Some("") => Ok(Patch::Clear),
        Some(text) => text.parse().map(Patch::Set).map_err(|_| Refusal::Invalid {
            field: "ContactEmail",
            problem: format!("'Contact Email' must be at most {} characters.", limits::CONTACT_CHARS_MAX),
        }),
    }
}

fn notes(input: &Input) -> Result<Option<Comment>, Refusal> {
    let parsed = input.text("Notes")?.map(|text| {
        text.parse().map_err(|_| Refusal::Invalid {
            field: "Notes",
            problem: format!("'Notes' must be at most {} bytes.", limits::COMMENT_BYTES_MAX),
        })
    });
    parsed.transpose()
}

fn allowlist(input: &Input) -> Result<Option<Allowlist>, Refusal> {
    let invalid = |error: AllowlistError| Refusal::Invalid {
        field: "AllowedIpAddresses",
        problem: format!("'Allowed Ip Addresses': {error}."),
    };
    input.text("AllowedIpAddresses")?.map(|text| text.parse().map_err(invalid)).transpose()
}

fn expiry(input: &Input) -> Result<Option<Expiry>, Refusal> {
    match input.text("ExpiryDate")? {
        None => Ok(None),
        Some("") => Ok(Some(Expiry::Never)),
        Some(text) => {
            // Without an offset it is UTC.
            let at = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")));
            at.map(|at| Some(Expiry::At(at))).ok_or_else(|| input.refused("ExpiryDate", text))
        }
    }
}

fn is_active(key: &Key, now: Timestamp) -> bool {
    key.status(now) == KeyStatus::Active
}

fn record(key: &Key, company: &Company, text: zeroize::Zeroizing<String>, now: Timestamp) -> Record {
    let expiry = match key.expiry {
        Expiry::Never => Value::Text(None),
        Expiry::At(at) => Value::text(date(at)),
    };
    let contact = key.contact.as_ref().map_or("", |contact| contact.as_str());
    let [company_id, api_key, active, created, expires, contact_email, notes, allowed] = COLUMNS;
    let fields = vec![
        (company_id, Value::text(company.id.to_string())),
        (api_key, Value::Text(Some(text))),
        (active, Value::Bool(is_active(key, now))),
        (created, Value::text(date(key.created))),
        (expires, expiry),
        (contact_email, Value::text_or_null(contact)),
        (notes, Value::text_or_null(key.comment.as_str())),
        (allowed, Value::text_or_null(key.allowlist.to_string())),
    ];
    Record { name: "ApiKeyResponse", namespace: Namespace::Dtos, fields }
}

/// A date as .NET writes it: without zeros at the end of the fraction, and without one that is nothing.
fn date(at: Timestamp) -> String {
    let text = at.to_string();
    let whole = text.strip_suffix('Z').unwrap_or(&text).trim_end_matches('0');
    match whole.strip_suffix('.') {
        Some(seconds) => format!("{seconds}Z"),
        None => format!("{whole}Z"),
    }
}
