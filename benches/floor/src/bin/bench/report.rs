//! The tables.

use std::fs;
use std::time::Duration;

use quarteto_bench::{PURCHASE, QUERIES};

use crate::load::Outcome;
use crate::{Args, Round};

/// Prints everything to standard output, as Markdown.
pub fn print(args: &Args, rounds: &[Round], starts: &[Duration], server: &str) {
    head(args, server);
    println!("× is Quarteto divided by the floor: the median of the ratio within a round.");
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
                median(of().map(|round| figure(&round.outcomes[0]) / figure(&round.outcomes[1])).collect())
            };
            let ours =
                |figure: fn(&Outcome) -> f64| median(of().map(|round| figure(&round.outcomes[0])).collect());
            let floors =
                |figure: fn(&Outcome) -> f64| median(of().map(|round| figure(&round.outcomes[1])).collect());
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

/// What a purchase costs; BEGIN and COMMIT are no prepared statements.
pub fn print_purchases(args: &Args, rounds: &[Round]) {
    println!();
    println!(
        "| {} | connections | CPU µs | requests/s | p50 ms | p99 ms | prepared statements |",
        PURCHASE.name
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for connections in &args.connections {
        let figure = |figure: fn(&Outcome) -> f64| {
            median(of(rounds, 0, *connections).map(|round| figure(&round.outcomes[0])).collect())
        };
        println!(
            "| | {connections} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} |",
            figure(|outcome| outcome.cpu_micros),
            figure(|outcome| outcome.per_second),
            figure(|outcome| outcome.p50_millis),
            figure(|outcome| outcome.p99_millis),
            figure(|outcome| outcome.statements),
        );
    }
    println!();
    println!("- {}: {}", PURCHASE.name, PURCHASE.meaning);
}

/// What a hop costs.
pub fn print_split(args: &Args, rounds: &[Round], routers: &[&str], server: &str) {
    head(args, server);
    println!("× is the split graph divided by the merged server: the median of the ratio within a round.");
    println!();
    println!(
        "| | connections | router | CPU × | merged CPU µs | router CPU µs | subgraphs CPU µs | requests/s × | merged p50 ms | p50 ms | merged p99 ms | p99 ms | statements | peak MiB |"
    );
    println!("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (number, query) in QUERIES.iter().enumerate() {
        for connections in &args.connections {
            for (place, router) in routers.iter().enumerate() {
                let of = || of(rounds, number, *connections);
                let merged = |figure: fn(&Outcome) -> f64| {
                    median(of().map(|round| figure(&round.outcomes[0])).collect())
                };
                let split = |figure: fn(&Outcome) -> f64| {
                    median(of().map(|round| figure(&round.outcomes[place + 1])).collect())
                };
                let ratio = |figure: fn(&Outcome) -> f64| {
                    median(
                        of().map(|round| figure(&round.outcomes[place + 1]) / figure(&round.outcomes[0]))
                            .collect(),
                    )
                };
                println!(
                    "| {} | {connections} | {router} | **{:.1}** | {:.0} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} | {:.2} | {:.0} |",
                    query.name,
                    ratio(|outcome| outcome.cpu_micros),
                    merged(|outcome| outcome.cpu_micros),
                    split(|outcome| outcome.asked_micros),
                    split(|outcome| outcome.cpu_micros - outcome.asked_micros),
                    ratio(|outcome| outcome.per_second),
                    merged(|outcome| outcome.p50_millis),
                    split(|outcome| outcome.p50_millis),
                    merged(|outcome| outcome.p99_millis),
                    split(|outcome| outcome.p99_millis),
                    split(|outcome| outcome.statements),
                    split(|outcome| outcome.peak_mib),
                );
            }
        }
    }
    println!();
    for query in QUERIES {
        println!("- {}: {}", query.name, query.meaning);
    }
}

/// On what, with which data, and how often.
fn head(args: &Args, server: &str) {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|line| line.split_once(": ")).map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let data = &args.data;
    println!("{model}, {cores} cores, shared by all programs, the database and wrk; database {server}.");
    println!(
        "{} clientes, {} produtos, {} compras, {} of them one client's; {} rounds of {} s each, all in turn. \
         Figures are medians over the rounds.",
        data.clientes, data.produtos, data.compras, data.heavy, args.rounds, args.seconds
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
                figure(|round| round.outcomes[1].cpu_micros),
                figure(|round| round.outcomes[2].cpu_micros),
                figure(|round| round.outcomes[0].cpu_micros),
                figure(|round| round.outcomes[1].per_second),
                figure(|round| round.outcomes[2].per_second),
                figure(|round| round.outcomes[0].per_second),
                figure(|round| round.outcomes[2].statements),
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
