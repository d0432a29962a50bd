//! Stored form of users.

use serde::{Deserialize, Serialize};

use super::key::time;
use super::{Damage, Entry, Record, StoreError, read, read_part, schema, write};
use crate::clock::Timestamp;
use crate::key::{CompanyId, Email, Kind, Level, PasswordHash, Role, Status, User, UserId};

#[derive(Serialize, Deserialize)]
struct UserWire {
    id: u64,
    username: String,
    display_name: Option<String>,
    email: Option<String>,
    kind: KindWire,
    role: u8,
    company: Option<[u8; 16]>,
    status: StatusWire,
    api_access: bool,
    created: u64,
}

#[derive(Serialize, Deserialize)]
enum KindWire {
    Person { password: Option<String> },
    Bot,
}

#[derive(Serialize, Deserialize)]
enum StatusWire {
    Active,
    Inactive,
    Blocked,
}

/// Added to the role of a user of whom more is known: the level that holds API access, and the last demotion.
const MORE: u8 = 0x10;

type MoreWire = (u8, Option<u64>);

impl Record for User {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let more: MoreWire = (self.access_held.number(), self.demoted.map(Timestamp::unix_ms));
        let more = Some(more).filter(|more| *more != MoreWire::default());
        let mut bytes = write(&UserWire {
            id: self.id.0,
            username: self.username.as_str().to_owned(),
            display_name: self.display_name.as_ref().map(|name| name.as_str().to_owned()),
            email: self.email.as_ref().map(|email| email.as_str().to_owned()),
            kind: match &self.kind {
                Kind::Person { password } => {
                    KindWire::Person { password: password.as_ref().map(|hash| hash.as_phc().to_owned()) }
                }
                Kind::Bot => KindWire::Bot,
            },
            role: self.role.level().number() | more.map_or(0, |_| MORE),
            company: self.company.map(|company| company.to_bytes()),
            status: match self.status {
                Status::Active => StatusWire::Active,
                Status::Inactive => StatusWire::Inactive,
                Status::Blocked => StatusWire::Blocked,
            },
            api_access: self.api_access,
            created: self.created.unix_ms(),
        })?;
        if let Some(more) = more {
            bytes.extend(write(&more)?);
        }
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let (wire, rest) = read_part::<UserWire>(bytes)?;
        let more = match wire.role & MORE {
            0 if rest.is_empty() => MoreWire::default(),
            0 => return Err(Damage::Shape),
            _ => read(rest)?,
        };
        // One user has one stored form.
        if wire.role & MORE != 0 && more == MoreWire::default() {
            return Err(Damage::Shape);
        }
        let level = |number| Level::new(number).map_err(|_| Damage::Level);
        let (access_held, demoted) = more;
        Ok(Self {
            id: UserId(wire.id),
            username: wire.username.parse()?,
            display_name: wire.display_name.map(|name| name.parse()).transpose()?,
            email: wire.email.map(Email::stored).transpose()?,
            kind: match wire.kind {
                KindWire::Person { password } => {
                    Kind::Person { password: password.map(PasswordHash::from_phc) }
                }
                KindWire::Bot => Kind::Bot,
            },
            role: Role::of(level(wire.role & !MORE)?),
            company: wire.company.map(CompanyId::from_bytes),
            status: match wire.status {
                StatusWire::Active => Status::Active,
                StatusWire::Inactive => Status::Inactive,
                StatusWire::Blocked => Status::Blocked,
            },
            api_access: wire.api_access,
            access_held: level(access_held)?,
            demoted: demoted.map(time).transpose()?,
            created: time(wire.created)?,
        })
    }

    /// Of another user's place it is damage: the one who has that number would act with what this one may.
    fn from_entry(entry: &Entry) -> Result<Self, StoreError> {
        let user = Self::decode(&entry.value).and_then(|user: Self| {
            if entry.key == schema::user(user.id.0) { Ok(user) } else { Err(Damage::Shape) }
        });
        user.map_err(|damage| damage.at(entry))
    }
}
