//! What a setting is, and how a section of them is written: each setting once, its
//! default, its kind and bounds, its variable and its meaning side by side.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::ConfigError;
use crate::db::url_list;

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its place in the config file: `section.name`.
    pub key: &'static str,
    /// The environment variable.
    pub variable: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
    /// Whether its value is a number.
    pub is_number: bool,
    /// Whether its value is `true` or `false`.
    pub is_flag: bool,
    /// Whether its value is hidden when shown, and may come from a file.
    pub is_secret: bool,
    /// Whether nothing of its value is shown; of a URL all but the password is.
    pub is_password: bool,
}

impl Setting {
    pub(super) const fn text(key: &'static str, variable: &'static str, meaning: &'static str) -> Self {
        Self {
            key,
            variable,
            meaning,
            is_number: false,
            is_flag: false,
            is_secret: false,
            is_password: false,
        }
    }

    pub(super) const fn number(key: &'static str, variable: &'static str, meaning: &'static str) -> Self {
        Self { is_number: true, ..Self::text(key, variable, meaning) }
    }

    pub(super) const fn flag(key: &'static str, variable: &'static str, meaning: &'static str) -> Self {
        Self { is_flag: true, ..Self::text(key, variable, meaning) }
    }

    pub(super) const fn secret(key: &'static str, variable: &'static str, meaning: &'static str) -> Self {
        Self { is_secret: true, ..Self::text(key, variable, meaning) }
    }

    pub(super) const fn password(key: &'static str, variable: &'static str, meaning: &'static str) -> Self {
        Self { is_password: true, ..Self::secret(key, variable, meaning) }
    }

    /// A value as it may be shown.
    #[must_use]
    pub fn shown(&self, value: &str) -> String {
        if !self.is_secret {
            return value.to_owned();
        }
        if self.is_password && !value.is_empty() {
            return "***".to_owned();
        }
        match &url_list(value)[..] {
            [] | [_] => without_password(value),
            urls => urls.iter().map(|url| without_password(url)).collect::<Vec<_>>().join(", "),
        }
    }
}

/// A URL with its password, if any, replaced.
fn without_password(url: &str) -> String {
    let hidden = || {
        let (scheme, rest) = url.split_once("://")?;
        let (credentials, place) = rest.rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{place}"))
    };
    hidden().unwrap_or_else(|| url.to_owned())
}

/// Whether a number is where it may be.
pub(super) fn bounded<T: PartialOrd + Display>(
    key: &str,
    value: &T,
    bounds: &RangeInclusive<T>,
) -> Result<(), ConfigError> {
    if bounds.contains(value) {
        return Ok(());
    }
    Err(ConfigError(format!("{key} must be between {} and {}", bounds.start(), bounds.end())))
}

/// A section: a struct with its defaults, its list of settings and its bounds. A
/// line is `field: type = default, kind in bounds, variable, meaning`; the kind is
/// a constructor of [`Setting`], and only numbers have bounds.
macro_rules! section {
    (
        $(#[$doc:meta])*
        $section:ident in $key:literal {
            $($vis:vis $field:ident: $type:ty = $default:expr,
              $kind:ident $(in $bounds:expr)?, $variable:literal, $meaning:literal;)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $section {
            $(
                #[doc = concat!("The setting `", $key, ".", stringify!($field), "`.")]
                $vis $field: $type,
            )+
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $section {
            pub(super) const SETTINGS: &'static [$crate::config::Setting] = &[$(
                $crate::config::Setting::$kind(
                    concat!($key, ".", stringify!($field)),
                    $variable,
                    $meaning,
                ),
            )+];

            /// Whether each number is where it may be.
            pub(super) fn within_bounds(&self) -> Result<(), $crate::config::ConfigError> {
                $($($crate::config::setting::bounded(
                    concat!($key, ".", stringify!($field)),
                    &self.$field,
                    &$bounds,
                )?;)?)+
                Ok(())
            }
        }
    };
}
pub(super) use section;

#[cfg(test)]
mod tests {
    use super::{Setting, without_password};

    #[test]
    fn passwords_are_hidden_whatever_they_hold() {
        assert_eq!(without_password("mysql://u:p@ss:w@h:3306/d?x=1"), "mysql://u:***@h:3306/d?x=1");
        assert_eq!(without_password("mysql://u@h/d"), "mysql://u@h/d");
        assert_eq!(without_password(""), "");
        let list = Setting::secret("a.b", "A", "A list.");
        assert_eq!(
            list.shown("mysql://u:p@h/d, mysql://u:q,r@h/d\nmysql://u@i/d\n"),
            "mysql://u:***@h/d, mysql://u:***@h/d, mysql://u@i/d"
        );
    }
}
