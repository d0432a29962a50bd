//! Stored form of users.

use serde::{Deserialize, Serialize};

use super::{Damage, Entry, Record, StoreError, read, read_part, schema, time, write};
use crate::clock::Timestamp;
use crate::key::{CompanyId, Email, Level, PasswordHash, Role, User, UserId, UserKind, UserStatus};

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
        let more: MoreWire = (self.api_access_removed_by.number(), self.demoted.map(Timestamp::unix_ms));
        let more = Some(more).filter(|more| *more != MoreWire::default());
        let mut bytes = write(&UserWire {
            id: self.id.0,
            username: self.username.as_str().to_owned(),
            display_name: self.display_name.as_ref().map(|name| name.as_str().to_owned()),
            email: self.email.as_ref().map(|email| email.as_str().to_owned()),
            kind: match &self.kind {
                UserKind::Person { password } => {
                    KindWire::Person { password: password.as_ref().map(|hash| hash.as_phc().to_owned()) }
                }
                UserKind::Bot => KindWire::Bot,
            },
            role: self.role.level().number() | more.map_or(0, |_| MORE),
            company: self.company.map(|company| company.to_bytes()),
            status: match self.status {
                UserStatus::Active => StatusWire::Active,
                UserStatus::Inactive => StatusWire::Inactive,
                UserStatus::Blocked => StatusWire::Blocked,
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
        let (api_access_removed_by, demoted) = more;
        Ok(Self {
            id: UserId(wire.id),
            username: wire.username.parse()?,
            display_name: wire.display_name.map(|name| name.parse()).transpose()?,
            email: wire.email.map(Email::stored).transpose()?,
            kind: match wire.kind {
                KindWire::Person { password } => {
                    UserKind::Person { password: password.map(PasswordHash::from_phc) }
                }
                KindWire::Bot => UserKind::Bot,
            },
            role: Role::of(level(wire.role & !MORE)?),
            company: wire.company.map(CompanyId::from_bytes),
            status: match wire.status {
                StatusWire::Active => UserStatus::Active,
                StatusWire::Inactive => UserStatus::Inactive,
                StatusWire::Blocked => UserStatus::Blocked,
            },
            api_access: wire.api_access,
            api_access_removed_by: level(api_access_removed_by)?,
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
