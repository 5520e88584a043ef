//! The mission, statement by statement: each test bears the number of a line of contract.md A, and what it says.
//!
//! Statements about the page are tested by their behaviour, through the command line and the admin API.

mod contradictions;
mod creating;
mod events;
mod purpose;
mod scoping;
mod several;
mod tokens;
mod troubleshooting;
mod workspaces;
