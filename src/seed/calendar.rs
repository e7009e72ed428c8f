//! When the made-up things happened: between two fixed moments, so that the
//! data does not depend on the day on which it is made.

use chrono::NaiveDate;

use crate::kernel::scalars::{Date, DateTime};

/// 2023-01-02T08:00:00Z, when the shop opens.
const OPENING: i64 = 1_672_646_400;
/// 2026-11-01T00:00:00Z, which nothing reaches.
const END: i64 = 1_793_491_200;

/// The moment after this fraction (below 1) of the shop's life.
pub(super) fn moment(fraction: f64) -> DateTime {
    let seconds = (fraction * (END - OPENING) as f64) as i64;
    let seconds = (OPENING + seconds).min(END - 1);
    DateTime(chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default())
}

/// When the `id`-th of `count` things that come in one after another came in.
/// The first is there at the opening, so that there is always somebody to buy
/// and something to be bought.
pub(super) fn arrival(id: u64, count: u64, jitter: f64) -> DateTime {
    let jitter = if id == 1 { 0.0 } else { jitter };
    moment((id.saturating_sub(1) as f64 + jitter) / count.max(1) as f64)
}

/// How many of `count` such things are there for certain after this fraction.
pub(super) fn arrived(fraction: f64, count: u64) -> u64 {
    ((fraction * count as f64) as u64).clamp(1, count.max(1))
}

/// The day so many days after 1940-01-01.
pub(super) fn birthday(days: u64) -> Option<Date> {
    NaiveDate::from_ymd_opt(1940, 1, 1)?.checked_add_days(chrono::Days::new(days)).map(Date)
}

/// Days from 1940-01-01 to 2007-12-31.
pub(super) const BIRTHDAYS: u64 = 24_836;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(moment: DateTime) -> String {
        moment.0.to_rfc3339()
    }

    #[test]
    fn begins_and_ends_where_it_says() {
        assert_eq!(shown(moment(0.0)), "2023-01-02T08:00:00+00:00");
        assert_eq!(shown(moment(0.999_999_999_999)), "2026-10-31T23:59:59+00:00");
        assert_eq!(birthday(0).map(|day| day.0.to_string()).as_deref(), Some("1940-01-01"));
        assert_eq!(birthday(BIRTHDAYS).map(|day| day.0.to_string()).as_deref(), Some("2007-12-31"));
    }

    #[test]
    fn who_is_counted_has_arrived() {
        for count in [1, 2, 7, 1000] {
            for step in 0..100 {
                let fraction = f64::from(step) / 100.0;
                let last = arrived(fraction, count);
                assert!(arrival(last, count, 0.999) <= moment(fraction), "{count} {step}");
            }
        }
    }
}
