//! The configuration: `default.toml` documents every key; a file, the environment and flags override it.
//!
//! To add a key: write it with its comment and default into `default.toml`, and read it in its section here.

pub mod layers;
pub mod reader;
mod sections;

use std::fmt;
use std::path::{Path, PathBuf};

pub use layers::{Layers, Problem, Source};
pub use sections::{
    Config, Log, LogFormat, PostgresSection, RateLimit, Server, StoreSection, Webhooks, location,
};

use gatepost_store::PostgresUrl;
use reader::Reader;

/// Every key with its default, commented.
pub const DEFAULTS: &str = include_str!("default.toml");

/// The file in the data folder that is read if no other is named.
pub const FILE_NAME: &str = "gatepost.toml";

/// Where a configuration comes from besides the defaults.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The data folder.
    pub data: PathBuf,
    /// The file to read instead of the one in the data folder.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// Flags: their names, keys and values.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        f.write_str("\n`gatepost config show` prints every key with its value and where that is from.")
    }
}

impl Inputs {
    /// The layers, laid in order.
    #[must_use]
    pub fn layers(&self) -> Layers {
        let mut layers = Layers::new(DEFAULTS);
        let own = self.data.join(FILE_NAME);
        let (path, must_exist) = match &self.file {
            Some(path) => (path.as_path(), true),
            None => (own.as_path(), false),
        };
        lay_file(&mut layers, path, must_exist);
        layers.lay_environment(self.environment.iter().cloned());
        for (flag, key, value) in &self.flags {
            layers.lay_flag(flag, key, value.clone());
        }
        layers
    }

    /// The configuration in force.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&self) -> Result<Config, Problems> {
        Config::from_layers(&self.layers(), &self.data)
    }
}

fn lay_file(layers: &mut Layers, path: &Path, must_exist: bool) {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => layers.lay_file(&name, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {}
        Err(error) => layers.report(&name, "file", format!("cannot be read: {error}")),
    }
}

impl Config {
    /// Reads and checks every section.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn from_layers(layers: &Layers, data: &Path) -> Result<Self, Problems> {
        let mut reader = Reader::new(layers);
        let config = Self::read(&mut reader, data);
        let problems = reader.into_problems();
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    }

    /// The defaults with a text in the form of the configuration file over them.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn from_text(text: &str, data: &Path) -> Result<Self, Problems> {
        let mut layers = Layers::new(DEFAULTS);
        layers.lay_file(FILE_NAME, text);
        Self::from_layers(&layers, data)
    }
}

/// Every key in force with its value and source, as a text to read.
#[must_use]
pub fn shown(layers: &Layers) -> String {
    let mut lines = Vec::new();
    let mut section = "";
    for (key, entry) in layers.entries() {
        let (place, name) = key.split_once('.').unwrap_or(("", key));
        if place != section {
            if !section.is_empty() {
                lines.push(String::new());
            }
            lines.push(format!("[{place}]"));
            section = place;
        }
        let line = format!("{name} = {}", without_password(key, entry.value.to_string()));
        lines.push(match &entry.source {
            Source::Default => line,
            source => format!("{line}  # {source}"),
        });
    }
    lines.join("\n")
}

/// The database's address may hold a password, which is not for the screen.
fn without_password(key: &str, value: String) -> String {
    if key == "store.database" && value.contains("://") {
        let url = value.trim_matches('"');
        return format!("\"{}\"", PostgresUrl::new(url));
    }
    value
}

#[cfg(test)]
mod tests;
