//! `quarteto import`.

use std::fs;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono::FixedOffset;
use chrono_tz::Tz;
use clap::Args;
use csv::ByteRecord;
use encoding_rs::Encoding;
use indicatif::{ProgressBar, ProgressStyle};

use super::OpenStores;
use super::rejects::Rejects;
use crate::config::Config;
use crate::db::{self, Db, PerStore, Store};
use crate::import::header::Mapping;
use crate::import::{self, Asked, Escapes, File, Format, Layout, Observer, Options, Summary, Table, Zone};

/// Import rows of an old database, from a CSV file or from its table.
///
/// The stores in this order: clientes, enderecos, catalogo, inventario. Rows keep
/// their ids; what is there already is left alone, so an interrupted import is
/// simply run again. Exits with 3 when rows were rejected. See docs/import.md.
#[derive(Args)]
pub(super) struct Import {
    /// Where the rows belong: clientes, enderecos, catalogo or inventario.
    store: Store,
    /// The file, with a header; `-` for standard input.
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    file: Option<PathBuf>,
    /// Read a table of an old database instead of a file: mysql://USER:PASSWORD@HOST:PORT/DATABASE.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Which table to read [default: cadastro, endereco, catalogo or inventario, in any
    /// case and with any accents].
    #[arg(long, value_name = "NAME", requires = "from")]
    table: Option<String>,
    /// What stands between two values: one character, or `tab` [default: what the header
    /// shows].
    #[arg(long, value_parser = delimiter)]
    delimiter: Option<u8>,
    /// How letters are written, as in utf-8, windows-1252, utf-16le [default: what the
    /// file shows].
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    encoding: Option<&'static Encoding>,
    /// How control characters and quotes are written.
    #[arg(long, value_enum, default_value_t)]
    escapes: Escapes,
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
    /// The time zone of moments that say none, with its summer times, as in
    /// `America/Sao_Paulo`.
    #[arg(long, value_name = "NAME", conflicts_with = "utc_offset", value_parser = zone)]
    time_zone: Option<Tz>,
    /// Take clients or products in again that were removed.
    #[arg(long)]
    bring_back: bool,
    /// Where rejected rows go, in the form of the file, each with its line and why; a file
    /// that is not there yet [default: FILE.rejects.csv, or FILE.rejects-2.csv and so on].
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Only look: everything is done and undone.
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

fn encoding(text: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(text.as_bytes()).ok_or_else(|| {
        "an encoding is called utf-8, windows-1252, iso-8859-1, utf-16le or utf-16be".to_owned()
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, column) = text.split_once('=').ok_or("NAME=COLUMN")?;
    Ok((name.to_owned(), column.to_owned()))
}

pub(super) fn offset(text: &str) -> Result<FixedOffset, String> {
    text.parse().map_err(|_| "an offset looks like -03:00".to_owned())
}

pub(super) fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "a time zone is called as in America/Sao_Paulo or America/Manaus".to_owned())
}

impl Import {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        // First what fails fast: nothing is started for a file that is not there.
        let origin = self.origin()?;
        let open = OpenStores::open(config).await?;
        let limits = config.stores.limits();
        let databases = PerStore::from_fn(|store| Db::new(store, open.stores[store].clone(), limits));
        let options = self.options();
        let mut report = Report::new(self.rejects()?, origin.bytes());
        let summary = match origin {
            Origin::File { input, name, .. } => {
                let asked =
                    Asked { delimiter: self.delimiter, encoding: self.encoding, escapes: self.escapes };
                let file = File::open(input, asked, import::columns(self.store), &options.mapping)
                    .with_context(|| name.clone())?;
                if let Some(line) = file.header_below() {
                    eprintln!(
                        "{name}: line {line} is taken for the header, and what is above it is left out"
                    );
                }
                let layout = file.layout_found();
                tracing::debug!(delimiter = %char::from(layout.delimiter), encoding = layout.encoding.name(), "the file");
                import::run(self.store, &databases, file, &options, &mut report)
                    .await
                    .with_context(|| name)?
            }
            Origin::Table(url) => {
                let old = db::source_options("--from", &url).map_err(anyhow::Error::msg)?;
                let table = self.table.as_deref().unwrap_or_else(|| self.store.table());
                let table =
                    Table::open(&old, table, &options.mapping).await?.with_decimal_comma(self.decimal_comma);
                import::run(self.store, &databases, table, &options, &mut report).await?
            }
        };
        report.bar.finish_and_clear();
        self.conclude(summary, report)
    }

    fn options(&self) -> Options {
        let zone = self.time_zone.map_or(Zone::Offset(self.utc_offset), Zone::Named);
        Options {
            mapping: Mapping { renamed: self.map.iter().cloned().collect(), ignored: self.ignore.clone() },
            format: Format { decimal_comma: self.decimal_comma, zone },
            bring_back: self.bring_back,
            dry_run: self.dry_run,
        }
    }

    fn conclude(&self, summary: Summary, report: Report) -> anyhow::Result<ExitCode> {
        if self.json {
            println!("{}", serde_json::to_string(&summary)?);
        } else {
            let verb = if self.dry_run { "would be inserted" } else { "inserted" };
            println!(
                "{} rows: {} {verb}, {} there already, {} rejected",
                summary.read, summary.inserted, summary.known, summary.rejected
            );
        }
        match report.rejects.finish()? {
            None => Ok(ExitCode::SUCCESS),
            Some(path) => {
                eprintln!("the rejected rows are in {}", path.display());
                Ok(ExitCode::from(REJECTED))
            }
        }
    }

    fn origin(&self) -> anyhow::Result<Origin> {
        match (&self.file, &self.from) {
            (_, Some(url)) => Ok(Origin::Table(url.clone())),
            (Some(file), None) if file == Path::new("-") => {
                Ok(Origin::File { input: Box::new(io::stdin()), name: "standard input".to_owned(), bytes: 0 })
            }
            (Some(file), None) => {
                let name = file.display().to_string();
                let opened = fs::File::open(file).with_context(|| name.clone())?;
                let metadata = opened.metadata().with_context(|| name.clone())?;
                if metadata.is_dir() {
                    bail!("{name}: is a folder");
                }
                Ok(Origin::File { input: Box::new(opened), name, bytes: metadata.len() })
            }
            (None, None) => bail!("which file? or say --from URL"),
        }
    }

    fn rejects(&self) -> anyhow::Result<Rejects> {
        match (&self.rejects, &self.file) {
            (Some(path), _) => Rejects::at(path.clone()),
            (None, Some(file)) if file != Path::new("-") => Ok(Rejects::of(&file.display().to_string())),
            (None, _) => Ok(Rejects::of(self.store.name())),
        }
    }
}

/// Where rows come from.
enum Origin {
    File { input: Box<dyn Read + Send>, name: String, bytes: u64 },
    Table(String),
}

impl Origin {
    const fn bytes(&self) -> u64 {
        match self {
            Self::File { bytes, .. } => *bytes,
            Self::Table(_) => 0,
        }
    }
}

/// Shows how far the import is, and writes down what is rejected.
struct Report {
    rejects: Rejects,
    bar: ProgressBar,
}

impl Report {
    fn new(rejects: Rejects, bytes: u64) -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new(bytes) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}") {
            bar.set_style(style);
        }
        Self { rejects, bar }
    }
}

impl Observer for Report {
    fn reached(&mut self, reached: u64) {
        self.bar.set_position(reached);
    }

    fn header(&mut self, names: &[String], layout: Layout) -> io::Result<()> {
        self.rejects.begin(names, layout);
        Ok(())
    }

    fn rejected(&mut self, place: u64, raw: &ByteRecord, why: &[String]) -> io::Result<()> {
        self.rejects.write(place, raw, why)
    }
}
