//! Locators: where the hot index looks for a key text.
//!
//! The index finds a key by a number that follows from its public prefix, and recognizes it by 96 bits of its keyed hash.
//! The alternative, finding it by the hash alone, would know the place only after hashing: with a locator the processor
//! fetches the place from memory while it hashes the text.

/// Locator of a key text: 32 bits that follow from its prefix. Chooses where the index looks, and decides nothing.
///
/// # Security
/// Follows from the prefix alone, which is stored in the clear: it reveals nothing of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator(u32);

/// Odd numbers without a pattern in their bits.
const MIX: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03];

impl Locator {
    /// Returns the locator of a prefix. Its first and its last 8 bytes count, which are all bytes of any prefix that is
    /// issued. **Changing this function hides every key in existing stores.**
    pub(in crate::key) fn of(prefix: &str) -> Self {
        let bytes = prefix.as_bytes();
        let word = |end: Option<&[u8; 8]>| {
            end.map_or_else(
                || bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
                |end| u64::from_le_bytes(*end),
            )
        };
        let [a, b] = MIX;
        let product = u128::from(word(bytes.first_chunk()) ^ a) * u128::from(word(bytes.last_chunk()) ^ b);
        Self(((product >> 64) as u64 ^ product as u64) as u32)
    }

    /// Returns the locator of this number, as read from the store.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Number for the store.
    pub const fn number(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_the_same_place_for_good() {
        for (prefix, place) in [
            ("x", 3_820_682_321),
            ("ab", 1_250_819_414),
            ("Sa71PVwK", 466_601_630),
            ("kw_0123456789AB", 561_328_804),
        ] {
            assert_eq!(Locator::of(prefix).number(), place, "{prefix}");
            assert_eq!(Locator::from_number(place), Locator::of(prefix));
        }
    }
}
