//! Values on their way to PostgreSQL and back, in its binary format.
//!
//! PostgreSQL binds strictly: each placeholder has a type of its own, which the statement decides.

use std::error::Error;
use std::fmt;

use bytes::BytesMut;
use tokio_postgres::Statement;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

use crate::error::StoreError;
use crate::value::Value;

/// A value to be bound. The driver may log what it binds, so its `Debug` shows the type only.
pub(super) struct Bound<'a>(pub(super) Value<'a>);

impl fmt::Debug for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind())
    }
}

/// A value does not fit its placeholder. It is said without the value.
#[derive(Debug, thiserror::Error)]
#[error("{found} was given where the statement takes {wanted}")]
pub(super) struct Misfit {
    found: &'static str,
    wanted: String,
}

/// Whether each value fits its placeholder.
///
/// # Errors
/// [`StoreError::Constraint`] says what does not fit, without the value.
pub(super) fn check_fit(statement: &Statement, values: &[Value<'_>]) -> Result<(), StoreError> {
    if statement.params().len() != values.len() {
        let taken = statement.params().len();
        return Err(StoreError::Statement(format!("it takes {taken} values and has {}", values.len())));
    }
    let unfit = statement.params().iter().zip(values).find_map(|(kind, value)| Bound(*value).misfit(kind));
    unfit.map_or(Ok(()), |misfit| Err(StoreError::Constraint(misfit.to_string())))
}

impl Bound<'_> {
    fn misfit(&self, kind: &Type) -> Option<Misfit> {
        let fits = match (self.0, kind) {
            (Value::Null, _)
            | (Value::Int(_), &Type::INT8)
            | (Value::Int(0 | 1), &Type::BOOL)
            | (Value::Real(_), &Type::FLOAT8)
            | (Value::Text(_), &Type::TEXT | &Type::VARCHAR | &Type::NAME | &Type::JSON | &Type::JSONB)
            | (Value::Blob(_), &Type::BYTEA) => true,
            (Value::Int(value), &Type::INT4) => i32::try_from(value).is_ok(),
            _ => false,
        };
        (!fits).then(|| Misfit { found: self.0.kind(), wanted: kind.name().to_owned() })
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        if let Some(misfit) = self.misfit(kind) {
            return Err(Box::new(misfit));
        }
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Int(value) if *kind == Type::BOOL => out.extend_from_slice(&[u8::from(value == 1)]),
            Value::Int(value) if *kind == Type::INT4 => {
                out.extend_from_slice(&i32::try_from(value)?.to_be_bytes());
            }
            Value::Int(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::Real(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::Text(value) => {
                if *kind == Type::JSONB {
                    // The version of the binary format.
                    out.extend_from_slice(&[1]);
                }
                out.extend_from_slice(value.as_bytes());
            }
            Value::Blob(value) => out.extend_from_slice(value),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(kind, out)
    }
}

/// A column's value as it came.
pub(crate) struct Received<'a>(pub(crate) Value<'a>);

impl<'a> FromSql<'a> for Received<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *kind {
            Type::INT8 => Value::Int(i64::from_be_bytes(raw.try_into()?)),
            Type::INT4 => Value::Int(i64::from(i32::from_be_bytes(raw.try_into()?))),
            Type::INT2 => Value::Int(i64::from(i16::from_be_bytes(raw.try_into()?))),
            Type::BOOL => Value::Int(i64::from(raw != [0])),
            Type::FLOAT8 => Value::Real(f64::from_be_bytes(raw.try_into()?)),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::JSON | Type::UNKNOWN => {
                Value::Text(std::str::from_utf8(raw)?)
            }
            _ => Value::Blob(raw),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
