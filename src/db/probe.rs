//! What a server says of itself, for the operator.

use std::time::{Duration, Instant};

use chrono::{NaiveDateTime, TimeDelta, Utc};
use sqlx::Row as _;
use sqlx::mysql::MySqlConnectOptions;

use super::connect;
use super::error::explain;

/// Longer than a healthy server takes, however far it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server, asked.
#[derive(Clone, Debug)]
pub struct Probe {
    /// `10.11.6-MariaDB`, `9.1.0`.
    pub version: String,
    /// The cipher, where the connection is encrypted.
    pub cipher: Option<String>,
    /// Whether it is reached over a socket of this machine.
    pub is_local: bool,
    /// How far its clock is ahead of ours, at the least.
    pub clock: TimeDelta,
    /// Whether it takes no writes.
    pub is_read_only: bool,
    /// How many connections it takes in all.
    pub most_connections: u64,
    /// What a Galera node says of itself, where it is one: `Synced`, `Donor/Desynced`, ….
    pub cluster: Option<String>,
    /// How long one question took.
    pub round_trip: Duration,
}

impl Probe {
    /// Asks.
    ///
    /// # Errors
    /// What the driver said, with the remedy where we know it.
    pub async fn of(options: &MySqlConnectOptions) -> Result<Self, String> {
        match tokio::time::timeout(PATIENCE, ask(options)).await {
            Ok(asked) => asked.map_err(|error| explain(&error)),
            Err(_) => Err(format!("no answer within {PATIENCE:?}")),
        }
    }

    /// Whether it is of a version that Quarteto serves over: MariaDB from 10.6, MySQL from
    /// 8.0.13.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        let numbers: Vec<u32> =
            self.version.split(['.', '-']).map_while(|part| part.parse().ok()).take(3).collect();
        match self.version.contains("MariaDB") {
            true => numbers >= vec![10, 6],
            false => numbers >= vec![8, 0, 13],
        }
    }
}

async fn ask(options: &MySqlConnectOptions) -> Result<Probe, sqlx::Error> {
    let mut mysql = connect(options, None).await?.into_mysql();
    let asked = Instant::now();
    let (version, read_only, most_connections, now): (String, bool, u64, NaiveDateTime) = sqlx::query_as(
        "SELECT CAST(VERSION() AS CHAR), @@read_only = 1, CAST(@@max_connections AS UNSIGNED), UTC_TIMESTAMP(6)",
    )
    .fetch_one(&mut mysql)
    .await?;
    let round_trip = asked.elapsed();
    let ahead = now.and_utc() - Utc::now();
    // It was asked somewhere in between.
    let clock = match ahead + TimeDelta::from_std(round_trip).unwrap_or_default() {
        later if ahead > TimeDelta::zero() => later.min(ahead),
        later if later < TimeDelta::zero() => later,
        _ => TimeDelta::zero(),
    };
    let mut status = async |name: &str| {
        let text = sqlx::AssertSqlSafe(format!("SHOW STATUS LIKE '{name}'"));
        let row = sqlx::raw_sql(text).fetch_optional(&mut mysql).await?;
        let value = row.and_then(|row| row.try_get::<String, _>(1).ok());
        Ok::<_, sqlx::Error>(value.filter(|value| !value.is_empty()))
    };
    Ok(Probe {
        cipher: status("Ssl_cipher").await?,
        cluster: status("wsrep_local_state_comment").await?,
        is_local: options.get_socket().is_some(),
        version,
        clock,
        is_read_only: read_only,
        most_connections,
        round_trip,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let of = |version: &str| Probe {
            version: version.to_owned(),
            cipher: None,
            is_local: true,
            clock: TimeDelta::zero(),
            is_read_only: false,
            most_connections: 1,
            cluster: None,
            round_trip: Duration::ZERO,
        };
        for (version, is_supported) in [
            ("10.11.6-MariaDB-0+deb12u1", true),
            ("10.6.0-MariaDB", true),
            ("10.5.29-MariaDB", false),
            ("11.4.2-MariaDB-log", true),
            ("8.0.13", true),
            ("8.0.12", false),
            ("9.1.0", true),
            ("5.7.44-log", false),
        ] {
            assert_eq!(of(version).is_supported(), is_supported, "{version}");
        }
    }
}
