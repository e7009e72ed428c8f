//! How long many calls took, in little room: counts by class of duration. Classes grow by a
//! tenth, so a percentile is right within 5 %; and counts of different minutes, hours and
//! instances are added up without any loss.

/// Where the first class ends, in microseconds.
const FIRST: f64 = 10.0;

/// Each class ends so many times later than the one before.
const GROWTH: f64 = 1.1;

/// The last class has no end: half an hour and more.
const LAST: u8 = 200;

/// Counts by class, the classes in order and none with nothing in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faixas(Vec<(u8, u64)>);

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and LAST")]
#[expect(clippy::cast_precision_loss, reason = "2⁵³ microseconds are 285 years")]
fn class_of(micros: u64) -> u8 {
    let class = (micros as f64 / FIRST).log(GROWTH).ceil();
    class.clamp(0.0, f64::from(LAST)) as u8
}

/// What stands for a class: no duration in it is further away than 5 %.
fn middle_of(class: u8) -> f64 {
    FIRST * GROWTH.powf(f64::from(class) - 0.5)
}

impl Faixas {
    /// Counts one call.
    pub(super) fn add(&mut self, micros: u64) {
        self.add_many(class_of(micros), 1);
    }

    fn add_many(&mut self, class: u8, times: u64) {
        match self.0.binary_search_by_key(&class, |(class, _)| *class) {
            Ok(place) => self.0[place].1 = self.0[place].1.saturating_add(times),
            Err(place) => self.0.insert(place, (class, times)),
        }
    }

    /// Adds all that others counted.
    pub(super) fn merge(&mut self, other: &Self) {
        for (class, times) in &other.0 {
            self.add_many(*class, *times);
        }
    }

    /// How many calls were counted.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.iter().fold(0, |all, (_, times)| all.saturating_add(*times))
    }

    /// The duration, in microseconds, that so many of a hundred calls did not exceed; none
    /// when nothing was counted.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<f64> {
        let rank = (u128::from(self.calls()) * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0_u128;
        let class = self.0.iter().find(|(_, times)| {
            seen += u128::from(*times);
            seen >= rank
        });
        class.map(|(class, _)| middle_of(*class))
    }

    /// For a column: each class in a byte, its count in as many as it takes (LEB128).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (class, times) in &self.0 {
            bytes.push(*class);
            let mut rest = *times;
            loop {
                let low = (rest & 0x7f) as u8;
                rest >>= 7;
                bytes.push(if rest > 0 { low | 0x80 } else { low });
                if rest == 0 {
                    break;
                }
            }
        }
        bytes
    }

    /// From a column. What is no counts of ours ends it.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut faixas = Self::default();
        let mut bytes = bytes.iter();
        while let Some(class) = bytes.next() {
            let (mut times, mut shift) = (0_u64, 0);
            for byte in bytes.by_ref() {
                times |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            if times > 0 {
                faixas.add_many((*class).min(LAST), times);
            }
        }
        faixas
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of a test")]
    #[test]
    fn percentiles_are_right_within_five_percent_wherever_they_were_counted() {
        // From 10 µs to 100 s.
        let durations: Vec<u64> = (0..7_000_u32).map(|n| (10.0 * 1.0023_f64.powf(n.into())) as u64).collect();
        let mut parts = vec![Faixas::default(); 3];
        for (number, micros) in durations.iter().enumerate() {
            parts[number % 3].add(*micros);
        }
        let mut all = Faixas::default();
        for part in &parts {
            all.merge(&Faixas::from_bytes(&part.to_bytes()));
        }
        assert_eq!(all.calls(), 7_000);
        for percent in [1, 25, 50, 90, 95, 99, 100] {
            let exact = durations[(7_000 * percent as usize).div_ceil(100) - 1] as f64;
            let told = all.percentile(percent).expect("counted");
            assert!((told / exact - 1.0).abs() < 0.051, "p{percent}: {told} instead of {exact}");
        }
        assert_eq!(Faixas::default().percentile(50), None);
    }

    #[test]
    fn what_is_out_of_reach_or_broken_does_no_harm() {
        let mut faixas = Faixas::default();
        faixas.add(0);
        faixas.add(u64::MAX);
        assert_eq!(faixas.calls(), 2);
        for bytes in [
            &[][..],
            &[7],
            &[7, 0x80],
            &[255, 1],
            &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        ] {
            let _ = Faixas::from_bytes(bytes).percentile(99);
        }
    }
}
