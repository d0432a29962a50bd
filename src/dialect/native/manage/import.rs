//! `POST /v1/import`: keys of another system, one to a line of JSON.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::RequestContext;
use super::body::{ImportDefaults, ImportLine};
use super::first_use::FirstUse;
use crate::command::{CommandError, ImportKeys, UserRef};
use crate::dialect::native::decode;
use crate::dialect::native::encode::json;
use crate::dialect::native::refusal::Refusal;
use crate::engine::{EngineError, Imported, ImportedKey};
use crate::http::RawResponse;
use crate::key::{UserId, Username};
use crate::limits;

impl RequestContext<'_> {
    pub(super) fn import(&self) -> Result<RawResponse, Refusal> {
        let [dry_run, keyspace, owner, level] =
            decode::query(&self.request.query, ["dry_run", "keyspace", "owner", "level"])?;
        let dry = match dry_run.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Refusal::invalid("dry_run must be true or false")),
        };
        let defaults = ImportDefaults {
            keyspace: keyspace.map(|name| decode::parsed("keyspace", &name)).transpose()?,
            owner: owner.map(|name| decode::parsed("owner", &name)).transpose()?,
            level: level.map(|level| decode::parsed("level", &level)).transpose()?,
        };
        let body = decode::whole(&self.request.body)?;
        let lines = body.split(|byte| *byte == b'\n').map(unmarked);
        let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            return Err(Refusal::invalid("an import has at least one line"));
        }
        if lines.len() > limits::IMPORTED_AT_ONCE_MAX {
            let most = limits::IMPORTED_AT_ONCE_MAX;
            return Err(Refusal::invalid(format!("an import takes at most {most} lines at once")));
        }
        let mut owners = HashMap::new();
        let (mut keys, mut refused) = (Vec::new(), HashMap::new());
        for (at, line) in lines.iter().enumerate() {
            match self.imported_key(line, &defaults, &mut owners) {
                Ok(key) => keys.push(key),
                Err(problem) if problem.is_ours() => return Err(problem),
                Err(problem) => drop(refused.insert(at, problem)),
            }
        }
        let first_use = FirstUse::of(&keys);
        let imported = self.run(ImportKeys { keys, dry })?;
        let first_use_seconds = first_use.first_use_seconds(self.service, dry)?;
        let notes = first_use.notes(first_use_seconds);
        let mut imported = imported.into_iter();
        let lines = (0..lines.len()).map(|at| match refused.remove(&at) {
            Some(problem) => Ok(LineJson::refused(at, &problem)),
            None => imported.next().map(|one| LineJson::of(at, one)).ok_or(Refusal::Unexpected),
        });
        let lines: Vec<LineJson> = lines.collect::<Result<_, _>>()?;
        let count = |status| lines.iter().filter(|line| line.status == status).count();
        let (imported, existing) = (count(Status::Imported), count(Status::Existing));
        let refused = count(Status::Refused);
        Ok(json(200, &ImportJson { imported, existing, refused, first_use_seconds, notes, lines }))
    }

    fn imported_key(
        &self,
        line: &[u8],
        defaults: &ImportDefaults,
        owners: &mut HashMap<Username, UserId>,
    ) -> Result<ImportedKey, Refusal> {
        let line: ImportLine = decode::json(line)?;
        let (secret, past, draft) = line.split(defaults)?;
        let name = draft.owner.as_ref().map(|name| name.0.clone());
        let name = name.ok_or_else(|| Refusal::invalid("owner is needed: whose key it is"))?;
        let owner = match owners.get(&name) {
            Some(owner) => *owner,
            None => {
                let owner = self.find_user(UserRef::Name(name.clone()))?.id;
                owners.insert(name, owner);
                owner
            }
        };
        let now = self.service.now();
        Ok(ImportedKey { new: draft.draft(owner, now)?, secret: secret.read()?, past: past.read(now)? })
    }
}

/// A line without blanks around it, and without the byte order mark that some editors begin a file with.
fn unmarked(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii()
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct ImportJson {
    imported: usize,
    existing: usize,
    refused: usize,
    /// Work that the first use of a key with a salted hash may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_use_seconds: Option<u64>,
    /// What cannot be seen from the lines.
    notes: Vec<String>,
    lines: Vec<LineJson>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Imported,
    Existing,
    Refused,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct LineJson {
    /// Among those that are not empty, from 1.
    line: usize,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl LineJson {
    fn of(at: usize, imported: Imported) -> Self {
        let (status, id) = match imported {
            Imported::Now(id) => (Status::Imported, id),
            Imported::Before(id) => (Status::Existing, id),
            Imported::Refused(error) => return Self::refused(at, &error.into()),
        };
        Self { line: at + 1, status, key_id: Some(id.to_string()), code: None, detail: None }
    }

    fn refused(at: usize, problem: &Refusal) -> Self {
        let body = problem.body();
        let (code, detail) = (Some(body.code), Some(body.detail));
        Self { line: at + 1, status: Status::Refused, key_id: None, code, detail }
    }
}

impl Refusal {
    /// Whether it is no fault of the line.
    fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Command(
                CommandError::LevelTooLow { .. }
                    | CommandError::Engine(
                        EngineError::Store(_) | EngineError::Stopped | EngineError::Entropy(_)
                    )
            ) | Self::Unexpected
        )
    }
}
