//! Where the data lies.

use std::fmt;
use std::path::PathBuf;

/// Where the data lies. It is shown without a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file of this process's machine. Its folder must exist; the file is made if it does not.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(PostgresUrl),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// The address of a PostgreSQL database: `postgres://user:password@host:port/database?sslmode=…`, with several hosts,
/// separated by commas, where a standby may take over.
///
/// Without `sslmode` TLS is required, except to the same machine. `sslmode=disable` leaves it out. A server's certificate
/// is always checked.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// The address as it was written. It is read when the store is opened.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("postgres", ""));
        // A password may hold an @, a host cannot; what follows the question mark may be a password too.
        let place = rest.split('?').next().unwrap_or_default();
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        write!(f, "{scheme}://{place}")
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_shown_without_its_password() {
        let table = [
            ("postgres://db.example/gatepost", "postgres://db.example/gatepost"),
            ("postgresql://me:s3cret@a:1,b:2/gatepost?sslmode=disable", "postgresql://a:1,b:2/gatepost"),
            ("postgres://me:s3@cret@host/x?password=s3cret", "postgres://host/x"),
            ("host=a password=s3cret", "postgres://"),
        ];
        for (url, shown) in table {
            let location = Location::Postgres(PostgresUrl::new(url));
            assert_eq!(location.to_string(), shown);
            assert!(!format!("{location:?}").contains("s3"), "{location:?}");
        }
    }
}
