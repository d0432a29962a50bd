//! argon2 in its three variants (RFC 9106).

use std::time::Duration;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq as _;

use crate::limits;

#[derive(Clone)]
pub(super) struct Argon {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Argon {
    /// Reads the PHC form, also with the prefix that Django writes before it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix("argon2").filter(|rest| rest.starts_with('$')).unwrap_or(text);
        let whole = phc::PasswordHash::new(text).ok()?;
        let algorithm = Algorithm::try_from(whole.algorithm.as_str()).ok()?;
        let version = match whole.version {
            Some(version) => Version::try_from(version).ok()?,
            None => Version::V0x10,
        };
        let params = Params::try_from(&whole).ok()?;
        let (salt, hash) = (whole.salt?.as_ref().to_vec(), whole.hash?.as_bytes().to_vec());
        Some(Self { algorithm, version, params, salt, hash })
    }

    pub(super) const fn is_affordable(&self) -> bool {
        self.params.m_cost() <= limits::ARGON2_KIB_MAX
            && self.params.t_cost() <= limits::ARGON2_PASSES_MAX
            && self.params.p_cost() <= limits::ARGON2_LANES_MAX
    }

    pub(super) fn is_of(&self, text: &str) -> bool {
        let mut hash = vec![0; self.hash.len()];
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        argon2.hash_password_into(text.as_bytes(), &self.salt, &mut hash).is_ok()
            && hash.ct_eq(&self.hash).into()
    }

    /// About 1.5 microseconds for each KiB of each pass.
    pub(super) fn takes(&self) -> Duration {
        let blocks = u64::from(self.params.m_cost()) * u64::from(self.params.t_cost());
        Duration::from_micros(blocks * 3 / 2)
    }
}
