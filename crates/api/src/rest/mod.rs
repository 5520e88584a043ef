//! The REST API over the records of the built-in backend (contract.md C to G), and the feed of their events.
//!
//! [`handle`] answers every path that is not another face's: what does not exist is for the gate to say, in its turn,
//! as `Method not allowed`. A request goes through the pure routing, the gate, the reading of its body, and one use case.

mod answer;
mod body;
mod cors;
mod feed;
mod ids;
mod route;
mod run;

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use gatepost_core::Gatepost;
use gatepost_http::{Problem, gate};
use http::{HeaderValue, Method, Request, header};

use self::run::Call;

/// Answers one request. For use as a router's fallback.
pub async fn handle(gatepost: Arc<Gatepost>, request: Request<Body>) -> Response {
    if request.method() == Method::OPTIONS {
        return cors::preflight();
    }
    let is_head = request.method() == Method::HEAD;
    let mut response = answer(&gatepost, request).await;
    cors::open(response.headers_mut());
    if is_head { without_body(response) } else { response }
}

async fn answer(gatepost: &Gatepost, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let (version, path) = route::split_version(parts.uri.path());
    let route = route::find(&parts.method, path, gatepost.catalog());
    let is_feed = feed::is_at(&parts.method, path);
    let admitted = match gate::admit(gatepost, &parts, version, is_feed || route.is_some()).await {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal,
    };
    let answer = match route {
        _ if is_feed => feed::read(gatepost, &admitted, parts.uri.query()).await,
        Some(route) => {
            Call { gatepost, admitted: &admitted, route, query: parts.uri.query() }.run(body).await
        }
        None => Err(Problem::method_not_allowed()),
    };
    admitted.decorate(answer.unwrap_or_else(IntoResponse::into_response))
}

/// The answer to HEAD: as to GET, its length included, without the body.
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}
