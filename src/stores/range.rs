//! The two ends of a filter.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::kernel::scalars::{Date, DateTime, Decimal};
use crate::kernel::{GraphError, GraphResult};

/// What a filter may have two ends of.
pub trait Ordered: Copy + PartialOrd + Display {
    /// What the first end must not be, compared to the last.
    const BEYOND: &'static str;
}

impl Ordered for Date {
    const BEYOND: &'static str = "later";
}

impl Ordered for DateTime {
    const BEYOND: &'static str = "later";
}

impl Ordered for Decimal {
    const BEYOND: &'static str = "greater";
}

/// One end: the name of its field, what was given there, and what that means.
pub struct Bound<T> {
    name: &'static str,
    given: Option<T>,
    value: Option<T>,
}

impl<T: Ordered> Bound<T> {
    /// The end that the field `name` gives.
    pub const fn new(name: &'static str, value: Option<T>) -> Self {
        Self { name, given: value, value }
    }

    /// The end that the field `name` gives, which stands for what `meaning` makes of it.
    pub fn meaning(name: &'static str, given: Option<T>, meaning: impl FnOnce(T) -> T) -> Self {
        Self { name, given, value: given.map(meaning) }
    }

    fn refused(&self, rule: &str, limit: T) -> GraphError {
        let given = self.given.map(|given| given.to_string()).unwrap_or_default();
        GraphError::bad_input(format!("`{}` must be {rule} {limit}, not {given}.", self.name))
    }
}

/// What lies between two ends, within what a column can hold; nothing when neither end
/// is given.
///
/// # Errors
/// `BAD_USER_INPUT` where nothing can lie between them, naming what was given and
/// nothing else.
pub fn range<T: Ordered>(
    from: &Bound<T>,
    to: &Bound<T>,
    column: RangeInclusive<T>,
) -> GraphResult<Option<(T, T)>> {
    let (first, last) = (*column.start(), *column.end());
    match (from.value, to.value) {
        (None, None) => return Ok(None),
        (Some(least), Some(most)) if least > most => {
            let rule = format!("`{}` must not be {} than `{}`.", from.name, T::BEYOND, to.name);
            return Err(GraphError::bad_input(rule));
        }
        (Some(least), _) if least > last => return Err(from.refused("at most", last)),
        (_, Some(most)) if most < first => return Err(to.refused("at least", first)),
        _ => {}
    }
    let least = from.value.filter(|least| *least > first).unwrap_or(first);
    let most = to.value.filter(|most| *most < last).unwrap_or(last);
    Ok(Some((least, most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Ordered for i32 {
        const BEYOND: &'static str = "greater";
    }

    fn between(from: Option<i32>, to: Option<i32>) -> Result<Option<(i32, i32)>, String> {
        range(&Bound::new("de", from), &Bound::new("ate", to), 0..=99).map_err(|error| match error {
            GraphError::Input(_, message) => message,
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn what_is_given_is_named_and_nothing_else() {
        for (from, to, expected) in [
            (None, None, Ok(None)),
            (Some(3), None, Ok(Some((3, 99)))),
            (None, Some(3), Ok(Some((0, 3)))),
            (Some(-5), Some(200), Ok(Some((0, 99)))),
            (Some(3), Some(3), Ok(Some((3, 3)))),
            (Some(4), Some(3), Err("`de` must not be greater than `ate`.")),
            (Some(-3), Some(-4), Err("`de` must not be greater than `ate`.")),
            (None, Some(-5), Err("`ate` must be at least 0, not -5.")),
            (Some(-6), Some(-5), Err("`ate` must be at least 0, not -5.")),
            (Some(100), None, Err("`de` must be at most 99, not 100.")),
            (Some(100), Some(101), Err("`de` must be at most 99, not 100.")),
        ] {
            assert_eq!(between(from, to), expected.map_err(str::to_owned), "{from:?} {to:?}");
        }
    }
}
