//! Numbers that are names (CPF, CEP), as people paste them and spreadsheets spoil them.

use std::fmt;

use crate::text::ascii_digits;

/// What is wrong with the spelling of such a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoilt {
    /// It has not so many digits, or holds something else.
    Shape,
    /// A spreadsheet's mark that what follows is a text.
    Apostrophe,
    /// A spreadsheet has taken it for an amount: `5.29982E+10`.
    Scientific,
    /// A spreadsheet has taken it for an amount: `52998224725.0` or `52998224725,00`.
    Fraction,
    /// It has fourteen digits, as the number of a company has.
    Company,
    /// A spreadsheet has taken it for an amount and left out the zeros before it; with
    /// them it is this.
    LostZeros(String),
}

impl Spoilt {
    /// What a spreadsheet has done to it, for a developer.
    #[must_use]
    pub(super) fn rule(&self) -> Option<String> {
        Some(match self {
            Self::Shape => return None,
            Self::Apostrophe => "it begins with an apostrophe, as a spreadsheet marks text: leave that out".into(),
            Self::Scientific => {
                "a spreadsheet has written it as an amount (E+) and its last digits are lost: take it from its source"
                    .into()
            }
            Self::Fraction => "a spreadsheet has written it as an amount, with decimals: leave them out".into(),
            Self::Company => "it has 14 digits, as a CNPJ has; clients have a CPF".into(),
            Self::LostZeros(whole) => {
                format!("a spreadsheet may have lost the zeros before it: is it {whole}?")
            }
        })
    }

    /// The same for a person in the shop.
    #[must_use]
    pub fn mensagem(&self) -> Option<String> {
        Some(match self {
            Self::Shape => return None,
            Self::Apostrophe => {
                "ele começa com um apóstrofo, que uma planilha põe diante de textos; apague-o.".into()
            }
            Self::Scientific => {
                "uma planilha o escreveu como quantia (E+) e perdeu os últimos dígitos; busque-o na origem."
                    .into()
            }
            Self::Fraction => "uma planilha o escreveu como quantia, com casas decimais; apague-as.".into(),
            Self::Company => "ele tem 14 dígitos, como um CNPJ; clientes têm CPF.".into(),
            Self::LostZeros(whole) => {
                format!("uma planilha pode ter perdido os zeros à esquerda; será {whole}?")
            }
        })
    }
}

impl fmt::Display for Spoilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule().as_deref().unwrap_or("it has another number of digits"))
    }
}

/// The digits of a number of `length` digits: blanks of any kind, dots, slashes, hyphens
/// and dashes are left out. `fits` tells whether digits that have their zeros back are
/// such a number.
///
/// # Errors
/// [`Spoilt`].
pub(super) fn digits(text: &str, length: usize, fits: impl Fn(&str) -> bool) -> Result<String, Spoilt> {
    let text = ascii_digits(text.trim());
    let text = text.as_str();
    if text.starts_with(['\'', '\u{2019}']) {
        return Err(Spoilt::Apostrophe);
    }
    if is_fraction(text, length) {
        return Err(Spoilt::Fraction);
    }
    let plain: String = text.chars().filter(|c| !is_ornament(*c)).collect();
    // A minus is no ornament.
    if plain.len() == length && is_number(&plain) && !text.starts_with(is_dash) {
        return Ok(plain);
    }
    if is_scientific(text) {
        return Err(Spoilt::Scientific);
    }
    // Who wrote dots and dashes has seen the zeros, too.
    if is_number(text) && text.len() < length {
        let whole = format!("{plain:0>length$}");
        if fits(&whole) {
            return Err(Spoilt::LostZeros(whole));
        }
    }
    Err(Spoilt::Shape)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What people and pages put between the digits, and marks of direction around them.
fn is_ornament(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '.' | '/')
        || is_dash(c)
        || crate::text::stray(c.encode_utf8(&mut [0; 4])).is_some()
}

const fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    is_number(&mantissa.replacen([',', '.'], "", 1))
        && is_number(exponent.strip_prefix('+').unwrap_or(exponent))
}

/// Its digits, and then zeros behind a point or a comma.
fn is_fraction(text: &str, length: usize) -> bool {
    text.rsplit_once(['.', ',']).is_some_and(|(whole, zeros)| {
        is_number(whole)
            && whole.len() <= length
            && is_number(zeros)
            && zeros.len() <= 2
            && zeros.bytes().all(|byte| byte == b'0')
    })
}
