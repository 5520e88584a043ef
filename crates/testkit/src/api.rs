//! A tool that calls the REST API.

use serde_json::Value;

use crate::http::{Answer, Http};

/// A tool with a token that acts in one workspace. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Api {
    http: Http,
    authorization: String,
    workspace: String,
}

impl Api {
    /// A tool that calls the server of `http`.
    #[must_use]
    pub fn new(http: Http, token: &str, workspace: &str) -> Self {
        Self { http, authorization: format!("Bearer {token}"), workspace: workspace.to_owned() }
    }

    /// The same tool with connections of its own.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { http: Http::new(self.http.base()), ..self.clone() }
    }

    /// Calls.
    ///
    /// # Panics
    /// If there is no whole answer in time.
    #[expect(clippy::panic, reason = "a test without an answer cannot go on")]
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        match self.try_call(method, path, body).await {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    /// Calls, maybe for nothing: the server may be down or going down.
    ///
    /// # Errors
    /// If there is no whole answer in time.
    pub async fn try_call(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let mut headers =
            vec![("authorization", self.authorization.as_str()), ("business", self.workspace.as_str())];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.http.try_send(method, path, &headers, body.map(Value::to_string).unwrap_or_default()).await
    }
}
