//! Everything in which the SQL texts of the two engines differ.
//!
//! Statements and migrations are written once, in the subset that both engines understand, with `$1 … $n` for
//! values and with the tokens below for the rest. A value that is only asked whether it is null is written
//! `CAST($1 AS {int})`, for PostgreSQL must know its type. Anything that needs a further token needs an ADR first.
//!
//! | token | SQLite | PostgreSQL | why |
//! |---|---|---|---|
//! | `$1` | `?1` | `$1` | SQLite takes `$1` for a name and numbers names by first appearance |
//! | `{lock}` | | `FOR UPDATE SKIP LOCKED` | one writer needs no row locks |
//! | `{in_list $1}` | `(SELECT value FROM json_each(?1))` | `(SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))` | a list is one value, a JSON array |
//! | `{int}` `{ts}` | `INTEGER` | `BIGINT` | STRICT tables know no BIGINT; times are microseconds |
//! | `{real}` | `REAL` | `DOUBLE PRECISION` | |
//! | `{bool}` | `INTEGER` | `BOOLEAN` | write `TRUE` and `FALSE`, which both know |
//! | `{blob}` | `BLOB` | `BYTEA` | |
//! | `{json}` | `TEXT` | `TEXT` | it goes to the wire as it is, byte for byte: `JSONB` would sort its keys and refuse `\u0000`, `JSON` would parse it once more |
//! | `{id}` | `TEXT` | `TEXT COLLATE "C"` | the same byte order everywhere |
//! | `{key a, b, c}` | `b, c, a` | `a, b, c` | rows spread by workspace on PostgreSQL, land at the end of the tree on SQLite |
//! | `{by_day id}` | | `PARTITION BY RANGE (id)` | days of rows are dropped as a whole (docs/adr/0007-partitions.md) |
//! | `{narrow}` | `STRICT, WITHOUT ROWID` | | small rows live in their key |
//! | `{table}` | `STRICT` | | all other tables: rows with documents must not |

use crate::error::StoreError;

/// The SQL that an engine speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, embedded.
    Sqlite,
    /// PostgreSQL, for several nodes.
    Postgres,
}

/// A text in the words of one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// What the engine gets.
    pub text: String,
    /// How many values it takes.
    pub arity: usize,
}

impl Dialect {
    /// The name of this dialect's sections in migrations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// Replaces placeholders and tokens. Quoted text and comments stay as they are.
    ///
    /// # Errors
    /// [`StoreError::Statement`] names a token that does not exist or never ends.
    pub fn render(self, source: &str) -> Result<Rendered, StoreError> {
        let mut rendered = Rendered { text: String::with_capacity(source.len() + 32), arity: 0 };
        self.render_into(source, &mut rendered)?;
        Ok(rendered)
    }

    fn render_into(self, source: &str, rendered: &mut Rendered) -> Result<(), StoreError> {
        let mut rest = source;
        while let Some(at) = rest.find(['\'', '"', '-', '$', '{']) {
            let (plain, special) = rest.split_at(at);
            rendered.text.push_str(plain);
            let taken = match special.as_bytes() {
                [quote @ (b'\'' | b'"'), ..] => verbatim(special, quoted_length(special, *quote), rendered),
                [b'-', b'-', ..] => verbatim(special, special.find('\n').unwrap_or(special.len()), rendered),
                [b'$', digit, ..] if digit.is_ascii_digit() => self.placeholder(special, rendered)?,
                [b'{', ..] => self.token(special, rendered)?,
                _ => verbatim(special, 1, rendered),
            };
            rest = special.get(taken..).unwrap_or_default();
        }
        rendered.text.push_str(rest);
        Ok(())
    }

    /// Writes the `number`th placeholder.
    pub(crate) fn push_placeholder(self, number: usize, text: &mut String) {
        text.push(match self {
            Self::Sqlite => '?',
            Self::Postgres => '$',
        });
        text.push_str(&number.to_string());
    }

    fn placeholder(self, special: &str, rendered: &mut Rendered) -> Result<usize, StoreError> {
        let digits = special.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        let number = special.get(1..=digits).and_then(|digits| digits.parse().ok());
        let number: usize = number
            .filter(|number| (1..=32_766).contains(number))
            .ok_or_else(|| StoreError::Statement(String::from("placeholders run from $1 to $32766")))?;
        self.push_placeholder(number, &mut rendered.text);
        rendered.arity = rendered.arity.max(number);
        Ok(digits + 1)
    }

    fn token(self, special: &str, rendered: &mut Rendered) -> Result<usize, StoreError> {
        let end = special.find('}').ok_or_else(|| unknown_token(special))?;
        let inner = special.get(1..end).unwrap_or_default();
        let (name, argument) = inner.split_once(' ').unwrap_or((inner, ""));
        let sqlite = self == Self::Sqlite;
        let word = match (name, argument.trim()) {
            ("lock", "") => {
                if sqlite {
                    ""
                } else {
                    "FOR UPDATE SKIP LOCKED"
                }
            }
            ("int" | "ts", "") => {
                if sqlite {
                    "INTEGER"
                } else {
                    "BIGINT"
                }
            }
            ("real", "") => {
                if sqlite {
                    "REAL"
                } else {
                    "DOUBLE PRECISION"
                }
            }
            ("bool", "") => {
                if sqlite {
                    "INTEGER"
                } else {
                    "BOOLEAN"
                }
            }
            ("blob", "") => {
                if sqlite {
                    "BLOB"
                } else {
                    "BYTEA"
                }
            }
            ("json", "") => "TEXT",
            ("id", "") => {
                if sqlite {
                    "TEXT"
                } else {
                    "TEXT COLLATE \"C\""
                }
            }
            ("narrow", "") => {
                if sqlite {
                    "STRICT, WITHOUT ROWID"
                } else {
                    ""
                }
            }
            ("table", "") => {
                if sqlite {
                    "STRICT"
                } else {
                    ""
                }
            }
            ("key", columns) if !columns.is_empty() => {
                rendered.text.push_str(&self.key(columns));
                return Ok(end + 1);
            }
            ("by_day", column) if !column.is_empty() => {
                if !sqlite {
                    rendered.text.push_str("PARTITION BY RANGE (");
                    rendered.text.push_str(column);
                    rendered.text.push(')');
                }
                return Ok(end + 1);
            }
            ("in_list", placeholder) if placeholder.starts_with('$') => {
                self.in_list(placeholder, rendered)?;
                return Ok(end + 1);
            }
            _ => return Err(unknown_token(special)),
        };
        rendered.text.push_str(word);
        Ok(end + 1)
    }

    fn key(self, columns: &str) -> String {
        match (self, columns.split_once(',')) {
            (Self::Sqlite, Some((first, others))) => format!("{}, {}", others.trim(), first.trim()),
            _ => columns.to_owned(),
        }
    }

    fn in_list(self, placeholder: &str, rendered: &mut Rendered) -> Result<(), StoreError> {
        let (before, after) = match self {
            Self::Sqlite => ("(SELECT value FROM json_each(", "))"),
            Self::Postgres => ("(SELECT jsonb_array_elements_text(CAST(", " AS jsonb)))"),
        };
        rendered.text.push_str(before);
        self.render_into(placeholder, rendered)?;
        rendered.text.push_str(after);
        Ok(())
    }
}

fn verbatim(special: &str, length: usize, rendered: &mut Rendered) -> usize {
    rendered.text.push_str(special.get(..length).unwrap_or(special));
    length
}

/// The length of a quoted text with both its quotes; a doubled quote inside reads as two texts in a row.
fn quoted_length(special: &str, quote: u8) -> usize {
    special.bytes().skip(1).position(|byte| byte == quote).map_or(special.len(), |inner| inner + 2)
}

fn unknown_token(special: &str) -> StoreError {
    let shown: String = special.chars().take(40).collect();
    StoreError::Statement(format!("unknown token at {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(source: &str) -> (String, String) {
        (Dialect::Sqlite.render(source).unwrap().text, Dialect::Postgres.render(source).unwrap().text)
    }

    #[test]
    fn tokens_have_a_word_for_each_engine() {
        let table = [
            ("$1, $12", "?1, ?12", "$1, $12"),
            ("{lock}", "", "FOR UPDATE SKIP LOCKED"),
            (
                "{in_list $2}",
                "(SELECT value FROM json_each(?2))",
                "(SELECT jsonb_array_elements_text(CAST($2 AS jsonb)))",
            ),
            ("{int} {ts}", "INTEGER INTEGER", "BIGINT BIGINT"),
            ("{real}", "REAL", "DOUBLE PRECISION"),
            ("{bool}", "INTEGER", "BOOLEAN"),
            ("{blob}", "BLOB", "BYTEA"),
            ("{json}", "TEXT", "TEXT"),
            ("{id}", "TEXT", "TEXT COLLATE \"C\""),
            (
                "PRIMARY KEY ({key workspace, id})",
                "PRIMARY KEY (id, workspace)",
                "PRIMARY KEY (workspace, id)",
            ),
            (
                "({key workspace, event_id, url_id})",
                "(event_id, url_id, workspace)",
                "(workspace, event_id, url_id)",
            ),
            ("() {by_day id};", "() ;", "() PARTITION BY RANGE (id);"),
            ("() {narrow};", "() STRICT, WITHOUT ROWID;", "() ;"),
            ("() {table};", "() STRICT;", "() ;"),
        ];
        for (source, sqlite, postgres) in table {
            assert_eq!(both(source), (sqlite.to_owned(), postgres.to_owned()), "{source}");
        }
    }

    #[test]
    fn quoted_text_and_comments_stay_as_they_are() {
        for source in
            ["'$1 {lock} it''s $2'", "\"{int}\"", "-- $1 {lock} it's\n", "'never ends {", "a - b", "$$ä$"]
        {
            assert_eq!(both(source), (source.to_owned(), source.to_owned()));
            assert_eq!(Dialect::Sqlite.render(source).unwrap().arity, 0);
        }
        assert_eq!(both("'a'$1\"b\"$2--c\n$3").0, "'a'?1\"b\"?2--c\n?3");
    }

    #[test]
    fn the_arity_is_the_largest_number() {
        for (source, arity) in [("SELECT 1", 0), ("$2 $1 $2", 2), ("{in_list $3}", 3)] {
            assert_eq!(Dialect::Postgres.render(source).unwrap().arity, arity);
        }
    }

    #[test]
    fn what_is_no_token_is_an_error() {
        for source in
            ["{", "{}", "{lokc}", "{lock me}", "{key}", "{key }", "{by_day}", "{in_list 1}", "$0", "$99999"]
        {
            assert!(matches!(Dialect::Sqlite.render(source), Err(StoreError::Statement(_))), "{source}");
        }
    }
}
