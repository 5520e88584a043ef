//! Settings > API manager: the pages.
//!
//! Server-rendered HTML that works without script: every act is a link or a form with its own URL. A page is one module
//! under `pages`: read the form, call one use case, fill a template. Whoever asks is a `session::Visit`; what they may
//! see and change is for `gatepost-core` to say.

mod assets;
mod chart;
mod cookies;
mod curl;
mod failure;
mod flash;
mod form;
mod frame;
mod guard;
mod icon;
mod pages;
mod parts;
mod returning;
mod routes;
mod session;
mod words;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware, routing};
use gatepost_core::Gatepost;

pub use crate::routes::Route;

/// Where the pages are.
pub const BASE: &str = gatepost_core::settings::MANAGER;

/// No form is longer than this: the longest ticks every method.
const LONGEST_FORM: usize = 256 * 1024;

/// Every page, with what all of them have in common.
pub fn router(gatepost: Arc<Gatepost>) -> Router {
    pages::routes()
        .into_router()
        .route(&format!("{BASE}/{{*rest}}"), routing::any(pages::absent))
        .method_not_allowed_fallback(pages::wrong_verb)
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
        .layer(middleware::from_fn_with_state(Arc::clone(&gatepost), guard::guard))
        .with_state(gatepost)
}

/// What the router answers, route by route: tests go through all of it.
#[must_use]
pub fn routes() -> Vec<Route> {
    pages::routes().into_list()
}

/// The link with which the first user is made, given its token.
#[must_use]
pub fn set_up_link(public_url: &str, token: &str) -> String {
    format!("{public_url}{BASE}/set-up/{token}")
}
