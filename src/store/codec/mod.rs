//! Records as bytes: the stored form of each domain type, and the only way back.
//!
//! Every record has a private mirror that serde knows; bincode writes it with variable-length integers. Reading
//! is total: any bytes give a record or [`StoreError::Corrupt`], and bytes after the record are corruption too.

mod audit;
mod company;
mod imported_hashes;
mod key;
mod meta;
mod owner_limits;
mod rate_limits;
mod ttl;
mod user;

use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use imported_hashes::{StoredDigest, StoredScheme, StoredSchemes};
pub use meta::PepperChecks;
pub use owner_limits::OwnerLimits;
pub use ttl::{Deleted, Repeatable};

use super::{Entry, StoreError, schema};
use crate::clock::Timestamp;
use crate::key::ParseError;
use crate::limits;

/// A domain type that has a stored form.
pub trait Record: Sized {
    /// Encoded bytes of the record.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it does not encode, which no checked record does.
    fn encode(&self) -> Result<Vec<u8>, StoreError>;

    /// Reads it back from exactly these bytes.
    ///
    /// # Errors
    /// [`Damage`] when the bytes are not a record of this type.
    fn decode(bytes: &[u8]) -> Result<Self, Damage>;

    /// Reads it from a stored entry.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] or [`StoreError::UnknownLevel`], naming the entry.
    fn from_entry(entry: &Entry) -> Result<Self, StoreError> {
        Self::decode(&entry.value).map_err(|damage| damage.at(entry))
    }
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The bytes do not have the shape of the record, or a field breaks its own rule.
    Shape,
    /// A level is none of 0 to 8.
    Level,
}

impl Damage {
    fn at(self, entry: &Entry) -> StoreError {
        let place = schema::printable(&entry.key);
        match self {
            Self::Shape => StoreError::Corrupt { place },
            Self::Level => StoreError::UnknownLevel { place },
        }
    }
}

impl From<ParseError> for Damage {
    fn from(_: ParseError) -> Self {
        Self::Shape
    }
}

type Layout = Configuration<LittleEndian, Varint, Limit<{ limits::STORE_VALUE_BYTES_MAX }>>;

/// Room for most records, so that writing one seldom has to make more.
const TYPICAL_BYTES: usize = 256;

const LAYOUT: Layout = config::standard().with_limit();

fn write(wire: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(TYPICAL_BYTES);
    match bincode::serde::encode_into_std_write(wire, &mut bytes, LAYOUT) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(StoreError::Io { what: "encoding a record", source: std::io::Error::other(error) }),
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Damage> {
    match read_part(bytes)? {
        (wire, []) => Ok(wire),
        _ => Err(Damage::Shape),
    }
}

/// Reads what the bytes begin with, and the rest of them.
fn read_part<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), Damage> {
    let (wire, read) = bincode::serde::decode_from_slice(bytes, LAYOUT).map_err(|_| Damage::Shape)?;
    bytes.get(read..).map(|rest| (wire, rest)).ok_or(Damage::Shape)
}

/// Reads a moment; one beyond the year 9999 is damage, not a far future.
fn time(ms: u64) -> Result<Timestamp, Damage> {
    let time = Timestamp::from_unix_ms(ms);
    if time.unix_ms() == ms { Ok(time) } else { Err(Damage::Shape) }
}

#[cfg(test)]
mod tests;
