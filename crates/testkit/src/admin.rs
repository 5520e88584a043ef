//! The admin API of a running server, through its socket, as the command line reaches it.

use std::time::Duration;

use bytes::Bytes;
use gatepost_core::Page;
use gatepost_core::deliveries::Shown;
use gatepost_core::delivery_log::Wanted;
use gatepost_model::DeliveryState;
use http::header;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::app::{App, TestClient};
use crate::described;
use crate::http::Answer;

/// Nothing that a test waits for takes longer.
const DEADLINE: Duration = Duration::from_secs(20);

impl App {
    /// Calls the admin API; `path` begins after `/admin/v1`.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.admin_with(method, path, &[], body).await
    }

    /// Calls the admin API with further headers. The answer must be as the API describes it.
    ///
    /// # Panics
    /// If there is no answer.
    #[expect(clippy::panic, reason = "a test without an answer cannot go on")]
    pub async fn admin_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        match self.ask_admin(method, path, headers, body).await {
            Ok(answer) => {
                described::check(method, path, &answer);
                answer
            }
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    async fn ask_admin(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> anyhow::Result<Answer> {
        let stream = TokioIo::new(UnixStream::connect(self.admin_socket()).await?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("/admin/v1{path}"))
            .header(header::HOST, "gatepost")
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.as_ref().map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body)))?;
        let asked = async move {
            let (parts, body) = sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, anyhow::Error>(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
        };
        let (answer, _) = tokio::time::timeout(DEADLINE, async { tokio::join!(asked, connection) }).await?;
        answer
    }

    /// The delivery table, newest first: of one client, or of all.
    ///
    /// # Panics
    /// If it cannot be read.
    #[expect(clippy::expect_used, reason = "a test that cannot look cannot go on")]
    pub async fn deliveries(&self, client: Option<&TestClient>) -> Vec<Shown> {
        let page = Page { before: None, limit: 1_000 };
        let wanted = Wanted { client: client.map(|client| client.id.clone()), ..Wanted::default() };
        self.gatepost().list_deliveries(wanted, page).await.expect("the deliveries can be listed")
    }

    /// Looks at the delivery table until it is as it must be, and gives it.
    ///
    /// # Panics
    /// If it does not become so in time.
    #[expect(clippy::panic, reason = "a test without its deliveries cannot go on")]
    pub async fn deliveries_until(
        &self,
        client: Option<&TestClient>,
        is_so: impl Fn(&[Shown]) -> bool,
    ) -> Vec<Shown> {
        let looking = async {
            loop {
                let found = self.deliveries(client).await;
                if is_so(&found) {
                    return found;
                }
            }
        };
        match tokio::time::timeout(DEADLINE, looking).await {
            Ok(found) => found,
            Err(_) => panic!("the delivery table is not as it must be: {:?}", self.deliveries(client).await),
        }
    }

    /// Waits until none of the deliveries is pending, and gives them.
    ///
    /// # Panics
    /// If they do not end in time.
    pub async fn settled_deliveries(&self, client: Option<&TestClient>) -> Vec<Shown> {
        let pending = |shown: &Shown| shown.delivery.state == DeliveryState::Pending;
        self.deliveries_until(client, |found| !found.iter().any(pending)).await
    }
}
