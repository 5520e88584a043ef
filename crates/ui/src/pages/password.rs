//! Asking for the password once more, before a secret is shown (security.md S6).

use std::sync::Arc;

use askama::Template;
use gatepost_core::Gatepost;
use gatepost_core::sessions::Refusal;
use gatepost_model::ApiClient;

use super::client::Over;
use super::sign_in::refused;
use crate::failure::Failure;
use crate::form::Form;
use crate::session::Visit;

#[derive(Template)]
#[template(path = "dialogs/password.html")]
struct PasswordDialog<'a> {
    client: &'a ApiClient,
    title: &'a str,
    action: &'a str,
    problem: Option<String>,
}

/// Whether a secret may be shown now.
pub(super) enum Check {
    /// It may: the password is right, or was asked for not long ago.
    Passed,
    /// Not before the password is given; what was given is wrong, if anything was.
    Asks(Option<String>),
}

/// Looks at the password of a form, if one is needed.
pub(super) async fn check(gatepost: &Arc<Gatepost>, visit: &Visit, form: &Form) -> Result<Check, Failure> {
    match form.given("password") {
        None if visit.visitor.is_fresh => Ok(Check::Passed),
        None => Ok(Check::Asks(None)),
        Some(_) => match gatepost.check_password(&visit.visitor, &form.secret("password")).await {
            Ok(()) => Ok(Check::Passed),
            Err(Refusal::Failed(error)) => Err(error.into()),
            Err(refusal) => Ok(Check::Asks(Some(refused(&refusal, "The password").1))),
        },
    }
}

/// Asks for it over a client's page.
pub(super) fn ask(
    client: &ApiClient,
    title: &str,
    action: &str,
    problem: Option<String>,
) -> Result<Over, Failure> {
    let wrong = problem.is_some();
    let dialog = PasswordDialog { client, title, action, problem };
    if wrong { Over::dialog_again(&dialog) } else { Over::dialog(&dialog) }
}
