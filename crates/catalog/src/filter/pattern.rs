//! Compiling `$regex`.

use regex::RegexBuilder;

use super::FilterError;
use super::ast::Pattern;

/// The longest pattern, in bytes.
const MAX_LENGTH: usize = 1000;
/// The largest compiled pattern, and the largest cache of its automaton, in bytes. A hundred case-insensitive letters fit a
/// hundred times; counted repetitions of large classes do not, which is what keeps a query's memory and time small.
const MAX_COMPILED: usize = 256 * 1024;

impl Pattern {
    /// Compiles `$regex` with its `$options`; `path` is for the error.
    pub(super) fn compile(source: &str, options: &str, path: &str) -> Result<Self, FilterError> {
        if source.len() > MAX_LENGTH {
            return Err(FilterError::TooLarge { what: "a $regex", limit: "1000 bytes" });
        }
        let mut builder = RegexBuilder::new(source);
        builder.size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED);
        for option in options.chars() {
            match option {
                'i' => builder.case_insensitive(true),
                'm' => builder.multi_line(true),
                's' => builder.dot_matches_new_line(true),
                'x' => builder.ignore_whitespace(true),
                // Patterns are always Unicode.
                'u' => &mut builder,
                _ => {
                    let needs = "some of the letters i, m, s, x, u";
                    return Err(FilterError::Operand { operator: "$options", path: path.to_owned(), needs });
                }
            };
        }
        let regex = builder
            .build()
            .map_err(|error| FilterError::Pattern { path: path.to_owned(), problem: explain(&error) })?;
        Ok(Self { source: source.to_owned(), options: options.to_owned(), regex })
    }
}

/// The library's word on it, which ends in a line `error: …` below a drawing of the pattern.
fn explain(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => {
            "it is too large once compiled; use fewer or smaller repetitions".to_owned()
        }
        other => {
            let text = other.to_string();
            let line = text.lines().last().unwrap_or_default();
            line.trim_start_matches("error: ").to_owned()
        }
    }
}
