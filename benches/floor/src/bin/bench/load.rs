//! Load by `wrk`: the script that it runs and what it answers.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use quarteto_bench::Query;
use serde::Deserialize;
use serde_json::Value;

use crate::target::Place;

/// What a measurement says about the processes that were measured.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Of all of them.
    pub cpu_micros: f64,
    /// Of the one that was asked alone.
    pub asked_micros: f64,
    pub per_second: f64,
    pub p50_millis: f64,
    pub p99_millis: f64,
    pub statements: f64,
    pub peak_mib: f64,
}

/// What `wrk` counted.
#[derive(Debug, Deserialize)]
pub struct Run {
    pub requests: u64,
    pub seconds: f64,
    pub p50_millis: f64,
    pub p99_millis: f64,
    failures: u64,
    /// Answers that hold errors; counted only when checking.
    bad: u64,
}

/// The requests for one query.
pub struct Load {
    pub query: Query,
    wrk: PathBuf,
    script: PathBuf,
}

/// All requests are formatted before the run begins, so that `wrk` takes as
/// little as it can of a processor that the server needs.
const SCRIPT: &str = r#"
local requests = {}
local thread_of_run

function setup(thread)
  thread_of_run = thread
end

function init(args)
  bad = 0
  for i, variables in ipairs(all) do
    requests[i] = wrk.format("POST", nil, headers, before .. variables .. after)
  end
  math.randomseed(tonumber(args[1]))
  if args[2] == "check" then
    function response(status, _, body)
      if status ~= 200 or body:find('"errors"', 1, true) or not body:find('"data"', 1, true)
        or body:find('"erros":[{', 1, true) then
        if bad == 0 then io.stderr:write("answer ", status, ": ", body:sub(1, 600), "\n") end
        bad = bad + 1
      end
    end
  end
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"seconds":%f,"p50_millis":%f,"p99_millis":%f,"failures":%d,"bad":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout, thread_of_run:get("bad")))
end
"#;

impl Load {
    /// Writes the script that asks `query` with any of `variables`.
    pub fn write(
        wrk: &Path,
        place: &Place,
        query: Query,
        variables: &[Value],
        authorization: &str,
    ) -> anyhow::Result<Self> {
        let mut text = String::new();
        writeln!(text, "local before = [==[{{\"query\":{},\"variables\":]==]", Value::from(query.text))?;
        writeln!(text, "local after = [==[}}]==]")?;
        writeln!(
            text,
            "local headers = {{ [\"Content-Type\"] = \"application/json\", [\"Accept\"] = \"application/json\", \
             [\"Authorization\"] = [==[{authorization}]==] }}"
        )?;
        writeln!(text, "local all = {{")?;
        for variables in variables {
            writeln!(text, "[==[{variables}]==],")?;
        }
        writeln!(text, "}}{SCRIPT}")?;
        let script = place.folder.join(format!("{}.lua", query.name));
        fs::write(&script, text).with_context(|| format!("cannot write {}", script.display()))?;
        Ok(Self { query, wrk: wrk.to_owned(), script })
    }

    /// One measurement. `round` says which of the requests come in which order.
    pub async fn run(&self, url: &str, connections: u32, time: Duration, round: u32) -> anyhow::Result<Run> {
        self.wrk(url, connections, time, &[&round.to_string()]).await
    }

    /// Two seconds in which every answer is read, not only counted.
    pub async fn check(&self, url: &str, connections: u32) -> anyhow::Result<()> {
        self.wrk(url, connections, Duration::from_secs(2), &["0", "check"]).await?;
        Ok(())
    }

    async fn wrk(&self, url: &str, connections: u32, time: Duration, args: &[&str]) -> anyhow::Result<Run> {
        let output = tokio::process::Command::new(&self.wrk)
            .args(["-t1", "--latency", "--timeout", "10s"])
            .arg(format!("-c{connections}"))
            .arg(format!("-d{}s", time.as_secs()))
            .arg("-s")
            .arg(&self.script)
            .arg(url)
            .arg("--")
            .args(args)
            .output()
            .await
            .context("cannot start wrk")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let result = said.lines().find_map(|line| line.strip_prefix("RESULT "));
        let complained = String::from_utf8_lossy(&output.stderr);
        let result = result.with_context(|| format!("wrk gave no result for {url}:\n{said}{complained}"))?;
        let run: Run = serde_json::from_str(result).with_context(|| format!("wrk's result: {result}"))?;
        ensure!(
            run.failures == 0 && run.bad == 0,
            "{} at {connections} connections: {} requests to {url} failed and {} answers held errors\n{said}{complained}",
            self.query.name,
            run.failures,
            run.bad
        );
        Ok(run)
    }
}
