//! Likeness: texts that a person who searches takes for one.

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The text without what does not count in a search: case, accents, the width and the
/// ligature of a letter, which apostrophe and which dash, how many blanks and of which
/// kind, and what cannot be seen. Folding twice changes nothing.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    // Lower case may bring marks of its own (`İ`), and a letter without its mark
    // another case; so marks go last.
    let letters = text.chars().map(unmarked).nfkd().flat_map(char::to_lowercase).nfkd();
    for letter in letters.filter(|letter| counts(*letter)) {
        push(&mut plain, letter);
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// [`folded`], and no more than `most` characters of it: what a column holds.
#[must_use]
pub fn folded_within(text: &str, most: usize) -> String {
    let mut plain = folded(text);
    if let Some((end, _)) = plain.char_indices().nth(most) {
        plain.truncate(end);
    }
    plain
}

/// Signs that the decomposition would take apart into a blank and a mark.
fn unmarked(sign: char) -> char {
    match sign {
        // ’ ‘ ‛ ʼ ′ ` ´ ＇
        '\u{2019}' | '\u{2018}' | '\u{201b}' | '\u{2bc}' | '\u{2032}' | '`' | '\u{b4}' | '\u{ff07}' => '\'',
        // ‐ ‑ ‒ – — ― −
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        other => other,
    }
}

fn counts(letter: char) -> bool {
    !is_combining_mark(letter) && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(letter)
}

fn push(plain: &mut String, letter: char) {
    match letter {
        blank if blank.is_whitespace() => {
            if !plain.is_empty() && !plain.ends_with(' ') {
                plain.push(' ');
            }
        }
        // Letters that no decomposition takes apart.
        'ß' => plain.push_str("ss"),
        'æ' => plain.push_str("ae"),
        'œ' => plain.push_str("oe"),
        'ø' => plain.push('o'),
        'đ' | 'ð' => plain.push('d'),
        'ł' => plain.push('l'),
        'ı' => plain.push('i'),
        'ς' => plain.push('σ'),
        'þ' => plain.push_str("th"),
        other => plain.push(unmarked(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_folds_alike() {
        for (typed, plain) in [
            ("João", "joao"),
            ("JOA\u{303}O", "joao"),
            ("  Maria \u{a0}\t Silva ", "maria silva"),
            ("D\u{2019}Ávila", "d'avila"),
            ("D´Avila", "d'avila"),
            ("D'Avila", "d'avila"),
            ("Wi\u{2011}Fi", "wi-fi"),
            ("nº 7 ª", "no 7 a"),
            ("Straße", "strasse"),
            ("İSTANBUL ıı", "istanbul ii"),
            ("ＡＢＣ ﬁm", "abc fim"),
            ("Ma\u{ad}ria\u{200b}", "maria"),
            ("Søren Æ Łódź", "soren ae lodz"),
            ("", ""),
            ("\u{301}", ""),
        ] {
            assert_eq!(folded(typed), plain, "{typed:?}");
        }
    }

    #[test]
    fn a_column_holds_so_many_characters() {
        assert_eq!(folded_within("ÇÃO", 2), "ca");
        assert_eq!(folded_within("ÇÃO", 3), "cao");
        assert_eq!(folded_within("", 3), "");
    }
}
