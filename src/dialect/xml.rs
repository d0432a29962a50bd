//! Characters that XML 1.0 can hold.

/// Whether a document may hold the character, escaped or not.
pub(super) const fn is_allowed(letter: char) -> bool {
    match letter {
        '\t' | '\n' | '\r' => true,
        '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => true,
    }
}
