//! Stored form of companies.

use serde::{Deserialize, Serialize};

use super::{Damage, Entry, Record, StoreError, read, schema, write};
use crate::key::{Company, CompanyId, UserId};

#[derive(Serialize, Deserialize)]
struct CompanyWire {
    id: [u8; 16],
    name: String,
    account: u64,
}

impl Record for Company {
    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let Self { id, name, account } = self;
        write(&CompanyWire { id: id.to_bytes(), name: name.as_str().to_owned(), account: account.0 })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let CompanyWire { id, name, account } = read(bytes)?;
        Ok(Self { id: CompanyId::from_bytes(id), name: name.parse()?, account: UserId(account) })
    }

    /// Of another company's place it is damage: its keys would be taken for the other's.
    fn from_entry(entry: &Entry) -> Result<Self, StoreError> {
        let company = Self::decode(&entry.value).and_then(|company: Self| {
            let own = entry.key == schema::company(&company.id.to_bytes());
            if own { Ok(company) } else { Err(Damage::Shape) }
        });
        company.map_err(|damage| damage.at(entry))
    }
}
