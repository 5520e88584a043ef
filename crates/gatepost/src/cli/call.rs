//! One call of the admin API: what every command comes down to.

use http::Method;
use serde_json::{Map, Value};

/// A call, and how its answer is set out for people.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The HTTP method.
    pub(super) verb: Method,
    /// The path with its query, percent-encoded.
    pub(super) path: String,
    /// The body, if it has one.
    pub(super) body: Option<Value>,
    /// What the call needs to be there.
    pub(super) needs: Needs,
    /// Where it can be made.
    pub(super) place: Place,
    /// How many entries a whole page of the answer has, if the answer is a list in pages.
    pub(super) page: Option<u32>,
    /// Sets the answer out.
    pub(super) show: fn(&Value) -> String,
}

/// Where a call can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Over the network too, with an admin token.
    Anywhere,
    /// On the machine of the deployment only: it is the operator's.
    Machine,
}

/// What must be there for a call, when no server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// A deployment.
    Deployment,
    /// Nothing: the deployment is made if there is none. For calls that make the first of something.
    Nothing,
    /// A deployment whose tables are left as they are.
    Database,
    /// Nothing but the tables, which are made if there are none.
    NewDatabase,
}

impl Call {
    /// A call that reads.
    #[must_use]
    pub(super) fn get(path: String, show: fn(&Value) -> String) -> Self {
        Self {
            verb: Method::GET,
            path,
            body: None,
            needs: Needs::Deployment,
            place: Place::Anywhere,
            page: None,
            show,
        }
    }

    /// A call that does something.
    #[must_use]
    pub(super) fn post(path: String, body: Map<String, Value>, show: fn(&Value) -> String) -> Self {
        Self { verb: Method::POST, body: Some(Value::Object(body)), ..Self::get(path, show) }
    }

    /// The same call with another HTTP method.
    #[must_use]
    pub(super) fn with_verb(self, verb: Method) -> Self {
        Self { verb, ..self }
    }

    /// The same call with other needs.
    #[must_use]
    pub(super) fn needing(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    /// The same call, which is the operator's.
    #[must_use]
    pub(super) fn on_the_machine(self) -> Self {
        Self { place: Place::Machine, ..self }
    }

    /// The same call, whose answer is a list in pages of so many.
    #[must_use]
    pub(super) fn in_pages(self, page: u32) -> Self {
        Self { page: Some(page), ..self }
    }
}

/// A path of the admin API.
#[must_use]
pub(super) fn path(segments: &[&str]) -> String {
    let mut path = String::from("/admin/v1");
    for segment in segments {
        path.push('/');
        encode(&mut path, segment);
    }
    path
}

/// The path with those parameters that have a value.
#[must_use]
pub(super) fn with_query(mut path: String, parameters: &[(&str, Option<&str>)]) -> String {
    let mut mark = '?';
    for (name, value) in parameters {
        if let Some(value) = value {
            path.push(mark);
            path.push_str(name);
            path.push('=');
            encode(&mut path, value);
            mark = '&';
        }
    }
    path
}

/// Adds a member to a body if it has a value.
pub(super) fn put(body: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), value.into());
    }
}

/// Adds a list to a body unless it is empty.
pub(super) fn put_list(body: &mut Map<String, Value>, name: &str, list: &[String]) {
    put(body, name, (!list.is_empty()).then(|| list.to_vec()));
}

/// RFC 3986 section 2.3: what is not unreserved is percent-encoded.
fn encode(into: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_typed_stays_in_its_place() {
        assert_eq!(path(&["clients", "a/b?c #ä"]), "/admin/v1/clients/a%2Fb%3Fc%20%23%C3%A4");
        let query = with_query(path(&["audit"]), &[("a", None), ("b", Some("x&y")), ("c", Some("1"))]);
        assert_eq!(query, "/admin/v1/audit?b=x%26y&c=1");
    }
}
