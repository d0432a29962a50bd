//! Salted hashes of other systems: checked at the first use of a key, and then replaced by a keyed hash.

mod argon2;
mod base64_forms;
mod bcrypt;
mod pbkdf2;
mod scrypt;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use self::argon2::Argon;
use self::bcrypt::Bcrypt;
use self::pbkdf2::Pbkdf2;
use self::scrypt::Scrypt;
use crate::key::ParseError;
use crate::limits;

/// Salted hash of bcrypt, argon2, PBKDF2 or scrypt, recognized by its beginning. `Debug` prints the type name only.
#[derive(Clone)]
pub struct SaltedHash {
    text: String,
    kind: UserKind,
}

#[derive(Clone)]
enum UserKind {
    Bcrypt(Bcrypt),
    Argon2(Argon),
    Pbkdf2(Pbkdf2),
    Scrypt(Scrypt),
}

impl SaltedHash {
    /// Text for the store.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Parses a hash from the store, whatever work it takes to check.
    ///
    /// # Errors
    /// [`ParseError`] when the text is no such hash.
    pub(crate) fn of_store(text: &str) -> Result<Self, ParseError> {
        let kind = Bcrypt::read(text).map(UserKind::Bcrypt);
        let kind = kind.or_else(|| Argon::read(text).map(UserKind::Argon2));
        let kind = kind.or_else(|| Pbkdf2::read(text).map(UserKind::Pbkdf2));
        let kind = kind.or_else(|| Scrypt::read(text).map(UserKind::Scrypt));
        let kind = kind
            .ok_or(ParseError::new("hash", "is none of bcrypt, argon2, PBKDF2 or scrypt that can be read"))?;
        Ok(Self { text: text.to_owned(), kind })
    }

    /// Whether this is the hash of the key text, and of no other text that the algorithm treats alike. Takes the time that
    /// [`SaltedHash::takes`] estimates.
    pub fn is_of(&self, text: &str) -> bool {
        // Some algorithms end a text at a zero byte, and others pad texts with zero bytes.
        if text.contains('\0') {
            return false;
        }
        match &self.kind {
            UserKind::Bcrypt(hash) => hash.is_of(text),
            UserKind::Argon2(hash) => hash.is_of(text),
            UserKind::Pbkdf2(hash) => hash.is_of(text),
            UserKind::Scrypt(hash) => hash.is_of(text),
        }
    }

    /// Estimated time of one check on an idle processor of 2026.
    pub fn takes(&self) -> Duration {
        match &self.kind {
            UserKind::Bcrypt(hash) => hash.takes(),
            UserKind::Argon2(hash) => hash.takes(),
            UserKind::Pbkdf2(hash) => hash.takes(),
            UserKind::Scrypt(hash) => hash.takes(),
        }
    }

    fn is_affordable(&self) -> bool {
        match &self.kind {
            UserKind::Bcrypt(hash) => hash.is_affordable(),
            UserKind::Argon2(hash) => hash.is_affordable(),
            UserKind::Pbkdf2(hash) => hash.is_affordable(),
            UserKind::Scrypt(hash) => hash.is_affordable(),
        }
    }
}

impl PartialEq for SaltedHash {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for SaltedHash {}

impl FromStr for SaltedHash {
    type Err = ParseError;

    /// Parses a hash from outside. Refuses hashes whose parameters take more work or memory than the limits allow.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.len() > limits::SALTED_HASH_BYTES_MAX {
            return Err(ParseError::new("hash", "is too long"));
        }
        let hash = Self::of_store(text)?;
        if hash.is_affordable() { Ok(hash) } else { Err(ParseError::new("hash", "takes too long to check")) }
    }
}

impl fmt::Debug for SaltedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SaltedHash")
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hmac::Hmac;
    use sha2::Sha256;

    use super::*;

    /// Texts, and the hashes that these made of them: Python's bcrypt and argon2-cffi, passlib in both lengths, Django;
    /// Werkzeug 3.1.9 in both lengths and with scrypt, passlib 1.7.4 with scrypt, Django 5.2 with scrypt and with bcrypt.
    const MADE: [(&str, &str); 12] = [
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
        (
            "werkpb2a_live_0123456789abcdef",
            "pbkdf2:sha256:2000$io8BwstbKgDKaFRo$8a2663941580fa5b15e1e969bb481ec601a37b1917a30e5bb18553d41ac96b00",
        ),
        (
            "werkpb5a_live_0123456789abcdef",
            "pbkdf2:sha512:2000$17XjGKlzaEUdZ2YR$f4c2d61e75195b397bf5bb41fcd7eef1baefb97cbe2318f840337f8d78bb5abc3642930b14885d96cbd59d583c6225140b834eb26a19ac280e9310b38805b30b",
        ),
        (
            "werkscry_live_0123456789abcdef",
            "scrypt:1024:8:1$6r9GONDsLqLCcfpa$08ddec9b3292b1850799de5af955faa8f9f85ecbe3dd5811a7c998f9f9cfeaa299affe9707e3bc8b3a34020a289aa2f131216fc7b2c61f418528d926eb403403",
        ),
        (
            "passcryp_live_0123456789abcdef",
            "$scrypt$ln=10,r=8,p=1$5FwrpRTC+H+v1VpLKcVYiw$UmSNkOCz7lBPeQR0801KO0GS1CAt/RosDef/wriLPnQ",
        ),
        (
            "djscrypt_live_0123456789abcdef",
            "scrypt$1024$saltsaltsalt$8$5$svdFQyWvLkPy2mEMvNxkL5Mn6mXXGKVg+TqmtZbRTclNI0FD7kTeJ5ard6mr1uxl5pxwFXAEHiGxLh0pT6e34w==",
        ),
        (
            "djbsha25_live_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "bcrypt_sha256$$2b$04$WBDt3QegQHDyNAIWgZoQoeTfMdPzy..xq6tKDoHSWJrMJWjqKI8BG",
        ),
        (
            "djbcrypt_live_0123456789abcdef",
            "bcrypt$$2b$04$LPRQbobcoNMa4Jz13dePc.J9a.RXW65ixi20Vt3bTkem2hf0wlmtW",
        ),
    ];

    #[test]
    fn hashes_of_each_system_are_read_and_checked() {
        for (text, hash) in MADE {
            let slow: SaltedHash = hash.parse().unwrap_or_else(|error| panic!("{hash}: {error}"));
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
            assert!(wrong.parse::<SaltedHash>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hash_is_kept_as_it_is_and_not_printed() {
        let slow: SaltedHash = MADE[0].1.parse().unwrap();
        assert_eq!((slow.as_str(), format!("{slow:?}").as_str()), (MADE[0].1, "SaltedHash"));
    }

    #[test]
    fn what_may_be_checked_ends_exactly_at_its_bounds() {
        let problem = |text: &str| text.parse::<SaltedHash>().err().map(|error| error.problem);
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
        let most = limits::SALTED_HASH_BYTES_MAX;
        assert_eq!((problem(&salted(most)), problem(&salted(most + 1))), (None, Some("is too long")));
        assert_eq!(problem(&salted(most + 2)), Some("is too long"));
    }

    #[test]
    fn a_bare_salt_is_taken_as_it_is_whatever_the_length_of_the_hash() {
        for (length, is_one) in [(15, false), (16, true), (32, true), (48, true), (64, true), (65, false)] {
            let mut hash = vec![0; length];
            ::pbkdf2::pbkdf2::<Hmac<Sha256>>(b"text", b"saltsalt", 2, &mut hash).unwrap();
            let text = format!("pbkdf2_sha256$2$saltsalt${}", STANDARD.encode(&hash));
            let checked = text.parse::<SaltedHash>().map(|slow| (slow.is_of("text"), slow.is_of("texT")));
            assert_eq!(checked.ok(), is_one.then_some((true, false)), "{length} bytes");
        }
    }

    /// Of 72 and of 73 letters, by Python's bcrypt 4.0.1, which looks at no more than 72.
    const CUT: [&str; 2] = [
        "$2b$04$dsxrMyUEqMG/V98sizxtD.5w3hCcw/iqv4Q/Y3tntpo5weXuKP1L.",
        "$2b$04$lY3aJpKbbI/b4PCNfNcKlOFSirjvj1nBOvCOdtd0s8.AgBzj0lFL.",
    ];

    #[test]
    fn a_text_of_which_bcrypt_would_look_at_a_part_is_never_right() {
        let text = |name: &str, more: usize| format!("{name}_{}", "x".repeat(63 + more));
        let [whole, cut] = CUT.map(|hash| hash.parse::<SaltedHash>().unwrap());
        assert!(whole.is_of(&text("bcrypt72", 0)));
        for more in [1, 2, 184, 256 - 72, 256] {
            assert!(!whole.is_of(&text("bcrypt72", more)), "{more} more than it reads");
            assert!(!cut.is_of(&text("bcrypt73", more)), "not even what the hash was made of");
        }
        assert!(cut.is_of(&text("bcrypt73", 0)), "whose first 72 bytes it is");
    }

    #[test]
    fn no_text_with_a_byte_that_ends_it_for_some_is_right() {
        for (text, hash) in MADE {
            let slow: SaltedHash = hash.parse().unwrap();
            for wrong in [format!("{text}\0"), format!("{text}\0x"), format!("\0{text}")] {
                assert!(!slow.is_of(&wrong), "{hash}");
            }
        }
    }

    #[test]
    fn a_hash_that_was_taken_once_is_read_whatever_it_costs() {
        let lanes = |p: u32| MADE[1].1.replacen("m=8192,t=2,p=2", &format!("m=8192,t=2,p={p}"), 1);
        let most = limits::ARGON2_LANES_MAX;
        assert!(lanes(most).parse::<SaltedHash>().is_ok());
        let more = lanes(most + 1);
        assert_eq!(
            more.parse::<SaltedHash>().err().map(|error| error.problem),
            Some("takes too long to check")
        );
        assert!(SaltedHash::of_store(&more).is_ok());
    }

    #[test]
    fn scrypt_takes_so_much_memory_and_work_and_no_more() {
        let passlib = |cost: &str| MADE[8].1.replacen("ln=10,r=8,p=1", cost, 1);
        for (cost, problem) in [
            ("ln=17,r=8,p=1", None),
            ("ln=17,r=8,p=4", None),
            ("ln=17,r=8,p=5", Some("takes too long to check")),
            ("ln=18,r=8,p=1", Some("takes too long to check")),
            ("ln=31,r=4294967295,p=4294967295", Some("takes too long to check")),
            ("ln=64,r=8,p=1", Some("is none of bcrypt, argon2, PBKDF2 or scrypt that can be read")),
            ("ln=0,r=8,p=1", Some("is none of bcrypt, argon2, PBKDF2 or scrypt that can be read")),
            ("ln=10,r=0,p=1", Some("is none of bcrypt, argon2, PBKDF2 or scrypt that can be read")),
        ] {
            assert_eq!(
                passlib(cost).parse::<SaltedHash>().err().map(|error| error.problem),
                problem,
                "{cost}"
            );
        }
        assert!(MADE[7].1.replacen("1024", "1023", 1).parse::<SaltedHash>().is_err(), "no power of two");
        let costly = SaltedHash::of_store(&passlib("ln=31,r=4294967295,p=4294967295")).unwrap();
        assert!(!costly.is_of("anything"), "not even tried");
    }

    #[test]
    fn dearer_hashes_take_longer() {
        let takes = |text: &str| SaltedHash::of_store(text).unwrap().takes();
        for (cheap, dear) in [
            (MADE[0].1.to_owned(), MADE[0].1.replacen("$05$", "$10$", 1)),
            (MADE[1].1.to_owned(), MADE[1].1.replacen("t=2", "t=3", 1)),
            (MADE[4].1.to_owned(), MADE[4].1.replacen("$2000$", "$3000$", 1)),
            (MADE[8].1.to_owned(), MADE[8].1.replacen("ln=10", "ln=11", 1)),
        ] {
            assert!(takes(&cheap) < takes(&dear), "{dear}");
        }
    }
}
