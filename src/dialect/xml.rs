//! What XML 1.0 can hold.

/// Whether a letter may stand in a document, escaped or not.
pub(super) const fn is_allowed(letter: char) -> bool {
    match letter {
        '\t' | '\n' | '\r' => true,
        '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => true,
    }
}
