//! `quarteto check`.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::OpenStores;
use crate::config::Config;
use crate::db::{Db, PerStore};
use crate::removal::Removals;
use crate::removal::check::{Finding, Observer, Position};

/// Look for what fits nowhere: addresses and purchases of clients who do not
/// exist, removals that are not done.
///
/// Exits with 3 when something was found that is not mended. May run beside
/// `serve`.
#[derive(Args)]
pub(super) struct Check {
    /// Mend what can be mended, and say what was done.
    #[arg(long)]
    repair: bool,
    /// One JSON object a line, and one for the whole at the end.
    #[arg(long)]
    json: bool,
    /// Go on where an interrupted check stopped, as in `compras:4711`.
    #[arg(long, value_name = "POSITION")]
    from: Option<Position>,
}

/// The exit code when something was found that is not mended.
const FOUND: u8 = 3;

impl Check {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        let open = OpenStores::open(config).await?;
        let limits = config.stores.limits();
        let removals =
            Removals::new(PerStore::from_fn(|store| Db::new(store, open.stores[store].clone(), limits)));
        let from = self.from.unwrap_or(Position::START);
        let mut report = Report::new(self.json, from);
        let walk = removals.check(from, self.repair, &mut report);
        let ended = tokio::select! {
            ended = walk => Some(ended),
            _ = tokio::signal::ctrl_c() => None,
        };
        let go_on = format!("go on with `quarteto check --from {}`", report.position);
        match ended {
            Some(Ok(())) => report.conclude(),
            Some(Err(error)) => {
                return Err(error)
                    .with_context(|| format!("the check could not go on; when it can, {go_on}"));
            }
            None => anyhow::bail!("interrupted; {go_on}"),
        }
        Ok(if report.found > report.mended { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
    }
}

/// Tells a person, or a program, what is found.
struct Report {
    json: bool,
    position: Position,
    bar: ProgressBar,
    found: u64,
    mended: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    repair: Option<&'static str>,
}

impl Report {
    fn new(json: bool, from: Position) -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} checked up to {msg}") {
            bar.set_style(style);
        }
        Self { json, position: from, bar, found: 0, mended: 0 }
    }

    /// A reader who has seen enough, as `head` has, is no failure.
    fn print(&self, text: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(io::stdout(), "{text}");
        });
    }

    fn conclude(&self) {
        self.bar.finish_and_clear();
        if self.json {
            self.print(&serde_json::json!({ "found": self.found, "mended": self.mended }).to_string());
        } else if self.found == 0 {
            self.print("Everything fits.");
        } else {
            let left = self.found - self.mended;
            self.print(&format!("{} found, {} mended, {left} left.", self.found, self.mended));
        }
    }
}

impl Observer for Report {
    fn found(&mut self, finding: &Finding, repair: Option<&'static str>) {
        self.found += 1;
        self.mended += u64::from(repair.is_some());
        if self.json {
            let line = serde_json::to_string(&Line { finding, repair });
            self.print(&line.unwrap_or_else(|error| error.to_string()));
        } else {
            let done = repair.map(|repair| format!(" -> {repair}")).unwrap_or_default();
            self.print(&format!("{finding}{done}"));
        }
    }

    fn reached(&mut self, position: Position) {
        self.position = position;
        self.bar.set_message(position.to_string());
        self.bar.tick();
    }
}
