//! Stored form of keys and hot records.
//!
//! A hot record does not repeat its pepper's number: a reader that found the record by its keyed hash knows the pepper.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::audit::ActorWire;
use super::rate_limits::{level_and_limits, levelled, limited};
use super::{Damage, Entry, Record, StoreError, read_part, schema, time, write};
use crate::clock::Timestamp;
use crate::key::{
    Allowlist, Expiry, HotRecord, Key, KeyId, KeyState, KeyedHash, Level, NarrowedBy, Network, PepperNumber,
    RevokeReason, SaltedHash, SealedCopy, SecretState, Secrets, StoredSecret, Usage, Use, UserId,
};

#[derive(Serialize, Deserialize)]
struct KeyWire {
    id: [u8; 16],
    keyspace: String,
    owner: u64,
    comment: String,
    contact: Option<String>,
    level: u8,
    allowlist: Vec<NetworkWire>,
    state: StateWire,
    expires: Option<u64>,
    created: u64,
    serial: u64,
    current: SecretWire,
    previous: Option<(SecretWire, u64)>,
    uses: u64,
    last_use: Option<(u64, Option<IpAddr>)>,
}

#[derive(Serialize, Deserialize)]
enum NetworkWire {
    Address(IpAddr),
    Range(IpAddr, u8),
}

#[derive(Serialize, Deserialize)]
enum StateWire {
    Active,
    Suspended,
    Revoked { at: u64, by: ActorWire, reason: u8 },
}

#[derive(Serialize, Deserialize)]
struct SecretWire {
    pepper: u8,
    prefix: String,
    hash: [u8; 32],
    sealed: Option<Vec<u8>>,
    foreign: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct HotWire {
    id: [u8; 16],
    keyspace: String,
    owner: u64,
    level: u8,
    standing: StandingWire,
    expires: Option<u64>,
    allowlist: Vec<NetworkWire>,
}

#[derive(Serialize, Deserialize)]
enum StandingWire {
    Active,
    Retiring(u64),
    Suspended,
    Revoked,
}

/// Added to the level of a key record that says what is held; in others it is what counts for such.
const HELD: u8 = 0x20;

/// Levels of the users who narrowed the state, the level, the allowlist, the rate limits and the expiry.
type HeldWire = [u8; 5];

fn held_wire(held: &NarrowedBy) -> HeldWire {
    let NarrowedBy { state, level, allowlist, rate_limits, expiry } = held;
    [state, level, allowlist, rate_limits, expiry].map(|level| level.number())
}

fn held_of([state, level, allowlist, rate_limits, expiry]: HeldWire) -> Result<NarrowedBy, Damage> {
    let level_of = |number| Level::new(number).map_err(|_| Damage::Level);
    Ok(NarrowedBy {
        state: level_of(state)?,
        level: level_of(level)?,
        allowlist: level_of(allowlist)?,
        rate_limits: level_of(rate_limits)?,
        expiry: level_of(expiry)?,
    })
}

impl Record for Key {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let end = |end: &Timestamp| end.unix_ms();
        let held = Some(&self.narrowed_by).filter(|held| **held != NarrowedBy::unsaid(&self.state));
        let mut wire = write(&KeyWire {
            id: self.id.to_bytes(),
            keyspace: self.keyspace.as_str().to_owned(),
            owner: self.owner.0,
            comment: self.comment.as_str().to_owned(),
            contact: self.contact.as_ref().map(|contact| contact.as_str().to_owned()),
            level: levelled(self.level, &self.rate_limits) | held.map_or(0, |_| HELD),
            allowlist: networks(&self.allowlist),
            state: (&self.state).into(),
            expires: expires(self.expiry),
            created: self.created.unix_ms(),
            serial: self.serial,
            current: (&self.secrets.current).into(),
            previous: self.secrets.previous.as_ref().map(|(secret, until)| (secret.into(), end(until))),
            uses: self.usage.count,
            last_use: self.usage.last.map(|last| (last.at.unix_ms(), last.from)),
        })?;
        if let Some(held) = held {
            wire.extend(write(&held_wire(held))?);
        }
        limited(wire, &self.rate_limits)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let (wire, mut rest) = read_part::<KeyWire>(bytes)?;
        let state = wire.state.try_into()?;
        let unsaid = NarrowedBy::unsaid(&state);
        let mut held = unsaid;
        if wire.level & HELD != 0 {
            let (said, behind) = read_part(rest)?;
            (held, rest) = (held_of(said)?, behind);
            // One key has one stored form.
            if held == unsaid {
                return Err(Damage::Shape);
            }
        }
        let (level, rate_limits) = level_and_limits(wire.level & !HELD, rest)?;
        let previous =
            wire.previous.map(|(secret, until)| Ok::<_, Damage>((secret.try_into()?, time(until)?)));
        let last = wire.last_use.map(|(at, from)| Ok::<_, Damage>(Use { at: time(at)?, from }));
        Ok(Self {
            id: KeyId::from_bytes(wire.id),
            keyspace: wire.keyspace.parse()?,
            owner: UserId(wire.owner),
            comment: wire.comment.parse()?,
            contact: wire.contact.map(|contact| contact.parse()).transpose()?,
            level,
            allowlist: allowlist(wire.allowlist)?,
            rate_limits,
            state,
            narrowed_by: held,
            expiry: expiry(wire.expires)?,
            created: time(wire.created)?,
            serial: wire.serial,
            secrets: Secrets { current: wire.current.try_into()?, previous: previous.transpose()? },
            usage: Usage { count: wire.uses, last: last.transpose()? },
        })
    }

    /// Of another key's place it is damage: what was meant for that one would be done to this one.
    fn from_entry(entry: &Entry) -> Result<Self, StoreError> {
        let key = Self::decode(&entry.value).and_then(|key: Self| {
            if entry.key == schema::key(&key.id.to_bytes()) { Ok(key) } else { Err(Damage::Shape) }
        });
        key.map_err(|damage| damage.at(entry))
    }
}

impl Record for HotRecord {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let wire = write(&HotWire {
            id: self.id.to_bytes(),
            keyspace: self.keyspace.as_str().to_owned(),
            owner: self.owner.0,
            level: levelled(self.level, &self.rate_limits),
            standing: match self.secret_state {
                SecretState::Active => StandingWire::Active,
                SecretState::Retiring { until } => StandingWire::Retiring(until.unix_ms()),
                SecretState::Suspended => StandingWire::Suspended,
                SecretState::Revoked => StandingWire::Revoked,
            },
            expires: expires(self.expiry),
            allowlist: networks(&self.allowlist),
        })?;
        limited(wire, &self.rate_limits)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let (wire, rest) = read_part::<HotWire>(bytes)?;
        let (level, rate_limits) = level_and_limits(wire.level, rest)?;
        Ok(Self {
            id: KeyId::from_bytes(wire.id),
            keyspace: wire.keyspace.parse()?,
            owner: UserId(wire.owner),
            level,
            secret_state: match wire.standing {
                StandingWire::Active => SecretState::Active,
                StandingWire::Retiring(until) => SecretState::Retiring { until: time(until)? },
                StandingWire::Suspended => SecretState::Suspended,
                StandingWire::Revoked => SecretState::Revoked,
            },
            expiry: expiry(wire.expires)?,
            allowlist: allowlist(wire.allowlist)?,
            rate_limits,
        })
    }
}

impl From<&KeyState> for StateWire {
    fn from(state: &KeyState) -> Self {
        match state {
            KeyState::Active => Self::Active,
            KeyState::Suspended => Self::Suspended,
            KeyState::Revoked { at, by, reason } => {
                let reason = match reason {
                    RevokeReason::Unspecified => 0,
                    RevokeReason::KeyCompromise => 1,
                    RevokeReason::AffiliationChanged => 3,
                    RevokeReason::Superseded => 4,
                    RevokeReason::CessationOfOperation => 5,
                    RevokeReason::PrivilegeWithdrawn => 9,
                };
                Self::Revoked { at: at.unix_ms(), by: by.into(), reason }
            }
        }
    }
}

impl TryFrom<StateWire> for KeyState {
    type Error = Damage;

    fn try_from(wire: StateWire) -> Result<Self, Damage> {
        Ok(match wire {
            StateWire::Active => Self::Active,
            StateWire::Suspended => Self::Suspended,
            StateWire::Revoked { at, by, reason } => {
                // The numbers are those of RFC 5280.
                let reason = match reason {
                    0 => RevokeReason::Unspecified,
                    1 => RevokeReason::KeyCompromise,
                    3 => RevokeReason::AffiliationChanged,
                    4 => RevokeReason::Superseded,
                    5 => RevokeReason::CessationOfOperation,
                    9 => RevokeReason::PrivilegeWithdrawn,
                    _ => return Err(Damage::Shape),
                };
                Self::Revoked { at: time(at)?, by: by.into(), reason }
            }
        })
    }
}

impl From<&StoredSecret> for SecretWire {
    fn from(secret: &StoredSecret) -> Self {
        Self {
            pepper: secret.pepper.0,
            prefix: secret.prefix.as_str().to_owned(),
            hash: *secret.hash.as_bytes(),
            sealed: secret.sealed.as_ref().map(|copy| copy.as_bytes().to_vec()),
            foreign: secret.imported_hash.as_ref().map(|hash| hash.as_str().to_owned()),
        }
    }
}

impl TryFrom<SecretWire> for StoredSecret {
    type Error = Damage;

    fn try_from(wire: SecretWire) -> Result<Self, Damage> {
        Ok(Self {
            pepper: PepperNumber(wire.pepper),
            prefix: wire.prefix.parse()?,
            hash: KeyedHash::from_bytes(wire.hash),
            sealed: wire.sealed.map(SealedCopy::from_bytes),
            imported_hash: wire.foreign.map(|hash| SaltedHash::of_store(&hash)).transpose()?,
        })
    }
}

fn networks(list: &Allowlist) -> Vec<NetworkWire> {
    let wire = |network: &Network| match network {
        Network::Address(address) => NetworkWire::Address(*address),
        Network::Range(net) => NetworkWire::Range(net.addr(), net.prefix_len()),
    };
    list.networks().iter().map(wire).collect()
}

fn allowlist(wire: Vec<NetworkWire>) -> Result<Allowlist, Damage> {
    let network = |wire| match wire {
        NetworkWire::Address(address) => Ok(Network::Address(address)),
        NetworkWire::Range(address, bits) => {
            IpNet::new(address, bits).map(Network::Range).map_err(|_| Damage::Shape)
        }
    };
    let networks = wire.into_iter().map(network).collect::<Result<_, _>>()?;
    Allowlist::of(networks).map_err(|_| Damage::Shape)
}

const fn expires(expiry: Expiry) -> Option<u64> {
    match expiry {
        Expiry::Never => None,
        Expiry::At(end) => Some(end.unix_ms()),
    }
}

fn expiry(wire: Option<u64>) -> Result<Expiry, Damage> {
    wire.map_or(Ok(Expiry::Never), |ms| time(ms).map(Expiry::At))
}
