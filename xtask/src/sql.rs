//! SQL stands in the store and nowhere else, so that a second engine is a matter of that one crate.

use crate::breach::Breach;
use crate::rust_text::{Kind, pieces};
use crate::tree::File;

const HOME: &str = "crates/store/";

/// The tests' own server, which makes a schema for each test before there is a store, their look past it, and the rows
/// by the million that the use cases would take hours to make.
const TESTS: [&str; 3] =
    ["crates/testkit/src/postgres.rs", "crates/testkit/src/books.rs", "crates/testkit/src/bulk.rs"];

/// The verbs a statement begins with, and the words of which one must follow to tell it from an English
/// sentence ("delete the client"). A verb in capitals needs no such word, except `DELETE`, which also
/// begins HTTP requests.
const VERBS: [(&str, &[&str]); 7] = [
    ("select", &["from"]),
    ("insert", &["into"]),
    ("update", &["set"]),
    ("delete", &["from"]),
    ("with", &["select", "values"]),
    ("create", &["table", "index", "trigger", "view", "schema"]),
    ("pragma", &[]),
];

/// String literals outside the store that begin like a statement.
pub(crate) fn strays(tree: &[File]) -> Vec<Breach> {
    let at_home = |file: &File| file.path.starts_with(HOME) || TESTS.contains(&file.path.as_str());
    let elsewhere = tree.iter().filter(|file| file.is_rust() && !at_home(file));
    elsewhere.flat_map(in_file).collect()
}

fn in_file(file: &File) -> Vec<Breach> {
    let literals = pieces(&file.text).into_iter().filter(|piece| piece.kind == Kind::Literal);
    let statements = literals.filter(|piece| is_statement(piece.text));
    let tell = |line| {
        Breach::new(
            format!("{}:{line}", file.path),
            "a string literal that is SQL, outside the store",
            format!("move the statement to a function of a table's file under {HOME}, and call that"),
        )
    };
    statements.map(|piece| tell(piece.line_at(0))).collect()
}

fn is_statement(literal: &str) -> bool {
    let literal = literal.trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
    let Some((verb, rest)) = literal.split_once(char::is_whitespace) else { return false };
    let Some((name, companions)) = VERBS.iter().find(|(name, _)| verb.eq_ignore_ascii_case(name)) else {
        return false;
    };
    let shouted = verb.chars().all(|c| c.is_ascii_uppercase()) && *name != "delete";
    let mut words = rest.split(|c: char| !c.is_alphanumeric() && c != '_');
    shouted
        || companions.is_empty()
        || words.any(|word| companions.iter().any(|companion| word.eq_ignore_ascii_case(companion)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::file;

    fn found_in(source: &str) -> Vec<String> {
        strays(&[file("crates/core/src/a.rs", source)]).into_iter().map(|breach| breach.place).collect()
    }

    #[test]
    fn statements_outside_the_store_are_found_in_any_case() {
        let source = r##"
            tx.one("SELECT 1");
            tx.all(r#"
                select id from clients"#);
            tx.exec("insert into a values ($1)");
            tx.exec("Update a set b = 1");
            tx.exec("delete from a");
            tx.exec("DELETE FROM a");
            tx.exec("with x as (select 1) select * from x");
            tx.exec("create table a (b bigint)");
            tx.exec("pragma optimize ");
        "##;
        let lines = [2, 3, 5, 6, 7, 8, 9, 10, 11].map(|line| format!("crates/core/src/a.rs:{line}"));
        assert_eq!(found_in(source), lines);
    }

    #[test]
    fn english_and_http_are_no_statements() {
        let source = r#"
            // "SELECT 1" in a comment
            say("update the client", "Create a workspace", "delete it", "with a secret", "selected");
            send("DELETE /v1/tasks HTTP/1.1");
        "#;
        assert!(found_in(source).is_empty());
    }

    #[test]
    fn the_store_may_speak_sql() {
        assert!(strays(&[file("crates/store/src/a.rs", r#"tx.one("SELECT 1")"#)]).is_empty());
    }
}
