//! The JSON faces: OAuth endpoints, REST API, admin API.

pub mod admin;
pub mod health;
pub mod metrics;
pub mod oauth;
pub mod rest;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use gatepost_core::Gatepost;
use gatepost_http::Problem;
use http::StatusCode;

/// Everything that the public listener answers; the admin API only to admin tokens.
pub fn router(gatepost: Arc<Gatepost>) -> Router {
    Router::new()
        .fallback(rest)
        .with_state(Arc::clone(&gatepost))
        .merge(oauth::router(Arc::clone(&gatepost)))
        .merge(admin::public_router(Arc::clone(&gatepost)))
        .merge(health::router(gatepost))
        .method_not_allowed_fallback(wrong_verb)
}

async fn rest(State(gatepost): State<Arc<Gatepost>>, request: Request<Body>) -> Response {
    rest::handle(gatepost, request).await
}

/// An error is JSON everywhere (contract.md E), also where the framework would answer an empty 405.
async fn wrong_verb() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This path answers other HTTP methods: the Allow header names them",
    )
}
