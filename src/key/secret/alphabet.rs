//! Alphabets of key texts.

/// Alphabet: letters in the order of their values.
pub(in crate::key) struct Alphabet {
    pub(in crate::key) letters: &'static [u8],
    /// Value of each byte; [`NO_LETTER`] for a byte outside the alphabet.
    values: [u8; 256],
}

const NO_LETTER: u8 = u8::MAX;

pub(in crate::key) static BASE_62: Alphabet =
    Alphabet::new(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
pub(in crate::key) static BASE_36: Alphabet = Alphabet::new(b"0123456789abcdefghijklmnopqrstuvwxyz");
pub(in crate::key) static HEX: Alphabet = Alphabet::new(b"0123456789abcdef");

impl Alphabet {
    #[expect(clippy::indexing_slicing, reason = "evaluated when the program is built")]
    const fn new(letters: &'static [u8]) -> Self {
        let mut values = [NO_LETTER; 256];
        let mut value = 0;
        while value < letters.len() {
            values[letters[value] as usize] = value as u8;
            value += 1;
        }
        Self { letters, values }
    }

    fn value(&self, letter: u8) -> Option<u8> {
        self.values.get(usize::from(letter)).copied().filter(|value| *value != NO_LETTER)
    }

    /// Returns the number that `text` writes in these digits; `None` for other letters, or when it is too large.
    pub(in crate::key) fn number(&self, text: &str) -> Option<u64> {
        let base = u64::try_from(self.letters.len()).ok()?;
        text.bytes().try_fold(0_u64, |number, letter| {
            number.checked_mul(base)?.checked_add(u64::from(self.value(letter)?))
        })
    }

    /// Writes `number` in `width` digits with leading zeros. Higher digits that do not fit are left out.
    pub(in crate::key) fn digits(&self, mut number: u128, width: usize) -> String {
        let base = u128::try_from(self.letters.len()).unwrap_or(1);
        let mut digits = vec!['0'; width];
        for digit in digits.iter_mut().rev() {
            let letter = usize::try_from(number % base).ok().and_then(|value| self.letters.get(value));
            *digit = letter.copied().map_or('0', char::from);
            number /= base;
        }
        digits.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_letters_have_a_value() {
        for alphabet in [&BASE_62, &BASE_36, &HEX] {
            for byte in 0..=255 {
                let place = alphabet.letters.iter().position(|letter| *letter == byte);
                assert_eq!(alphabet.value(byte).map(usize::from), place, "{byte}");
            }
        }
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for number in [0, 1, 61, 62, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(BASE_62.number(&BASE_62.digits(u128::from(number), 11)), Some(number));
        }
        assert_eq!(BASE_62.number("zzzzzzzzzzz"), None, "it is above 64 bits");
        assert_eq!(HEX.number("0g"), None);
    }
}
