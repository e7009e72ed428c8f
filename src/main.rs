//! The program: see `quarteto --help`.

use std::process::ExitCode;

/// An answer is made of many small pieces that live for a moment. This allocator
/// gives the piece that was freed last, which is still in the cache.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    quarteto::cli::run()
}
