//! `/healthz`: the process answers. `/readyz`: it can do its work.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use gatepost_core::Gatepost;
use gatepost_http::Problem;
use http::{StatusCode, header};

/// Both.
pub fn router(gatepost: Arc<Gatepost>) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(gatepost)
}

/// While the database is awaited at a start: the process is there, and can do nothing yet.
pub fn closed() -> Router {
    let closed = || async { Problem::unavailable().into_response() };
    Router::new().route("/healthz", get(healthz)).fallback(closed)
}

async fn healthz() -> Response {
    ok()
}

async fn readyz(State(gatepost): State<Arc<Gatepost>>) -> Response {
    match gatepost.is_ready().await {
        Ok(()) => ok(),
        Err(error) => {
            tracing::warn!(%error, "readiness");
            Problem::unavailable().into_response()
        }
    }
}

fn ok() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::OK, headers, r#"{"ok":true}"#).into_response()
}
