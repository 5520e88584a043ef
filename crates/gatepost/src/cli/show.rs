//! Setting answers out for people: labelled lines and tables. Whatever is shown may hold texts of strangers (a
//! receiver's reply, a record), so control characters never reach the terminal (security.md P5).

use serde_json::Value;

/// Labelled lines below a title.
#[derive(Debug)]
pub(super) struct Details {
    title: String,
    lines: Vec<(String, String)>,
}

impl Details {
    /// A title with nothing below it.
    #[must_use]
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), lines: Vec::new() }
    }

    /// Adds a line.
    #[must_use]
    pub(super) fn line(mut self, label: &str, value: impl Into<String>) -> Self {
        self.lines.push((label.to_owned(), value.into()));
        self
    }

    /// Adds a line for a member, unless it is null or missing.
    #[must_use]
    pub(super) fn member(self, label: &str, of: &Value, name: &str) -> Self {
        match &of[name] {
            Value::Null => self,
            value => self.line(label, text(value)),
        }
    }

    /// The whole text.
    #[must_use]
    pub(super) fn finish(self) -> String {
        let width = self.lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let mut out = clean(&self.title);
        for (label, value) in &self.lines {
            out.push_str(&format!("\n  {label:<width$}  {}", clean(value)));
        }
        out
    }
}

/// A table with a line of headings; `none` if it has no rows.
#[must_use]
pub(super) fn table(headings: &[&str], rows: Vec<Vec<String>>, none: &str) -> String {
    if rows.is_empty() {
        return none.to_owned();
    }
    let mut lines = vec![headings.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>()];
    lines.extend(rows.into_iter().map(|row| row.iter().map(|cell| clean(cell)).collect()));
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let padded = lines.iter().map(|line| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    padded.collect::<Vec<_>>().join("\n")
}

/// A row of a table: these members of an object.
#[must_use]
pub(super) fn row(object: &Value, members: &[&str]) -> Vec<String> {
    members.iter().map(|name| text(&object[*name])).collect()
}

/// A value as a person would write it.
#[must_use]
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::from("-"),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => String::from("none"),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The items of a list; none if it is no list.
#[must_use]
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn clean(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escaped = character.is_control().then(|| character.escape_default());
            let plain = (!character.is_control()).then_some(character);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn details_are_aligned_and_leave_out_what_is_not_there() {
        let object = json!({ "a": 1, "b": null, "c": ["x", "y"], "d": [] });
        let shown = Details::new("Thing")
            .member("a", &object, "a")
            .member("b", &object, "b")
            .member("long", &object, "c")
            .member("d", &object, "d");
        assert_eq!(shown.finish(), "Thing\n  a     1\n  long  x, y\n  d     none");
    }

    #[test]
    fn tables_are_aligned() {
        let rows = vec![vec!["ä".into(), "1".into()], vec!["bbb".into(), String::new()]];
        assert_eq!(table(&["ID", "N"], rows, "nothing"), "ID   N\nä    1\nbbb");
        assert_eq!(table(&["ID"], Vec::new(), "nothing"), "nothing");
    }

    #[test]
    fn p5_control_characters_do_not_reach_the_terminal() {
        let shown = Details::new("a\u{1b}[31m").line("x", "1\n2\r").finish();
        assert_eq!(shown, "a\\u{1b}[31m\n  x  1\\n2\\r");
    }
}
