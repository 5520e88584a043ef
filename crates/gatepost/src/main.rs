//! The `gatepost` program. Everything it does is in the library of the same name.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Many small allocations on several threads: faster here than the system's (docs/adr/0001-store.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    gatepost::cli::run(std::env::args_os())
}
