//! The words of the field as types: keys, users, levels, formats. No I/O, no HTTP, no storage format.
//!
//! The *key text* is the whole string a caller presents. Its *prefix* is safe to show; its *secret* proves
//! possession and is kept only as a *keyed hash* under a *pepper*, and, where a keyspace documents viewing, as a
//! *sealed copy*. The *key id* names the record in addresses, logs and the audit.

mod access_level;
mod allowlist;
mod alphabet;
mod audit;
mod authority;
mod change;
mod company;
mod details;
mod error;
mod foreign;
mod format;
mod hash;
mod held;
mod id;
mod keyspace;
mod level;
mod limit;
mod name;
mod network;
mod part;
mod password;
mod pepper;
mod presented;
mod record;
mod secret;
mod slow;
mod state;
mod text;
mod trace;
mod usage;
mod user;
mod within;

pub use access_level::AccessLevel;
pub use allowlist::{Allowlist, AllowlistError, Network, Networks};
pub use audit::{Action, Actor, AuditEvent, AuditHead, EventHash, Subject};
pub use authority::Authority;
pub use change::Change;
pub use company::Company;
pub(crate) use details::changes;
pub use details::{Details, Field, FieldChange};
pub use error::ParseError;
pub use foreign::{DigestName, DigestScheme, ForeignSecret, HmacKey, check_text, key_lengths, shown_of};
pub use format::KeyFormat;
pub use hash::KeyedHash;
pub use held::Held;
pub use id::{CompanyId, KeyId, UserId};
pub use keyspace::{Demotion, InQuery, Issuing, Keyspace, Viewing};
pub use level::{Level, Role};
pub use limit::{Quota, RateLimit, RateLimits, RateLimitsError, Spend};
pub use name::{KeyspaceName, LimitName};
pub use network::network;
pub use part::{Part, PartScheme};
pub use password::{Password, PasswordHash};
pub use pepper::{Pepper, PepperNumber, PepperRing};
pub use presented::{PresentedKey, UncheckedKey};
pub use record::{HotRecord, HotView, Key, Secrets, Standing, StoredSecret, StoredTrace};
pub use secret::{IssuedKey, SealError, SealedCopy};
pub use slow::SlowHash;
pub use state::{Condition, Expiry, KeyState, RevokeReason};
pub use text::{Comment, Contact, DisplayName, Email, Prefix, Username};
pub use trace::{KeyTrace, Locator};
pub use usage::{Usage, Use};
pub use user::{Kind, Owner, OwnerStanding, Status, User};
pub use within::Within;
