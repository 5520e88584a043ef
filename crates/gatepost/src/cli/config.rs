//! `gatepost config …`: the only commands that ask no deployment.

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::output::{Failure, Output};
use crate::config::{Config, DEFAULTS, Inputs, Layers, shown};

/// The configuration.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say what is wrong with the configuration, or "ok".
    #[command(
        after_help = "Examples:\n  gatepost config check\n  gatepost config check --config /etc/gatepost.toml"
    )]
    Check,
    /// Show every key with the value in force and, unless it is the default, where that is from.
    #[command(after_help = "Example:\n  GATEPOST__LOG__LEVEL=debug gatepost config show")]
    Show,
    /// Print the documented defaults, to begin a configuration file with.
    #[command(after_help = "Example:\n  gatepost config default > gatepost-data/gatepost.toml")]
    Default,
}

impl ConfigCommand {
    /// Does it.
    ///
    /// # Errors
    /// What is wrong with the configuration, if that was asked.
    pub(super) fn run(&self, inputs: &Inputs, output: &Output) -> Result<(), Failure> {
        let layers = inputs.layers();
        match self {
            Self::Check => {
                let config = Config::from_layers(&layers, &inputs.data).map_err(anyhow::Error::from)?;
                check(&config, output)
            }
            Self::Show => output.print(&as_json(&layers), |_| shown(&layers)),
            Self::Default => output.print(&Value::from(DEFAULTS), |_| DEFAULTS.trim_end().to_owned()),
        }
    }
}

fn check(config: &Config, output: &Output) -> Result<(), Failure> {
    let warnings = config.warnings();
    output.print(&json!({ "ok": true, "warnings": warnings }), |_| {
        let lines = warnings.iter().map(|warning| format!("warning: {warning}"));
        lines.chain([String::from("ok")]).collect::<Vec<_>>().join("\n")
    })
}

fn as_json(layers: &Layers) -> Value {
    let entries = layers.entries().map(|(key, entry)| {
        let value = serde_json::to_value(&entry.value).unwrap_or_default();
        (key.to_owned(), json!({ "value": value, "source": entry.source.to_string() }))
    });
    Value::Object(entries.collect::<Map<_, _>>())
}
