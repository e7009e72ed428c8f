//! Telephone numbers: taken as pasted, kept in one form, shown as people here dial them.

use std::borrow::Cow;

use phonenumber::{Mode, ParseError, country};
use unicode_normalization::UnicodeNormalization as _;

use crate::text::{ascii_digits, stray};

/// The area codes of Brazil (Anatel, resolution 749/2022).
const AREAS: [u8; 67] = [
    11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 24, 27, 28, 31, 32, 33, 34, 35, 37, 38, 41, 42, 43, 44, 45,
    46, 47, 48, 49, 51, 53, 54, 55, 61, 62, 63, 64, 65, 66, 67, 68, 69, 71, 73, 74, 75, 77, 79, 81, 82, 83,
    84, 85, 86, 87, 88, 89, 91, 92, 93, 94, 95, 96, 97, 98, 99,
];

/// Brazil's own code.
const BRAZIL: &str = "+55";

/// What is wrong with a telephone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// There are no digits in it.
    NoNumber,
    /// Letters stand in it: an extension, a remark.
    Words,
    /// More digits than a number has: perhaps two numbers.
    TooLong,
    /// Fewer digits than a number has.
    TooShort,
    /// A number of 8 or 9 digits without its area code.
    NoArea,
    /// An area code that Brazil does not have.
    NoSuchArea(String),
    /// A mobile number without its ninth digit.
    NinthDigit,
    /// No number of its country looks like this.
    Impossible,
}

/// The number in E.164 (`+5511912345678`): signs, blanks, marks of direction, the trunk
/// zero and a carrier's code are left out, and a number without a country is Brazil's.
///
/// # Errors
/// [`Unreadable`]: what is wrong with it.
pub fn parse(text: &str) -> Result<String, Unreadable> {
    let plain = plain(text);
    let plain = plain.trim().strip_prefix("tel:").unwrap_or(plain.trim()).trim();
    let plain = &*without_carrier(plain);
    if plain.chars().any(char::is_alphabetic) {
        return Err(Unreadable::Words);
    }
    if !plain.contains(|c: char| c.is_ascii_digit()) {
        return Err(Unreadable::NoNumber);
    }
    let dialled = with_country(plain);
    let number = phonenumber::parse(Some(country::BR), &*dialled).map_err(|error| match error {
        ParseError::TooLong => Unreadable::TooLong,
        ParseError::TooShortNsn | ParseError::TooShortAfterIdd => Unreadable::TooShort,
        _ if dialled.bytes().filter(u8::is_ascii_digit).count() > 15 => Unreadable::TooLong,
        _ => Unreadable::Impossible,
    })?;
    if let Some(kept) = with_zero_kept(&dialled) {
        return Ok(kept);
    }
    let kept = number.format().mode(Mode::E164).to_string();
    if number.is_valid() && number.extension().is_none() {
        return Ok(kept);
    }
    Err(kept.strip_prefix(BRAZIL).map_or(Unreadable::Impossible, why_not_brazilian))
}

/// As people here dial it: a number of Brazil without the country, any other as it is
/// kept.
#[must_use]
pub fn shown(kept: &str) -> Cow<'_, str> {
    match kept.strip_prefix(BRAZIL) {
        // 0800 and its kin are dialled with their zero.
        Some(digits) if digits.starts_with(['3', '5', '8', '9']) && digits[1..].starts_with("00") => {
            Cow::Owned(format!("0{digits}"))
        }
        Some(digits) => Cow::Borrowed(digits),
        None => Cow::Borrowed(kept),
    }
}

/// With the country where we know it and the library does not: people here write the
/// international prefix as `00`, and an area code and a number of Brazil may begin with
/// the digits of Brazil's own code.
fn with_country(plain: &str) -> Cow<'_, str> {
    if let Some(rest) = plain.strip_prefix("00") {
        return Cow::Owned(format!("+{rest}"));
    }
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    if matches!(digits, 10 | 11)
        && !plain.contains('+')
        && !plain.trim_start_matches(['(', ' ']).starts_with('0')
    {
        return Cow::Owned(format!("{BRAZIL} {plain}"));
    }
    Cow::Borrowed(plain)
}

/// Digits and signs alone: without marks of direction, with plain digits, and with a
/// blank for each sign that only parts the digits.
fn plain(text: &str) -> String {
    let seen: String =
        ascii_digits(text).chars().filter(|c| stray(c.encode_utf8(&mut [0; 4])).is_none()).nfkc().collect();
    let sign = |c: char| match c {
        '+' | '(' | ')' => c,
        c if c.is_alphanumeric() || c == ':' => c.to_ascii_lowercase(),
        _ => ' ',
    };
    seen.chars().map(sign).collect()
}

/// Without the trunk zero and the place for a carrier's code: `0xx11`, `(0xx11)`.
fn without_carrier(plain: &str) -> Cow<'_, str> {
    let letters: String = plain.chars().filter(|c| c.is_alphabetic()).collect();
    if letters == "xx" && plain.contains("0xx") { plain.replacen("0xx", "", 1).into() } else { plain.into() }
}

/// Countries whose numbers begin with a zero that is dialled from abroad, too (ITU-T, list
/// of national numbering plans): Italy and the Vatican, San Marino, Ivory Coast, Congo,
/// Gabon. The library takes it for the zero that is left out.
const ZERO_IS_KEPT: [&str; 6] = ["39", "378", "379", "225", "242", "241"];

/// A number of such a country with its zero, where it has one: 7 to 15 digits in all.
fn with_zero_kept(dialled: &str) -> Option<String> {
    let digits: String =
        dialled.trim_start().strip_prefix('+')?.chars().filter(char::is_ascii_digit).collect();
    let is_kept = |country: &&str| digits.strip_prefix(*country).is_some_and(|rest| rest.starts_with('0'));
    let is_known = ZERO_IS_KEPT.iter().any(is_kept);
    (is_known && (7..=15).contains(&digits.len())).then(|| format!("+{digits}"))
}

fn why_not_brazilian(digits: &str) -> Unreadable {
    let area = digits.get(..2).unwrap_or_default();
    let is_area = area.parse().is_ok_and(|area: u8| AREAS.contains(&area));
    match digits.len() {
        ..8 => Unreadable::TooShort,
        8 | 9 => Unreadable::NoArea,
        10 | 11 if !is_area => Unreadable::NoSuchArea(area.to_owned()),
        10 if digits[2..].starts_with(['6', '7', '8', '9']) => Unreadable::NinthDigit,
        10 | 11 => Unreadable::Impossible,
        _ => Unreadable::TooLong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_many_forms() {
        for text in [
            "(11) 91234-5678",
            "11912345678",
            "11 91234 5678",
            "011 91234-5678",
            "0xx11 91234-5678",
            "(0xx11) 91234-5678",
            "015 11 91234-5678",
            "+5511912345678",
            "5511912345678",
            "+55011912345678",
            "0055 11 91234-5678",
            "tel:+55-11-91234-5678",
            "\u{202a}+55\u{a0}11\u{2011}91234\u{2011}5678\u{202c}",
            "11/91234.5678",
            "１１ ９１２３４ ５６７８",
            "55 (11) 9.1234-5678",
            "+55 (0xx11) 91234-5678",
            "١١ ٩١٢٣٤ ٥٦٧٨",
        ] {
            assert_eq!(parse(text).as_deref(), Ok("+5511912345678"), "{text}");
        }
    }

    #[test]
    fn numbers_of_other_kinds() {
        for (text, kept, dialled) in [
            ("11 3456-7890", "+551134567890", "1134567890"),
            ("0800 123 4567", "+558001234567", "08001234567"),
            ("4004-1234", "+5540041234", "40041234"),
            ("+1 202-555-0175", "+12025550175", "+12025550175"),
            ("+351 912 345 678", "+351912345678", "+351912345678"),
            ("+55 55 99123-4567", "+5555991234567", "55991234567"),
            ("+39 06 6982", "+39066982", "+39066982"),
            ("+39 06 1234 5678", "+390612345678", "+390612345678"),
            ("+39 312 345 6789", "+393123456789", "+393123456789"),
            ("00378 0549 882314", "+3780549882314", "+3780549882314"),
            ("+225 07 07 12 34 56", "+2250707123456", "+2250707123456"),
            ("+242 06 123 4567", "+242061234567", "+242061234567"),
            ("+241 06 12 34 56", "+24106123456", "+24106123456"),
            ("+44 (0)20 7946 0958", "+442079460958", "+442079460958"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(kept), "{text}");
            assert_eq!(shown(kept), dialled, "{text}");
            assert_eq!(parse(&shown(kept)).as_deref(), Ok(kept), "{text} again");
        }
        assert_eq!(shown("1234"), "1234");
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, why) in [
            ("", Unreadable::NoNumber),
            ("--", Unreadable::NoNumber),
            ("91234-5678", Unreadable::NoArea),
            ("3456-7890", Unreadable::NoArea),
            ("1234567", Unreadable::TooShort),
            ("12", Unreadable::TooShort),
            ("0", Unreadable::Impossible),
            ("00000000", Unreadable::Impossible),
            ("(10) 91234-5678", Unreadable::NoSuchArea("10".into())),
            ("11 8123-4567", Unreadable::NinthDigit),
            ("11 6234-5678", Unreadable::NinthDigit),
            ("11 1234-5678", Unreadable::Impossible),
            ("11 91234-5678 / 11 3333-4444", Unreadable::TooLong),
            ("+55 11 9123456789", Unreadable::TooLong),
            ("(11)1234-5678 ramal 12", Unreadable::Words),
            ("11 91234-5678 (zap)", Unreadable::Words),
            ("+1 202", Unreadable::Impossible),
            ("+39 06", Unreadable::TooShort),
            ("+999 123456789", Unreadable::Impossible),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
    }
}
