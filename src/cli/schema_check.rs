//! `quarteto schema --check FILE`: which operations that were asked lately would be broken by
//! another schema, and whose.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::acessos::{Reader, Window};
use crate::config::Config;
use crate::operation::Candidate;
use crate::stores::acessos::OUTRAS;

/// The exit code of a look that found something.
const BREAKS: u8 = 3;

const SELECTION: &str = "nome id documento ultimaVez campos totais { chamadas recusadas } \
                         programas { nome versao totais { chamadas } }";

/// Tells of the operations of a window that a schema breaks.
pub(super) async fn run(file: &Path, window: &Window, config: &Config) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let candidate = Candidate::of(&text).map_err(|found| anyhow::anyhow!("{}: {found}", file.display()))?;
    let reader = Reader::open(config).await?;
    let rows = reader.list("operacoes", SELECTION, true, json!({ "janela": window.janela() })).await;
    reader.close();
    let rows: Vec<Value> = rows?.into_iter().map(|row| row.into_json().unwrap_or_default()).collect();
    let (mut told, mut broken, mut judged) = (String::new(), 0, 0);
    // By the program that has to be changed.
    let mut programs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut unknown = 0.0;
    for row in &rows {
        let calls = |key: &str| row["totais"][key].as_f64().unwrap_or(0.0);
        // What never ran does not break.
        if calls("recusadas") >= calls("chamadas") {
            continue;
        }
        if row["nome"] == OUTRAS {
            unknown += calls("chamadas");
            continue;
        }
        judged += 1;
        let campos: Vec<&str> =
            row["campos"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let reasons = candidate.breaks(row["documento"].as_str(), &campos);
        if reasons.is_empty() {
            continue;
        }
        broken += 1;
        let (nome, calls) = (text_of(&row["nome"]), count(&row["totais"]));
        told.push_str(&format!(
            "{nome} would break ({calls} calls, last seen {}):\n",
            text_of(&row["ultimaVez"])
        ));
        for reason in &reasons {
            told.push_str(&format!("  {reason}\n"));
        }
        for program in row["programas"].as_array().into_iter().flatten() {
            let who = format!("{} {}", text_of(&program["nome"]), text_of(&program["versao"]));
            let calls = count(&program["totais"]);
            programs.entry(who.trim().to_owned()).or_default().push(format!("{nome} ({calls})"));
        }
    }
    for (program, operations) in &programs {
        let program = if program.is_empty() { "(no name)" } else { program };
        told.push_str(&format!("{program}: {}\n", operations.join(", ")));
    }
    if unknown > 0.0 {
        told.push_str(&format!(
            "{unknown:.0} calls of {OUTRAS} cannot be judged: there were too many different operations at once\n"
        ));
    }
    told.push_str(&format!("{broken} of {judged} operations would break\n"));
    super::print(&told);
    Ok(if broken > 0 { ExitCode::from(BREAKS) } else { ExitCode::SUCCESS })
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn count(totals: &Value) -> String {
    format!("{:.0}", totals["chamadas"].as_f64().unwrap_or(0.0))
}
