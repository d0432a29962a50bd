//! Secrets of keys: texts that are issued and presented, their keyed hashes and lookup keys, sealed copies, peppers.

pub(in crate::key) mod alphabet;
mod any_form;
mod issued;
mod keyed_hash;
mod locator;
mod lookup_key;
mod pepper;
mod prefix;
mod presented;
mod sealed;

pub use any_form::{check_key_text, key_text_lengths, shown_prefix};
pub use issued::IssuedKey;
pub use keyed_hash::KeyedHash;
pub use locator::Locator;
pub use lookup_key::{LookupKey, StoredLookupKey};
pub use pepper::{Pepper, PepperNumber, PepperRing};
pub use prefix::Prefix;
pub use presented::{PresentedKey, UncheckedKey};
pub use sealed::{SealError, SealedCopy};
