//! What a key text is found by.

use super::KeyedHash;

/// A number that follows from the part of a key text that is safe to show. Says where to look before the hash is computed, so that
/// the processor fetches from memory meanwhile; decides nothing.
///
/// # Security
/// Follows from the prefix alone, which is stored in the clear: it tells nothing of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator(u32);

/// Odd, with their bits in no order.
const MIX: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03];

impl Locator {
    /// The locator of a prefix: of its first and its last 8 bytes, which are all of it unless it is longer than any
    /// that is issued. **Changing this hides every key in existing stores.**
    pub(super) fn of(prefix: &str) -> Self {
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

    /// The locator of this number, as read from the store.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// The number, for the store.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// What a key text leaves behind: where to look for it, and what it is recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTrace {
    /// What it is recognised by.
    pub hash: KeyedHash,
    /// Where to look.
    pub locator: Locator,
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
