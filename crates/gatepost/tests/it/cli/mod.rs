//! The built program as people and other programs run it: with the server running and stopped, in every form that others
//! rely on, and when things are not as they should be.

mod backup;
mod copy;
mod demo;
mod forms;
mod help;
mod in_force;
mod listen;
mod python;
mod remote;
mod trouble;

/// The built program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gatepost");
