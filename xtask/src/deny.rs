//! `deny.toml`, the one list of allowed licences and banned crates, which cargo-deny reads too.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

pub(crate) const FILE: &str = "deny.toml";

#[derive(Deserialize)]
pub(crate) struct Policy {
    pub(crate) licenses: Licences,
    pub(crate) bans: Bans,
}

#[derive(Deserialize)]
pub(crate) struct Licences {
    pub(crate) allow: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Bans {
    pub(crate) deny: Vec<Ban>,
}

/// A crate that may be linked nowhere, or, with `wrappers`, only as a dependency of those.
#[derive(Deserialize)]
pub(crate) struct Ban {
    #[serde(rename = "crate")]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) wrappers: Vec<String>,
    pub(crate) reason: String,
}

pub(crate) fn read(root: &Path) -> Result<Policy> {
    let text = std::fs::read_to_string(root.join(FILE)).with_context(|| format!("{FILE} cannot be read"))?;
    toml::from_str(&text).with_context(|| format!("{FILE} is not as expected"))
}
