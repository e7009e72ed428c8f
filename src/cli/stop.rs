//! The end of `quarteto serve`: from the first signal to the exit code.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::http::{App, Handle};

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All that had begun was finished.
    Orderly,
    /// The time for it passed.
    Cut,
    /// A second signal came: 128 and its number, as shells count it.
    AtOnce(u8),
}

/// The exit code when something that had begun was cut.
const CUT: u8 = 4;

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Orderly => Self::SUCCESS,
            Ending::Cut => Self::from(CUT),
            Ending::AtOnce(code) => Self::from(code),
        }
    }
}

/// The signals that end the program.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// SIGTERM: by a supervisor, which others may ask whether to send requests here.
    Terminate,
    /// SIGINT: by a person at a terminal, who waits.
    Interrupt,
}

impl Signals {
    /// From now on they no longer end the program by themselves.
    pub(super) fn caught() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(super) async fn next(&mut self) -> Sent {
        tokio::select! {
            _ = self.terminate.recv() => Sent::Terminate,
            _ = self.interrupt.recv() => Sent::Interrupt,
        }
    }
}

impl Sent {
    pub(super) const fn at_once(self) -> Ending {
        Ending::AtOnce(match self {
            Self::Terminate => 128 + 15,
            Self::Interrupt => 128 + 2,
        })
    }
}

/// How long the steps of an end may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// It is told, and nothing is refused yet.
    pub unready: Duration,
    /// What has begun is waited for: requests, and writes whose client has gone.
    pub drain: Duration,
}

/// Waits for the end and ends in order: `/readyz` says so for a while, then no more is
/// accepted, and what has begun may finish; a second signal ends at once.
pub(super) async fn ended(
    mut signals: Signals,
    mut serving: JoinHandle<io::Result<()>>,
    handle: &Handle,
    app: &Arc<App>,
    patience: Patience,
) -> anyhow::Result<Ending> {
    let first = tokio::select! {
        first = signals.next() => first,
        failed = &mut serving => {
            failed.context("the HTTP server panicked")?.context("the HTTP server failed")?;
            anyhow::bail!("the HTTP server has ended by itself");
        }
    };
    app.drain();
    let unready = if first == Sent::Terminate { patience.unready } else { Duration::ZERO };
    tracing::info!(
        unready_ms = u64::try_from(unready.as_millis()).unwrap_or(u64::MAX),
        "stopping; what has begun may finish, and a second signal ends at once"
    );
    let orderly = async {
        tokio::time::sleep(unready).await;
        handle.graceful_shutdown(None);
        let _ = serving.await;
        app.written().await;
    };
    tokio::select! {
        done = tokio::time::timeout(unready + patience.drain, orderly) => match done {
            Ok(()) => Ok(Ending::Orderly),
            Err(_) => {
                tracing::warn!(connections = handle.connection_count(), "some requests or writes did not finish in time");
                handle.shutdown();
                Ok(Ending::Cut)
            }
        },
        second = signals.next() => {
            tracing::warn!(connections = handle.connection_count(), "ended at once");
            handle.shutdown();
            Ok(second.at_once())
        }
    }
}
