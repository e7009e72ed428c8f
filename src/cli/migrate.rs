//! `quarteto migrate`.

use std::process::ExitCode;

use clap::Args;

use super::OpenStores;
use crate::config::Config;
use crate::db::AnyStore;
use crate::db::migrations::{self, SchemaState};
use crate::stores;

/// Bring the schemas of the stores up to date.
#[derive(Args)]
pub(super) struct Migrate {
    /// Only look, at every table, column and key: exit with 3 when a store is behind.
    #[arg(long)]
    check: bool,
    /// Only this store: clientes, enderecos, catalogo, inventario or acessos.
    #[arg(long, value_name = "STORE")]
    store: Option<AnyStore>,
}

/// The exit code of `--check` for a store that is not as it should be.
const BEHIND: u8 = 3;

impl Migrate {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        let open = OpenStores::open(config).await?;
        let (mut behind, mut failures) = (false, Vec::new());
        if self.store == Some(AnyStore::Acessos) && open.acessos.is_none() {
            anyhow::bail!("{} is not set", AnyStore::Acessos.url_variable());
        }
        for store in AnyStore::ALL.into_iter().filter(|store| self.store.is_none_or(|only| only == *store)) {
            let Some(options) = open.options(store) else { continue };
            let outcome = if self.check {
                migrations::check(store, options).await.map(|state| match state {
                    SchemaState::Current => "up to date".to_owned(),
                    SchemaState::Behind(missing) => {
                        behind = true;
                        format!("{missing} migrations are missing; run `quarteto migrate`")
                    }
                    SchemaState::Differs(differences) => {
                        behind = true;
                        format!("all migrations have run, but the tables differ: {}", differences.join("; "))
                    }
                })
            } else {
                stores::migrate(store, options).await.map(|applied| match applied {
                    0 => "up to date".to_owned(),
                    applied => format!("{applied} migrations applied"),
                })
            };
            match outcome {
                Ok(state) => println!("{store}: {state}"),
                // One sick store does not keep the others behind.
                Err(error) => failures.push(error.to_string()),
            }
        }
        if !failures.is_empty() {
            anyhow::bail!("{}", failures.join("\n"));
        }
        Ok(if behind { ExitCode::from(BEHIND) } else { ExitCode::SUCCESS })
    }
}
