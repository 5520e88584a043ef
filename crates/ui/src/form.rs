//! Forms and queries, read by name.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use gatepost_keys::Plain;
use http::{StatusCode, header};
use url::form_urlencoded;

use crate::failure::Failure;

/// What a form or a query holds, in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The query of a request.
    pub(crate) fn query(query: Option<&str>) -> Self {
        Self::parse(query.unwrap_or_default().as_bytes())
    }

    /// A value, empty if it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// A value, if it is there.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A value that must not be seen by chance.
    pub(crate) fn secret(&self, name: &str) -> Plain {
        Plain::new(self.text(name).to_owned())
    }

    /// Every value of a name.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// The words of a value, each on a line of its own.
    pub(crate) fn lines(&self, name: &str) -> String {
        self.text(name).split_whitespace().collect::<Vec<_>>().join("\n")
    }

    /// The revision that the form was made for.
    pub(crate) fn revision(&self) -> Option<i64> {
        self.text("revision").parse().ok()
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let body = Bytes::from_request(request, state).await.map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Failure::TooLong,
            _ => Failure::Malformed,
        })?;
        // A button without fields sends an empty body, with or without its type.
        if is_form || body.is_empty() { Ok(Self::parse(&body)) } else { Err(Failure::Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_name() {
        let form = Form::parse(b"name=CRM+sync&workspace=a&workspace=b&revision=7");
        assert_eq!(form.text("name"), "CRM sync");
        assert_eq!(form.all("workspace"), ["a", "b"]);
        assert_eq!(form.text("other"), "");
        assert_eq!(form.revision(), Some(7));
    }
}
