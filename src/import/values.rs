//! How values are written in files of other programs: numbers, days, moments.

use chrono::{
    DateTime as Moment, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone,
    Utc,
};
use chrono_tz::Tz;

use crate::kernel::scalars::{Date, DateTime, Decimal};
use crate::writes::CodigoErro;
use crate::writes::rules::{self, Checked};

/// How values are written in the file.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Prices are written `1.234,50`.
    pub decimal_comma: bool,
    /// Where the clocks hung that moments without an offset were read from.
    pub zone: Zone,
}

/// What a moment without an offset means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// So far from UTC, summer and winter.
    Offset(FixedOffset),
    /// In a zone of the tz database, with its summer times.
    Named(Tz),
}

impl Zone {
    /// The moment at which clocks showed `local`: the first of two, where clocks were put
    /// back over it.
    ///
    /// # Errors
    /// Where clocks were put forward over it.
    fn moment(self, local: NaiveDateTime) -> Checked<Moment<Utc>> {
        self.earliest(local).ok_or_else(|| {
            let mensagem = format!("O horário {local} não existiu: os relógios foram adiantados.");
            (CodigoErro::Invalido, mensagem)
        })
    }

    /// When a day began: at midnight, or where clocks were put forward over that.
    fn begin(self, day: NaiveDate) -> Option<Moment<Utc>> {
        let midnight = day.and_time(NaiveTime::MIN);
        (0..96).find_map(|quarters| self.earliest(midnight + TimeDelta::minutes(15 * quarters)))
    }

    fn earliest(self, local: NaiveDateTime) -> Option<Moment<Utc>> {
        match self {
            Self::Offset(offset) => first_of(offset.from_local_datetime(&local)),
            Self::Named(zone) => first_of(zone.from_local_datetime(&local)),
        }
    }
}

fn first_of<Z: TimeZone>(found: LocalResult<Moment<Z>>) -> Option<Moment<Utc>> {
    found.earliest().map(|moment| moment.to_utc())
}

impl Format {
    /// A price; `R$` before it does not count.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn price(self, text: &str) -> Checked<Decimal> {
        let text = text.strip_prefix("R$").unwrap_or(text).trim();
        let as_comma = with_point(text);
        if self.decimal_comma {
            let Some(plain) = as_comma else {
                return invalid("O preço não é válido; ele tem a forma 1.234,50 ou 1234,50.".to_owned());
            };
            return rules::preco(&plain).map_err(|(codigo, mensagem)| {
                (
                    codigo,
                    mensagem
                        .replace("1234.50", "1.234,50")
                        .replace("0.00 e 9999999999.99", "0,00 e 9999999999,99"),
                )
            });
        }
        if is_thousands(text, '.') {
            return invalid(format!(
                "O preço {text} é ambíguo: com --decimal-comma são milhares; sem, escreva duas casas decimais."
            ));
        }
        rules::preco(text).map_err(|(codigo, mensagem)| {
            let is_meant = |plain: &String| text.contains(',') && rules::preco(plain).is_ok();
            match as_comma.filter(is_meant) {
                Some(_) => (codigo, format!("{mensagem} Para preços como {text} há --decimal-comma.")),
                None => (codigo, mensagem),
            }
        })
    }

    /// A moment of the past: RFC 3339, as MySQL writes it, or as people here do; a day
    /// alone is when it began.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn moment(self, text: &str) -> Checked<DateTime> {
        let moment = match written(text) {
            Some(Written::Moment(local)) => Some(self.zone.moment(local)?),
            Some(Written::Day(day)) => self.zone.begin(day),
            None => None,
        };
        match moment {
            Some(moment) => rules::momento_passado(&moment.to_rfc3339()),
            None => rules::momento_passado(text).map_err(|(codigo, mensagem)| match codigo {
                CodigoErro::Invalido => (codigo, explained(text, "2026-11-24 12:00:00 ou 24/11/2026 12:00")),
                _ => (codigo, mensagem),
            }),
        }
    }

    /// How many units: a whole number, also where a spreadsheet wrote it with decimals.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn quantity(self, text: &str) -> Checked<u32> {
        let units = match with_point(text) {
            Some(plain) if self.decimal_comma => without_zeros(&plain).parse::<i64>(),
            _ => whole(text)?.parse(),
        };
        match units {
            Ok(units) => rules::quantidade(units),
            Err(_) => invalid(format!("A quantidade deve ser um número inteiro, e não {}.", shortened(text))),
        }
    }
}

fn invalid<T>(mensagem: String) -> Checked<T> {
    Err((CodigoErro::Invalido, mensagem))
}

/// A day: `1990-12-31`, `31/12/1990`, or either at midnight.
///
/// # Errors
/// What is wrong with it.
pub(super) fn day(text: &str, rule: impl FnOnce(&str) -> Checked<Date>) -> Checked<Date> {
    match written(text) {
        Some(Written::Day(day)) => rule(&Date(day).to_string()),
        Some(Written::Moment(local)) if local.time() == NaiveTime::MIN => {
            rule(&Date(local.date()).to_string())
        }
        _ => invalid(explained(text, "31/12/1990 ou 1990-12-31")),
    }
}

/// Why a text is no date of such a form.
fn explained(text: &str, form: &str) -> String {
    let first = text.split([' ', 'T']).next().unwrap_or_default();
    let shape: String = first.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    match shape.as_str() {
        "99/99/9999" | "9/99/9999" | "99/9/9999" | "9/9/9999" | "9999-99-99" | "99-99-9999"
        | "99.99.9999"
            if written(first).is_none() =>
        {
            format!("O dia {first} não existe; a data tem a forma {form}.")
        }
        "99/99/99" | "9/9/99" | "99-99-99" | "99.99.99" => {
            format!("O ano de {first} tem dois dígitos, e deve ter quatro; a data tem a forma {form}.")
        }
        _ => format!("A data não é válida; ela tem a forma {form}."),
    }
}

/// Whether a date stands for none, as MySQL writes what its older modes let in.
pub(super) fn is_zero_date(text: &str) -> bool {
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    matches!(day, "0000-00-00" | "00/00/0000" | "00-00-0000" | "00.00.0000")
}

/// A whole number without the zeros behind a point or a comma that a spreadsheet has
/// given it; what is none is left as it is.
///
/// # Errors
/// `1.000` may be one or a thousand.
pub(super) fn whole(text: &str) -> Checked<&str> {
    let plain = without_zeros(text);
    if plain != text && ['.', ','].into_iter().any(|mark| is_thousands(text, mark)) {
        let all = text.replace(['.', ','], "");
        return invalid(format!("O número {text} é ambíguo; escreva {plain} ou {all}."));
    }
    Ok(plain)
}

/// A number without zeros behind its point or comma.
pub(super) fn without_zeros(text: &str) -> &str {
    match text.split_once(['.', ',']) {
        Some((plain, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => plain,
        _ => text,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

const MOMENTS: [&str; 7] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%d/%m/%Y %H:%M:%S%.f",
    "%d/%m/%Y %H:%M",
    "%d-%m-%Y %H:%M:%S%.f",
    "%d-%m-%Y %H:%M",
];
const DAYS: [&str; 4] = ["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y"];

/// What a text says of a time.
enum Written {
    /// What clocks showed.
    Moment(NaiveDateTime),
    Day(NaiveDate),
}

fn written(text: &str) -> Option<Written> {
    // The parser takes a year of two digits for one of the first century.
    let has_whole_year = |day: &NaiveDate| chrono::Datelike::year(day) >= 1000;
    let moment = MOMENTS.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    if let Some(moment) = moment {
        return has_whole_year(&moment.date()).then_some(Written::Moment(moment));
    }
    let day = DAYS.iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok())?;
    has_whole_year(&day).then_some(Written::Day(day))
}

/// `1.234,50` as `1234.50`; nothing when a point stands where no thousands end, so
/// that a price with a point is not taken for a hundred times as much.
fn with_point(text: &str) -> Option<String> {
    let (whole, cents) = text.split_once(',').unwrap_or((text, ""));
    let (first, thousands) = whole.split_once('.').map_or((whole, None), |(first, rest)| (first, Some(rest)));
    let groups: Vec<&str> = thousands.map(|rest| rest.split('.').collect()).unwrap_or_default();
    let sound = groups.is_empty() || (first.len() <= 3 && groups.iter().all(|group| group.len() == 3));
    let point = if cents.is_empty() { "" } else { "." };
    sound.then(|| format!("{first}{}{point}{cents}", groups.concat()))
}

/// `1.200`: 1,20 to some, 1200 to others.
fn is_thousands(text: &str, mark: char) -> bool {
    text.split_once(mark).is_some_and(|(first, rest)| {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        (1..=3).contains(&first.len())
            && !first.starts_with('0')
            && digits(first)
            && rest.len() == 3
            && digits(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(decimal_comma: bool) -> Format {
        Format { decimal_comma, zone: Zone::Named(chrono_tz::America::Sao_Paulo) }
    }

    #[test]
    fn commas_become_points_only_where_points_are_thousands() {
        for (text, point) in [("1.234,50", "1234.50"), ("10,5", "10.5"), ("1.234.567", "1234567"), ("7", "7")]
        {
            assert_eq!(with_point(text).as_deref(), Some(point));
        }
        for text in ["1234.50", "1.23,4", "1234.567,00"] {
            assert_eq!(with_point(text), None, "{text}");
        }
    }

    #[test]
    fn prices() {
        let shown = |comma, text| format(comma).price(text).map(|price| price.to_string()).ok();
        for (comma, text, price) in [
            (false, "1200", Some("1200.00")),
            (false, "1.20", Some("1.20")),
            (false, "1.2", Some("1.20")),
            (false, "R$ 12.50", Some("12.50")),
            (false, "0.500", Some("0.50")),
            (false, "1.200", None),
            (false, "1,50", None),
            (false, "12.345", None),
            (true, "1.200", Some("1200.00")),
            (true, "R$ 1.299,90", Some("1299.90")),
            (true, "10.5", None),
        ] {
            assert_eq!(shown(comma, text).as_deref(), price, "{text}");
        }
        let told = |comma, text| format(comma).price(text).map_err(|(_, told)| told).expect_err("refused");
        let form = "O preço não é válido; ele tem a forma 1234.50.";
        let hint = |text| format!("{form} Para preços como {text} há --decimal-comma.");
        for (comma, text, expected) in [
            (
                false,
                "1.200",
                "O preço 1.200 é ambíguo: com --decimal-comma são milhares; sem, escreva duas casas decimais.".into(),
            ),
            (false, "1,50", hint("1,50")),
            (false, "1.234,5", hint("1.234,5")),
            // There it would not help.
            (false, "1,234.50", form.to_owned()),
            (false, "10,999", form.to_owned()),
            (true, "1234.50", "O preço não é válido; ele tem a forma 1.234,50 ou 1234,50.".into()),
            (true, "dez", "O preço não é válido; ele tem a forma 1.234,50.".into()),
            (true, "-1", "O preço deve estar entre 0,00 e 9999999999,99.".into()),
        ] {
            assert_eq!(told(comma, text), expected, "{text}");
        }
    }

    #[test]
    fn quantities() {
        for (comma, text, units) in [
            (false, "3", Some(3)),
            (false, "1.0", Some(1)),
            (false, "2,00", Some(2)),
            (false, "1.000", None),
            (false, "1,000", None),
            (false, "1.500", None),
            (false, "0", None),
            (false, "2.5", None),
            (false, "dois", None),
            (false, "", None),
            (true, "1.000", Some(1000)),
            (true, "1,000", Some(1)),
            (true, "1.500,0", Some(1500)),
            (true, "1.0", Some(1)),
            (true, "1,5", None),
        ] {
            assert_eq!(format(comma).quantity(text).ok(), units, "{text}");
        }
        let told = |text| format(false).quantity(text).map_err(|(_, mensagem)| mensagem);
        assert_eq!(told("dois"), Err("A quantidade deve ser um número inteiro, e não dois.".into()));
        assert_eq!(told("1.000"), Err("O número 1.000 é ambíguo; escreva 1 ou 1000.".into()));
    }

    #[test]
    fn moments() {
        let shown = |text| {
            format(false).moment(text).map(|moment| moment.to_string()).map_err(|(_, mensagem)| mensagem)
        };
        for (text, moment) in [
            ("2020-01-02 03:04:05", "2020-01-02T06:04:05Z"),
            ("2020-01-02T03:04:05", "2020-01-02T06:04:05Z"),
            ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"),
            ("02/01/2020 03:04", "2020-01-02T06:04:00Z"),
            ("2020-01-02", "2020-01-02T03:00:00Z"),
            // Summer time, until 2019.
            ("2015-01-01 10:00:00", "2015-01-01T12:00:00Z"),
            ("2015-07-01 10:00:00", "2015-07-01T13:00:00Z"),
            // Clocks were put back: it was 23:30 twice, and the first counts.
            ("2015-02-21 23:30:00", "2015-02-22T01:30:00Z"),
            // Clocks were put forward at midnight: the day began at one.
            ("04/11/2018", "2018-11-04T03:00:00Z"),
            ("04-11-2018 10:00", "2018-11-04T12:00:00Z"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(moment), "{text}");
        }
        assert_eq!(
            shown("2014-10-19 00:30:00"),
            Err("O horário 2014-10-19 00:30:00 não existiu: os relógios foram adiantados.".into())
        );
        for (text, told) in [
            ("ontem", "A data não é válida; ela tem a forma 2026-11-24 12:00:00 ou 24/11/2026 12:00."),
            (
                "31/02/2020 10:00",
                "O dia 31/02/2020 não existe; a data tem a forma 2026-11-24 12:00:00 ou 24/11/2026 12:00.",
            ),
            (
                "02/01/20 03:04",
                "O ano de 02/01/20 tem dois dígitos, e deve ter quatro; a data tem a forma 2026-11-24 12:00:00 ou \
                 24/11/2026 12:00.",
            ),
            ("2999-01-01 00:00:00", "A data deve estar entre 1900-01-01 e agora."),
        ] {
            assert_eq!(shown(text), Err(told.into()));
        }
    }

    #[test]
    fn days() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap_or_default();
        let shown = |text| day(text, rules::data_nascimento(today)).map(|day| day.to_string()).ok();
        for (text, expected) in [
            ("1990-12-31", Some("1990-12-31")),
            ("31/12/1990", Some("1990-12-31")),
            ("1990-12-31 00:00:00", Some("1990-12-31")),
            ("1990-12-31 10:00:00", None),
            ("31/02/1980", None),
            ("01/01/75", None),
            ("31.12.1990", Some("1990-12-31")),
            ("31-12-1990", Some("1990-12-31")),
        ] {
            assert_eq!(shown(text).as_deref(), expected, "{text}");
        }
        let told =
            |text| day(text, rules::data_nascimento(today)).map_err(|(_, told)| told).expect_err("refused");
        assert_eq!(
            told("31/02/1980"),
            "O dia 31/02/1980 não existe; a data tem a forma 31/12/1990 ou 1990-12-31."
        );
        assert_eq!(told("ontem"), "A data não é válida; ela tem a forma 31/12/1990 ou 1990-12-31.");
        for text in ["0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00-00-0000"] {
            assert!(is_zero_date(text), "{text}");
        }
        assert!(!is_zero_date("01/00/0000"));
    }
}
