//! `quarteto acessos`: what the panel shows, for a terminal, a spreadsheet or a program. It asks
//! the graph as everybody does.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::Value as Answered;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::OpenStores;
use crate::config::{Config, Introspection};
use crate::db::{AnyStore, Db, PerStore};
use crate::insight::Metrics;
use crate::kernel::{AnswerLimits, Papel, Requester};
use crate::local::LocalDatabase;
use crate::operation::{Ask, Caller, DocumentLimits, Operations, Refused, Settings};
use crate::removal::Removals;
use crate::schema::merged;
use crate::stores::acessos::Acessos;

/// Who asked what of the API, as the store `acessos` has it.
#[derive(Args)]
pub(super) struct AcessosArgs {
    /// What to list.
    #[arg(value_enum, default_value = "operacoes")]
    lista: Lista,
    #[command(flatten)]
    window: Window,
    /// Only of this program.
    #[arg(long, value_name = "NAME")]
    programa: Option<String>,
    /// Only of this version of it.
    #[arg(long, value_name = "VERSION")]
    versao: Option<String>,
    /// Only of this user.
    #[arg(long, value_name = "NAME")]
    usuario: Option<String>,
    /// Only of what uses this part of the schema, as in Cliente.cpf (of `operacoes`).
    #[arg(long, value_name = "PART")]
    campo: Option<String>,
    /// As CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// As JSON: a list of objects.
    #[arg(long)]
    json: bool,
}

/// Which time.
#[derive(Args)]
pub(super) struct Window {
    /// Of so many days until now.
    #[arg(long, default_value_t = 1, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=1_499))]
    dias: u16,
}

impl Window {
    pub(super) fn janela(&self) -> Map<String, Value> {
        let now = chrono::Utc::now();
        let from = now - chrono::TimeDelta::days(self.dias.into());
        let mut janela = Map::new();
        janela.insert("de".into(), from.to_rfc3339().into());
        janela.insert("ate".into(), (now + chrono::TimeDelta::seconds(1)).to_rfc3339().into());
        janela
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lista {
    Operacoes,
    Campos,
    Erros,
    Programas,
    Usuarios,
    Stores,
    Serie,
    Lentas,
}

const TOTALS: &str = "totais { chamadas comErro taxaDeErro mediaMs p50Ms p95Ms p99Ms maiorMs custo objetos bytes \
                      instrucoes linhas storesMs falhas }";

impl Lista {
    /// The field, what is asked of its rows, and whether it has pages.
    fn asked(self) -> (&'static str, String, bool) {
        match self {
            Self::Operacoes => ("operacoes", format!("nome id tipo primeiraVez ultimaVez {TOTALS}"), true),
            Self::Campos => {
                ("campos", "nome existe obsoleto primeiraVez ultimaVez totais { chamadas }".into(), true)
            }
            Self::Erros => (
                "erros",
                "codigo caminho store vezes ultimaVez operacoes programas { nome versao vezes }".into(),
                true,
            ),
            Self::Programas => ("programas", format!("nome versao primeiraVez ultimaVez {TOTALS}"), true),
            Self::Usuarios => ("usuarios", format!("nome primeiraVez ultimaVez {TOTALS}"), true),
            Self::Stores => ("stores", "nome uso { instrucoes linhas ms falhas }".into(), false),
            Self::Serie => ("serie", format!("inicio {TOTALS}"), false),
            Self::Lentas => {
                ("lentas", "quando nome ms usuario programa pedido resultado custo operacao".into(), false)
            }
        }
    }
}

impl AcessosArgs {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        let reader = Reader::open(config).await?;
        let mut janela = self.window.janela();
        let given = [("programa", &self.programa), ("versao", &self.versao), ("usuario", &self.usuario)];
        janela.extend(given.into_iter().filter_map(|(key, value)| Some((key.into(), value.clone()?.into()))));
        let (field, selection, has_pages) = self.lista.asked();
        let mut variables = json!({ "janela": janela });
        anyhow::ensure!(
            self.campo.is_none() || self.lista == Lista::Operacoes,
            "--campo goes with the list `operacoes`"
        );
        if let Some(campo) = &self.campo {
            variables["campo"] = campo.clone().into();
        }
        let rows = reader.list(field, &selection, has_pages, variables).await?;
        let rows: Vec<Row> = rows.iter().map(flat).collect();
        reader.close();
        self.show(&rows)
    }

    fn show(&self, rows: &[Row]) -> anyhow::Result<ExitCode> {
        let columns: Vec<&str> =
            rows.first().map(|row| row.iter().map(|(column, _)| &**column).collect()).unwrap_or_default();
        if self.json {
            return Ok(super::print(&format!(
                "{}\n",
                serde_json::to_string_pretty(&rows.iter().map(as_object).collect::<Vec<_>>())?
            )));
        }
        if self.csv {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&columns)?;
            for row in rows {
                writer.write_record(row.iter().map(|(_, value)| safe(&plain(value))))?;
            }
            let bytes = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
            return Ok(super::print(&String::from_utf8_lossy(&bytes)));
        }
        if rows.is_empty() {
            return Ok(super::print("nothing was asked in this time\n"));
        }
        let cells: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|(_, value)| plain(value)).collect()).collect();
        let width = |place: usize| {
            let widest = cells.iter().map(|row| row[place].chars().count()).max().unwrap_or(0);
            widest.max(columns[place].chars().count()).min(WIDEST)
        };
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        let line = |row: &[String]| {
            let padded = row.iter().zip(&widths).map(|(cell, width)| {
                let shown: String = cell.chars().take(*width).collect();
                format!("{shown:<width$}")
            });
            format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
        };
        let head: Vec<String> = columns.iter().map(ToString::to_string).collect();
        Ok(super::print(
            &std::iter::once(line(&head)).chain(cells.iter().map(|row| line(row))).collect::<String>(),
        ))
    }
}

/// Letters of a column on a terminal.
const WIDEST: usize = 48;

/// What a spreadsheet would take for a formula is a text.
fn safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err() {
        return format!("'{text}");
    }
    text.to_owned()
}

/// Columns in the order in which they were asked for.
type Row = Vec<(String, Value)>;

/// One level: `totais.chamadas`; lists of objects as texts.
fn flat(row: &Answered) -> Row {
    let mut flat = Row::new();
    let Answered::Object(members) = row else { return flat };
    let json = |value: &Answered| value.clone().into_json().unwrap_or_default();
    for (key, value) in members {
        match value {
            Answered::Object(inner) => {
                flat.extend(inner.iter().map(|(name, value)| (format!("{key}.{name}"), json(value))));
            }
            Answered::List(items) => {
                let texts: Vec<String> = items.iter().map(|value| item(&json(value))).collect();
                flat.push((key.to_string(), texts.join("; ").into()));
            }
            other => flat.push((key.to_string(), json(other))),
        }
    }
    flat
}

fn as_object(row: &Row) -> Value {
    Value::Object(row.iter().cloned().collect())
}

fn item(value: &Value) -> String {
    match value {
        Value::Object(members) => members.values().map(plain).collect::<Vec<_>>().join(" "),
        other => plain(other),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        // A count is a whole number, however it was sent.
        Value::Number(number) => match number.as_f64() {
            Some(value) if value.fract() == 0.0 => format!("{value:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Asks the graph about accesses, in this process.
pub(super) struct Reader {
    operations: Operations,
    private: Option<LocalDatabase>,
}

impl Reader {
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let OpenStores { stores, acessos, private } = OpenStores::open(config).await?;
        let Some(options) = acessos else {
            anyhow::bail!(
                "accesses are kept nowhere: {} is not set, so they are in the memory of the program that serves; \
                 its panel, /painel, shows them",
                AnyStore::Acessos.url_variable()
            );
        };
        let limits = config.stores.limits();
        let databases = PerStore::from_fn(|store| Db::new(store, stores[store].clone(), limits));
        let db = Db::new(AnyStore::Acessos, options, limits);
        let acessos = Acessos::new(Some(db), databases.clone().into(), config.acessos.settings());
        let removals = Removals::new(databases.clone());
        let served = Arc::new(merged::serve(&databases, &removals, &acessos)?);
        let settings = Settings {
            document: DocumentLimits::default(),
            answer: AnswerLimits { objects: u64::MAX, fields: u64::MAX, bytes: u64::MAX },
            representations: 0,
            trusted: None,
            introspection: Introspection::Admin,
        };
        let metrics = Arc::new(Metrics::new(&acessos, &removals));
        Ok(Self { operations: Operations::new(served, settings, metrics, acessos), private })
    }

    /// Ends the private database where it was started for this.
    pub(super) fn close(self) {
        drop(self.private);
    }

    /// All rows of a list.
    pub(super) async fn list(
        &self,
        field: &str,
        selection: &str,
        has_pages: bool,
        mut variables: Value,
    ) -> anyhow::Result<Vec<Answered>> {
        let by_part = if variables.get("campo").is_some() { ", campo: $campo" } else { "" };
        let part = if by_part.is_empty() { "" } else { ", $campo: String" };
        let query = if has_pages {
            format!(
                "query Acessos($janela: JanelaAcessos!, $after: String{part}) {{ acessos(janela: $janela) {{ \
                 {field}(first: 100, after: $after{by_part}) {{ nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
            )
        } else {
            format!(
                "query Acessos($janela: JanelaAcessos!) {{ acessos(janela: $janela) {{ {field} {{ {selection} }} }} }}"
            )
        };
        let mut rows = Vec::new();
        loop {
            let answer = self.ask(&query, &variables).await?;
            let found = member(&member(&answer, "acessos"), field);
            let page = if has_pages { member(&found, "nodes") } else { found.clone() };
            if let Answered::List(page) = page {
                rows.extend(page);
            }
            let about = member(&found, "pageInfo");
            if member(&about, "hasNextPage") != Answered::Boolean(true) {
                return Ok(rows);
            }
            variables["after"] = member(&about, "endCursor").into_json()?;
        }
    }

    async fn ask(&self, query: &str, variables: &Value) -> anyhow::Result<Answered> {
        let requester = Requester { nome: "quarteto".into(), papel: Papel::Admin };
        let caller = Caller {
            requester: &requester,
            id: "quarteto-acessos",
            traced: false,
            reads_only: true,
            idempotency_key: None,
            deadline: Instant::now() + Duration::from_secs(600),
            program: ("quarteto", env!("CARGO_PKG_VERSION")),
            explains: false,
            is_sibling: false,
        };
        let ask = Ask {
            query: Some(query.to_owned()),
            variables: variables.as_object().cloned(),
            ..Ask::default()
        };
        let answer = match self.operations.check(ask, &caller) {
            Ok(checked) => self.operations.run(checked, &caller).await,
            Err(Refused::Operation(refused)) => self.operations.refuse(refused, &caller),
            Err(Refused::Malformed(message)) => anyhow::bail!("{message}"),
            Err(Refused::ReadsOnly) => anyhow::bail!("only what reads is asked here"),
        };
        if let Some(error) = answer.errors.first() {
            anyhow::bail!("{}", error.message);
        }
        Ok(answer.into_data()?)
    }
}

fn member(object: &Answered, name: &str) -> Answered {
    match object {
        Answered::Object(members) => members.get(name).cloned().unwrap_or_default(),
        _ => Answered::Null,
    }
}
