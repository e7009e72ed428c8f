//! The program: see `quarteto --help`.

use std::process::ExitCode;

/// An answer is made of many small pieces that live for a moment: a quarter of all
/// instructions went to the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    quarteto::cli::run()
}
