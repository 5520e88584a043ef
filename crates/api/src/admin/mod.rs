//! The admin API, `/admin/v1/…`: everything that manages a deployment, as JSON in camelCase.
//!
//! The command line is its first caller and prints its answers; the manager's pages show the same objects. A handler
//! reads the request, calls one use case, and shapes the answer. Lists are JSON arrays; the next page of one is asked
//! for with the id of its last entry. Nothing that is answered here may be kept by a cache: much of it is secret.
//!
//! To add a call: a handler in its subject's file, and a line in `calls`, which says what scope it
//! needs of a token.

mod access;
mod admin_tokens;
mod audit;
mod clients;
mod deliveries;
mod invitations;
mod matching;
mod members;
mod people;
mod query;
mod requests;
mod secrets;
mod system;
mod tokens;
mod workspaces;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use gatepost_core::Gatepost;
use gatepost_core::admin_tokens::Scope;
use gatepost_http::Problem;
use http::{HeaderValue, Method, StatusCode, header};

pub use access::Needs;

type Shared = State<Arc<Gatepost>>;

/// One call: its HTTP method, its path after `/admin/v1`, what it needs of an admin token, and its handler.
struct Call {
    verb: Method,
    path: &'static str,
    needs: Needs,
    handler: MethodRouter<Arc<Gatepost>>,
}

fn call(verb: Method, path: &'static str, needs: Needs, handler: MethodRouter<Arc<Gatepost>>) -> Call {
    Call { verb, path, needs, handler }
}

/// Every call.
fn calls() -> Vec<Call> {
    use Method as Verb;
    let needs = Needs::Scope;
    let (look, change) = (needs(Scope::ClientsRead), needs(Scope::ClientsWrite));
    let (watch, resend) = (needs(Scope::DeliveriesRead), needs(Scope::DeliveriesWrite));
    let (reveal, hold) = (needs(Scope::SecretsReveal), needs(Scope::TokensWrite));
    let mut calls = of_people();
    calls.extend([
        call(Verb::GET, "/workspaces", look, get(workspaces::list)),
        call(Verb::POST, "/workspaces", Needs::Operator, post(workspaces::create)),
        call(Verb::GET, "/workspaces/{subdomain}", look, get(workspaces::show)),
        call(
            Verb::PATCH,
            "/workspaces/{subdomain}",
            needs(Scope::WorkspacesWrite),
            patch(workspaces::rename),
        ),
        call(Verb::GET, "/methods", Needs::Token, get(system::methods)),
        call(Verb::GET, "/clients", look, get(clients::list)),
        call(Verb::POST, "/clients", change, post(clients::create)),
        call(Verb::GET, "/clients/{id}", look, get(clients::show)),
        call(Verb::PATCH, "/clients/{id}", change, patch(clients::update)),
        call(Verb::DELETE, "/clients/{id}", change, delete(clients::remove)),
        call(Verb::POST, "/clients/{id}/reveal", reveal, post(secrets::reveal)),
        call(Verb::POST, "/clients/{id}/rotate", change, post(secrets::rotate)),
        call(Verb::POST, "/clients/{id}/secrets/{number}/kill", change, post(secrets::kill)),
        call(Verb::POST, "/clients/{id}/disable", change, post(clients::disable)),
        call(Verb::POST, "/clients/{id}/enable", change, post(clients::enable)),
        call(Verb::POST, "/clients/{id}/revoke", change, post(clients::revoke)),
        call(Verb::POST, "/clients/{id}/token", reveal, post(tokens::issue)),
        call(Verb::GET, "/deliveries", watch, get(deliveries::list)),
        call(Verb::GET, "/deliveries/{id}", watch, get(deliveries::show)),
        call(Verb::POST, "/deliveries/{id}/replay", resend, post(deliveries::replay)),
        call(Verb::GET, "/audit", needs(Scope::AuditRead), get(audit::list)),
        call(Verb::GET, "/requests/{id}", watch, get(requests::show)),
        call(Verb::GET, "/admin-tokens", hold, get(admin_tokens::list)),
        call(Verb::POST, "/admin-tokens", Needs::Operator, post(admin_tokens::create)),
        call(Verb::POST, "/admin-tokens/{id}/end", hold, post(admin_tokens::end)),
        call(Verb::GET, "/status", Needs::Operator, get(system::status)),
        call(Verb::POST, "/migrate", Needs::Operator, post(system::migrate)),
        call(Verb::POST, "/backup", Needs::Operator, post(system::backup)),
    ]);
    calls
}

/// The calls about who belongs to which workspaces.
fn of_people() -> Vec<Call> {
    use Method as Verb;
    let (look, change) = (Needs::Scope(Scope::PeopleRead), Needs::Scope(Scope::PeopleWrite));
    let membership = "/people/{id}/memberships/{subdomain}";
    vec![
        call(Verb::GET, "/people", look, get(people::list)),
        call(Verb::GET, "/people/{id}", look, get(people::show)),
        call(Verb::PUT, membership, change, put(people::change_role)),
        call(Verb::DELETE, membership, change, delete(people::remove)),
        call(Verb::POST, "/people/{id}/password-link", change, post(people::make_password_link)),
        call(Verb::GET, "/people/{id}/sessions", look, get(people::list_sessions)),
        call(Verb::POST, "/people/{id}/sessions/end", change, post(people::end_sessions)),
        call(Verb::POST, "/people/{id}/sessions/{session}/end", change, post(people::end_session)),
        call(Verb::GET, "/invitations", look, get(invitations::list)),
        call(Verb::POST, "/invitations", change, post(invitations::create)),
        call(Verb::POST, "/invitations/{id}/withdraw", change, post(invitations::withdraw)),
    ]
}

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
        .nest("/admin/v1", guarded)
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
    let calls = guarded.fallback(no_such_call).method_not_allowed_fallback(wrong_verb);
    Router::new().nest("/admin/v1", calls).layer(map_response(not_to_be_kept)).with_state(gatepost)
}

async fn no_such_call() -> Problem {
    absent()
}

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
