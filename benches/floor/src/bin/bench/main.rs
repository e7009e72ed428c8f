//! Runs Quarteto, the hand-written floor and async-graphql's stock service in turn,
//! over the same database and in the same minute, and prints ratios: on a shared or
//! noisy machine nothing else can be compared with the numbers of another day.

mod database;
mod load;
mod process;
mod report;
mod split;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use quarteto_bench::{PURCHASE, QUERIES, authorization};

use database::{Database, Way};
use load::{Load, Outcome};
use process::Server;
use split::Split;
use target::{Answers, Bar, Client, Data, Place, Quarteto, Rival};

/// Measure Quarteto against a hand-written floor and the stock service, and print
/// tables.
#[derive(Debug, Parser)]
struct Args {
    /// The program to measure.
    #[arg(long, default_value = "target/release/quarteto", value_name = "FILE")]
    binary: PathBuf,
    /// Where the data is kept between runs; made when missing.
    #[arg(long, default_value = "target/bench-data", value_name = "DIR")]
    data_dir: PathBuf,
    /// How many rounds; the table has their medians.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How many connections.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64], value_name = "N,…")]
    connections: Vec<u32>,
    /// What Quarteto logs meanwhile; by default what it logs by default.
    #[arg(long, default_value = "info", value_name = "FILTER")]
    log: String,
    /// Let all reach the database over its unix socket instead of TCP.
    #[arg(long)]
    unix_socket: bool,
    /// Measure Quarteto against itself, as five subgraphs behind routers.
    #[arg(long)]
    split: bool,
    #[command(flatten)]
    data: Data,
}

/// One measurement of all, one after the other.
pub struct Round {
    query: usize,
    connections: u32,
    /// Quarteto's, and those of the others in their order.
    outcomes: Vec<Outcome>,
}

/// Somebody who is asked: where each query is, and who answers.
struct Target {
    urls: Vec<String>,
    pids: Vec<u32>,
}

impl Target {
    fn new(answers: &impl Answers, pids: Vec<u32>) -> Self {
        Self { urls: QUERIES.iter().map(|query| answers.url(query)).collect(), pids }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let wrk = process::find("wrk")
        .context("`wrk` is missing; install it (Debian, Ubuntu: `sudo apt-get install wrk`)")?;
    let place = Place::new(&args.binary, &args.data_dir)?;
    args.data.seed(&place)?;
    place.migrate()?;
    let password = place.only_user()?;
    let authorization = authorization(&password);
    let client = Client::new(&authorization)?;
    let (database, server) = Database::start(&place, !args.unix_socket).await?;
    let way = &database.way;
    let title = format!("{}, over {}", server.version, way.name());
    let mut bench = Bench { args, wrk, place, authorization, client, server };
    if bench.args.split {
        bench.against_split(way, &title).await
    } else {
        bench.against_rivals(way, &title).await
    }
}

/// What a run has at hand.
struct Bench {
    args: Args,
    wrk: PathBuf,
    place: Place,
    authorization: String,
    client: Client,
    server: Server,
}

impl Bench {
    /// Quarteto beside the floor and the stock service.
    async fn against_rivals(&mut self, way: &Way, title: &str) -> anyhow::Result<()> {
        eprintln!("starting Quarteto, the floor and the stock service …");
        // First: a connection that has been idle meanwhile may be closed while it is used again.
        let starts = self.start_times(way).await?;
        let (quarteto, _) = Quarteto::start(&self.place, way, &self.args.log, &self.client).await?;
        let mut rivals = Vec::new();
        for bar in [Bar::Floor, Bar::Stock] {
            rivals.push(Rival::start(bar, &self.place, way, &self.authorization, &self.client).await?);
        }
        let loads = self.loads(&quarteto, &rivals).await?;
        let mut targets = vec![Target::new(&quarteto, vec![quarteto.pid()])];
        targets.extend(rivals.iter().map(|rival| Target::new(rival, vec![rival.pid()])));
        let rounds = self.rounds(&loads, &targets).await?;
        // Last, since they change what the others would read.
        let purchases = self.purchases(&quarteto).await?;
        report::print(&self.args, &rounds, &starts, title);
        report::print_purchases(&self.args, &purchases);
        quarteto.stop();
        Ok(())
    }

    /// The merged server beside five subgraphs behind each router.
    async fn against_split(&mut self, way: &Way, title: &str) -> anyhow::Result<()> {
        eprintln!("starting the merged server, five subgraphs and their routers …");
        // The users file is read at the start: who the subgraphs are comes first.
        let split = Split::start(&self.place, way, &self.args.log, &self.client).await?;
        let (merged, _) = Quarteto::start(&self.place, way, &self.args.log, &self.client).await?;
        let loads = self.loads(&merged, &split.routers).await?;
        let mut targets = vec![Target::new(&merged, vec![merged.pid()])];
        targets.extend(split.routers.iter().map(|router| Target::new(router, split.pids(router))));
        let rounds = self.rounds(&loads, &targets).await?;
        let names: Vec<&str> = split.routers.iter().map(Answers::name).collect();
        report::print_split(&self.args, &rounds, &names, title);
        merged.stop();
        Ok(())
    }

    /// Purchases, by Quarteto alone.
    async fn purchases(&mut self, quarteto: &Quarteto) -> anyhow::Result<Vec<Round>> {
        let Data { clientes, compras, .. } = self.args.data;
        let variables = target::purchases(&self.client, &quarteto.address, clientes).await?;
        let load = Load::write(&self.wrk, &self.place, PURCHASE, &variables, &self.authorization)?;
        load.check(&quarteto.graphql(), 1).await?;
        let target = Target { urls: vec![quarteto.graphql()], pids: vec![quarteto.pid()] };
        let purchases = self.rounds(&[load], &[target]).await;
        self.server.forget_purchases(compras).await?;
        purchases
    }

    /// What is asked; all have been compared, and have answered each.
    async fn loads(&self, quarteto: &Quarteto, others: &[impl Answers]) -> anyhow::Result<Vec<Load>> {
        let clientes = self.args.data.clientes;
        let variables = target::variables(&self.client, &quarteto.address, clientes).await?;
        let same = target::compare(&self.client, &quarteto.address, others, &variables).await?;
        eprintln!("{same} answers of all are the same, byte for byte");
        let loads = QUERIES
            .iter()
            .zip(&variables)
            .map(|(query, variables)| {
                Load::write(&self.wrk, &self.place, *query, variables, &self.authorization)
            })
            .collect::<anyhow::Result<Vec<Load>>>()?;
        let most = self.args.connections.iter().max().copied().unwrap_or(1);
        for load in &loads {
            eprintln!("warming up {}, and reading every answer …", load.query.name);
            load.check(&quarteto.graphql(), most).await?;
            for other in others {
                load.check(&other.url(&load.query), most).await?;
            }
        }
        Ok(loads)
    }

    async fn rounds(&mut self, loads: &[Load], targets: &[Target]) -> anyhow::Result<Vec<Round>> {
        let seconds = Duration::from_secs(self.args.seconds);
        let mut rounds = Vec::new();
        for round in 1..=self.args.rounds {
            eprintln!("round {round} of {}", self.args.rounds);
            for (query, load) in loads.iter().enumerate() {
                for connections in self.args.connections.iter().copied() {
                    // Who goes first changes, so that nobody always finds another's pages warm.
                    let first = usize::try_from(round)? % targets.len();
                    let mut outcomes = Vec::new();
                    for turn in (0..targets.len()).map(|turn| (turn + first) % targets.len()) {
                        let target = &targets[turn];
                        let run = load.run(&target.urls[query], connections, seconds, round);
                        outcomes.push(self.server.measure(&target.pids, run).await?);
                    }
                    outcomes.rotate_right(first);
                    rounds.push(Round { query, connections, outcomes });
                }
            }
        }
        Ok(rounds)
    }

    /// How long Quarteto takes from its start to its first answer with the stores
    /// up, five times.
    async fn start_times(&self, way: &Way) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..5 {
            let (quarteto, time) = Quarteto::start(&self.place, way, &self.args.log, &self.client).await?;
            quarteto.stop();
            times.push(time);
        }
        Ok(times)
    }
}
