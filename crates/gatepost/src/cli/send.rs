//! Sending a call: to the server that runs on the data folder, or to the same router in this process if none does.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::time::Instant;
use tower::ServiceExt;

use super::call::{Call, Needs};
use crate::config::Config;
use crate::data_folder::{DataFolder, Lock};
use crate::deployment::{self, Deployment, Sources, Tables};

/// How long a command waits for one that has the data folder at the moment, or for a server that is starting.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the admin API answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// The body.
    pub(super) body: Value,
}

/// Sends a call. When this returns, what it changed is in force, in a running server too.
///
/// # Errors
/// If there is no deployment to ask, or it cannot be asked. That it refuses is an [`Answer`].
pub(super) async fn send(call: &Call, config: &Config, data: &Path) -> anyhow::Result<Answer> {
    let folder = match call.needs {
        Needs::Deployment | Needs::Database => DataFolder::existing(data)?,
        Needs::Nothing | Needs::NewDatabase => DataFolder::create(data)?,
    };
    let socket = &config.server.admin_socket;
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(lock) = folder.try_lock()? {
            return in_process(call, config, &folder, lock).await;
        }
        match UnixStream::connect(socket).await {
            Ok(stream) => return to_server(call, stream).await,
            Err(error) if Instant::now() >= until => bail!(
                "another gatepost process uses the data folder \"{}\", but does not answer at \"{}\" ({error}). If it \
                 is a server with a configuration of its own, give this command the same --config; if it hangs, stop it",
                data.display(),
                socket.display()
            ),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn in_process(call: &Call, config: &Config, folder: &DataFolder, lock: Lock) -> anyhow::Result<Answer> {
    let tables = match call.needs {
        Needs::Deployment | Needs::Nothing => Tables::Migrate,
        Needs::Database | Needs::NewDatabase => Tables::Leave,
    };
    let public_url = config.server.public_url.clone().unwrap_or_default();
    let opened = deployment::open(config, folder, &Sources::of_the_machine(), public_url, tables).await?;
    let Deployment { gatepost, .. } = opened;
    let router = gatepost_api::admin::router(gatepost.clone());
    let answer = match router.oneshot(request(call)?.map(axum::body::Body::new)).await {
        Ok(response) => read(response).await,
        Err(never) => match never {},
    };
    gatepost.store().close().await;
    drop(lock);
    answer
}

async fn to_server(call: &Call, stream: UnixStream) -> anyhow::Result<Answer> {
    let lost =
        "the server was lost before it answered: look whether the change was made before you repeat it";
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.context(lost)?;
    let request = request(call)?;
    let asked = async move {
        let response = sender.send_request(request).await.context(lost)?;
        read(response).await
    };
    let (answer, _) = tokio::join!(asked, connection);
    answer
}

fn request(call: &Call) -> anyhow::Result<Request<Full<Bytes>>> {
    let builder = Request::builder()
        .method(call.verb.clone())
        .uri(&call.path)
        .header(header::HOST, "gatepost")
        .header(header::CONTENT_TYPE, "application/json");
    builder.body(Full::from(body_of(call))).context("the command cannot be written as a request")
}

/// The body of a call, as it is sent.
pub(super) fn body_of(call: &Call) -> String {
    call.body.as_ref().map(Value::to_string).unwrap_or_default()
}

async fn read<B>(response: http::Response<B>) -> anyhow::Result<Answer>
where
    B: Body,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let status = response.status();
    let body = response.into_body().collect().await.context("the answer broke off")?.to_bytes();
    let body = serde_json::from_slice(&body).context("the answer is not JSON")?;
    Ok(Answer { status, body })
}
