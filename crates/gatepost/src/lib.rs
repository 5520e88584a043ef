//! The Gatepost binary's parts: configuration, command line, and the server that puts everything together.
//!
//! - [`config`]: the layers of the configuration.
//! - [`cli`]: every command is one call of the admin API.
//! - [`mod@serve`]: what runs, and how it starts and stops; [`deployment`] puts the use cases together.
//! - `listen`: a client's events on a developer's machine; `remote`: asking a server on the network.
//! - `crash`: ends debug builds where a test wants it.
//! - `waiting`: a start whose database is away.
//! - `gauges`: what the senders count, for the metrics.
//! - [`upkeep`]: what is done for the tables every hour; [`replays`]: what is done for replays.
//! - [`data_folder`], [`key_file`], [`admin_socket`]: what lies in the data folder, and who may see it.

pub mod admin_socket;
pub mod cli;
pub mod config;
mod crash;
pub mod data_folder;
pub mod deliver;
pub mod demo;
pub mod deployment;
mod gauges;
pub mod key_file;
mod listen;
mod remote;
pub mod replays;
pub mod serve;
pub mod telemetry;
#[cfg(test)]
mod test_folder;
pub mod upkeep;
mod waiting;

pub use config::Config;
pub use data_folder::DataFolder;
pub use deliver::Internet;
pub use deployment::Sources;
pub use serve::{Running, serve};
