//! Key texts of every format: exactly those are recognised that a plain model recognises, every issued one is among
//! them, and neither a key nor a refusal ever prints the text.

use std::sync::Mutex;

use keyward::entropy::{Entropy, EntropyError, SeededEntropy};
use keyward::key::{KeyFormat, KeyId, UncheckedKey};

const FORMATS: [KeyFormat; 6] = [
    KeyFormat::Filebin,
    KeyFormat::QReserve,
    KeyFormat::TelVue,
    KeyFormat::BokaMera,
    KeyFormat::FreeSewing,
    KeyFormat::Native,
];

/// What a refusal may say: nothing in it depends on the text.
const PROBLEMS: [&str; 5] = [
    "is too long",
    "has the wrong form",
    "has the wrong label",
    "has the wrong length or alphabet",
    "has a wrong checksum",
];

/// Reads the input as a key text, and issues keys with the input as randomness.
pub fn run(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        recognised_as_modelled(text);
        // Texts off by a blank are what people paste.
        recognised_as_modelled(text.trim());
        if let Some(sealed) = with_checksum(text) {
            recognised_as_modelled(&sealed);
        }
    }
    let entropy = InputEntropy::new(bytes);
    let id = KeyId::generate(&entropy).unwrap();
    for format in FORMATS {
        let (issued, prefix) = format.issue(id, &entropy).unwrap();
        assert_eq!(format!("{issued:?}"), "IssuedKey");
        let text = issued.reveal();
        assert!(text.starts_with(prefix.as_str()), "{format:?}");
        assert!(
            prefix.as_str().len() <= text.len() / 2,
            "{format:?}: a prefix leaves most of the text unshown"
        );
        for reader in FORMATS {
            assert_eq!(model(reader, &text), reader == format, "{format:?} read as {reader:?}");
        }
        recognised_as_modelled(&text);
    }
}

fn recognised_as_modelled(text: &str) {
    for format in FORMATS {
        match format.parse(text) {
            Ok(key) => {
                assert!(model(format, text), "{format:?} takes {text:?}");
                assert_eq!(format!("{key:?}"), "PresentedKey");
            }
            Err(error) => {
                assert!(!model(format, text), "{format:?} refuses {text:?}");
                assert_eq!(error.what, "key");
                assert!(PROBLEMS.contains(&error.problem), "{error}");
            }
        }
    }
    assert_eq!(format!("{:?}", UncheckedKey::new(text.to_owned())), "UncheckedKey");
}

fn model(format: KeyFormat, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    match format {
        KeyFormat::Filebin => text.len() == 32 && text.iter().all(char::is_ascii_alphanumeric),
        KeyFormat::QReserve => {
            text.len() == 41
                && text[..3] == ['Q', 'R', '-']
                && text[3..].iter().all(|c| matches!(c, '0'..='9' | 'a'..='z'))
        }
        KeyFormat::TelVue => text.len() == 20 && text.iter().all(is_hex),
        KeyFormat::BokaMera => is_guid(&text),
        KeyFormat::FreeSewing => {
            text.len() == 36 + 1 + 64
                && is_guid(&text[..36])
                && text[36] == ':'
                && text[37..].iter().all(is_hex)
        }
        KeyFormat::Native => {
            text.len() == 53
                && text[..3] == ['k', 'w', '_']
                && text[3..].iter().all(char::is_ascii_alphanumeric)
                && number(&text[47..]) == u64::from(crc32(text[..47].iter().copied()))
        }
    }
}

fn is_hex(c: &char) -> bool {
    matches!(c, '0'..='9' | 'a'..='f')
}

fn is_guid(text: &[char]) -> bool {
    text.len() == 36
        && text
            .iter()
            .enumerate()
            .all(|(at, c)| if [8, 13, 18, 23].contains(&at) { *c == '-' } else { is_hex(c) })
}

/// Base 62: digits, then capitals, then small letters.
fn number(digits: &[char]) -> u64 {
    digits.iter().fold(0, |number, digit| {
        let value = match digit {
            '0'..='9' => *digit as u64 - '0' as u64,
            'A'..='Z' => *digit as u64 - 'A' as u64 + 10,
            _ => *digit as u64 - 'a' as u64 + 36,
        };
        number * 62 + value
    })
}

/// CRC-32 of IEEE 802.3, bit by bit.
fn crc32(text: impl Iterator<Item = char>) -> u32 {
    !text.fold(!0, |crc, c| {
        (0..8).fold(crc ^ c as u32, |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

/// The text as a native key with the right checksum, which mutations alone never find.
fn with_checksum(text: &str) -> Option<String> {
    let body: String = text.chars().take(47).collect();
    body.is_ascii().then_some(())?;
    let mut rest = u64::from(crc32(body.chars()));
    let mut digits = Vec::new();
    for _ in 0..6 {
        digits.push(char::from(
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(rest % 62) as usize],
        ));
        rest /= 62;
    }
    Some(body + &digits.into_iter().rev().collect::<String>())
}

/// The input as randomness; after its end repeatable randomness, since no generator repeats itself for ever.
struct InputEntropy(Mutex<Vec<u8>>, SeededEntropy);

impl InputEntropy {
    fn new(bytes: &[u8]) -> Self {
        Self(Mutex::new(bytes.iter().rev().copied().collect()), SeededEntropy::new(1))
    }
}

impl Entropy for InputEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        self.1.fill(bytes)?;
        let mut left = self.0.lock().unwrap();
        for byte in bytes {
            match left.pop() {
                Some(next) => *byte = next,
                None => break,
            }
        }
        Ok(())
    }
}
