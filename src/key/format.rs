//! The forms of key texts, one per keyspace: made and recognised here, and nowhere else.
//!
//! **Changing a form revokes every key of that form that customers hold.**

use zeroize::Zeroizing;

use crate::entropy::{Entropy, EntropyError, letters};
use crate::key::IssuedKey;
use crate::key::secret::alphabet::{BASE_36, BASE_62, HEX};
use crate::key::{KeyId, Locator, ParseError, Prefix, PresentedKey};
use crate::limits;

/// How key texts of a keyspace look.
///
/// ```
/// use keyward::{entropy::OsEntropy, key::{KeyFormat, KeyId}};
/// let id = KeyId::generate(&OsEntropy)?;
/// let (issued, prefix) = KeyFormat::QReserve.issue(id, &OsEntropy)?;
/// let text = issued.reveal();
/// assert!(text.starts_with(prefix.as_str()) && prefix.as_str().starts_with("QR-"));
/// assert!(KeyFormat::QReserve.parse(&text).is_ok());
/// assert!(KeyFormat::TelVue.parse(&text).is_err());
/// # Ok::<(), keyward::entropy::EntropyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyFormat {
    /// 32 of `A-Za-z0-9`.
    Filebin,
    /// `QR-` and 38 of `0-9a-z`.
    QReserve,
    /// 20 lower-case hexadecimal digits.
    TelVue,
    /// A version 4 GUID, lower case with dashes.
    BokaMera,
    /// The key id as UUID, a colon, and 64 lower-case hexadecimal digits.
    FreeSewing,
    /// `kw_`, 12 public and 32 secret letters of base 62, and the CRC-32 of all before as 6 of base 62.
    Native,
}

/// Customers' secret scanners look for this label.
const NATIVE_LABEL: &str = "kw_";
const NATIVE_ID: usize = 12;
const NATIVE_SECRET: usize = 32;
const NATIVE_CHECKSUM: usize = 6;

impl KeyFormat {
    /// Makes a fresh key text for the key `id`, and the prefix that may be shown of it.
    ///
    /// # Errors
    /// [`EntropyError`] when the system gives no randomness.
    pub fn issue(self, id: KeyId, entropy: &dyn Entropy) -> Result<(IssuedKey, Prefix), EntropyError> {
        let text = Zeroizing::new(match self {
            Self::Filebin => letters(entropy, BASE_62.letters, 32)?,
            Self::QReserve => format!("QR-{}", *Zeroizing::new(letters(entropy, BASE_36.letters, 38)?)),
            Self::TelVue => letters(entropy, HEX.letters, 20)?,
            Self::BokaMera => KeyId::generate(entropy)?.to_string(),
            Self::FreeSewing => format!("{id}:{}", *Zeroizing::new(letters(entropy, HEX.letters, 64)?)),
            Self::Native => {
                let secret = Zeroizing::new(letters(entropy, BASE_62.letters, NATIVE_SECRET)?);
                let body = Zeroizing::new(format!("{NATIVE_LABEL}{}{}", native_id(id), *secret));
                format!("{}{}", *body, checksum(&body))
            }
        });
        let prefix = text.get(..self.shown()).and_then(|prefix| prefix.parse().ok()).ok_or(EntropyError)?;
        Ok((IssuedKey::new(text), prefix))
    }

    /// How many leading bytes of a key text are safe to show.
    const fn shown(self) -> usize {
        match self {
            Self::Native => NATIVE_LABEL.len() + NATIVE_ID,
            Self::Filebin | Self::QReserve | Self::TelVue | Self::BokaMera | Self::FreeSewing => 8,
        }
    }

    /// What may be shown of a key text, whether it is of this form or of none.
    ///
    /// # Errors
    /// [`ParseError`] when there is nothing to show.
    pub(crate) fn prefix_of(self, text: &str) -> Result<Prefix, ParseError> {
        match self.parse(text) {
            Ok(_) => text.get(..self.shown()).unwrap_or(text).parse(),
            Err(_) => crate::key::shown_prefix(text),
        }
    }

    /// Where to look for a key text, if it is one of this form.
    pub fn locator(self, text: &str) -> Locator {
        Locator::of(text.get(..self.shown()).unwrap_or(text))
    }

    /// Recognises a key text of this form. Cheap, and before any look-up.
    ///
    /// # Errors
    /// [`ParseError`] naming the part that is wrong, never the text.
    #[inline]
    pub fn parse(self, text: &str) -> Result<PresentedKey<'_>, ParseError> {
        // Put in place, so that the parts of a good key stay in registers.
        self.check(text).map(|()| PresentedKey::new(text, self.shown()))
    }

    fn check(self, text: &str) -> Result<(), ParseError> {
        let wrong = |problem| Err(ParseError::new("key", problem));
        if text.len() > limits::KEY_TEXT_BYTES_MAX {
            return wrong("is too long");
        }
        let good = match self {
            Self::Filebin => made_of(text, 32, base_62),
            Self::QReserve => text.strip_prefix("QR-").is_some_and(|rest| made_of(rest, 38, base_36)),
            Self::TelVue => made_of(text, 20, hex),
            Self::BokaMera => is_guid(text),
            Self::FreeSewing => {
                text.split_once(':').is_some_and(|(id, secret)| is_guid(id) && made_of(secret, 64, hex))
            }
            Self::Native => return check_native(text),
        };
        if good { Ok(()) } else { wrong("has the wrong form") }
    }
}

fn check_native(text: &str) -> Result<(), ParseError> {
    let wrong = |problem| Err(ParseError::new("key", problem));
    let Some(rest) = text.strip_prefix(NATIVE_LABEL) else {
        return wrong("has the wrong label");
    };
    if !made_of(rest, NATIVE_ID + NATIVE_SECRET + NATIVE_CHECKSUM, base_62) {
        return wrong("has the wrong length or alphabet");
    }
    match text.split_at_checked(text.len() - NATIVE_CHECKSUM) {
        Some((body, sum)) if BASE_62.number(sum) == Some(u64::from(crc32fast::hash(body.as_bytes()))) => {
            Ok(())
        }
        _ => wrong("has a wrong checksum"),
    }
}

/// Whether `text` is `length` letters. Looks at all of them: most texts are of the right form, and without an early end
/// many are compared at once.
fn made_of(text: &str, length: usize, letter: impl Fn(u8) -> bool) -> bool {
    text.len() == length && text.bytes().fold(true, |good, byte| good & letter(byte))
}

const fn base_62(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

const fn base_36(byte: u8) -> bool {
    byte.is_ascii_digit() | byte.is_ascii_lowercase()
}

const fn hex(byte: u8) -> bool {
    byte.is_ascii_digit() | (byte.wrapping_sub(b'a') < 6)
}

fn is_guid(text: &str) -> bool {
    text.parse::<KeyId>().is_ok() && !text.contains(|c: char| c.is_ascii_uppercase())
}

/// The public part of a native key: the leading bits of its key id, so that both name the same key.
fn native_id(id: KeyId) -> String {
    // 62^12 is a little above 2^71.
    BASE_62.digits(id.number() >> 57, NATIVE_ID)
}

fn checksum(body: &str) -> String {
    BASE_62.digits(u128::from(crc32fast::hash(body.as_bytes())), NATIVE_CHECKSUM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::{OsEntropy, SeededEntropy};

    const ALL: [KeyFormat; 6] = [
        KeyFormat::Filebin,
        KeyFormat::QReserve,
        KeyFormat::TelVue,
        KeyFormat::BokaMera,
        KeyFormat::FreeSewing,
        KeyFormat::Native,
    ];

    fn issue(format: KeyFormat, entropy: &dyn Entropy) -> (KeyId, String, Prefix) {
        let id = KeyId::generate(entropy).unwrap();
        let (issued, prefix) = format.issue(id, entropy).unwrap();
        (id, issued.reveal().to_string(), prefix)
    }

    #[test]
    fn every_form_recognises_its_own_keys_and_no_other() {
        for made in ALL {
            let (_, text, prefix) = issue(made, &OsEntropy);
            assert!(text.starts_with(prefix.as_str()));
            for read in ALL {
                assert_eq!(read.parse(&text).is_ok(), read == made, "{made:?} read as {read:?}");
            }
        }
    }

    #[test]
    fn forms_are_what_customers_hold() {
        let lengths = [32, 41, 20, 36, 101, 53];
        for (format, length) in ALL.into_iter().zip(lengths) {
            let (_, text, prefix) = issue(format, &SeededEntropy::new(1));
            assert_eq!(text.len(), length, "{format:?}");
            assert_eq!(prefix.as_str().len(), if format == KeyFormat::Native { 15 } else { 8 });
        }
        for documented in [
            (KeyFormat::Filebin, "Sa71PVwKthRrrIEUIacqN9PNTouVQAWz"),
            (KeyFormat::TelVue, "7e14204fcce1e00152b4"),
            (
                KeyFormat::FreeSewing,
                "7ea12968-7758-40b6-8c73-75cc99be762b:503d7adbdb3ec18ab27adfcd895d8b47a8d6bc8307d548500fbf9c05a5a8820e",
            ),
        ] {
            assert!(documented.0.parse(documented.1).is_ok(), "{documented:?}");
        }
    }

    #[test]
    fn a_native_key_carries_its_id_and_a_checksum_that_any_change_breaks() {
        let (id, text, prefix) = issue(KeyFormat::Native, &SeededEntropy::new(2));
        assert_eq!(prefix.as_str(), format!("kw_{}", native_id(id)));
        for at in 3..text.len() {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'a' { b'b' } else { b'a' };
            assert!(
                KeyFormat::Native.parse(std::str::from_utf8(&other).unwrap()).is_err(),
                "changed at {at}"
            );
        }
        assert_eq!(checksum("kw_0"), "2TSHro", "customers check this offline");
    }

    #[test]
    fn keys_differ_even_from_one_generator() {
        let entropy = SeededEntropy::new(3);
        let (a, b) = (issue(KeyFormat::Filebin, &entropy).1, issue(KeyFormat::Filebin, &entropy).1);
        assert_ne!(a, b);
    }

    #[test]
    fn letters_of_no_form_are_refused_wherever_they_stand() {
        let outside = [
            (KeyFormat::Filebin, 0, &b"/:@[`{-_ "[..]),
            (KeyFormat::QReserve, 3, b"/:@AZ[`{"),
            (KeyFormat::TelVue, 0, b"/:@AF`gz"),
            (KeyFormat::FreeSewing, 37, b"/:@AF`gz"),
        ];
        for (format, from, letters) in outside {
            let (_, text, _) = issue(format, &SeededEntropy::new(4));
            let with = |places: &[usize], letter| {
                let mut other = text.clone().into_bytes();
                places.iter().for_each(|place| other[*place] = letter);
                String::from_utf8(other).unwrap()
            };
            for at in from..text.len() {
                for letter in letters {
                    let (one, two) = (
                        with(&[at], *letter),
                        with(&[at, from + (at - from + 1) % (text.len() - from)], *letter),
                    );
                    assert!(format.parse(&one).is_err(), "{one}");
                    assert!(format.parse(&two).is_err(), "{two}");
                }
            }
            for letter in [b'0', b'9', b'a', b'f'] {
                assert!(format.parse(&with(&[from, text.len() - 1], letter)).is_ok());
            }
        }
    }

    #[test]
    fn both_parts_of_a_text_in_two_parts_count() {
        let (_, text, _) = issue(KeyFormat::FreeSewing, &SeededEntropy::new(5));
        let (id, secret) = text.split_once(':').unwrap();
        for wrong in [
            format!("{id}:"),
            format!("x:{secret}"),
            format!("{}:{secret}", id.to_uppercase()),
            secret.to_owned(),
        ] {
            assert!(KeyFormat::FreeSewing.parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_text_is_too_long_above_512_bytes() {
        let problem =
            |length: usize| KeyFormat::Filebin.parse(&"a".repeat(length)).err().map(|error| error.problem);
        assert_eq!(problem(512), Some("has the wrong form"));
        assert_eq!((problem(513), problem(514)), (Some("is too long"), Some("is too long")));
    }

    #[test]
    fn the_public_part_is_the_leading_71_bits_of_the_id() {
        assert_eq!(native_id(KeyId::from_number(61 << 57)), "00000000000z");
        assert_eq!(native_id(KeyId::from_number((1 << 57) - 1)), "000000000000");
        assert_eq!(native_id(KeyId::from_number(u128::MAX)), BASE_62.digits((1 << 71) - 1, 12));
    }
}
