//! The admin API, `/admin/v1/…`: everything that manages a deployment, as JSON in camelCase.
//!
//! The command line is its first caller and prints its answers; the manager's pages show the same objects. A handler
//! reads the request, calls one use case, and shapes the answer. Lists are JSON arrays; the next page of one is asked
//! for with the id of its last entry. Nothing that is answered here may be kept by a cache: much of it is secret.
//!
//! To add a call: a handler in its subject's file, and an entry in `calls`, which says what scope it needs of a token,
//! what it takes and what it answers.

mod access;
mod admin_tokens;
mod audit;
mod calls;
mod clients;
mod counted;
mod deliveries;
mod invitations;
mod matching;
mod members;
mod notices;
mod objects;
mod openapi;
mod people;
mod query;
mod reconciliation;
mod replays;
mod requests;
mod secrets;
mod shape;
mod system;
mod tokens;
mod webhook_urls;
mod workspaces;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::get;
use gatepost_core::Gatepost;
use gatepost_http::Problem;
use http::{HeaderValue, Method, StatusCode, header};

pub use access::Needs;
pub use openapi::document;

use calls::{Call, calls};

type Shared = State<Arc<Gatepost>>;

/// Every call with what it needs, for the test that tries each of them with tokens of every kind (security.md P7).
#[must_use]
pub fn table() -> Vec<(Method, &'static str, Needs)> {
    calls().into_iter().map(|Call { verb, path, needs, .. }| (verb, path, needs)).collect()
}

/// The calls for whoever can reach the listener, which must be one that the operating system guards.
pub fn router(gatepost: Arc<Gatepost>) -> Router {
    let guarded = calls().into_iter().fold(Router::new(), |router, Call { path, handler, .. }| {
        router.route(path, handler.route_layer(from_fn(access::admit_operator)))
    });
    Router::new()
        .nest("/admin/v1", guarded.route(DESCRIPTION, get(openapi::answer)))
        .fallback(no_such_call)
        .method_not_allowed_fallback(wrong_verb)
        .layer(map_response(not_to_be_kept))
        .with_state(gatepost)
}

/// The calls for the network: each asks for an admin token.
pub fn public_router(gatepost: Arc<Gatepost>) -> Router {
    let guarded = calls().into_iter().fold(Router::new(), |router, Call { path, needs, handler, .. }| {
        let guard = from_fn_with_state((Arc::clone(&gatepost), needs), access::admit_token);
        router.route(path, handler.route_layer(guard))
    });
    let calls = guarded.route(DESCRIPTION, get(openapi::answer));
    let calls = calls.fallback(no_such_call).method_not_allowed_fallback(wrong_verb);
    Router::new().nest("/admin/v1", calls).layer(map_response(not_to_be_kept)).with_state(gatepost)
}

async fn no_such_call() -> Problem {
    absent()
}

/// Where the description of all calls is, under `/admin/v1`.
const DESCRIPTION: &str = "/openapi.json";

/// What does not exist for whoever asks.
fn absent() -> Problem {
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
