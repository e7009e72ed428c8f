//! Who asks what: how long it is kept.

use super::setting::section;
use crate::stores::acessos::{Guarda, Settings};

section! {
    /// Accesses.
    Acessos in "acessos" {
        slow_ms: u64 = 500, number in 1..=3_600_000, "QUARTETO_SLOW_MS",
            "From how many milliseconds on an operation is kept with its statements, among the last 200.";
        minutes_days: u32 = Guarda::default().minutes, number in 2..=366, "QUARTETO_ACESSOS_MINUTES_DAYS",
            "For how many days accesses are kept by the minute.";
        hours_days: u32 = Guarda::default().hours, number in 1..=3_660, "QUARTETO_ACESSOS_HOURS_DAYS",
            "For how many days they are kept by the hour.";
        days_days: u32 = Guarda::default().days, number in 1..=36_600, "QUARTETO_ACESSOS_DAYS_DAYS",
            "For how many days they are kept by the day.";
    }
}

impl Acessos {
    /// How accesses are kept.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        Settings {
            slow_micros: self.slow_ms * 1_000,
            guarda: Guarda { minutes: self.minutes_days, hours: self.hours_days, days: self.days_days },
        }
    }
}
