//! Text of pages.

use maud::{Markup, html};

/// Text for a cell of a table, in which no word is broken, not even at a hyphen. A word that is longer than a phone is
/// wide may be broken.
pub(in crate::console) fn words(text: &str) -> Markup {
    const UNBROKEN_CHARS: usize = 38;
    html! {
        @for (at, word) in text.split(' ').enumerate() {
            @if at > 0 { " " }
            @if word.contains('-') && word.chars().count() <= UNBROKEN_CHARS { span.word { (word) } } @else { (word) }
        }
    }
}

/// Text with a capital first letter.
pub(in crate::console) fn capitalized(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}
