//! Requests about companies and keyspaces.

use schemars::JsonSchema;
use serde::Serialize;

use super::RequestContext;
use super::body::{CompanyPatch, NewCompanyBody};
use crate::command::{AddCompany, Command, ListCompanies, RenameCompany, ShowCompany};
use crate::dialect::native::decode;
use crate::dialect::native::encode::json;
use crate::dialect::native::page::Page;
use crate::dialect::native::refusal::Refusal;
use crate::http::RawResponse;
use crate::key::{Company, CompanyId, InQuery, Issuing, Keyspace, KeyspaceName, Viewing};

impl RequestContext<'_> {
    pub(super) fn companies(&self) -> Result<RawResponse, Refusal> {
        let [after, limit] = decode::query(&self.request.query, ["after", "limit"])?;
        let page = Page::of("companies", after, limit)?;
        let after = page.after().map(CompanyId::from_bytes);
        let companies = self.run(ListCompanies { after, limit: page.and_next() })?;
        let (companies, next) = page.cut(companies, false, |company| company.id.to_bytes().to_vec());
        Ok(json(200, &CompaniesJson { companies: companies.iter().map(CompanyJson::from).collect(), next }))
    }

    pub(super) fn add_company(&self) -> Result<RawResponse, Refusal> {
        let body: NewCompanyBody = decode::body(self.request)?;
        let company = self.company_of(AddCompany(body.into()))?;
        let location = format!("/v1/companies/{}", company.id);
        Ok(json(201, &CompanyJson::from(&company)).with_header("location", location))
    }

    pub(super) fn company(&self, id: CompanyId) -> Result<RawResponse, Refusal> {
        Ok(json(200, &CompanyJson::from(&self.company_of(ShowCompany(id))?)))
    }

    pub(super) fn rename_company(&self, id: CompanyId) -> Result<RawResponse, Refusal> {
        let CompanyPatch { name } = decode::body(self.request)?;
        Ok(json(200, &CompanyJson::from(&self.company_of(RenameCompany { company: id, name: name.0 })?)))
    }

    fn company_of(&self, command: impl Command<Output = Company>) -> Result<Company, Refusal> {
        let company = self.run(command)?;
        Ok(company)
    }
}

/// Every keyspace there is.
pub(crate) fn keyspaces() -> RawResponse {
    json(200, &KeyspacesJson { keyspaces: Keyspace::all().map(|space| KeyspaceJson::of(&space)).collect() })
}

/// One keyspace.
pub(crate) fn keyspace(name: &KeyspaceName) -> Result<RawResponse, Refusal> {
    let keyspace = Keyspace::named(name).ok_or(Refusal::NoSuchAddress)?;
    Ok(json(200, &KeyspaceJson::of(&keyspace)))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct CompaniesJson {
    companies: Vec<CompanyJson>,
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct CompanyJson {
    id: String,
    name: String,
    account: u64,
}

impl From<&Company> for CompanyJson {
    fn from(company: &Company) -> Self {
        let Company { id, name, account } = company;
        Self { id: id.to_string(), name: name.as_str().to_owned(), account: account.0 }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct KeyspacesJson {
    keyspaces: Vec<KeyspaceJson>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct KeyspaceJson {
    name: String,
    viewing: &'static str,
    in_query: bool,
    issuing: &'static str,
}

impl KeyspaceJson {
    fn of(keyspace: &Keyspace) -> Self {
        Self {
            name: keyspace.name().to_string(),
            viewing: match keyspace.viewing() {
                Viewing::Once => "once",
                Viewing::ByOwner => "by_owner",
                Viewing::ByAdministrators => "by_administrators",
            },
            in_query: keyspace.in_query() == InQuery::Taken,
            issuing: match keyspace.issuing() {
                Issuing::Freely => "freely",
                Issuing::WithAccess => "with_access",
                Issuing::OnePerBot => "one_per_bot",
            },
        }
    }
}
