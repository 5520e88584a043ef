//! The admin API, `/admin/v1/…`: everything that manages a deployment, as JSON in camelCase.
//!
//! The command line is its first caller and prints its answers; the manager's pages show the same objects. A handler
//! reads the request, calls one use case, and shapes the answer. Lists are JSON arrays; the next page of one is asked
//! for with the id of its last entry. Nothing that is answered here may be kept by a cache: much of it is secret.
//!
//! To add a call: a handler in its subject's file, and a line in [`router`].

mod access;
mod audit;
mod clients;
mod deliveries;
mod members;
mod query;
mod requests;
mod secrets;
mod system;
mod tokens;
mod workspaces;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use gatepost_core::Gatepost;
use gatepost_http::Problem;
use http::{HeaderValue, StatusCode, header};

type Shared = State<Arc<Gatepost>>;

/// The calls. Whoever can reach the listener may make all of them, so it must be one that the operating system guards.
pub fn router(gatepost: Arc<Gatepost>) -> Router {
    let calls = Router::new()
        .route("/workspaces", get(workspaces::list).post(workspaces::create))
        .route("/methods", get(system::methods))
        .route("/clients", get(clients::list).post(clients::create))
        .route("/clients/{id}", get(clients::show).patch(clients::update).delete(clients::remove))
        .route("/clients/{id}/reveal", post(secrets::reveal))
        .route("/clients/{id}/rotate", post(secrets::rotate))
        .route("/clients/{id}/secrets/{number}/kill", post(secrets::kill))
        .route("/clients/{id}/disable", post(clients::disable))
        .route("/clients/{id}/enable", post(clients::enable))
        .route("/clients/{id}/revoke", post(clients::revoke))
        .route("/clients/{id}/token", post(tokens::issue))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{id}", get(deliveries::show))
        .route("/deliveries/{id}/replay", post(deliveries::replay))
        .route("/audit", get(audit::list))
        .route("/requests/{id}", get(requests::show))
        .route("/status", get(system::status))
        .route("/migrate", post(system::migrate))
        .route("/backup", post(system::backup));
    Router::new()
        .nest("/admin/v1", calls)
        .fallback(no_such_call)
        .method_not_allowed_fallback(wrong_verb)
        .layer(axum::middleware::map_response(not_to_be_kept))
        .with_state(gatepost)
}

async fn no_such_call() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "the admin API has no such call")
}

async fn wrong_verb() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "the admin API has this path, but not with this HTTP method",
    )
}

async fn not_to_be_kept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
