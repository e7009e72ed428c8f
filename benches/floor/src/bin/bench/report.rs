//! The tables.

use std::fs;
use std::time::Duration;

use quarteto_bench::QUERIES;

use crate::load::Outcome;
use crate::{Args, Round};

/// Prints everything to standard output, as Markdown.
pub fn print(args: &Args, rounds: &[Round], starts: &[Duration], server: &str) {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|line| line.split_once(": ")).map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let data = &args.data;
    println!("{model}, {cores} cores, shared by the server, the database and wrk; database {server}.");
    println!(
        "{} clientes, {} produtos, {} compras, {} of them one client's; {} rounds of {} s each, all in turn. \
         Figures are medians over the rounds. × is Quarteto divided by the floor: the median of the ratio within a round.",
        data.clientes, data.produtos, data.compras, data.heavy, args.rounds, args.seconds
    );
    println!();
    side_by_side(args, rounds);
    println!();
    println!(
        "| | connections | CPU × | floor CPU µs | requests/s × | floor requests/s | p50 × | p99 × | statements | floor statements | peak MiB | floor peak MiB |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (number, query) in QUERIES.iter().enumerate() {
        for connections in &args.connections {
            let of = || of(rounds, number, *connections);
            let ratio = |figure: fn(&Outcome) -> f64| {
                median(of().map(|round| figure(&round.quarteto) / figure(&round.floor)).collect())
            };
            let ours =
                |figure: fn(&Outcome) -> f64| median(of().map(|round| figure(&round.quarteto)).collect());
            let floors =
                |figure: fn(&Outcome) -> f64| median(of().map(|round| figure(&round.floor)).collect());
            println!(
                "| {} | {connections} | **{:.2}** | {:.0} | {:.2} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} |",
                query.name,
                ratio(|outcome| outcome.cpu_micros),
                floors(|outcome| outcome.cpu_micros),
                ratio(|outcome| outcome.per_second),
                floors(|outcome| outcome.per_second),
                ratio(|outcome| outcome.p50_millis),
                ratio(|outcome| outcome.p99_millis),
                ours(|outcome| outcome.statements),
                floors(|outcome| outcome.statements),
                ours(|outcome| outcome.peak_mib),
                floors(|outcome| outcome.peak_mib),
            );
        }
    }
    println!();
    for query in QUERIES {
        println!("- {}: {}", query.name, query.meaning);
    }
    let start = median(starts.iter().map(Duration::as_secs_f64).collect()) * 1e3;
    println!(
        "- from start to the first answer, login included, with the stores up: {start:.0} ms (median of {})",
        starts.len()
    );
}

/// The measurements of one line.
fn of(rounds: &[Round], query: usize, connections: u32) -> impl Iterator<Item = &Round> {
    rounds.iter().filter(move |round| round.query == query && round.connections == connections)
}

/// What a request costs each of the three, and how many they answer.
fn side_by_side(args: &Args, rounds: &[Round]) {
    println!(
        "| | connections | floor CPU µs | stock CPU µs | Quarteto CPU µs | floor requests/s | stock requests/s | Quarteto requests/s | stock statements |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (number, query) in QUERIES.iter().enumerate() {
        for connections in &args.connections {
            let figure =
                |figure: fn(&Round) -> f64| median(of(rounds, number, *connections).map(figure).collect());
            println!(
                "| {} | {connections} | {:.0} | {:.0} | **{:.0}** | {:.0} | {:.0} | **{:.0}** | {:.2} |",
                query.name,
                figure(|round| round.floor.cpu_micros),
                figure(|round| round.stock.cpu_micros),
                figure(|round| round.quarteto.cpu_micros),
                figure(|round| round.floor.per_second),
                figure(|round| round.stock.per_second),
                figure(|round| round.quarteto.per_second),
                figure(|round| round.stock.statements),
            );
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
