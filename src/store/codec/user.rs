//! Stored form of users.

use serde::{Deserialize, Serialize};

use super::key::time;
use super::{Damage, Entry, Record, StoreError, read, schema, write};
use crate::key::{CompanyId, Kind, Level, PasswordHash, Role, Status, User, UserId};

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

impl Record for User {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        write(&UserWire {
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
            role: self.role.level().number(),
            company: self.company.map(|company| company.to_bytes()),
            status: match self.status {
                Status::Active => StatusWire::Active,
                Status::Inactive => StatusWire::Inactive,
                Status::Blocked => StatusWire::Blocked,
            },
            api_access: self.api_access,
            created: self.created.unix_ms(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let wire: UserWire = read(bytes)?;
        Ok(Self {
            id: UserId(wire.id),
            username: wire.username.parse()?,
            display_name: wire.display_name.map(|name| name.parse()).transpose()?,
            email: wire.email.map(|email| email.parse()).transpose()?,
            kind: match wire.kind {
                KindWire::Person { password } => {
                    Kind::Person { password: password.map(PasswordHash::from_phc) }
                }
                KindWire::Bot => Kind::Bot,
            },
            role: Level::new(wire.role).map(Role::of).map_err(|_| Damage::Level)?,
            company: wire.company.map(CompanyId::from_bytes),
            status: match wire.status {
                StatusWire::Active => Status::Active,
                StatusWire::Inactive => Status::Inactive,
                StatusWire::Blocked => Status::Blocked,
            },
            api_access: wire.api_access,
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
