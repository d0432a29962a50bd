//! `POST /v1/import`: keys of another system, one to a line of JSON.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use super::Exchange;
use super::body::{ImportDefaults, ImportLine};
use super::outlook::Outlook;
use crate::clock::Timestamp;
use crate::command::{CommandError, ImportKeys, UserRef};
use crate::dialect::native::decode;
use crate::dialect::native::encode::json;
use crate::dialect::native::problem::Problem;
use crate::engine::{EngineError, Imported, ImportedKey, Past};
use crate::http::RawResponse;
use crate::key::{
    DigestName, DigestScheme, HmacKey, ImportedSecret, Part, PartScheme, Prefix, UserId, Username,
    key_text_lengths,
};
use crate::limits;

impl Exchange<'_> {
    pub(super) fn import(&self) -> Result<RawResponse, Problem> {
        let [dry_run, keyspace, owner, level] =
            decode::query(&self.request.query, ["dry_run", "keyspace", "owner", "level"])?;
        let dry = match dry_run.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Problem::invalid("dry_run must be true or false")),
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
            return Err(Problem::invalid("an import has at least one line"));
        }
        if lines.len() > limits::IMPORTED_AT_ONCE_MAX {
            let most = limits::IMPORTED_AT_ONCE_MAX;
            return Err(Problem::invalid(format!("an import takes at most {most} lines at once")));
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
        let outlook = Outlook::of(&keys);
        let imported = self.run(ImportKeys { keys, dry })?;
        let first_use_seconds = outlook.first_use_seconds(self.service, dry)?;
        let notes = outlook.notes(first_use_seconds);
        let mut imported = imported.into_iter();
        let lines = (0..lines.len()).map(|at| match refused.remove(&at) {
            Some(problem) => Ok(LineJson::refused(at, &problem)),
            None => imported.next().map(|one| LineJson::of(at, one)).ok_or(Problem::Unexpected),
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
    ) -> Result<ImportedKey, Problem> {
        let line: ImportLine = decode::json(line)?;
        let (secret, past, draft) = line.split(defaults)?;
        let name = draft.owner.as_ref().map(|name| name.0.clone());
        let name = name.ok_or_else(|| Problem::invalid("owner is needed: whose key it is"))?;
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

/// What a line says of the secret.
pub(crate) struct SecretFields {
    pub(super) key: Option<Zeroizing<String>>,
    pub(super) hash: Option<String>,
    pub(super) algorithm: Option<DigestName>,
    pub(super) hmac_key: Option<Zeroizing<String>>,
    pub(super) prefix: Option<Prefix>,
    pub(super) of: Option<Part>,
    pub(super) length: Option<usize>,
}

impl SecretFields {
    fn read(self) -> Result<ImportedSecret, Problem> {
        let Self { key, hash, algorithm, hmac_key, prefix, of, length } = self;
        if length.is_some_and(|length| !key_text_lengths().contains(&length)) {
            let (least, most) = key_text_lengths().into_inner();
            return Err(Problem::invalid(format!("length must be {least} to {most}: no other key is taken")));
        }
        let (scheme, digest) = match (key, hash, algorithm, hmac_key) {
            (Some(text), None, None, None) if of.is_none() => return Ok(ImportedSecret::Text(text)),
            (None, Some(hash), None, None) => match DigestScheme::parse_named(&hash) {
                Some(named) => named?,
                None => return salted(&hash, prefix, of.as_ref()),
            },
            (None, Some(hash), Some(name), hmac_key) => {
                let scheme = scheme(name, hmac_key.as_ref().map(|key| key.as_str()))?;
                let digest = scheme.parse(&hash)?;
                (scheme, digest)
            }
            _ => return Err(Problem::invalid("give key, or hash with algorithm, or hash with prefix")),
        };
        Ok(match of {
            None => ImportedSecret::Digest(scheme, digest),
            Some(part) => ImportedSecret::PartDigest(PartScheme { scheme, part }, prefix, digest),
        })
    }
}

fn salted(hash: &str, prefix: Option<Prefix>, of: Option<&Part>) -> Result<ImportedSecret, Problem> {
    if of.is_some() {
        return Err(Problem::invalid("only a digest has of"));
    }
    let hash = hash.parse()?;
    let prefix =
        prefix.ok_or_else(|| Problem::invalid("a salted hash needs prefix: what the key begins with"))?;
    Ok(ImportedSecret::Salted(prefix, hash))
}

fn scheme(name: DigestName, hmac_key: Option<&str>) -> Result<DigestScheme, Problem> {
    match (name, hmac_key) {
        (DigestName::Sha256, None) => Ok(DigestScheme::Sha256),
        (DigestName::Sha512, None) => Ok(DigestScheme::Sha512),
        (DigestName::HmacSha256, Some(key)) => Ok(DigestScheme::HmacSha256(bytes(key)?)),
        (DigestName::HmacSha256, None) => Err(Problem::invalid("hmac-sha256 needs hmac_key")),
        (DigestName::Sha256 | DigestName::Sha512, Some(_)) => {
            Err(Problem::invalid("only hmac-sha256 has hmac_key"))
        }
    }
}

/// What a line says of what the key went through.
pub(crate) struct PastFields {
    pub(super) created_at: Option<String>,
    pub(super) last_used_at: Option<String>,
    pub(super) revoked: Option<bool>,
    pub(super) revoked_at: Option<String>,
}

impl PastFields {
    fn read(&self, now: Timestamp) -> Result<Past, Problem> {
        let moment = |name: &str, text: &Option<String>| {
            let wrong = || Problem::invalid(format!("{name} must be like 2030-01-31T12:00:00Z"));
            text.as_ref().map(|text| Timestamp::parse(text).ok_or_else(wrong)).transpose()
        };
        let revoked = match (self.revoked, moment("revoked_at", &self.revoked_at)?) {
            (Some(false), Some(_)) => return Err(Problem::invalid("a key with revoked_at is revoked")),
            (Some(true), None) => Some(now),
            (_, at) => at,
        };
        Ok(Past {
            created: moment("created_at", &self.created_at)?,
            last_used: moment("last_used_at", &self.last_used_at)?,
            revoked,
        })
    }
}

/// A secret as text, or as `hex:…` or `base64:…`.
fn bytes(text: &str) -> Result<HmacKey, Problem> {
    let bytes = if let Some(digits) = text.strip_prefix("hex:") {
        hex::decode(digits).ok()
    } else if let Some(encoded) = text.strip_prefix("base64:") {
        STANDARD.decode(encoded).ok()
    } else {
        Some(text.as_bytes().to_vec())
    };
    let bytes = bytes.ok_or_else(|| Problem::invalid("hmac_key has the wrong encoding"))?;
    Ok(HmacKey::new(bytes)?)
}

/// A JSON string that is wiped.
pub(crate) struct Wiped(pub(super) Zeroizing<String>);

impl<'de> Deserialize<'de> for Wiped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
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

    fn refused(at: usize, problem: &Problem) -> Self {
        let body = problem.body();
        let (code, detail) = (Some(body.code), Some(body.detail));
        Self { line: at + 1, status: Status::Refused, key_id: None, code, detail }
    }
}

impl Problem {
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
