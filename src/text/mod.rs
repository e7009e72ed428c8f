//! Text as people have it: one form for what is the same, one key for what is alike.
//!
//! Three things that are easily taken for one:
//! - **The text itself** is kept as it was typed, in Normalization Form C
//!   ([`nfc`]), so that an accent typed on a Mac is an accent.
//! - **Identity** is a key of its own, compared byte for byte
//!   ([`email_key`]). What is merely alike is never the same.
//! - **Likeness** is for searching: [`folded`] names, and [`words()`] of long texts.
//!
//! What may not come in at all is told by [`stray()`]. To add a kind of likeness: a
//! function here, a column beside the text that its store's table file fills, and
//! a step of the store's `prepare` for the rows that are there already.

mod digits;
mod email;
mod fold;
mod stray;
mod words;

pub use digits::ascii_digits;
pub use email::{domain_as_shown, domain_of, email_key};
pub use fold::{folded, folded_within};
pub use stray::{Stray, stray};
pub use words::{searched_words, words, written_words};

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// The text in Normalization Form C (UAX #15): what looks the same because it is the
/// same has one spelling. Costs a look at each character where there is nothing to do.
#[must_use]
pub fn nfc(text: String) -> String {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text;
    }
    text.nfc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_the_same_has_one_spelling() {
        for (typed, kept) in [
            ("Joa\u{303}o", "João"),
            ("xi\u{301}cara", "xícara"),
            ("Angstro\u{308}m \u{212b}", "Angström Å"),
            ("plain", "plain"),
            ("\u{1100}\u{1161}", "가"),
        ] {
            assert_eq!(nfc(typed.to_owned()), kept);
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in any::<String>()) {
            let once = nfc(text.clone());
            prop_assert_eq!(&once, &text.nfc().collect::<String>());
            prop_assert_eq!(nfc(once.clone()), once);
        }

        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }
    }
}
