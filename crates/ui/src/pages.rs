//! The pages, one module each.

mod account;
mod activity;
mod addresses;
mod advice;
mod api_tokens;
mod audit;
mod client;
mod client_history;
mod client_new;
mod client_versions;
mod client_workspaces;
mod clients;
mod conflict;
mod deliveries;
mod delivery;
mod explain;
mod first_call;
mod help;
mod invitation;
mod matrix;
mod methods;
mod new_password;
mod password;
mod people;
mod person;
mod reference;
mod replay_new;
mod replays;
mod requests;
mod sample;
mod second_factor;
mod second_step;
mod secrets;
mod set_up;
mod settings;
mod sign_in;
mod standing;
pub(crate) mod stopping;
mod theme;
mod troubleshooting;
mod untick;
mod url;
mod url_headers;
mod url_keys;
mod url_share;
mod urls;
mod workspace;
mod workspaces;

use std::time::Duration;

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use gatepost_core::Gatepost;
use gatepost_model::ApiVersion;
use http::StatusCode;

use crate::failure::Failure;
use crate::flash::Flash;
use crate::routes::{Routes, get, post};
use crate::{BASE, assets, words};

/// The release, for the foot of pages that have nothing else there.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The versions of the API, newest first.
pub(crate) fn versions() -> impl Iterator<Item = ApiVersion> {
    ApiVersion::ALL.into_iter().rev()
}

/// How long tokens live, in words.
pub(crate) fn lifetime_words(lifetime: Duration) -> String {
    match lifetime.as_secs() {
        seconds if seconds.is_multiple_of(3600) => words::count(whole(seconds / 3600), "hour"),
        seconds if seconds.is_multiple_of(60) => words::count(whole(seconds / 60), "minute"),
        seconds => words::count(whole(seconds), "second"),
    }
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What a handler answers.
pub(crate) type Answer = Result<Response, Failure>;

/// Every route.
pub(crate) fn routes() -> Routes {
    let at = |path: &str| format!("{BASE}{path}");
    Routes::default()
        .route(BASE, get(clients::show))
        .route(&at("/"), get(home))
        .route(&at("/assets/{name}"), get(assets::get))
        .route(&at("/sign-in"), get(sign_in::show).post(sign_in::send))
        .route(&at("/second-step"), get(second_step::show).post(second_step::send))
        .route(&at("/sign-out"), post(account::sign_out))
        .route(&at("/sign-out-everywhere"), post(account::sign_out_everywhere))
        .route(&at("/set-up/{token}"), get(set_up::show).post(set_up::send))
        .route(&at("/theme"), post(theme::send))
        .route(&at("/account"), get(account::show))
        .route(&at("/account/sessions/{session}/end"), post(account::end_session))
        .route(&at("/account/second-factor"), get(second_factor::show).post(second_factor::begin))
        .route(&at("/account/second-factor/confirm"), post(second_factor::confirm))
        .route(&at("/clients"), post(client_new::send))
        .route(&at("/clients/new"), get(client_new::show))
        .route(&at("/clients/{id}/first-call"), get(first_call::show))
        .merge(of_a_client())
        .route(&at("/deliveries"), get(deliveries::show))
        .route(&at("/replays"), get(replays::show_all).post(replay_new::send))
        .route(&at("/replays/new"), get(replay_new::show))
        .route(&at("/replays/{id}"), get(replays::show))
        .route(&at("/replays/{id}/pause"), post(replays::pause))
        .route(&at("/replays/{id}/resume"), post(replays::resume))
        .route(&at("/replays/{id}/cancel"), post(replays::cancel))
        .route(&at("/deliveries/chosen"), post(deliveries::act))
        .route(&at("/deliveries/{id}"), get(delivery::show))
        .route(&at("/deliveries/{id}/replay"), post(delivery::replay))
        .route(&at("/deliveries/{id}/send"), post(delivery::send_now))
        .route(&at("/deliveries/{id}/cancel"), post(delivery::cancel))
        .route(&at("/troubleshooting"), get(troubleshooting::show).post(troubleshooting::send))
        .route(&at("/requests"), get(requests::show))
        .route(&at("/requests/{id}"), get(explain::show))
        .route(&at("/audit"), get(audit::show))
        .route(&at("/audit/export"), get(audit::export))
        .route(&at("/tokens"), get(api_tokens::show).post(api_tokens::send))
        .route(&at("/tokens/new"), get(api_tokens::show_new))
        .route(&at("/tokens/{id}/end"), post(api_tokens::end))
        .route(&at("/workspaces"), get(workspaces::show).post(workspaces::send))
        .route(&at("/clients-by-workspace"), get(matrix::show).post(matrix::review))
        .route(&at("/clients-by-workspace/save"), post(matrix::save))
        .route(&at("/workspaces/new"), get(workspaces::show_new))
        .route(&at("/workspaces/{subdomain}"), get(workspace::show).post(workspace::rename))
        .route(&at("/workspaces/{subdomain}/notices"), post(workspace::set_notices))
        .route(&at("/workspaces/{subdomain}/notices/remove"), post(workspace::remove_notices))
        .merge(of_people())
        .merge(of_the_help_area())
}

/// The routes about who belongs to which workspaces.
fn of_people() -> Routes {
    let at = |path: &str| format!("{BASE}{path}");
    Routes::default()
        .route(&at("/people"), get(people::show))
        .route(&at("/people/invite"), get(people::show_invite).post(people::invite))
        .route(&at("/people/invitations/{id}/withdraw"), post(people::withdraw))
        .route(&at("/people/{id}"), get(person::show))
        .route(&at("/people/{id}/role"), post(person::change_role))
        .route(&at("/people/{id}/remove/{subdomain}"), get(person::show_remove).post(person::remove))
        .route(&at("/people/{id}/password-link"), post(person::make_password_link))
        .route(&at("/invitation/{token}"), get(invitation::show).post(invitation::accept))
        .route(&at("/password/{token}"), get(new_password::show).post(new_password::send))
}

/// The routes of the help area.
fn of_the_help_area() -> Routes {
    let at = |path: &str| format!("{BASE}/help{path}");
    Routes::default()
        .route(&at("/api-client-management"), get(help::clients))
        .route(&at("/webhook-integration"), get(help::webhooks))
        .route(&at("/api-reference"), get(reference::show))
        .route(&at("/api-reference/{path}"), get(reference::show_type))
}

/// The routes of one client's page.
fn of_a_client() -> Routes {
    let at = |path: &str| format!("{BASE}/clients/{{id}}{path}");
    Routes::default()
        .route(&at(""), get(client::show))
        .route(&at("/workspaces"), post(client_workspaces::send))
        .route(&at("/methods"), post(methods::send))
        .route(&at("/samples/{method}"), get(sample::show))
        .route(&at("/history"), get(client_history::show))
        .route(&at("/versions"), get(client_versions::show))
        .route(&at("/settings"), get(settings::show).post(settings::send))
        .route(&at("/settings/addresses"), get(addresses::show))
        .route(&at("/urls"), post(urls::add))
        .route(&at("/urls/new"), get(urls::show_new))
        .route(&at("/urls/{url}"), get(url::show))
        .route(&at("/urls/{url}/address"), post(url::save_address))
        .route(&at("/urls/{url}/test"), post(url::test))
        .route(&at("/urls/{url}/pause"), post(url::pause))
        .route(&at("/urls/{url}/resume"), post(url::resume))
        .route(&at("/urls/{url}/enable"), post(url::enable))
        .route(&at("/urls/{url}/key/rotate"), post(url_keys::rotate_key))
        .route(&at("/urls/{url}/key/end"), post(url_keys::end_keys))
        .route(&at("/urls/{url}/headers"), post(url_headers::set))
        .route(&at("/urls/{url}/headers/remove"), post(url_headers::remove))
        .route(&at("/urls/{url}/remove"), get(urls::show_remove).post(urls::remove))
        .route(&at("/urls/{url}/key"), post(urls::show_key))
        .route(&at("/rotate"), get(secrets::show_rotate).post(secrets::rotate))
        .route(&at("/secrets/{number}/show"), post(secrets::show))
        .route(&at("/secrets/{number}/end"), get(secrets::show_end).post(secrets::end))
        .route(&at("/disable"), get(stopping::show_disable).post(stopping::disable))
        .route(&at("/enable"), post(stopping::enable))
        .route(&at("/revoke"), get(stopping::show_revoke).post(stopping::revoke))
        .route(&at("/delete"), get(stopping::show_delete).post(stopping::delete))
}

async fn home() -> Redirect {
    Redirect::permanent(BASE)
}

pub(crate) async fn absent() -> Failure {
    Failure::NotFound
}

/// What answers other HTTP methods only.
pub(crate) async fn wrong_verb() -> Failure {
    Failure::WrongVerb
}

/// A page.
fn page(template: &impl Template) -> Answer {
    page_with(StatusCode::OK, template)
}

/// A page with a status that says what became of a form.
fn page_with(status: StatusCode, template: &impl Template) -> Answer {
    Ok((status, Html(template.render()?)).into_response())
}

/// The page to look at after a change.
fn changed(gatepost: &Gatepost, flash: Flash, to: &str) -> Answer {
    Ok(([flash.set(gatepost)], Redirect::to(to)).into_response())
}

/// A page with navigation around it. What it says once, it does not say again.
fn framed(gatepost: &Gatepost, frame: &crate::frame::Frame, template: &impl Template) -> Answer {
    let shown = page(template)?;
    match frame.flash {
        Some(_) => Ok(([Flash::clear(gatepost)], shown).into_response()),
        None => Ok(shown),
    }
}
