//! What must hold when things go wrong: kills, stops, full disks, receivers that hang, and callers that send nonsense.
//! The server is the built program in a process of its own, as an operator runs it.

mod disk;
mod held;
mod kill;
mod ledger;
mod malformed;
mod nonsense;
mod receivers;
mod slow;
mod stop;
mod wire;
mod writers;
mod zero;

/// The built program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gatepost");
