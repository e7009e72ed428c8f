//! What a value must be: one function a kind, for mutations and imports alike.
//!
//! Each takes trimmed text and gives the value, or what is wrong in words fit to
//! show to a person.

use chrono::{NaiveDate, Utc};
use email_address::{EmailAddress, Options};
use rust_decimal::Decimal as Exact;
use unicode_normalization::char::is_combining_mark;

use super::erro::CodigoErro;
use crate::kernel::GraphError;
use crate::kernel::scalars::{Cep, Cpf, Date, DateTime, Decimal, NoCpf, Spoilt};
use crate::kernel::telefone::{self, Unreadable};
use crate::relay::GlobalId;
use crate::text::{domain_as_shown, domain_of, nfc, stray};

/// The value, or what is wrong with it.
pub type Checked<T> = Result<T, (CodigoErro, String)>;

/// The most units that one purchase has.
const MOST_UNITS: i64 = 10_000;

fn invalid<T>(mensagem: &str) -> Checked<T> {
    Err((CodigoErro::Invalido, mensagem.to_owned()))
}

fn out_of_range<T>(mensagem: impl Into<String>) -> Checked<T> {
    Err((CodigoErro::ForaDaFaixa, mensagem.into()))
}

/// A line of at most `most` characters, without control characters.
pub fn line(most: usize) -> impl Fn(&str) -> Checked<String> {
    move |text| {
        if text.chars().any(char::is_control) {
            return invalid("O texto não pode ter quebras de linha nem caracteres de controle.");
        }
        bounded(text, most)
    }
}

/// Lines of at most `most` characters in all; of the control characters only
/// line feeds and tabs.
pub fn lines(most: usize) -> impl Fn(&str) -> Checked<String> {
    move |text| {
        let text = text.replace("\r\n", "\n");
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return invalid("O texto não pode ter caracteres de controle.");
        }
        bounded(&text, most)
    }
}

/// In the form that is kept: what cannot be seen is refused by its name, since it makes
/// two names out of one.
fn bounded(text: &str, most: usize) -> Checked<String> {
    if let Some(stray) = stray(text) {
        let kind = if stray.is_seen() { "sem significado" } else { "invisível" };
        return invalid(&format!("O texto contém um caractere {kind}, {stray}; apague-o."));
    }
    if let Some(mark) = text.chars().next().filter(|first| is_combining_mark(*first)) {
        let number = u32::from(mark);
        return invalid(&format!("O texto começa com um acento sem letra, U+{number:04X}; apague-o."));
    }
    let text = nfc(text.to_owned());
    let length = text.chars().count();
    if length > most {
        let mensagem = format!("O texto pode ter no máximo {most} caracteres e tem {length}.");
        return Err((CodigoErro::MuitoLongo, mensagem));
    }
    Ok(text)
}

/// An e-mail address (RFC 5321, without display name and without literal addresses) at
/// a domain that DNS could have (UTS #46): it has a dot and does not end in a number.
///
/// # Errors
/// What is wrong with it.
pub fn email(text: &str) -> Checked<String> {
    let text = line(254)(text)?;
    let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
    if EmailAddress::parse_with_options(&text, options).is_err() {
        return invalid("O e-mail não é válido; ele tem a forma nome@exemplo.com.br.");
    }
    match text.rsplit_once('@') {
        // The same rules hold for a domain in either of its spellings.
        Some((local, domain))
            if domain_of(domain).is_some_and(|ascii| {
                EmailAddress::parse_with_options(&format!("{local}@{}", domain_as_shown(&ascii)), options)
                    .is_ok()
            }) =>
        {
            Ok(text)
        }
        _ => invalid("O domínio do e-mail não existe; o e-mail tem a forma nome@exemplo.com.br."),
    }
}

/// A CPF with valid check digits.
///
/// # Errors
/// What is wrong with it, and what a spreadsheet has done to it.
pub fn cpf(text: &str) -> Checked<Cpf> {
    Cpf::parse(text).or_else(|why| match why {
        NoCpf::Spoilt(spoilt) => {
            invalid(&spoilt_text("O CPF não é válido", "confira os 11 dígitos.", &spoilt))
        }
        NoCpf::Repeated | NoCpf::CheckDigits => invalid("O CPF não é válido; confira os 11 dígitos."),
    })
}

/// A CEP.
///
/// # Errors
/// What is wrong with it, and what a spreadsheet has done to it.
pub fn cep(text: &str) -> Checked<Cep> {
    Cep::parse(text).or_else(|spoilt| {
        invalid(&spoilt_text("O CEP não é válido", "ele tem 8 dígitos, como 01310-100.", &spoilt))
    })
}

fn spoilt_text(what: &str, form: &str, spoilt: &Spoilt) -> String {
    spoilt.mensagem().map_or_else(|| format!("{what}; {form}"), |done| format!("{what}: {done}"))
}

/// A telephone number as it is kept, in E.164; without a country it is Brazil's, with
/// its area code.
///
/// # Errors
/// What is wrong with it.
pub fn telefone(text: &str) -> Checked<String> {
    telefone::parse(text).or_else(|why| {
        let why = match why {
            Unreadable::NoNumber => "ele não tem dígitos".to_owned(),
            Unreadable::Words => "escreva só o número, sem ramal nem observação".to_owned(),
            Unreadable::TooLong => "ele tem dígitos demais; escreva um número só".to_owned(),
            Unreadable::TooShort => "ele tem dígitos de menos".to_owned(),
            Unreadable::NoArea => "falta o DDD".to_owned(),
            Unreadable::NoSuchArea(area) => format!("o DDD {area} não existe"),
            Unreadable::NinthDigit => "celulares têm nove dígitos depois do DDD".to_owned(),
            Unreadable::Impossible => "esse número não existe".to_owned(),
        };
        invalid(&format!(
            "O telefone não é válido: {why}. Ele tem a forma (11) 91234-5678 ou +351 912 345 678."
        ))
    })
}

/// A day of birth: from 1900 on and not to come.
///
/// # Errors
/// What is wrong with it.
pub fn data_nascimento(today: NaiveDate) -> impl Fn(&str) -> Checked<Date> {
    move |text| {
        let Ok(day) = Date::parse(text) else {
            return invalid("A data não é válida; ela tem a forma 1990-12-31.");
        };
        match NaiveDate::from_ymd_opt(1900, 1, 1) {
            Some(first) if day.0 < first || day.0 > today => {
                out_of_range("A data de nascimento deve estar entre 1900-01-01 e hoje.")
            }
            _ => Ok(day),
        }
    }
}

/// A price: not negative, with at most two decimals.
///
/// # Errors
/// What is wrong with it.
pub fn preco(text: &str) -> Checked<Decimal> {
    let Ok(Decimal(amount)) = Decimal::parse(text) else {
        return invalid("O preço não é válido; ele tem a forma 1234.50.");
    };
    let mut exact = amount.normalize();
    if exact.scale() > 2 {
        return invalid("O preço pode ter no máximo duas casas decimais.");
    }
    exact.rescale(2);
    if exact.is_sign_negative() && !exact.is_zero() || exact > Exact::new(999_999_999_999, 2) {
        return out_of_range("O preço deve estar entre 0.00 e 9999999999.99.");
    }
    Ok(Decimal(exact.abs()))
}

/// How many units a purchase has: 1 to 10,000.
///
/// # Errors
/// What is wrong with it.
pub fn quantidade(units: i64) -> Checked<u32> {
    match u32::try_from(units) {
        Ok(fitting) if (1..=MOST_UNITS).contains(&units) => Ok(fitting),
        _ => out_of_range(format!("A quantidade deve estar entre 1 e {MOST_UNITS}.")),
    }
}

/// A country, as two letters (ISO 3166-1).
///
/// # Errors
/// What is wrong with it.
pub fn pais(text: &str) -> Checked<String> {
    let code = text.to_ascii_uppercase();
    match COUNTRIES.split(' ').any(|known| known == code) {
        true => Ok(code),
        false => invalid("O país não é válido; ele tem as duas letras da ISO 3166, como BR."),
    }
}

/// The codes of ISO 3166-1 alpha-2 that are officially assigned (as of 2024).
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ \
    FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP \
    MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE \
    RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV \
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// A moment.
///
/// # Errors
/// What is wrong with it.
pub fn momento(text: &str) -> Checked<DateTime> {
    DateTime::parse(text)
        .or_else(|_| invalid("A data e hora não é válida; ela tem a forma 2026-11-24T12:00:00Z."))
}

/// A moment that has passed.
///
/// # Errors
/// What is wrong with it.
pub fn momento_passado(text: &str) -> Checked<DateTime> {
    let moment = momento(text)?;
    let first = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default();
    if moment.0 > Utc::now() || moment.0.date_naive() < first {
        return out_of_range("A data deve estar entre 1900-01-01 e agora.");
    }
    Ok(moment)
}

/// The id of a `T`.
///
/// # Errors
/// What is wrong with it.
pub fn id<T: GlobalId>(text: &str) -> Checked<T> {
    T::parse("id", text).or_else(|_: GraphError| {
        invalid(&format!("O identificador não é válido; ele tem a forma {}_42.", T::PREFIX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codigo<T>(checked: Checked<T>) -> Option<CodigoErro> {
        checked.err().map(|(codigo, _)| codigo)
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert_eq!(line(3)("çãé"), Ok("çãé".into()));
        assert_eq!(codigo(line(3)("çãéo")), Some(CodigoErro::MuitoLongo));
        assert_eq!(codigo(line(9)("a\u{0}b")), Some(CodigoErro::Invalido));
        assert_eq!(codigo(line(9)("a\nb")), Some(CodigoErro::Invalido));
        assert_eq!(lines(9)("a\r\nb"), Ok("a\nb".into()));
        assert_eq!(codigo(lines(9)("a\u{7}b")), Some(CodigoErro::Invalido));
    }

    #[test]
    fn emails() {
        for text in ["ana@example.com", "ana.b+c@sub.example.com.br", "çã@exemplo.com"] {
            assert_eq!(email(text), Ok(text.into()), "{text}");
        }
        for text in [
            "ana",
            "ana@",
            "@example.com",
            "ana@localhost",
            "Ana <ana@example.com>",
            "ana@[10.0.0.1]",
            "a b@c.de",
            "a@1.2.3.4",
            "a@exemplo.123",
            "a@b_c.com",
            "a@-b.com",
            "ana@exem\u{ad}plo.com",
            "a@☃.com",
            "a@xn--n3h.com",
        ] {
            assert_eq!(codigo(email(text)), Some(CodigoErro::Invalido), "{text}");
        }
    }

    #[test]
    fn countries_are_those_of_the_standard() {
        assert_eq!(COUNTRIES.split(' ').count(), 249);
        for (text, code) in
            [("br", Some("BR")), ("PT", Some("PT")), ("XX", None), ("", None), ("BRA", None), (" ", None)]
        {
            assert_eq!(pais(text).ok().as_deref(), code, "{text}");
        }
    }

    #[test]
    fn telephones_are_kept_in_one_form() {
        assert_eq!(telefone("+55 (11) 91234-5678"), Ok("+5511912345678".into()));
        assert_eq!(
            telefone("91234-5678").map_err(|(_, mensagem)| mensagem),
            Err("O telefone não é válido: falta o DDD. Ele tem a forma (11) 91234-5678 ou +351 912 345 678."
                .into())
        );
    }

    #[test]
    fn what_cannot_be_seen_is_refused_by_its_name() {
        let told = line(9)("A\u{200b}na").map_err(|(_, mensagem)| mensagem);
        assert_eq!(
            told,
            Err("O texto contém um caractere invisível, U+200B (ZERO WIDTH SPACE); apague-o.".into())
        );
        for text in ["\u{2060}\u{200d}", "\u{2800}", "\u{3164}", "a\u{202e}b", "a\u{2028}b"] {
            assert_eq!(codigo(line(9)(text)), Some(CodigoErro::Invalido), "{text:?}");
            assert_eq!(codigo(lines(9)(text)), Some(CodigoErro::Invalido), "{text:?}");
        }
        assert_eq!(
            line(9)("\u{301}na").map_err(|(_, mensagem)| mensagem),
            Err("O texto começa com um acento sem letra, U+0301; apague-o.".into())
        );
        assert_eq!(line(9)("Joa\u{303}o 👨\u{200d}👩"), Ok("João 👨\u{200d}👩".into()));
    }

    #[test]
    fn what_a_spreadsheet_has_done_is_told() {
        let told = |checked: Checked<Cpf>| checked.map_err(|(_, mensagem)| mensagem).expect_err("refused");
        for (text, mensagem) in [
            (
                "1234567890",
                "O CPF não é válido: uma planilha pode ter perdido os zeros à esquerda; será 01234567890?",
            ),
            (
                "5.2998E+10",
                "O CPF não é válido: uma planilha o escreveu como quantia (E+) e perdeu os últimos dígitos; busque-o na origem.",
            ),
            (
                "'52998224725",
                "O CPF não é válido: ele começa com um apóstrofo, que uma planilha põe diante de textos; apague-o.",
            ),
            ("5299822472", "O CPF não é válido; confira os 11 dígitos."),
        ] {
            assert_eq!(told(cpf(text)), mensagem);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_text_is_refused_or_kept_in_its_normal_form(text in proptest::prelude::any::<String>()) {
            if let Ok(kept) = lines(10_000)(&text) {
                proptest::prop_assert_eq!(kept, nfc(text.replace("\r\n", "\n")));
            }
        }
    }

    #[test]
    fn prices_have_two_decimals() {
        let shown = |text| preco(text).map(|amount| amount.0.to_string());
        assert_eq!(shown("10"), Ok("10.00".into()));
        assert_eq!(shown("10.500"), Ok("10.50".into()));
        assert_eq!(shown("-0"), Ok("0.00".into()));
        assert_eq!(codigo(preco("10.505")), Some(CodigoErro::Invalido));
        assert_eq!(codigo(preco("-0.01")), Some(CodigoErro::ForaDaFaixa));
        assert_eq!(codigo(preco("10000000000.00")), Some(CodigoErro::ForaDaFaixa));
        assert_eq!(codigo(preco("1,50")), Some(CodigoErro::Invalido));
    }

    #[test]
    fn births_are_neither_to_come_nor_long_ago() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 24).expect("a day");
        assert!(data_nascimento(today)("2026-11-24").is_ok());
        assert!(data_nascimento(today)("1900-01-01").is_ok());
        assert_eq!(codigo(data_nascimento(today)("2026-11-25")), Some(CodigoErro::ForaDaFaixa));
        assert_eq!(codigo(data_nascimento(today)("1899-12-31")), Some(CodigoErro::ForaDaFaixa));
        assert_eq!(codigo(data_nascimento(today)("24/11/2026")), Some(CodigoErro::Invalido));
    }

    #[test]
    fn quantities() {
        assert_eq!(quantidade(10_000), Ok(10_000));
        for units in [0, -1, 10_001, i64::MAX] {
            assert_eq!(codigo(quantidade(units)), Some(CodigoErro::ForaDaFaixa), "{units}");
        }
    }
}
