//! The table of routes. The router is built from it and from nothing else, so that no route escapes the tests that go
//! through the table: who may ask, what comes from elsewhere, which headers an answer carries.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use gatepost_core::Gatepost;
use http::Method;

type State = Arc<Gatepost>;

/// A route of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method that it answers.
    pub method: Method,
    /// Its path from the root, with names in braces where a part of it varies: `/settings/api-manager/clients/{id}`.
    pub path: String,
}

/// The table, as it is built.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<State>,
    list: Vec<Route>,
}

impl Routes {
    /// Adds a path with what answers there.
    pub(crate) fn route(mut self, path: &str, verbs: Verbs) -> Self {
        let routes = verbs.methods.into_iter().map(|method| Route { method, path: path.to_owned() });
        self.list.extend(routes);
        self.router = self.router.route(path, verbs.answers);
        self
    }

    /// Adds all of another table.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        self.router = self.router.merge(other.router);
        self
    }

    /// What answers.
    pub(crate) fn into_router(self) -> Router<State> {
        self.router
    }

    /// What is answered.
    pub(crate) fn into_list(self) -> Vec<Route> {
        self.list
    }
}

/// What answers at a path, by HTTP method.
pub(crate) struct Verbs {
    methods: Vec<Method>,
    answers: MethodRouter<State>,
}

impl Verbs {
    /// Lets this answer forms, too.
    pub(crate) fn post<H: Handler<T, State>, T: 'static>(mut self, handler: H) -> Self {
        self.methods.push(Method::POST);
        self.answers = self.answers.post(handler);
        self
    }
}

/// A page to look at.
pub(crate) fn get<H: Handler<T, State>, T: 'static>(handler: H) -> Verbs {
    Verbs { methods: vec![Method::GET], answers: routing::get(handler) }
}

/// A form to send.
pub(crate) fn post<H: Handler<T, State>, T: 'static>(handler: H) -> Verbs {
    Verbs { methods: vec![Method::POST], answers: routing::post(handler) }
}
