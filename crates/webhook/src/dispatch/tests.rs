//! The dispatcher on a real store, with receivers that follow a script.
//!
//! `tick` is tested with a clock that is moved by hand, `run` with tokio's paused clock, which jumps to the next timer
//! whenever all wait. The store keeps it from jumping while one of its threads works.

mod failures;
mod fairness;
mod leases;
mod messages;
mod schedule;
mod script;
mod stopping;
mod support;
mod verdicts;
