//! Reading typed values out of the layers: every problem is collected, so that one run names them all.

use std::time::Duration;

use gatepost_model::duration;
use gatepost_model::network::Networks;
use toml::Value;

use super::layers::{Layers, Problem};

/// Reads values and collects what is wrong with them. What a read gives back for a bad value is only there to go on with;
/// it is never used, because a configuration with a problem is not.
pub struct Reader<'a> {
    layers: &'a Layers,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Begins with the problems that the layers have already.
    #[must_use]
    pub fn new(layers: &'a Layers) -> Self {
        Self { layers, problems: layers.problems().to_vec() }
    }

    /// What was wrong.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Says what is wrong with a value.
    pub fn report(&mut self, key: &str, text: impl Into<String>) {
        let source = self.layers.entry(key).map(|entry| entry.source.to_string()).unwrap_or_default();
        self.problems.push(Problem { key: key.to_owned(), source_text: source, text: text.into() });
    }

    /// A value that `parse` makes something of, or a sentence about why it cannot be.
    pub fn parsed<T>(&mut self, key: &str, instead: T, parse: impl FnOnce(&str) -> Result<T, String>) -> T {
        match self.value(key) {
            Some(Value::String(text)) => self.or_report(key, instead, parse(&text)),
            _ => self.or_report(key, instead, Err(String::from("must be a text in quotes"))),
        }
    }

    /// A text.
    pub fn text(&mut self, key: &str) -> String {
        self.parsed(key, String::new(), |text| Ok(text.to_owned()))
    }

    /// A duration from `least` to `most`.
    pub fn duration(&mut self, key: &str, least: Duration, most: Duration) -> Duration {
        self.parsed(key, least, |text| within(text, least, most))
    }

    /// A duration from `least` to `most`; none where the text is empty.
    pub fn optional_duration(&mut self, key: &str, least: Duration, most: Duration) -> Option<Duration> {
        self.parsed(key, None, |text| match text {
            "" => Ok(None),
            text => within(text, least, most).map(Some),
        })
    }

    /// A whole number from `least` to `most`.
    pub fn number(&mut self, key: &str, least: u32, most: u32) -> u32 {
        let number = match self.value(key) {
            Some(Value::Integer(number)) => u32::try_from(number).ok(),
            _ => None,
        };
        let given = number.filter(|number| (least..=most).contains(number));
        let problem = format!("must be a whole number from {least} to {most}");
        self.or_report(key, least, given.ok_or(problem))
    }

    /// A list of durations.
    pub fn durations(&mut self, key: &str) -> Vec<Duration> {
        let texts = self.texts(key);
        let durations = texts.iter().map(|text| duration::parse(text)).collect::<Result<_, _>>();
        self.or_report(key, Vec::new(), durations.map_err(|error| error.to_string()))
    }

    /// A list of addresses and networks.
    pub fn networks(&mut self, key: &str) -> Networks {
        let networks = Networks::parse(&self.texts(key)).map_err(|error| error.to_string());
        self.or_report(key, Networks::default(), networks)
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let texts = match self.value(key) {
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Some(text),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>(),
            _ => None,
        };
        self.or_report(
            key,
            Vec::new(),
            texts.ok_or_else(|| String::from("must be a list of texts in quotes")),
        )
    }

    fn value(&self, key: &str) -> Option<Value> {
        self.layers.entry(key).map(|entry| entry.value.clone())
    }

    fn or_report<T>(&mut self, key: &str, instead: T, result: Result<T, String>) -> T {
        result.unwrap_or_else(|text| {
            self.report(key, text);
            instead
        })
    }
}

fn within(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let given = duration::parse(text).map_err(|error| error.to_string())?;
    if given < least || given > most {
        return Err(format!(
            "must be from {} to {}, not {text}",
            duration::text(least),
            duration::text(most)
        ));
    }
    Ok(given)
}
