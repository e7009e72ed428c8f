//! `quarteto adopt`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use chrono::FixedOffset;
use chrono_tz::Tz;
use clap::Args;
use csv::ByteRecord;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use sqlx::mysql::MySqlConnectOptions;

use super::OpenStores;
use super::import::{offset, zone};
use super::rejects::Rejects;
use crate::adopt::{Adapted, Found, Plan, Wishes, prices};
use crate::config::Config;
use crate::db::migrations::{self, MigrationError};
use crate::db::{Db, PerStore, Store};
use crate::import::{self, Format, Layout, Observer, Options, Rehearsal, Summary, Table, Zone};
use crate::stores;

/// Take the four old databases over where they are.
///
/// The URLs of the stores name the old databases. Each old table is renamed to
/// `NAME_antes_de_adotar` and kept, ours are made beside it, and its rows go through the
/// import. May be interrupted and run again. Exits with 3 when rows do not fit. See
/// docs/adopt.md.
#[derive(Args)]
pub(super) struct Adopt {
    /// Only look: nothing is renamed, made or written but the report.
    #[arg(long)]
    dry_run: bool,
    /// Which of our columns a column of an old table is, as in `clientes.codigo=id`;
    /// `inventario.NAME=total` is what a whole purchase cost; repeatable.
    #[arg(long, value_name = "STORE.NAME=COLUMN", value_parser = pair)]
    map: Vec<(Store, String, String)>,
    /// A column of an old table that is left out; repeatable.
    #[arg(long, value_name = "STORE.NAME", value_parser = name)]
    ignore: Vec<(Store, String)>,
    /// A value for what an old table lacks, as in `inventario.quantidade=1`; `@catalogo` is
    /// today's price, `@agora` this moment; repeatable.
    #[arg(long, value_name = "STORE.COLUMN=VALUE", value_parser = pair)]
    set: Vec<(Store, String, String)>,
    /// What the old table of a store is called, as in `clientes=tb_cli`; repeatable.
    #[arg(long, value_name = "STORE=NAME", value_parser = table)]
    table: Vec<(Store, String)>,
    /// All of the above from a file (TOML): a table a store, with `table`, `map`, `ignore`
    /// and `set`; flags come first.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Prices are written 1.234,50.
    #[arg(long)]
    decimal_comma: bool,
    /// The offset of moments that say none, as in -03:00.
    #[arg(long, default_value = "+00:00", allow_hyphen_values = true, value_parser = offset)]
    utc_offset: FixedOffset,
    /// The time zone of moments that say none, with its summer times.
    #[arg(long, value_name = "NAME", conflicts_with = "utc_offset", value_parser = zone)]
    time_zone: Option<Tz>,
    /// The folder for the rows that do not fit: STORE.rejects.csv (or STORE.rejects-2.csv and
    /// so on, where that is there), each with its reason.
    #[arg(long, value_name = "DIR", default_value = ".")]
    rejects: PathBuf,
    /// The report as JSON.
    #[arg(long)]
    json: bool,
}

/// The exit code when rows do not fit.
const UNFIT: u8 = 3;

fn store_and<'a>(text: &'a str, rest: &str) -> Result<(Store, &'a str), String> {
    let (store, name) = text.split_once('.').ok_or_else(|| format!("STORE.{rest}, as in clientes.{rest}"))?;
    Ok((store.parse()?, name))
}

fn pair(text: &str) -> Result<(Store, String, String), String> {
    let (name, value) = text.split_once('=').ok_or("STORE.NAME=VALUE")?;
    let (store, name) = store_and(name, "NAME")?;
    Ok((store, name.to_owned(), value.to_owned()))
}

fn name(text: &str) -> Result<(Store, String), String> {
    store_and(text, "NAME").map(|(store, name)| (store, name.to_owned()))
}

fn table(text: &str) -> Result<(Store, String), String> {
    let (store, name) = text.split_once('=').ok_or("STORE=NAME")?;
    Ok((store.parse()?, name.to_owned()))
}

/// The file of `--plan`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    #[serde(default)]
    clientes: PlanOfStore,
    #[serde(default)]
    enderecos: PlanOfStore,
    #[serde(default)]
    catalogo: PlanOfStore,
    #[serde(default)]
    inventario: PlanOfStore,
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanOfStore {
    table: Option<String>,
    #[serde(default)]
    map: BTreeMap<String, String>,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    set: BTreeMap<String, String>,
}

/// What became of one store.
#[derive(Serialize)]
struct Line {
    store: &'static str,
    /// The old table, by the name that it has now; none when there is none.
    table: Option<String>,
    #[serde(flatten)]
    summary: Summary,
    /// How many rows break a rule, and the numbers of the first.
    unfit: BTreeMap<String, Unfit>,
}

#[derive(Clone, Default, Serialize)]
struct Unfit {
    rows: u64,
    first: Vec<String>,
}

impl Adopt {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        let plans = self.plans()?;
        let open = OpenStores::open(config).await?;
        let limits = config.stores.limits();
        // First every question, so that nothing is renamed while one is left.
        let mut founds = Vec::new();
        for store in Store::ALL {
            let (table, wishes) = &plans[store];
            let found = Found::look(store, &open.stores[store], table.as_deref())
                .await
                .map_err(|told| anyhow!(told))?;
            let plan = match found.table() {
                Some(table) => Some(self.plan(store, &open.stores[store], table, wishes).await?),
                None if *wishes != Wishes::default() => anyhow::bail!(
                    "store {store}: there is no old table, and yet --map, --ignore, --set or the plan speak of it"
                ),
                None => None,
            };
            in_the_way(store, &open.stores[store], &found).await?;
            founds.push((store, found, plan));
        }
        // All tables of ours before the first row: stores ask each other.
        if !self.dry_run {
            for (store, found, _) in &mut founds {
                let options = &open.stores[*store];
                let old = std::mem::replace(found, Found::Nothing);
                *found = old.begin(*store, options).await.map_err(|told| anyhow!(told))?;
                stores::migrate(*store, options).await?;
            }
        }
        let databases = PerStore::from_fn(|store| Db::new(store, open.stores[store].clone(), limits));
        let mut rehearsal = Rehearsal::default();
        let mut unfit = false;
        for (store, found, plan) in founds {
            let origin = self.rejects.join(store.name());
            let mut report = Report::new(Rejects::of(&origin.display().to_string()));
            let summary = match (found.table(), &plan) {
                (Some(table), Some(plan)) => {
                    let prices = match store {
                        Store::Inventario if self.dry_run => rehearsal.prices(),
                        Store::Inventario => prices(&databases[Store::Catalogo]).await?,
                        _ => HashMap::new(),
                    };
                    let table = Table::open(&open.stores[store], table, &plan.mapping).await?;
                    let table = table.with_decimal_comma(self.decimal_comma);
                    let rows = Adapted::new(table, plan, prices);
                    let options = self.options(plan);
                    let done = if self.dry_run {
                        rehearsal.run(store, rows, &options, &mut report).await
                    } else {
                        import::run(store, &databases, rows, &options, &mut report).await
                    };
                    done.with_context(|| format!("store {store}"))?
                }
                _ => Summary::default(),
            };
            report.bar.finish_and_clear();
            if let Some(path) = report.rejects.finish()? {
                eprintln!("the rows of {store} that do not fit are in {}", path.display());
            }
            unfit |= summary.rejected > 0;
            let table = found.table().map(str::to_owned);
            self.tell(&Line { store: store.name(), table, summary, unfit: report.unfit })?;
        }
        Ok(if unfit { ExitCode::from(UNFIT) } else { ExitCode::SUCCESS })
    }

    fn plans(&self) -> anyhow::Result<PerStore<(Option<String>, Wishes)>> {
        let file: PlanFile = match &self.plan {
            None => PlanFile::default(),
            Some(path) => {
                let name = path.display().to_string();
                let text = fs::read_to_string(path).with_context(|| name.clone())?;
                toml::from_str(&text).with_context(|| name)?
            }
        };
        Ok(PerStore::from_fn(|store| {
            let said = match store {
                Store::Clientes => &file.clientes,
                Store::Enderecos => &file.enderecos,
                Store::Catalogo => &file.catalogo,
                Store::Inventario => &file.inventario,
            };
            let of = |all: &[(Store, String, String)]| {
                let own = all.iter().filter(|(of, ..)| *of == store);
                own.map(|(_, from, to)| (from.clone(), to.clone())).collect::<Vec<_>>()
            };
            let mut wishes =
                Wishes { map: said.map.clone(), ignore: said.ignore.clone(), set: said.set.clone() };
            wishes.map.extend(of(&self.map));
            wishes.set.extend(of(&self.set));
            wishes
                .ignore
                .extend(self.ignore.iter().filter(|(of, _)| *of == store).map(|(_, name)| name.clone()));
            let table = self.table.iter().find(|(of, _)| *of == store).map(|(_, name)| name.clone());
            (table.or_else(|| said.table.clone()), wishes)
        }))
    }

    async fn plan(
        &self,
        store: Store,
        options: &MySqlConnectOptions,
        table: &str,
        wishes: &Wishes,
    ) -> anyhow::Result<Plan> {
        let ignored = import::header::Mapping { ignored: wishes.ignore.clone(), ..Default::default() };
        let opened = Table::open(options, table, &ignored).await.with_context(|| format!("store {store}"))?;
        Plan::of(store, import::Source::names(&opened), wishes).map_err(|told| anyhow!(told))
    }

    fn options(&self, plan: &Plan) -> Options {
        let zone = self.time_zone.map_or(Zone::Offset(self.utc_offset), Zone::Named);
        Options {
            mapping: plan.mapping.clone(),
            format: Format { decimal_comma: self.decimal_comma, zone },
            bring_back: false,
            dry_run: false,
        }
    }

    fn tell(&self, line: &Line) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(line)?);
            return Ok(());
        }
        let Some(table) = &line.table else {
            println!("{}: nothing to adopt", line.store);
            return Ok(());
        };
        let Summary { read, inserted, known, rejected } = line.summary;
        let verb = if self.dry_run { "would be taken in" } else { "taken in" };
        println!(
            "{}: {read} rows of {table}: {inserted} {verb}, {known} there already, {rejected} do not fit",
            line.store
        );
        for (rule, Unfit { rows, first }) in &line.unfit {
            let more = if *rows > first.len() as u64 { ", …" } else { "" };
            println!("  {rows} × {rule} ({}{more})", first.join(", "));
        }
        Ok(())
    }
}

/// Refuses tables that are neither the old one nor ours and have names of ours, before
/// anything is renamed.
async fn in_the_way(store: Store, options: &MySqlConnectOptions, found: &Found) -> anyhow::Result<()> {
    let Err(MigrationError::Foreign { tables, .. }) = migrations::check(store, options).await else {
        return Ok(());
    };
    let others: Vec<String> = tables
        .iter()
        .filter(|table| found.table() != Some(&*table.name))
        .map(|table| format!("`{}`", table.name))
        .collect();
    anyhow::ensure!(
        others.is_empty(),
        "store {store}: {} must be called otherwise, since a table of ours will have that name; nothing was changed",
        others.join(" and ")
    );
    Ok(())
}

/// Rules that are told apart in a report.
const MOST_RULES: usize = 200;
/// Rows that are named of each.
const NAMED: usize = 5;

/// Gathers what does not fit: each row into a file, and each rule into the report.
struct Report {
    rejects: Rejects,
    unfit: BTreeMap<String, Unfit>,
    bar: ProgressBar,
    id: usize,
}

impl Report {
    fn new(rejects: Rejects) -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} rows {per_sec}") {
            bar.set_style(style);
        }
        Self { rejects, unfit: BTreeMap::new(), bar, id: 0 }
    }
}

impl Observer for Report {
    fn reached(&mut self, reached: u64) {
        self.bar.set_position(reached);
    }

    fn header(&mut self, names: &[String], layout: Layout) -> io::Result<()> {
        let is_id = |name: &String| matches!(crate::text::folded(name).as_str(), "id" | "codigo");
        self.id = names.iter().position(is_id).unwrap_or(0);
        self.rejects.begin(names, layout);
        Ok(())
    }

    fn rejected(&mut self, place: u64, raw: &ByteRecord, why: &[String]) -> io::Result<()> {
        for reason in why {
            // Of two rows that break one rule the numbers differ.
            let rule: String = reason.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
            if self.unfit.len() >= MOST_RULES && !self.unfit.contains_key(&rule) {
                continue;
            }
            let unfit = self.unfit.entry(rule).or_default();
            unfit.rows += 1;
            if unfit.first.len() < NAMED {
                let number = raw.get(self.id).map(|id| String::from_utf8_lossy(id).into_owned());
                unfit.first.push(number.unwrap_or_else(|| format!("row {place}")));
            }
        }
        self.rejects.write(place, raw, why)
    }
}
