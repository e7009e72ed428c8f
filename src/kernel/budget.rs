//! What an answer may hold: counted while it is made, so that no estimate that
//! is wrong can take the memory of the machine.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

/// The most that one answer may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerLimits {
    /// Objects.
    pub objects: u64,
    /// Fields of all objects together; each takes some hundred bytes of memory
    /// until the answer is written, however short it is.
    pub fields: u64,
    /// Bytes, as JSON.
    pub bytes: u64,
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self { objects: 50_000, fields: 500_000, bytes: 16 << 20 }
    }
}

/// What one answer holds so far.
#[derive(Debug)]
pub struct Budget {
    limits: AnswerLimits,
    objects: AtomicU64,
    fields: AtomicU64,
    bytes: AtomicU64,
    exceeded: AtomicBool,
}

/// A part of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Objects.
    pub objects: u64,
    /// Fields of objects.
    pub fields: u64,
    /// Bytes, as JSON.
    pub bytes: u64,
}

impl Budget {
    /// Nothing is spent.
    #[must_use]
    pub const fn new(limits: AnswerLimits) -> Self {
        Self {
            limits,
            objects: AtomicU64::new(0),
            fields: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            exceeded: AtomicBool::new(false),
        }
    }

    /// Counts a part of the answer. False when the answer holds too much, by this
    /// part or before: then nothing more is to be made, and whoever runs the
    /// operation ends it.
    #[must_use]
    pub fn spend(&self, part: Amount) -> bool {
        let over = |counter: &AtomicU64, part: u64, most: u64| {
            part > 0 && counter.fetch_add(part, Relaxed).saturating_add(part) > most
        };
        let limits = self.limits;
        let objects = over(&self.objects, part.objects, limits.objects);
        let fields = over(&self.fields, part.fields, limits.fields);
        let bytes = over(&self.bytes, part.bytes, limits.bytes);
        if objects || fields || bytes {
            self.exceeded.store(true, Relaxed);
        }
        !self.is_exceeded()
    }

    /// Whether the answer holds too much.
    #[must_use]
    pub fn is_exceeded(&self) -> bool {
        self.exceeded.load(Relaxed)
    }

    /// What was counted.
    #[must_use]
    pub fn spent(&self) -> Amount {
        Amount {
            objects: self.objects.load(Relaxed),
            fields: self.fields.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
        }
    }

    /// Why the operation was ended: a sentence with the limit.
    #[must_use]
    pub fn sentence(&self) -> String {
        let AnswerLimits { objects, fields, bytes } = self.limits;
        let spent = self.spent();
        let (what, most) = if spent.objects > objects {
            ("objects", objects)
        } else if spent.fields > fields {
            ("fields", fields)
        } else {
            ("bytes", bytes)
        };
        format!("The answer would hold more than {most} {what}; ask for smaller pages, or fewer fields.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_three_ends_it_and_names_itself() {
        let limits = AnswerLimits { objects: 2, fields: 3, bytes: 4 };
        for (part, what) in [
            (Amount { objects: 1, ..Amount::default() }, "2 objects"),
            (Amount { fields: 2, ..Amount::default() }, "3 fields"),
            (Amount { bytes: 2, ..Amount::default() }, "4 bytes"),
        ] {
            let budget = Budget::new(limits);
            let mut times = 0;
            while budget.spend(part) {
                times += 1;
            }
            assert_eq!(times, if part.fields > 0 { 1 } else { 2 }, "{what}");
            assert!(budget.is_exceeded() && budget.sentence().contains(what), "{}", budget.sentence());
            assert!(!budget.spend(Amount::default()), "it stays so");
        }
    }
}
