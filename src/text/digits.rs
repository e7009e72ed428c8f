//! Digits of other scripts, which people's keyboards write, as those of ASCII.

/// Where the ten digits of a script begin (general category Nd of Unicode 16), for the
/// scripts that keyboards write.
const ZEROS: [char; 22] = [
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}',
    '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{17e0}',
    '\u{1810}', '\u{a9d0}', '\u{abf0}', '\u{ff10}',
];

/// The text with each digit as ASCII has it.
#[must_use]
pub fn ascii_digits(text: &str) -> String {
    text.chars().map(ascii_digit).collect()
}

fn ascii_digit(c: char) -> char {
    let value = |zero: &char| u32::from(c).checked_sub(u32::from(*zero)).filter(|value| *value < 10);
    match c.is_ascii() {
        true => c,
        false => ZEROS.iter().find_map(value).and_then(|value| char::from_digit(value, 10)).unwrap_or(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_other_scripts_are_digits() {
        for (text, digits) in [("٠١٢٩", "0129"), ("۱۲", "12"), ("०९", "09"), ("１２", "12"), ("½ x7", "½ x7")]
        {
            assert_eq!(ascii_digits(text), digits);
        }
    }
}
