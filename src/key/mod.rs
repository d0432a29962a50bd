//! Words of the field as types: keys, users, levels, formats. No I/O, no HTTP, no storage format.
//!
//! The *key text* is the whole string a client presents. Its *prefix* is safe to show. Its *secret* proves possession
//! and is stored only as a *keyed hash* under a *pepper* and, where a keyspace documents showing texts again, as a
//! *sealed copy*. The *key id* names the record in addresses, logs and the audit.
//!
//! | room | types |
//! |---|---|
//! | `names/` | ids, short names, and texts that people give: [`KeyId`], [`KeyspaceName`], [`Username`] |
//! | `rights/` | what a key may do, and which of two rights is narrower: [`Level`], [`Allowlist`], [`RateLimits`] |
//! | `secret/` | key texts, keyed hashes, lookup keys, sealed copies, peppers: [`IssuedKey`], [`LookupKey`] |
//! | `imported/` | hashes that other systems made of their keys: [`DigestScheme`], [`SaltedHash`] |
//! | `record/` | records of keys, users and companies: [`Key`], [`User`], [`NarrowedBy`] |
//! | `audit/` | audit events and what they say of each changed field: [`AuditEvent`], [`FieldChange`] |

mod audit;
mod error;
mod format;
mod imported;
mod keyspace;
mod names;
mod network;
mod record;
mod rights;
mod secret;

pub(crate) use audit::changes;
pub use audit::{
    AuditAction, AuditEvent, AuditField, AuditHead, EventDetails, EventHash, FieldChange, Subject,
};
pub use error::ParseError;
pub use format::KeyFormat;
pub use imported::{DigestName, DigestScheme, HmacKey, ImportedSecret, Part, PartScheme, SaltedHash};
pub use keyspace::{Demotion, InQuery, Issuing, Keyspace, Viewing};
pub use names::{
    Comment, CompanyId, Contact, DisplayName, Email, KeyId, KeyspaceName, LimitName, UserId, Username,
};
pub use network::network;
pub use record::{
    Company, HotRecord, HotView, Key, KeyState, KeyStatus, NarrowedBy, Owner, OwnerRights, Password,
    PasswordHash, Patch, RevokeReason, SecretState, Secrets, StoredSecret, Usage, Use, User, UserKind,
    UserStatus,
};
pub use rights::{
    AccessLevel, Actor, Allowlist, AllowlistError, Expiry, Level, Network, Networks, Principal, Quota,
    RateLimit, RateLimits, RateLimitsError, Restriction, Role, Spend,
};
pub use secret::{
    IssuedKey, KeyedHash, Locator, LookupKey, Pepper, PepperNumber, PepperRing, Prefix, PresentedKey,
    SealError, SealedCopy, StoredLookupKey, UncheckedKey, check_key_text, key_text_lengths, shown_prefix,
};
