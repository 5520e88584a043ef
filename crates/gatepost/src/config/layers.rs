//! The layers of the configuration, lowest first: defaults, file, environment, flags. Each value knows where it is from.

use std::collections::BTreeMap;
use std::fmt;

use toml::Value;
use toml::de::{DeTable, DeValue};

/// Begins the name of every environment variable that is a configuration key.
pub const ENVIRONMENT_PREFIX: &str = "GATEPOST__";

/// Where a value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `default.toml`.
    Default,
    /// A line of a file.
    File {
        /// The file, as it was named.
        name: String,
        /// Counted from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line } => write!(f, "{name} line {line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Something in the configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} ({source_text}): {text}")]
pub struct Problem {
    /// The key, `section.key`; for a file that cannot be read as a whole, its name.
    pub key: String,
    /// Where the value is from.
    pub source_text: String,
    /// What is wrong with it and what to do.
    pub text: String,
}

/// A value with its origin.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The value.
    pub value: Value,
    /// Where it is from.
    pub source: Source,
}

/// The value in force of each key, by `section.key`.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    entries: BTreeMap<String, Entry>,
    problems: Vec<Problem>,
}

impl Layers {
    /// The lowest layer, which alone says what keys there are.
    #[must_use]
    pub fn new(defaults: &str) -> Self {
        let mut layers = Self::default();
        match flatten(defaults) {
            Ok(found) => {
                let entries = found
                    .into_iter()
                    .map(|Found { key, value, .. }| (key, Entry { value, source: Source::Default }));
                layers.entries = entries.collect();
            }
            Err(misread) => layers.report("default.toml", &misread.place(), misread.text),
        }
        layers
    }

    /// Lays the text of a file over what is there.
    pub fn lay_file(&mut self, name: &str, text: &str) {
        match flatten(text) {
            Ok(found) => {
                for Found { key, value, line } in found {
                    self.lay(&key, value, Source::File { name: name.to_owned(), line });
                }
            }
            Err(misread) => self.report(name, &misread.place(), misread.text),
        }
    }

    /// Lays those environment variables over it that begin with [`ENVIRONMENT_PREFIX`].
    pub fn lay_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
                continue;
            };
            let key = rest.to_ascii_lowercase().replacen("__", ".", 1);
            let value = match self.entries.get(&key) {
                Some(entry) => like(&entry.value, &text),
                None => Value::String(text),
            };
            self.lay(&key, value, Source::Environment(name));
        }
    }

    /// Lays one flag over it.
    pub fn lay_flag(&mut self, flag: &'static str, key: &str, text: String) {
        self.lay(key, Value::String(text), Source::Flag(flag));
    }

    /// Every key with what is in force, by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// What is in force for a key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// What could not be laid.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn lay(&mut self, key: &str, value: Value, source: Source) {
        match self.entries.get_mut(key) {
            Some(entry) => *entry = Entry { value, source },
            None => {
                let text = self.unknown(key);
                self.report(key, &source.to_string(), text);
            }
        }
    }

    fn unknown(&self, key: &str) -> String {
        let section = key.split('.').next().unwrap_or_default();
        let within = format!("{section}.");
        let siblings: Vec<&str> =
            self.entries.keys().filter_map(|known| known.strip_prefix(&within)).collect();
        if siblings.is_empty() {
            let mut sections: Vec<&str> =
                self.entries.keys().filter_map(|known| known.split('.').next()).collect();
            sections.dedup();
            return format!("there is no such section; the sections are {}", sections.join(", "));
        }
        format!("there is no such key; the keys of [{section}] are {}", siblings.join(", "))
    }

    pub(super) fn report(&mut self, key: &str, source: &str, text: String) {
        self.problems.push(Problem { key: key.to_owned(), source_text: source.to_owned(), text });
    }
}

/// A key in a TOML text.
struct Found {
    key: String,
    value: Value,
    line: usize,
}

/// Why a text is no TOML.
struct Misread {
    line: usize,
    text: String,
}

impl Misread {
    fn place(&self) -> String {
        format!("line {}", self.line)
    }
}

/// Each `section.key` of a TOML text.
fn flatten(text: &str) -> Result<Vec<Found>, Misread> {
    let failed = |error: toml::de::Error| Misread {
        line: error.span().map_or(1, |span| line_at(text, span.start)),
        text: error.message().to_owned(),
    };
    let values: toml::Table = toml::from_str(text).map_err(failed)?;
    let places = DeTable::parse(text).map_err(failed)?;
    let mut found = Vec::new();
    for (section, place) in places.get_ref() {
        let line = line_at(text, section.span().start);
        let section = section.get_ref().as_ref();
        match (place.get_ref(), values.get(section)) {
            (DeValue::Table(places), Some(Value::Table(values))) => {
                for key in places.keys() {
                    let line = line_at(text, key.span().start);
                    if let Some(value) = values.get(key.get_ref().as_ref()) {
                        let key = format!("{section}.{}", key.get_ref());
                        found.push(Found { key, value: value.clone(), line });
                    }
                }
            }
            (_, Some(value)) => found.push(Found { key: section.to_owned(), value: value.clone(), line }),
            (_, None) => {}
        }
    }
    Ok(found)
}

fn line_at(text: &str, position: usize) -> usize {
    text.bytes().take(position).filter(|byte| *byte == b'\n').count() + 1
}

/// The text of an environment variable as a value of the kind that the key has.
fn like(known: &Value, text: &str) -> Value {
    let text = text.trim();
    match known {
        Value::Array(_) => {
            let as_toml =
                text.starts_with('[').then(|| toml::from_str::<toml::Table>(&format!("list = {text}")));
            if let Some(Ok(mut table)) = as_toml
                && let Some(list) = table.remove("list")
            {
                return list;
            }
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
        Value::Integer(_) => text.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = "[a]\ntext = \"x\"\nlist = []\nnumber = 1\n[b]\nother = \"y\"\n";

    fn shown(layers: &Layers, key: &str) -> String {
        let entry = layers.entry(key).unwrap();
        format!("{} ({})", entry.value, entry.source)
    }

    #[test]
    fn later_layers_win_and_are_named() {
        let mut layers = Layers::new(DEFAULTS);
        assert_eq!(shown(&layers, "a.text"), "\"x\" (default)");
        layers.lay_file("f.toml", "# first\n\n[a]\ntext = \"file\"\nnumber = 2\n");
        assert_eq!(shown(&layers, "a.text"), "\"file\" (f.toml line 4)");
        layers.lay_environment([
            ("GATEPOST__A__TEXT".into(), "env".into()),
            ("GATEPOST__A__LIST".into(), "1s, 2s,".into()),
            ("PATH".into(), "/bin".into()),
        ]);
        assert_eq!(shown(&layers, "a.text"), "\"env\" (environment GATEPOST__A__TEXT)");
        assert_eq!(shown(&layers, "a.list"), "[\"1s\", \"2s\"] (environment GATEPOST__A__LIST)");
        layers.lay_flag("--text", "a.text", "flag".into());
        assert_eq!(shown(&layers, "a.text"), "\"flag\" (flag --text)");
        assert_eq!(shown(&layers, "a.number"), "2 (f.toml line 5)");
        assert!(layers.problems().is_empty());
    }

    #[test]
    fn unknown_keys_are_named_with_their_place_and_the_known_ones() {
        let mut layers = Layers::new(DEFAULTS);
        layers.lay_file("f.toml", "loose = 1\n[a]\ntxet = 1\n[c]\nz = 1\n");
        layers.lay_environment([("GATEPOST__B__OHTER".into(), "1".into())]);
        let found: Vec<String> = layers.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "a.txet (f.toml line 3): there is no such key; the keys of [a] are list, number, text",
                "c.z (f.toml line 5): there is no such section; the sections are a, b",
                "loose (f.toml line 1): there is no such section; the sections are a, b",
                "b.ohter (environment GATEPOST__B__OHTER): there is no such key; the keys of [b] are other",
            ]
        );
    }

    #[test]
    fn a_file_that_is_no_toml_is_named_with_the_line() {
        let mut layers = Layers::new(DEFAULTS);
        layers.lay_file("f.toml", "[a]\ntext = \n");
        assert!(layers.problems()[0].to_string().starts_with("f.toml (line 2): "), "{:?}", layers.problems());
    }

    #[test]
    fn lists_in_the_environment_may_be_toml() {
        let list = like(&Value::Array(Vec::new()), "[\"a,b\", \"c\"]");
        assert_eq!(list.to_string(), "[\"a,b\", \"c\"]");
        assert_eq!(like(&Value::Integer(1), "seven"), Value::String("seven".into()));
    }
}
