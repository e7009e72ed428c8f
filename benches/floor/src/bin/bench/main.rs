//! Runs Quarteto, the hand-written floor and async-graphql's stock service in turn,
//! over the same database and in the same minute, and prints ratios: on a shared or
//! noisy machine nothing else can be compared with the numbers of another day.

mod database;
mod load;
mod process;
mod report;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use quarteto_bench::{QUERIES, authorization};

use database::{Database, Way};
use load::{Load, Outcome};
use target::{Bar, Client, Data, Place, Quarteto, Rival};

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
    #[command(flatten)]
    data: Data,
}

/// One measurement of all three, one after the other.
pub struct Round {
    query: usize,
    connections: u32,
    quarteto: Outcome,
    floor: Outcome,
    stock: Outcome,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let wrk = process::find("wrk")
        .context("`wrk` is missing; install it (Debian, Ubuntu: `sudo apt-get install wrk`)")?;
    let place = Place::new(&args.binary, &args.data_dir)?;
    args.data.seed(&place)?;
    place.migrate()?;
    let password = place.add_user()?;
    let authorization = authorization(&password);

    eprintln!("starting Quarteto, the floor and the stock service …");
    let client = Client::new(&authorization)?;
    let (database, mut server) = Database::start(&place, !args.unix_socket).await?;
    let way = &database.way;
    let (quarteto, _) = Quarteto::start(&place, way, &args.log, &client).await?;
    let mut rivals = Vec::new();
    for bar in [Bar::Floor, Bar::Stock] {
        rivals.push(Rival::start(bar, &place, way, &authorization, &client).await?);
    }
    let starts = start_times(&place, way, &args.log, &client).await?;

    let variables = target::variables(&client, &quarteto.address, args.data.clientes).await?;
    let same = target::compare(&client, &quarteto.address, &rivals, &variables).await?;
    eprintln!("{same} answers of all three are the same, byte for byte");

    let loads = QUERIES
        .iter()
        .zip(&variables)
        .map(|(query, variables)| Load::write(&wrk, &place, *query, variables, &authorization))
        .collect::<anyhow::Result<Vec<Load>>>()?;
    let most = args.connections.iter().max().copied().unwrap_or(1);
    for load in &loads {
        eprintln!("warming up {}, and reading every answer …", load.query.name);
        load.check(&quarteto.graphql(), most).await?;
        for rival in &rivals {
            load.check(&rival.url(&load.query), most).await?;
        }
    }

    let seconds = Duration::from_secs(args.seconds);
    let mut rounds = Vec::new();
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}", args.rounds);
        for (query, load) in loads.iter().enumerate() {
            for connections in args.connections.iter().copied() {
                let mut turns = vec![(quarteto.graphql(), quarteto.pid())];
                turns.extend(rivals.iter().map(|rival| (rival.url(&load.query), rival.pid())));
                // Who goes first changes, so that nobody always finds another's pages warm.
                let first = usize::try_from(round)? % turns.len();
                let mut outcomes = [None; 3];
                for turn in (0..turns.len()).map(|turn| (turn + first) % turns.len()) {
                    let (url, pid) = &turns[turn];
                    let run = load.run(url, connections, seconds, round);
                    outcomes[turn] = Some(server.measure(*pid, run).await?);
                }
                if let [Some(quarteto), Some(floor), Some(stock)] = outcomes {
                    rounds.push(Round { query, connections, quarteto, floor, stock });
                }
            }
        }
    }
    report::print(&args, &rounds, &starts, &format!("{}, over {}", server.version, way.name()));
    quarteto.stop();
    Ok(())
}

/// How long Quarteto takes from its start to its first answer with the stores
/// up, five times.
async fn start_times(place: &Place, way: &Way, log: &str, client: &Client) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let (quarteto, time) = Quarteto::start(place, way, log, client).await?;
        quarteto.stop();
        times.push(time);
    }
    Ok(times)
}
