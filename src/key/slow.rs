//! Salted hashes of other systems, checked once and then replaced.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::Hmac;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use super::ParseError;
use crate::limits;

/// A salted hash of bcrypt, argon2 or PBKDF2, recognised by how it begins. Printed as its type name only.
#[derive(Clone, PartialEq, Eq)]
pub struct SlowHash {
    text: String,
    kind: Kind,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Bcrypt,
    Argon2,
    Pbkdf2 { long: bool, rounds: u32, salt: Vec<u8>, hash: Vec<u8> },
}

impl SlowHash {
    /// The text, for the store.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is the hash of this key text. Takes as long as the other system made it take.
    pub fn is_of(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Bcrypt => bcrypt::verify(text, &self.text).unwrap_or(false),
            Kind::Argon2 => {
                argon2_parts(&self.text).is_some_and(|(algorithm, version, params, salt, right)| {
                    let mut hash = vec![0; right.len()];
                    let argon2 = Argon2::new(algorithm, version, params);
                    argon2.hash_password_into(text.as_bytes(), &salt, &mut hash).is_ok()
                        && hash.ct_eq(&right).into()
                })
            }
            Kind::Pbkdf2 { long, rounds, salt, hash: right } => {
                let mut hash = vec![0; right.len()];
                let done = if *long {
                    pbkdf2::pbkdf2::<Hmac<Sha512>>(text.as_bytes(), salt, *rounds, &mut hash)
                } else {
                    pbkdf2::pbkdf2::<Hmac<Sha256>>(text.as_bytes(), salt, *rounds, &mut hash)
                };
                done.is_ok() && hash.ct_eq(right).into()
            }
        }
    }
}

impl FromStr for SlowHash {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong = |problem| ParseError::new("hash", problem);
        let unknown = wrong("is none of bcrypt, argon2 or PBKDF2 that can be read");
        if text.len() > limits::SLOW_HASH_BYTES_MAX {
            return Err(wrong("is too long"));
        }
        let kind = match text.split('$').nth(1) {
            _ if text.starts_with("pbkdf2_sha256$") => pbkdf2_parts(text.split('$').skip(1), false),
            Some("2a" | "2b" | "2x" | "2y") => bcrypt_cost(text).map(|_| Kind::Bcrypt),
            Some("argon2id" | "argon2i" | "argon2d") => argon2_parts(text).map(|_| Kind::Argon2),
            Some("pbkdf2-sha256") => pbkdf2_parts(text.split('$').skip(2), false),
            Some("pbkdf2-sha512") => pbkdf2_parts(text.split('$').skip(2), true),
            Some(_) | None => None,
        };
        let kind = kind.ok_or(unknown)?;
        let too_slow = match &kind {
            Kind::Bcrypt => bcrypt_cost(text).is_some_and(|cost| cost > limits::BCRYPT_COST_MAX),
            Kind::Argon2 => argon2_parts(text).is_some_and(|(_, _, params, ..)| {
                params.m_cost() > limits::ARGON2_KIB_MAX || params.t_cost() > limits::ARGON2_PASSES_MAX
            }),
            Kind::Pbkdf2 { rounds, .. } => *rounds > limits::PBKDF2_ROUNDS_MAX,
        };
        if too_slow {
            Err(wrong("takes too long to check"))
        } else {
            Ok(Self { text: text.to_owned(), kind })
        }
    }
}

impl fmt::Debug for SlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlowHash")
    }
}

fn bcrypt_cost(text: &str) -> Option<u32> {
    let parts: bcrypt::HashParts = text.parse().ok()?;
    (text.len() == 60).then(|| parts.get_cost())
}

type Argon2Parts = (Algorithm, argon2::Version, Params, Vec<u8>, Vec<u8>);

fn argon2_parts(text: &str) -> Option<Argon2Parts> {
    let whole = phc::PasswordHash::new(text).ok()?;
    let algorithm = Algorithm::try_from(whole.algorithm.as_str()).ok()?;
    let version = match whole.version {
        Some(version) => argon2::Version::try_from(version).ok()?,
        None => argon2::Version::V0x10,
    };
    let params = Params::try_from(&whole).ok()?;
    Some((algorithm, version, params, whole.salt?.as_ref().to_vec(), whole.hash?.as_bytes().to_vec()))
}

/// `[i=]rounds[,l=…]`, salt and hash. Django has a bare salt, the others base64 with its last letters changed.
fn pbkdf2_parts<'a>(mut parts: impl Iterator<Item = &'a str>, long: bool) -> Option<Kind> {
    let (rounds, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
    let named = rounds.split(',').find_map(|part| part.strip_prefix("i="));
    let django = hash.ends_with('=') || hash.len() % 4 == 0 && named.is_none();
    let decoded = |text: &str| {
        let text = text.replace('.', "+");
        STANDARD.decode(&text).or_else(|_| STANDARD_NO_PAD.decode(&text)).ok()
    };
    let salt = if django { salt.as_bytes().to_vec() } else { decoded(salt)? };
    let hash = decoded(hash).filter(|hash| (16..=64).contains(&hash.len()))?;
    let rounds = named.unwrap_or(rounds).parse().ok().filter(|rounds| *rounds > 0)?;
    parts.next().is_none().then_some(Kind::Pbkdf2 { long, rounds, salt, hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts, and the hashes that these made of them: Python's bcrypt and argon2-cffi, passlib in both lengths, Django.
    const MADE: [(&str, &str); 5] = [
        ("bcryptpy_live_0123456789abcdef", "$2b$05$BfmHRkj7MQ1rTz4wKfdF..BpEoStPU4q0SL8.tt7HirL8t2nDK2R."),
        (
            "argon2cf_live_0123456789abcdef",
            "$argon2id$v=19$m=8192,t=2,p=2$x71JGi5pfNIyApZpBhY5lg$3KVX7aOA+pwjsB3Jj9tl1o4jZSaCK0pGbX/4/TuyXZM",
        ),
        (
            "passl256_live_0123456789abcdef",
            "$pbkdf2-sha256$2000$JsR4rxXivBei9D5HKOV87w$.2UrfPhQEtRWiZhRck.HaUKsryXZWNFlmpwdSkF67gQ",
        ),
        (
            "passl512_live_0123456789abcdef",
            "$pbkdf2-sha512$2000$H0NI6b231lorRcj5X8v53w$Npe3IVQB2mDD0YtBfvyKeR624JmencJgtuJzXrPCz7NnkTuIqe/gEybSa5e.aqs2fCqUkWAytgs1F4hCsRO0Jg",
        ),
        (
            "djangopb_live_0123456789abcdef",
            "pbkdf2_sha256$2000$saltsalt$keFajzns916jW6y5rLC0WMlC7+7lDrdDXKbInA6p6cI=",
        ),
    ];

    #[test]
    fn hashes_of_each_system_are_read_and_checked() {
        for (text, hash) in MADE {
            let slow: SlowHash = hash.parse().unwrap_or_else(|error| panic!("{hash}: {error}"));
            assert!(slow.is_of(text), "{hash}");
            assert!(!slow.is_of(&format!("{text}x")), "{hash}");
        }
    }

    #[test]
    fn what_is_no_hash_or_would_take_too_long_is_refused() {
        let costly = MADE[0].1.replacen("$05$", "$20$", 1);
        for wrong in [
            "",
            "plain",
            "$2b$",
            "$2b$04$short",
            "$argon2id$v=19$m=64,t=1,p=1$",
            "$pbkdf2-sha256$0$c2FsdA$aGFzaA",
            "$1$abc$def",
            &costly,
            "pbkdf2_sha256$99999999$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ] {
            assert!(wrong.parse::<SlowHash>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hash_is_kept_as_it_is_and_not_printed() {
        let slow: SlowHash = MADE[0].1.parse().unwrap();
        assert_eq!((slow.as_str(), format!("{slow:?}").as_str()), (MADE[0].1, "SlowHash"));
    }

    #[test]
    fn what_may_be_checked_ends_exactly_at_its_bounds() {
        let problem = |text: &str| text.parse::<SlowHash>().err().map(|error| error.problem);
        let slow = Some("takes too long to check");
        let bcrypt = |cost: u32| MADE[0].1.replacen("$05$", &format!("${cost:02}$"), 1);
        let most = limits::BCRYPT_COST_MAX;
        assert_eq!((problem(&bcrypt(most)), problem(&bcrypt(most + 1))), (None, slow));
        let argon2 =
            |kib: u32, passes: u32| MADE[1].1.replacen("m=8192,t=2", &format!("m={kib},t={passes}"), 1);
        let (kib, passes) = (limits::ARGON2_KIB_MAX, limits::ARGON2_PASSES_MAX);
        assert_eq!(problem(&argon2(kib, passes)), None);
        for (kib, passes) in [(kib + 1, 1), (kib + 1, passes), (64, passes + 1), (kib, passes + 1)] {
            assert_eq!(problem(&argon2(kib, passes)), slow, "{kib} KiB, {passes} passes");
        }
        let pbkdf2 = |rounds: u32| MADE[4].1.replacen("2000", &rounds.to_string(), 1);
        let most = limits::PBKDF2_ROUNDS_MAX;
        assert_eq!((problem(&pbkdf2(most)), problem(&pbkdf2(most + 1))), (None, slow));
        assert!(problem(&pbkdf2(0)).is_some() && problem(&pbkdf2(1)).is_none());
        let salted =
            |length: usize| MADE[4].1.replacen("saltsalt", &"s".repeat(8 + length - MADE[4].1.len()), 1);
        let most = limits::SLOW_HASH_BYTES_MAX;
        assert_eq!((problem(&salted(most)), problem(&salted(most + 1))), (None, Some("is too long")));
        assert_eq!(problem(&salted(most + 2)), Some("is too long"));
    }

    #[test]
    fn a_bare_salt_is_taken_as_it_is_whatever_the_length_of_the_hash() {
        for (length, is_one) in [(15, false), (16, true), (32, true), (48, true), (64, true), (65, false)] {
            let mut hash = vec![0; length];
            pbkdf2::pbkdf2::<Hmac<Sha256>>(b"text", b"saltsalt", 2, &mut hash).unwrap();
            let text = format!("pbkdf2_sha256$2$saltsalt${}", STANDARD.encode(&hash));
            let checked = text.parse::<SlowHash>().map(|slow| (slow.is_of("text"), slow.is_of("texT")));
            assert_eq!(checked.ok(), is_one.then_some((true, false)), "{length} bytes");
        }
    }
}
