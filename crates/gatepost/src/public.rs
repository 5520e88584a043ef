//! What the public listener serves: the OAuth endpoints, the health checks, and the REST API for everything else.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use gatepost_core::{Error, Gatepost};
use gatepost_http::Problem;
use serde_json::json;

/// The router of the public listener.
pub(crate) fn router(gatepost: Arc<Gatepost>) -> Router {
    let oauth = gatepost_api::oauth::router(Arc::clone(&gatepost));
    let own = Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .fallback(rest)
        .with_state(gatepost);
    oauth.merge(own)
}

async fn rest(State(gatepost): State<Arc<Gatepost>>, request: Request) -> Response {
    gatepost_api::rest::handle(gatepost, request).await
}

/// The process answers.
async fn alive() -> Response {
    Json(json!({ "live": true })).into_response()
}

/// The store answers too: requests can be sent here.
async fn ready(State(gatepost): State<Arc<Gatepost>>) -> Result<Response, Problem> {
    gatepost.store().migration_status().await.map_err(Error::Store)?;
    Ok(Json(json!({ "ready": true })).into_response())
}
