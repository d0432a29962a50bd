//! scrypt, as passlib, Django and Werkzeug write it.

use std::time::Duration;

use subtle::ConstantTimeEq as _;

use super::base64_forms::unpadded;
use crate::limits;

#[derive(Clone)]
pub(super) struct Scrypt {
    log_n: u8,
    r: u32,
    p: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Scrypt {
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split('$').collect();
        let (log_n, r, p, salt, hash) = match *parts.as_slice() {
            ["", "scrypt", cost, salt, hash] => {
                let (log_n, rest) = cost.strip_prefix("ln=")?.split_once(",r=")?;
                let (r, p) = rest.split_once(",p=")?;
                (log_n.parse().ok()?, r, p, unpadded(salt)?, unpadded(hash)?)
            }
            ["scrypt", n, salt, r, p, hash] => {
                (exponent(n)?, r, p, salt.as_bytes().to_vec(), unpadded(hash)?)
            }
            [cost, salt, hash] => {
                let (n, rest) = cost.strip_prefix("scrypt:")?.split_once(':')?;
                let (r, p) = rest.split_once(':')?;
                (exponent(n)?, r, p, salt.as_bytes().to_vec(), hex::decode(hash).ok()?)
            }
            _ => return None,
        };
        let (r, p) = (r.parse().ok()?, p.parse().ok()?);
        let is_one = (1..32).contains(&log_n) && r > 0 && p > 0 && (16..=64).contains(&hash.len());
        is_one.then_some(Self { log_n, r, p, salt, hash })
    }

    /// Memory in KiB.
    fn kib(&self) -> u64 {
        u64::from(self.r).saturating_mul(128 << self.log_n).div_ceil(1_024)
    }

    pub(super) fn is_affordable(&self) -> bool {
        let work = self.kib().saturating_mul(self.p.into());
        self.kib() <= limits::SCRYPT_KIB_MAX && work <= limits::SCRYPT_WORK_KIB_MAX
    }

    pub(super) fn is_of(&self, text: &str) -> bool {
        // The check in `Params::new` multiplies the parameters, which may overflow above these limits.
        if !self.is_affordable() {
            return false;
        }
        let Ok(params) = scrypt::Params::new(self.log_n, self.r, self.p) else { return false };
        let mut hash = vec![0; self.hash.len()];
        scrypt::scrypt(text.as_bytes(), &self.salt, &params, &mut hash).is_ok()
            && hash.ct_eq(&self.hash).into()
    }

    /// About 2.5 microseconds for each KiB.
    pub(super) fn takes(&self) -> Duration {
        Duration::from_nanos(self.kib().saturating_mul(self.p.into()).saturating_mul(2_500))
    }
}

/// Exponent of a power of two.
fn exponent(n: &str) -> Option<u8> {
    let n: u64 = n.parse().ok()?;
    n.is_power_of_two().then(|| n.trailing_zeros() as u8)
}
