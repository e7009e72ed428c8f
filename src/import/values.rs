//! How values are written in files of other programs: numbers, days, moments.

use chrono::{DateTime as Moment, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
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
        match self {
            Self::Offset(offset) => first_of(offset.from_local_datetime(&local)),
            Self::Named(zone) => first_of(zone.from_local_datetime(&local)),
        }
        .ok_or_else(|| {
            let mensagem = format!("O horário {local} não existiu: os relógios foram adiantados.");
            (CodigoErro::Invalido, mensagem)
        })
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
        if self.decimal_comma {
            return rules::preco(&with_point(text).unwrap_or_default());
        }
        if is_thousands_or_decimals(text) {
            let mensagem = format!(
                "O preço {text} é ambíguo: com --decimal-comma são milhares; sem, escreva duas casas decimais."
            );
            return Err((CodigoErro::Invalido, mensagem));
        }
        rules::preco(text).map_err(|(codigo, mensagem)| match with_point(text) {
            Some(_) if text.contains(',') => {
                (codigo, format!("{mensagem} Para preços como {text} há --decimal-comma."))
            }
            _ => (codigo, mensagem),
        })
    }

    /// A moment of the past: RFC 3339, as MySQL writes it, or as people here do.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn moment(self, text: &str) -> Checked<DateTime> {
        match local(text) {
            Some(local) => rules::momento_passado(&self.zone.moment(local)?.to_rfc3339()),
            None => rules::momento_passado(text),
        }
    }
}

/// A day: `1990-12-31`, `31/12/1990`, or either at midnight.
///
/// # Errors
/// What is wrong with it.
pub(super) fn day(text: &str, rule: impl FnOnce(&str) -> Checked<Date>) -> Checked<Date> {
    match local(text) {
        Some(local) if local.time() == chrono::NaiveTime::MIN => rule(&Date(local.date()).to_string()),
        _ => rule(text),
    }
}

/// Whether a date stands for none, as MySQL writes what its older modes let in.
pub(super) fn is_zero_date(text: &str) -> bool {
    text.starts_with("0000-00-00")
}

/// How many units: a whole number, also where a spreadsheet wrote it with decimals.
///
/// # Errors
/// What is wrong with it.
pub(super) fn quantity(text: &str) -> Checked<u32> {
    let whole = match text.split_once(['.', ',']) {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    };
    match whole.parse::<i64>() {
        Ok(units) => rules::quantidade(units),
        Err(_) => {
            let mensagem = format!("A quantidade deve ser um número inteiro, e não {}.", shortened(text));
            Err((CodigoErro::Invalido, mensagem))
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

const LOCAL: [&str; 5] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%d/%m/%Y %H:%M:%S%.f",
    "%d/%m/%Y %H:%M",
];
const DAY: [&str; 2] = ["%Y-%m-%d", "%d/%m/%Y"];

/// What clocks showed, or a day at midnight.
fn local(text: &str) -> Option<NaiveDateTime> {
    let moment = || LOCAL.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    // The parser takes a year of two digits for one of the first century.
    let has_whole_year = |day: &NaiveDate| chrono::Datelike::year(day) >= 1000;
    let day = || DAY.iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok());
    moment()
        .or_else(|| day().and_then(|day| day.and_hms_opt(0, 0, 0)))
        .filter(|local| has_whole_year(&local.date()))
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
fn is_thousands_or_decimals(text: &str) -> bool {
    text.split_once('.').is_some_and(|(first, rest)| {
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
        let told = |text| format(false).price(text).map_err(|(_, mensagem)| mensagem).expect_err("refused");
        assert!(told("1.200").starts_with("O preço 1.200 é ambíguo"), "{}", told("1.200"));
        assert!(told("1,50").ends_with("Para preços como 1,50 há --decimal-comma."), "{}", told("1,50"));
    }

    #[test]
    fn quantities() {
        for (text, units) in [
            ("3", Some(3)),
            ("1.0", Some(1)),
            ("2,000", Some(2)),
            ("0", None),
            ("2.5", None),
            ("dois", None),
            ("", None),
        ] {
            assert_eq!(quantity(text).ok(), units, "{text}");
        }
        let told = quantity("dois").map_err(|(_, mensagem)| mensagem);
        assert_eq!(told, Err("A quantidade deve ser um número inteiro, e não dois.".into()));
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
        ] {
            assert_eq!(shown(text).as_deref(), Ok(moment), "{text}");
        }
        assert_eq!(
            shown("2014-10-19 00:30:00"),
            Err("O horário 2014-10-19 00:30:00 não existiu: os relógios foram adiantados.".into())
        );
        for text in ["", "ontem", "31/02/2020 10:00", "2999-01-01 00:00:00", "02/01/20 03:04"] {
            assert!(shown(text).is_err(), "{text}");
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
        ] {
            assert_eq!(shown(text).as_deref(), expected, "{text}");
        }
    }
}
