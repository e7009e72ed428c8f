//! The table.

use std::fs;
use std::time::Duration;

use quarteto_bench::QUERIES;

use crate::load::Outcome;
use crate::{Args, Pair};

/// Prints everything to standard output, as Markdown.
pub fn print(args: &Args, pairs: &[Pair], starts: &[Duration], server: &str) {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|line| line.split_once(": ")).map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let data = &args.data;
    println!("{model}, {cores} cores, shared by the server, the database and wrk; database {server}.");
    println!(
        "{} clientes, {} produtos, {} compras, {} of them one client's; {} rounds of {} s each, both in turn. \
         × is Quarteto divided by the floor: the median over the rounds of the ratio within a round.",
        data.clientes, data.produtos, data.compras, data.heavy, args.rounds, args.seconds
    );
    println!();
    println!(
        "| | connections | CPU × | floor CPU µs | requests/s × | floor requests/s | p50 × | p99 × | statements | floor statements | peak MiB | floor peak MiB |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (number, query) in QUERIES.iter().enumerate() {
        for connections in &args.connections {
            let of = || pairs.iter().filter(|pair| pair.query == number && pair.connections == *connections);
            let ratio = |figure: fn(&Outcome) -> f64| {
                median(of().map(|pair| figure(&pair.quarteto) / figure(&pair.floor)).collect())
            };
            let ours =
                |figure: fn(&Outcome) -> f64| median(of().map(|pair| figure(&pair.quarteto)).collect());
            let floors = |figure: fn(&Outcome) -> f64| median(of().map(|pair| figure(&pair.floor)).collect());
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
