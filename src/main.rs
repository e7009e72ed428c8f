//! The program: see `quarteto --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    quarteto::cli::run()
}
