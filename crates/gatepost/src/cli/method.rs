//! `gatepost method …`

use clap::Subcommand;

use super::call::{Call, path};
use super::show::{items, text};

/// Methods: the events that an API client can tick.
#[derive(Debug, Subcommand)]
pub(super) enum MethodCommand {
    /// List every method.
    #[command(after_help = "Example:\n  gatepost method list | grep task")]
    List,
}

impl MethodCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        let Self::List = self;
        Call::get(path(&["methods"]), |methods| {
            items(methods).iter().map(text).collect::<Vec<_>>().join("\n")
        })
    }
}
