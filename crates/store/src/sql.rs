//! Statements: static ones, and those that are put together as they are needed.

use std::sync::OnceLock;

use crate::dialect::{Dialect, Rendered};
use crate::error::StoreError;
use crate::value::{OwnedValue, Value};

/// What [`crate::Tx`] can run: [`Sql`] or [`SqlBuf`].
pub trait Statement {
    /// The statement in the words of `dialect`.
    ///
    /// # Errors
    /// [`StoreError::Statement`] if it uses a token that does not exist, or is not one that closures may run.
    fn rendered(&self, dialect: Dialect) -> Result<&Rendered, StoreError>;
}

/// A static statement, rendered once for each engine on its first use.
///
/// Values are written `$1 … $n`; [`crate::dialect`] lists the tokens. Declare it as a `static` and list it in
/// its module's `STATEMENTS`, so that a test prepares it ([`crate::statements`]).
pub struct Sql {
    text: &'static str,
    sqlite: OnceLock<Result<Rendered, StoreError>>,
    postgres: OnceLock<Result<Rendered, StoreError>>,
}

impl Sql {
    /// A statement of this text.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self { text, sqlite: OnceLock::new(), postgres: OnceLock::new() }
    }

    /// The text as it was written.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        self.text
    }
}

impl Statement for Sql {
    fn rendered(&self, dialect: Dialect) -> Result<&Rendered, StoreError> {
        let cell = match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgres => &self.postgres,
        };
        let rendered = cell.get_or_init(|| {
            check_verb(self.text)?;
            dialect.render(self.text)
        });
        rendered.as_ref().map_err(Clone::clone)
    }
}

/// A statement put together as it is needed: fixed pieces of text, and values that are always bound, never
/// text.
pub struct SqlBuf {
    dialect: Dialect,
    rendered: Rendered,
    values: Vec<OwnedValue>,
    flaw: Option<StoreError>,
}

impl SqlBuf {
    /// An empty statement for `dialect` (see [`crate::Tx::dialect`]).
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        let rendered = Rendered { text: String::new(), arity: 0 };
        Self { dialect, rendered, values: Vec::new(), flaw: None }
    }

    /// Appends text, tokens included. It cannot be made at run time, so nothing foreign gets into a
    /// statement.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        match self.dialect.render(text) {
            Ok(piece) if piece.arity == 0 => self.rendered.text.push_str(&piece.text),
            Ok(_) => {
                self.flaw = Some(StoreError::Statement(String::from("bind values instead of writing $n")))
            }
            Err(error) => self.flaw = Some(error),
        }
        self
    }

    /// Appends a placeholder for `value`.
    pub fn bind<'v>(&mut self, value: impl Into<Value<'v>>) -> &mut Self {
        self.values.push(value.into().into());
        self.rendered.arity = self.values.len();
        self.dialect.push_placeholder(self.rendered.arity, &mut self.rendered.text);
        self
    }

    /// The dialect in which the statement is written.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The values, in the order of their placeholders.
    #[must_use]
    pub fn values(&self) -> Vec<Value<'_>> {
        self.values.iter().map(OwnedValue::borrow).collect()
    }
}

impl Statement for SqlBuf {
    fn rendered(&self, dialect: Dialect) -> Result<&Rendered, StoreError> {
        if let Some(flaw) = &self.flaw {
            return Err(flaw.clone());
        }
        if dialect != self.dialect {
            return Err(StoreError::Statement(format!("it was written for {}", self.dialect.name())));
        }
        check_verb(&self.rendered.text)?;
        Ok(&self.rendered)
    }
}

/// Closures read and write rows. Transactions are the store's own affair and tables are a migration's, and
/// neither would be undone with the rest of a failed closure.
fn check_verb(text: &str) -> Result<(), StoreError> {
    let verb: String = text.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    if ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(|known| verb.eq_ignore_ascii_case(known)) {
        Ok(())
    } else {
        Err(StoreError::Statement(format!("{verb} is not for closures; tables are made by migrations")))
    }
}
