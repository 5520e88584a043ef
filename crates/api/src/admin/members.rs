//! Reading the members of a JSON body one by one, so that each error names its member and a misspelt one is found.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use gatepost_core::Error;
use gatepost_http::Problem;
use gatepost_model::duration;
use gatepost_model::network::Networks;
use http::StatusCode;
use serde_json::{Map, Value};

/// The members of a request's body that have not been read yet. A body that is empty has none.
pub(super) struct Members {
    left: Map<String, Value>,
    known: Vec<&'static str>,
}

impl<S: Send + Sync> FromRequest<S> for Members {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|error| Problem::new(error.status(), "invalid", error.body_text()))?;
        Self::parse(&body)
    }
}

impl Members {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let left = if body.is_empty() { Ok(Map::new()) } else { serde_json::from_slice(body) };
        let left = left.map_err(|error| bad(format!("the body must be a JSON object: {error}")))?;
        Ok(Self { left, known: Vec::new() })
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// If there is a member that was not asked for.
    pub(super) fn finish(self) -> Result<(), Problem> {
        if self.left.is_empty() {
            return Ok(());
        }
        let unknown: Vec<String> = self
            .left
            .keys()
            .map(|name| format!("\"{}\"", name.chars().take(80).collect::<String>()))
            .collect();
        let known = if self.known.is_empty() {
            String::from("it takes none")
        } else {
            format!("the members are {}", self.known.join(", "))
        };
        Err(bad(format!("the body has the unknown member {}; {known}", unknown.join(", "))))
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(name, "must be a text")),
        }
    }

    pub(super) fn required_text(&mut self, name: &'static str) -> Result<String, Problem> {
        self.text(name)?.ok_or_else(|| invalid(name, "is missing"))
    }

    pub(super) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, Problem> {
        let wrong = || invalid(name, "must be a list of texts");
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => {
                let texts = items.into_iter().map(|item| match item {
                    Value::String(text) => Ok(text),
                    _ => Err(wrong()),
                });
                texts.collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(wrong()),
        }
    }

    pub(super) fn number(&mut self, name: &'static str) -> Result<Option<i64>, Problem> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| invalid(name, "must be a whole number")),
        }
    }

    /// A number from 1 up, or null for none; nothing at all if the member is not there.
    pub(super) fn limit(&mut self, name: &'static str) -> Result<Option<Option<u32>>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => {
                let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
                let limit = number.filter(|number| *number > 0);
                limit.map(|limit| Some(Some(limit))).ok_or_else(|| {
                    invalid(name, "must be a whole number from 1 up, or null for the deployment's default")
                })
            }
        }
    }

    /// Seconds as a number, or a text like `24h`.
    pub(super) fn duration(&mut self, name: &'static str) -> Result<Option<Duration>, Problem> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                duration::parse(&text).map(Some).map_err(|error| invalid(name, error))
            }
            Some(value) => match value.as_u64() {
                Some(seconds) => Ok(Some(Duration::from_secs(seconds))),
                None => Err(invalid(name, "must be a number of seconds, or a text like 24h")),
            },
        }
    }

    /// An object, whatever its members are.
    pub(super) fn object(&mut self, name: &'static str) -> Result<Option<Map<String, Value>>, Problem> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(_) => Err(invalid(name, "must be an object")),
        }
    }

    pub(super) fn networks(&mut self, name: &'static str) -> Result<Option<Networks>, Problem> {
        let texts = self.texts(name)?;
        texts.map(|texts| Networks::parse(&texts).map_err(|error| invalid(name, error))).transpose()
    }

    /// A text that `T` can be read from.
    pub(super) fn parsed<T: FromStr<Err: Display>>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, Problem> {
        let text = self.text(name)?;
        text.map(|text| text.parse().map_err(|error| invalid(name, error))).transpose()
    }

    /// A text that is one of a few names.
    pub(super) fn named<T>(
        &mut self,
        name: &'static str,
        names: &str,
        find: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let text = self.text(name)?;
        text.map(|text| find(&text).ok_or_else(|| invalid(name, format!("must be {names}")))).transpose()
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.left.shift_remove(name)
    }
}

/// A member that cannot be what it was given as.
pub(super) fn invalid(name: &'static str, problem: impl Display) -> Problem {
    Problem::from(Error::invalid(name, problem.to_string()))
}

/// A request that cannot be understood.
pub(super) fn bad(message: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatepost_model::ApiVersion;

    fn members(text: &str) -> Members {
        Members::parse(text.as_bytes()).unwrap()
    }

    fn said<T>(result: Result<T, Problem>) -> String {
        result.err().map(|problem| format!("{problem:?}")).unwrap_or_default()
    }

    #[test]
    fn members_are_read_as_what_they_are() {
        let mut body = members(
            r#"{"name":"n","list":["a"],"seconds":60,"text":"24h","limit":5,"none":null,"ips":["10.0.0.0/8"],
                "version":"v1.9","revision":7}"#,
        );
        assert_eq!(body.required_text("name").unwrap(), "n");
        assert_eq!(body.texts("list").unwrap(), Some(vec![String::from("a")]));
        assert_eq!(body.duration("seconds").unwrap(), Some(Duration::from_secs(60)));
        assert_eq!(body.duration("text").unwrap(), Some(Duration::from_secs(86_400)));
        assert_eq!(body.limit("limit").unwrap(), Some(Some(5)));
        assert_eq!(body.limit("none").unwrap(), Some(None));
        assert_eq!(body.limit("absent").unwrap(), None);
        assert_eq!(body.networks("ips").unwrap().unwrap().to_texts(), ["10.0.0.0/8"]);
        assert_eq!(body.parsed("version").unwrap(), Some(ApiVersion::V1_9));
        assert_eq!(body.number("revision").unwrap(), Some(7));
        assert!(body.finish().is_ok());
        assert!(members("").finish().is_ok());
    }

    #[test]
    fn errors_name_their_member() {
        let body = || members(r#"{"a":[1]}"#);
        for problem in [
            said(body().text("a")),
            said(body().texts("a")),
            said(body().number("a")),
            said(body().limit("a")),
            said(body().duration("a")),
            said(body().networks("a")),
            said(body().parsed::<ApiVersion>("a")),
        ] {
            assert!(problem.contains("\"a: must be "), "{problem}");
        }
        assert!(said(members("{}").required_text("name")).contains("name: is missing"));
        assert!(said(members(r#"{"a":"x"}"#).parsed::<ApiVersion>("a")).contains("is not an API version"));
        assert!(said(members(r#"{"a":"5x"}"#).duration("a")).contains("is not a duration"));
    }

    #[test]
    fn unknown_members_and_bodies_that_are_no_object_are_refused() {
        let mut body = members(r#"{"name":"n","nmae":1}"#);
        body.text("name").unwrap();
        let problem = said(body.finish());
        assert!(problem.contains(r#"unknown member \"nmae\"; the members are name"#), "{problem}");
        assert!(said(members(r#"{"x":1}"#).finish()).contains("it takes none"));
        for bad in ["[]", "1", "{", "null"] {
            assert!(said(Members::parse(bad.as_bytes())).contains("must be a JSON object"), "{bad}");
        }
    }
}
