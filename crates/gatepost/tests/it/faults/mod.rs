//! What must hold when things go wrong: kills, stops, full disks, receivers that hang, and callers that send nonsense.
//! The server is the built program in a process of its own, as an operator runs it.

mod accounts;
mod backlog;
mod clock;
mod disk;
mod failing;
mod failing_disk;
mod held;
mod kill;
mod ledger;
mod malformed;
mod nonsense;
mod points;
mod receivers;
mod replay;
mod slow;
mod stop;
mod wire;
mod writers;
mod zero;

use std::path::PathBuf;

/// The built program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gatepost");

/// The program for long runs: that of `GATEPOST_PROGRAM`, or the built one.
fn program() -> PathBuf {
    std::env::var_os("GATEPOST_PROGRAM").map_or_else(|| PROGRAM.into(), PathBuf::from)
}

/// The number in this variable, with which a short test is made a long run.
fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}
