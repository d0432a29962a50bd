//! Rights of a key: its level, where and how often it may be used, and which of two rights is narrower.

mod access_level;
mod actor;
mod allowlist;
mod expiry;
mod level;
mod principal;
mod rate_limit;
mod restriction;

pub use access_level::AccessLevel;
pub use actor::Actor;
pub use allowlist::{Allowlist, AllowlistError, Network, Networks};
pub use expiry::Expiry;
pub use level::{Level, Role};
pub use principal::Principal;
pub use rate_limit::{Quota, RateLimit, RateLimits, RateLimitsError, Spend};
pub use restriction::Restriction;
