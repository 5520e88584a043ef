//! Two people, one client: whoever saves second sees both versions, and nothing is lost (security.md P8).

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use gatepost_core::Gatepost;
use gatepost_core::history::Past;
use gatepost_model::ApiClient;
use http::StatusCode;
use serde_json::Value;

use super::settings::Values;
use super::standing::who;
use super::{Answer, page_with};
use crate::failure::Failure;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

#[derive(Template)]
#[template(path = "conflict.html")]
struct ConflictPage<'a> {
    frame: &'a Frame,
    client: &'a ApiClient,
    who: String,
    before: i64,
    /// The last part of the address that the choices are sent to.
    form: &'static str,
    fields: Vec<Field>,
    lists: Vec<List>,
    /// Values that go along without a choice: name in the form, value.
    kept: Vec<(&'static str, String)>,
}

/// A setting that was touched by one of the two, or by both.
struct Field {
    name: &'static str,
    label: &'static str,
    before: String,
    saved: String,
    yours: String,
    how: How,
}

/// Who touched it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// The other one alone: that stays.
    Theirs,
    /// You alone: it will be saved.
    Yours,
    /// Both: somebody must choose.
    Both,
}

/// A list that both may have touched: what both added and removed is kept.
struct List {
    label: &'static str,
    before: usize,
    theirs: Difference,
    yours: Difference,
}

/// What one of the two did to a list.
struct Difference {
    added: Vec<String>,
    removed: Vec<String>,
}

impl Difference {
    fn between(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Self {
        Self {
            added: after.difference(before).cloned().collect(),
            removed: before.difference(after).cloned().collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// The page for the settings.
pub(super) async fn settings(
    gatepost: &Arc<Gatepost>,
    visit: &Visit,
    client: &ApiClient,
    form: &Form,
    yours: &Values,
) -> Answer {
    let past = past(gatepost, client, form).await?;
    let saved = Values::of(client);
    let before = past.as_ref().map_or_else(|| saved.clone(), |past| Values::of_view(&past.client));
    let (mut fields, mut kept) = (Vec::new(), Vec::new());
    let (saved, before) = (saved.fields(), before.fields());
    for ((name, label, yours), ((.., saved), (.., before))) in
        yours.fields().into_iter().zip(saved.into_iter().zip(before))
    {
        let how = match (yours == before, saved == before) {
            (true, true) => {
                kept.push((name, saved.to_owned()));
                continue;
            }
            (true, false) => How::Theirs,
            (false, true) => How::Yours,
            (false, false) if yours == saved => How::Theirs,
            (false, false) => How::Both,
        };
        match how {
            How::Theirs => kept.push((name, saved.to_owned())),
            How::Yours => kept.push((name, yours.to_owned())),
            How::Both => {}
        }
        let (before, saved, yours) = (before.to_owned(), saved.to_owned(), yours.to_owned());
        fields.push(Field { name, label, before, saved, yours, how });
    }
    let parts = Parts { form: "settings", fields, lists: Vec::new(), kept };
    page_of(gatepost, visit, client, (form, past.as_ref()), parts).await
}

/// The page for lists: the member in the admin API, the name in the form, what was sent.
pub(super) async fn lists(
    gatepost: &Arc<Gatepost>,
    visit: &Visit,
    client: &ApiClient,
    form: &Form,
    sent: &[(&'static str, &'static str, &[String])],
) -> Answer {
    let past = past(gatepost, client, form).await?;
    let now = gatepost_core::view::client(client, visit.now);
    let (mut lists, mut kept, mut path) = (Vec::new(), Vec::new(), "");
    for (member, name, yours) in sent {
        let saved = members(&now, member);
        let before = past.as_ref().map_or_else(|| saved.clone(), |past| members(&past.client, member));
        let yours: BTreeSet<String> = yours.iter().cloned().collect();
        let (theirs, mine) = (Difference::between(&before, &saved), Difference::between(&before, &yours));
        let merged = saved.iter().filter(|value| !mine.removed.contains(value)).chain(&mine.added);
        kept.extend(merged.cloned().collect::<BTreeSet<_>>().into_iter().map(|value| (*name, value)));
        path = member;
        let label = if *member == "methods" { "Methods" } else { "Workspaces" };
        lists.push(List { label, before: before.len(), theirs, yours: mine });
    }
    let parts = Parts { form: path, fields: Vec::new(), lists, kept };
    page_of(gatepost, visit, client, (form, past.as_ref()), parts).await
}

/// What the page is made of.
struct Parts {
    form: &'static str,
    fields: Vec<Field>,
    lists: Vec<List>,
    kept: Vec<(&'static str, String)>,
}

async fn page_of(
    gatepost: &Arc<Gatepost>,
    visit: &Visit,
    client: &ApiClient,
    (form, past): (&Form, Option<&Past>),
    parts: Parts,
) -> Answer {
    let frame = Frame::new(visit, Section::Clients);
    let names = gatepost.user_names().await?;
    let Parts { form: path, fields, lists, kept } = parts;
    let who = past.map_or_else(|| String::from("Somebody"), |past| who(&past.changed_by, &names));
    let before = form.revision().unwrap_or(client.revision);
    let page = ConflictPage { frame: &frame, client, who, before, form: path, fields, lists, kept };
    page_with(StatusCode::CONFLICT, &page)
}

async fn past(gatepost: &Gatepost, client: &ApiClient, form: &Form) -> Result<Option<Past>, Failure> {
    let revision = form.revision().unwrap_or(client.revision);
    Ok(gatepost.client_at_revision(&client.id, revision).await?)
}

fn members(client: &Value, name: &str) -> BTreeSet<String> {
    let list = client[name].as_array().into_iter().flatten();
    list.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}
