//! What unticking workspaces or methods breaks, asked about before it is done.

use std::collections::HashMap;

use askama::Template;
use gatepost_core::impact::Impact;
use gatepost_model::{ApiClient, Method, Workspace};

use super::client::Over;
use super::standing::who;
use super::stopping::NOT_THE_NAME;
use crate::failure::Failure;
use crate::form::Form;
use crate::words::{count, deliveries};

/// The question, over the client's page.
#[derive(Template)]
#[template(path = "dialogs/untick.html")]
pub(super) struct Untick<'a> {
    client: &'a ApiClient,
    /// The part of the client's page, and of the address that the form is sent to.
    part: &'static str,
    field: &'static str,
    /// What stays ticked.
    kept: Vec<String>,
    title: String,
    consequence: String,
    /// What is unticked, each with its recent traffic.
    broken: Vec<(String, String)>,
    asks_name: bool,
    problem: Option<&'static str>,
    button: &'static str,
}

impl<'a> Untick<'a> {
    /// About workspaces; none if it need not be asked: nothing was called there, and one stays ticked. Unticking the last one
    /// asks for the client's name: nobody but who made the client sees it then.
    pub(super) fn workspaces(
        client: &'a ApiClient,
        kept: Vec<String>,
        impact: &Impact,
        names: &HashMap<String, String>,
        form: &Form,
    ) -> Option<Self> {
        let is_kept = |workspace: &Workspace| kept.iter().any(|name| name == workspace.subdomain.as_str());
        let gone: Vec<&Workspace> = client.workspaces.iter().filter(|one| !is_kept(one)).collect();
        let is_last = kept.is_empty() && !gone.is_empty();
        let is_used = |workspace: &&&Workspace| impact.calls_in(workspace.number).passed > 0;
        let used: Vec<&&Workspace> = gone.iter().filter(is_used).collect();
        let is_typed = form.text("confirm").trim() == client.name;
        let is_confirmed = form.given("confirmed").is_some();
        if (is_confirmed && (!is_last || is_typed)) || (!is_last && used.is_empty()) {
            return None;
        }
        let title = match gone.as_slice() {
            [one] => format!("Untick {} for {}?", one.name, client.name),
            many => format!("Untick {} for {}?", count(many.len(), "workspace"), client.name),
        };
        let consequence = if is_last {
            format!(
                "Every call of {} is refused with 400 until a workspace is ticked again, and pending deliveries are skipped. \
                 Without a workspace only who made the client sees it: {}.",
                client.name,
                who(&client.created_by, names)
            )
        } else {
            String::from(
                "Calls there are refused with 400 when the next page appears, and pending deliveries of events there are \
                 skipped. Its other workspaces are not touched.",
            )
        };
        let broken = used.iter().map(|workspace| {
            let calls = impact.calls_in(workspace.number).passed;
            (workspace.subdomain.as_str().to_owned(), count(calls, "call"))
        });
        Some(Self {
            part: "workspaces",
            field: "workspace",
            title,
            consequence,
            broken: broken.collect(),
            asks_name: is_last,
            problem: (is_confirmed && is_last).then_some(NOT_THE_NAME),
            button: "Save workspaces",
            client,
            kept,
        })
    }

    /// About methods; none if it need not be asked: nothing of them was delivered.
    pub(super) fn methods(
        client: &'a ApiClient,
        kept: Vec<String>,
        impact: &Impact,
        form: &Form,
    ) -> Option<Self> {
        let is_kept = |method: &Method| kept.iter().any(|name| name == method.as_str());
        let gone = client.methods.iter().filter(|method| !is_kept(method));
        let broken: Vec<(String, String)> = gone
            .map(|method| (method, impact.delivered_of(method)))
            .filter(|(_, delivered)| *delivered > 0)
            .map(|(method, delivered)| (method.as_str().to_owned(), deliveries(delivered)))
            .collect();
        if broken.is_empty() || form.given("confirmed").is_some() {
            return None;
        }
        Some(Self {
            part: "methods",
            field: "method",
            title: match broken.as_slice() {
                [(one, _)] => format!("Stop sending {one} to {}?", client.name),
                many => format!("Stop sending {} to {}?", count(many.len(), "method"), client.name),
            },
            consequence: String::from(
                "Events of that kind are not sent when the next page appears, pending deliveries of them are skipped, and \
                 what happens meanwhile is not sent later. What the client may call does not change.",
            ),
            broken,
            asks_name: false,
            problem: None,
            button: "Save methods",
            client,
            kept,
        })
    }
}

impl Untick<'_> {
    /// Over the client's page; with a status that says so if it was answered wrongly.
    pub(super) fn over(&self) -> Result<Over, Failure> {
        if self.problem.is_some() { Over::dialog_again(self) } else { Over::dialog(self) }
    }
}
