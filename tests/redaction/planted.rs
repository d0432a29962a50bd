//! Secrets that were planted, and the search for them.

use std::collections::{BTreeSet, HashMap};

use keyward::key::Keyspace;

/// Bytes in a row that already count as giving a secret away.
const STRETCH: usize = 12;
/// Bytes by which marks are found; the shortest mark is a stretch as it is.
const INDEXED: usize = 8;

/// Everything that would give a planted secret away.
pub(crate) struct Planted {
    /// Marks by their first bytes, each with the name of its secret.
    marks: HashMap<[u8; INDEXED], Vec<(Vec<u8>, String)>>,
    /// Whether any mark begins with these two bytes.
    begins: Vec<bool>,
}

impl Planted {
    pub(crate) fn new() -> Self {
        Self { marks: HashMap::new(), begins: vec![false; 1 << 16] }
    }

    /// From now on every stretch of `secret` counts: as it is, in hexadecimal, in base64, and as a list of numbers.
    pub(crate) fn plant(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() >= STRETCH, "{name} is too short to be found");
        for stretch in secret.windows(STRETCH) {
            let list = format!("{stretch:?}");
            let forms = [
                stretch.to_vec(),
                hex::encode(stretch).into_bytes(),
                hex::encode_upper(stretch).into_bytes(),
                base64(stretch),
                list.trim_matches(['[', ']']).as_bytes().to_vec(),
            ];
            for form in forms {
                self.begins[two(&form)] = true;
                self.marks.entry(*form.first_chunk().unwrap()).or_default().push((form, name.to_owned()));
            }
        }
    }

    /// Plants what of a key text is not public.
    pub(crate) fn plant_key(&mut self, keyspace: &str, name: &str, text: &str) {
        assert!(Keyspace::named(&keyspace.parse().unwrap()).unwrap().format().parse(text).is_ok(), "{name}");
        let secret = match keyspace {
            "native" => &text[15..],
            // The text begins with the key's id.
            "freesewing" => text.split_once(':').unwrap().1,
            _ => &text[8..],
        };
        self.plant(name, secret.as_bytes());
    }

    /// The names of the secrets that `bytes` give away.
    pub(crate) fn found(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        for (at, pair) in bytes.windows(2).enumerate() {
            if !self.begins[two(pair)] {
                continue;
            }
            let marks = bytes[at..].first_chunk().and_then(|begin| self.marks.get(begin));
            for (mark, name) in marks.into_iter().flatten() {
                if bytes[at..].starts_with(mark) {
                    names.insert(name.as_str());
                }
            }
        }
        names
    }
}

fn two(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// Of a length that needs no padding. A stretch that begins at another letter of a longer text is covered by the
/// stretches that begin one or two bytes later.
fn base64(bytes: &[u8]) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let four = |three: &[u8]| {
        let number = three.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| letters[number >> shift & 63])
    };
    bytes.chunks_exact(3).flat_map(four).collect()
}

#[test]
fn a_planted_secret_is_found_in_every_form() {
    let secret = "correct horse battery";
    let mut planted = Planted::new();
    planted.plant("horse", secret.as_bytes());
    assert_eq!(base64(b"correct horse"), b"Y29ycmVjdCBob3Jz", "as the standard has it");
    let whole = [
        secret.to_owned(),
        hex::encode(secret),
        hex::encode_upper(secret),
        format!("{:?}", secret.as_bytes()),
    ];
    let encoded = (0..3)
        .map(|before| String::from_utf8(base64(&["___", secret].concat().as_bytes()[before..])).unwrap());
    for text in whole.into_iter().chain(encoded) {
        assert!(planted.found(text.as_bytes()).contains("horse"), "{text}");
    }
    assert!(planted.found(b"xx correct hors!").contains("horse"), "a stretch is enough");
    assert!(planted.found(b"correct hor?e batter!").is_empty());
}
