//! `quarteto titular`.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};

use super::{OpenStores, print};
use crate::config::Config;
use crate::db::{Db, PerStore};
use crate::kernel::scalars::Cpf;
use crate::stores::clientes::titular::Protocolo;
use crate::titular::{Apagado, Titulares};
use crate::writes::outbox::PoliticaCompras;

/// Gather or remove all that the four stores know of one person (LGPD).
///
/// Each request leaves a protocol in the store `clientes`, which holds no name and no
/// CPF. May run beside `serve`. Exits with 3 when nobody has the CPF, or when a store
/// has not done its part yet.
#[derive(Args)]
pub(super) struct Titular {
    /// Who works, for the protocol [default: the name of the login].
    #[arg(long, global = true, value_name = "NAME")]
    by: Option<String>,
    #[command(subcommand)]
    request: Request,
}

#[derive(Subcommand)]
enum Request {
    /// Print all that is known of a person as JSON.
    Export {
        /// The person's CPF.
        cpf: String,
    },
    /// Remove a person's data: client and addresses, and the purchases when told to.
    Apagar {
        /// The person's CPF.
        cpf: String,
        /// `manter` keeps the sales without the person; `remover` removes them, too.
        #[arg(long, default_value = "manter")]
        compras: Compras,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Show protocols, newest first; with its number, one, after trying again what is
    /// left of it.
    Protocolo {
        /// The number of one.
        id: Option<String>,
    },
}

/// What becomes of the purchases.
#[derive(Clone, Copy, ValueEnum)]
enum Compras {
    Manter,
    Remover,
}

impl From<Compras> for PoliticaCompras {
    fn from(compras: Compras) -> Self {
        match compras {
            Compras::Manter => Self::Manter,
            Compras::Remover => Self::Remover,
        }
    }
}

/// The exit code when there was nobody, or when something is left to be done.
const LEFT: u8 = 3;

/// Protocols that are listed.
const LISTED: u32 = 100;

impl Titular {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        let operator = self.operator()?;
        // First what fails fast: nothing is started for what is no CPF.
        let cpf = match &self.request {
            Request::Export { cpf } | Request::Apagar { cpf, .. } => Some(Cpf::parse(cpf)?),
            Request::Protocolo { .. } => None,
        };
        if let Request::Apagar { yes: false, compras, .. } = &self.request {
            confirm(*compras)?;
        }
        let open = OpenStores::open(config).await?;
        let limits = config.stores.limits();
        let databases = PerStore::from_fn(|store| Db::new(store, open.stores[store].clone(), limits));
        let titulares = Titulares::new(databases, operator);
        match (&self.request, cpf) {
            (Request::Export { .. }, Some(cpf)) => export(&titulares, &cpf).await,
            (Request::Apagar { compras, .. }, Some(cpf)) => {
                Ok(match titulares.erase(&cpf, (*compras).into()).await? {
                    Some(done) => told(&done),
                    None => nobody(),
                })
            }
            (Request::Protocolo { id: Some(id) }, _) => match titulares.protocol(id).await? {
                Some(done) => Ok(told(&done)),
                None => bail!("there is no protocol {id}; `quarteto titular protocolo` lists them"),
            },
            _ => {
                let all = titulares.protocols(LISTED).await?;
                Ok(print(&all.iter().map(line).collect::<String>()))
            }
        }
    }

    /// The name in the protocol: given, or the login's. To look at protocols needs none.
    fn operator(&self) -> anyhow::Result<String> {
        if matches!(self.request, Request::Protocolo { .. }) {
            return Ok(String::new());
        }
        let login = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
        match self.by.clone().or_else(login) {
            Some(name) if (1..=64).contains(&name.chars().count()) => Ok(name),
            Some(_) => bail!("--by must have 1 to 64 characters"),
            None => bail!("who works is not known: say so with --by NAME"),
        }
    }
}

async fn export(titulares: &Titulares, cpf: &Cpf) -> anyhow::Result<ExitCode> {
    let Some(dados) = titulares.gather(cpf).await? else {
        return Ok(nobody());
    };
    Ok(print(&format!("{}\n", serde_json::to_string_pretty(&dados)?)))
}

fn nobody() -> ExitCode {
    eprintln!("no client has this CPF");
    ExitCode::from(LEFT)
}

fn confirm(compras: Compras) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("nobody can be asked here; if it shall be done, say so with --yes");
    }
    let purchases = match compras {
        Compras::Manter => "The purchases stay, without the person.",
        Compras::Remover => "The purchases are removed, too.",
    };
    eprint!("The client and all addresses are removed for good. {purchases} Go on? [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if !matches!(answer.trim(), "y" | "Y" | "yes" | "s" | "sim") {
        bail!("nothing was removed");
    }
    Ok(())
}

/// Shows what was done, and what is left.
fn told(done: &Apagado) -> ExitCode {
    print(&line(&done.protocolo));
    let progress = done.progress;
    let left: Vec<&str> = [("enderecos", progress.enderecos), ("inventario", progress.inventario)]
        .into_iter()
        .filter_map(|(store, done)| (!done).then_some(store))
        .collect();
    if left.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "{} has not done its part yet: `quarteto serve` goes on with it, and `quarteto titular protocolo {}` tries again",
        left.join(" and "),
        done.protocolo.id
    );
    ExitCode::from(LEFT)
}

fn line(protocolo: &Protocolo) -> String {
    let Protocolo { id, pedido, cliente, feito_em, feito_por, enderecos, vendas, .. } = protocolo;
    let compras = protocolo.compras.as_ref().map(|policy| format!(" ({policy})")).unwrap_or_default();
    format!(
        "{id} {feito_em} {pedido} cliente_{cliente} by {feito_por}: {enderecos} enderecos, {vendas} compras{compras}\n"
    )
}
