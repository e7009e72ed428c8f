//! `quarteto user`: passwords come from a prompt or standard input, never from
//! an argument, where every other user of the machine could read them.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Subcommand;

use crate::auth::{Rights, UsersFile, hash};
use crate::config::Config;

/// Manage the users who may log in.
#[derive(Subcommand)]
pub(super) enum User {
    /// Add a user; the password is asked for, or read from standard input.
    Add {
        /// The login name.
        nome: String,
        /// LEITOR reads, EDITOR also writes, ADMIN also manages; MONITOR sees /metrics alone;
        /// SERVICO is another subgraph of the same graph.
        #[arg(long, default_value = "LEITOR", value_name = "PAPEL")]
        papel: Rights,
    },
    /// Change a user's password.
    Passwd {
        /// The login name.
        nome: String,
    },
    /// Remove a user.
    Remove {
        /// The login name.
        nome: String,
    },
    /// List the users and their papel.
    List,
}

impl User {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        let file = UsersFile::at(config.users_file());
        match self {
            Self::Add { nome, papel } => {
                file.add(nome, &hash(&password()?)?, *papel)?;
                println!("{nome} added as {}", papel.name());
            }
            Self::Passwd { nome } => {
                file.set_password(nome, &hash(&password()?)?)?;
                println!("password of {nome} changed");
            }
            Self::Remove { nome } => {
                file.remove(nome)?;
                println!("{nome} removed");
            }
            Self::List => {
                for (nome, rights) in file.list()? {
                    println!("{nome}\t{rights}");
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Asked for twice at a terminal; the first line of standard input otherwise.
fn password() -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).context("cannot read the password")?;
        return Ok(line.trim_end_matches(['\n', '\r']).to_owned());
    }
    let first = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("Again: ")? != first {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(first)
}
