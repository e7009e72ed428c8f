//! `quarteto seed`.

use std::process::ExitCode;

use clap::Args;
use indicatif::MultiProgress;

use super::OpenStores;
use crate::config::Config;
use crate::db::Store;
use crate::seed::{self, Plan};
use crate::stores;

/// Fill empty stores with synthetic data, the same on every run.
#[derive(Args)]
pub(super) struct Seed {
    /// How many clients.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=50_000_000))]
    clientes: u64,
    /// How many products.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=50_000_000))]
    produtos: u64,
    /// How many purchases.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(0..=1_000_000_000))]
    compras: u64,
    /// Gives the first client at least so many of the purchases.
    #[arg(long, default_value_t = 0, value_name = "N")]
    heavy: u64,
    /// Another number makes other data.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
}

impl Seed {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        anyhow::ensure!(
            self.heavy <= self.compras,
            "--heavy {} is more than --compras {}",
            self.heavy,
            self.compras
        );
        let open = OpenStores::open(config).await?;
        for store in Store::ALL {
            stores::migrate(store, &open.stores[store]).await?;
        }
        let plan = Plan {
            clientes: self.clientes,
            produtos: self.produtos,
            compras: self.compras,
            seed: self.seed,
            heavy: self.heavy,
        };
        let summary = seed::run(&plan, &open.stores, &MultiProgress::new()).await?;
        println!("{summary}");
        Ok(ExitCode::SUCCESS)
    }
}
