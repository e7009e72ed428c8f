//! Processes and what Linux and the database server say about them.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{Connection as _, Row as _};

use crate::database::Way;
use crate::load::{Outcome, Run};

/// A program on the search path.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A child that ends with its owner.
pub struct Running(Child);

impl Running {
    pub fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self(child))
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked politely, since it may have a database to stop.
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

/// The processor time of all threads of a process.
fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("the measured process has ended")? {
        // A thread may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        nanos += text.split_whitespace().next().and_then(|field| field.parse().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}

/// Begins the peak of a process's memory anew, where the kernel lets us.
fn forget_peak(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// The peak of a process's memory, in MiB.
fn peak(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.and_then(|line| line.split_whitespace().next()).unwrap_or_default().parse()?;
    Ok(kib / 1024.0)
}

/// The database server that both use.
pub struct Server {
    connection: MySqlConnection,
    /// As it calls itself.
    pub version: String,
}

impl Server {
    pub async fn connect(way: &Way) -> anyhow::Result<Self> {
        let url = way.url("mysql");
        let options: MySqlConnectOptions = url.parse()?;
        let connecting = MySqlConnection::connect_with(&options).await;
        let mut connection = connecting.with_context(|| format!("cannot connect to {url}"))?;
        let version = sqlx::raw_sql("SELECT VERSION()").fetch_one(&mut connection).await?.try_get(0)?;
        Ok(Self { connection, version })
    }

    /// Prepared statements executed by everybody so far. We ask by plain text,
    /// which is not counted.
    async fn executed(&mut self) -> anyhow::Result<u64> {
        let row = sqlx::raw_sql("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")
            .fetch_one(&mut self.connection)
            .await?;
        let value: String = row.try_get(1)?;
        Ok(value.parse()?)
    }

    /// Takes what was bought during the run away again.
    pub async fn forget_purchases(&mut self, seeded: u64) -> anyhow::Result<()> {
        let text = format!("DELETE FROM `inventario_produtos`.`inventario` WHERE `id` > {seeded}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Runs a load and sees what it costs the processes that answer it; the first of them is the one
    /// that is asked.
    pub async fn measure(
        &mut self,
        pids: &[u32],
        load: impl Future<Output = anyhow::Result<Run>>,
    ) -> anyhow::Result<Outcome> {
        pids.iter().copied().for_each(forget_peak);
        let all = || pids.iter().copied().map(cpu).collect::<anyhow::Result<Vec<Duration>>>();
        let (cpu_before, executed_before) = (all()?, self.executed().await?);
        let run = load.await?;
        // What was under way when the load ended belongs to it.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (cpu_after, executed_after) = (all()?, self.executed().await?);
        ensure!(run.requests > 0, "not one request was answered");
        let requests = run.requests as f64;
        let micros = |before: &[Duration], after: &[Duration]| {
            let spent = after.iter().sum::<Duration>().saturating_sub(before.iter().sum());
            spent.as_secs_f64() * 1e6 / requests
        };
        Ok(Outcome {
            cpu_micros: micros(&cpu_before, &cpu_after),
            asked_micros: micros(&cpu_before[..1], &cpu_after[..1]),
            per_second: requests / run.seconds,
            p50_millis: run.p50_millis,
            p99_millis: run.p99_millis,
            statements: (executed_after - executed_before) as f64 / requests,
            peak_mib: pids.iter().copied().map(peak).sum::<anyhow::Result<f64>>()?,
        })
    }
}

/// Runs a program to its end and fails with what it said.
pub fn run(command: &mut Command, what: &str) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}
