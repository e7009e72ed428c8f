//! `quarteto import`.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::FixedOffset;
use clap::Args;
use csv::StringRecord;
use indicatif::{ProgressBar, ProgressStyle};

use super::OpenStores;
use crate::config::Config;
use crate::db::{Db, PerStore, Store};
use crate::import::header::Mapping;
use crate::import::{self, Format, Observer, Options};

/// Import rows of an old database from a CSV file.
///
/// The stores in this order: clientes, enderecos, catalogo, inventario. Rows keep
/// their ids; what is there already is left alone, so an interrupted import is
/// simply run again. Exits with 3 when rows were rejected. See docs/import.md.
#[derive(Args)]
pub(super) struct Import {
    /// Where the rows belong: clientes, enderecos, catalogo or inventario.
    store: Store,
    /// The file, in UTF-8 and with a header; `-` for standard input.
    file: PathBuf,
    /// What stands between two values.
    #[arg(long, default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// Which of our columns a column of the file is, as in `codigo=id`; repeatable.
    #[arg(long, value_name = "NAME=COLUMN", value_parser = pair)]
    map: Vec<(String, String)>,
    /// A column of the file that is left out; repeatable.
    #[arg(long, value_name = "NAME")]
    ignore: Vec<String>,
    /// Prices are written 1.234,50.
    #[arg(long)]
    decimal_comma: bool,
    /// The offset of moments that say none, as in -03:00.
    #[arg(long, default_value = "+00:00", allow_hyphen_values = true, value_parser = offset)]
    utc_offset: FixedOffset,
    /// Where rejected rows go, each with its line and why [default: FILE.rejects.csv].
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Only look: nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// The summary as JSON.
    #[arg(long)]
    json: bool,
}

/// The exit code when rows were rejected.
const REJECTED: u8 = 3;

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "\\t" | "tab" => Ok(b'\t'),
        _ => match text.as_bytes() {
            [byte] => Ok(*byte),
            _ => Err("one character, or `tab`".to_owned()),
        },
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, column) = text.split_once('=').ok_or("NAME=COLUMN")?;
    Ok((name.to_owned(), column.to_owned()))
}

fn offset(text: &str) -> Result<FixedOffset, String> {
    text.parse().map_err(|_| "an offset looks like -03:00".to_owned())
}

impl Import {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        // First what fails fast: nothing is started for a file that is not there.
        let (input, bytes) = self.open()?;
        let open = OpenStores::open(config).await?;
        let limits = config.stores.limits();
        let databases = PerStore::from_fn(|store| Db::new(store, open.stores[store].clone(), limits));
        let options = Options {
            delimiter: self.delimiter,
            mapping: Mapping { renamed: self.map.iter().cloned().collect(), ignored: self.ignore.clone() },
            format: Format { decimal_comma: self.decimal_comma, offset: self.utc_offset },
            dry_run: self.dry_run,
        };
        let mut report = Report::new(self.rejects(), bytes);
        let summary = import::run(self.store, &databases, input, &options, &mut report)
            .await
            .with_context(|| self.file.display().to_string())?;
        report.bar.finish_and_clear();
        if self.json {
            println!("{}", serde_json::to_string(&summary)?);
        } else {
            let verb = if self.dry_run { "would be inserted" } else { "inserted" };
            println!(
                "{} rows: {} {verb}, {} there already, {} rejected",
                summary.read, summary.inserted, summary.known, summary.rejected
            );
        }
        if summary.rejected == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("the rejected rows are in {}", report.path.display());
        Ok(ExitCode::from(REJECTED))
    }

    fn open(&self) -> anyhow::Result<(Box<dyn Read>, u64)> {
        if self.file == Path::new("-") {
            return Ok((Box::new(io::stdin()), 0));
        }
        let file = File::open(&self.file).with_context(|| self.file.display().to_string())?;
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        Ok((Box::new(file), bytes))
    }

    fn rejects(&self) -> PathBuf {
        self.rejects.clone().unwrap_or_else(|| match self.file.to_str() {
            Some("-") | None => PathBuf::from("rejects.csv"),
            Some(name) => PathBuf::from(format!("{name}.rejects.csv")),
        })
    }
}

/// Shows how far the import is, and writes down what is rejected: the columns of
/// the file, then `line` and `reason`. The file is made when there is something to
/// write.
struct Report {
    path: PathBuf,
    names: StringRecord,
    rejects: Option<csv::Writer<File>>,
    bar: ProgressBar,
}

impl Report {
    fn new(path: PathBuf, bytes: u64) -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new(bytes) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}") {
            bar.set_style(style);
        }
        Self { path, names: StringRecord::new(), rejects: None, bar }
    }

    fn rejects(&mut self) -> io::Result<&mut csv::Writer<File>> {
        if self.rejects.is_none() {
            let mut writer = csv::Writer::from_path(&self.path)?;
            writer.write_record(self.names.iter().chain(["line", "reason"]))?;
            self.rejects = Some(writer);
        }
        self.rejects.as_mut().ok_or_else(|| io::Error::other("no file"))
    }
}

impl Observer for Report {
    fn reached(&mut self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    fn header(&mut self, record: &StringRecord) -> io::Result<()> {
        self.names = record.clone();
        Ok(())
    }

    fn rejected(&mut self, line: u64, record: &StringRecord, why: &str) -> io::Result<()> {
        let line = line.to_string();
        self.rejects()?.write_record(record.iter().chain([line.as_str(), why]))?;
        // Kept also when the import ends early.
        self.rejects()?.flush()
    }
}
