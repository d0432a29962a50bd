//! Stored form of counters, the audit's head and the check values of peppers.

use serde::{Deserialize, Serialize};

use super::{Damage, Record, StoreError, read, write};
use crate::key::{AuditHead, EventHash, PepperNumber, UserId};

impl Record for AuditHead {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        write(&(self.sequence, self.hash.0))
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let (sequence, hash) = read(bytes)?;
        Ok(Self { sequence, hash: EventHash(hash) })
    }
}

/// The last user id given out.
impl Record for UserId {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        write(&self.0)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        read(bytes).map(Self)
    }
}

/// Number and check value of every pepper that records were made under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PepperChecks(pub Vec<(PepperNumber, [u8; 16])>);

#[derive(Serialize, Deserialize)]
struct CheckWire(u8, [u8; 16]);

impl Record for PepperChecks {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        write(&self.0.iter().map(|(number, check)| CheckWire(number.0, *check)).collect::<Vec<_>>())
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let wire: Vec<CheckWire> = read(bytes)?;
        Ok(Self(wire.into_iter().map(|CheckWire(number, check)| (PepperNumber(number), check)).collect()))
    }
}
