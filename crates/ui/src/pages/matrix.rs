//! Which client may act in which workspace: ticks, what each change breaks, and one save.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use gatepost_core::calls::{self, Tally};
use gatepost_core::client_list::{Cursor, Group, Listed, Order, Wanted};
use gatepost_core::clients::{ClientChange, ListChange};
use gatepost_core::{Error, Gatepost};
use gatepost_model::{ApiClient, ClientStatus, Workspace, WorkspaceNumber};
use url::form_urlencoded;

use super::{Answer, changed, framed};
use crate::BASE;
use crate::failure::{Failure, sentence};
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

const ROWS: usize = 25;
const COLUMNS: usize = 8;

#[derive(Template)]
#[template(path = "matrix.html")]
struct MatrixPage<'a> {
    frame: &'a Frame,
    search: &'a str,
    columns: &'a [&'a Workspace],
    rows: Vec<Row>,
    total: usize,
    page: usize,
    has_more: bool,
}

impl MatrixPage<'_> {
    /// The same clients, and other workspaces.
    fn address(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("q", self.search).append_pair("page", &page.to_string());
        format!("{BASE}/clients-by-workspace?{}", query.finish())
    }
}

/// A client and its calls of the time that pages look back.
struct Row {
    client: ApiClient,
    calls: BTreeMap<Option<WorkspaceNumber>, Tally>,
}

impl Row {
    fn is_on(&self, workspace: &Workspace) -> bool {
        is_enabled(&self.client, workspace)
    }

    fn passed(&self, workspace: &Workspace) -> u64 {
        self.tally(workspace).passed
    }

    fn refused(&self, workspace: &Workspace) -> u64 {
        self.tally(workspace).refused
    }

    fn tally(&self, workspace: &Workspace) -> Tally {
        self.calls.get(&Some(workspace.number)).copied().unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "matrix_review.html")]
struct ReviewPage<'a> {
    frame: &'a Frame,
    changes: Vec<Change>,
}

impl ReviewPage<'_> {
    fn can_save(&self) -> bool {
        self.changes.iter().any(|change| change.problem.is_none())
    }
}

/// What becomes of one client.
struct Change {
    row: Row,
    added: Vec<Workspace>,
    removed: Vec<Workspace>,
    /// Why it cannot be saved.
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "matrix_saved.html")]
struct SavedPage<'a> {
    frame: &'a Frame,
    outcomes: Vec<(String, Option<String>)>,
}

/// `GET /clients-by-workspace`
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = Form::query(query.as_deref());
    let search = query.text("q").trim();
    let listed = find(&gatepost, &visit, search).await?;
    let administered: Vec<&Workspace> = visit.user().administered().collect();
    let pages = administered.len().div_ceil(COLUMNS).max(1);
    let page = query.text("page").parse().unwrap_or(1).clamp(1, pages);
    let columns = administered.chunks(COLUMNS).nth(page - 1).unwrap_or_default();
    let mut rows = Vec::new();
    for row in listed.rows.into_iter().filter(|row| row.client.status != ClientStatus::Revoked) {
        let client = gatepost.managed_client(visit.user(), &row.client.id).await?;
        rows.push(with_calls(&gatepost, &visit, client).await?);
    }
    let frame = Frame::new(&visit, Section::Workspaces);
    let (total, has_more) = (listed.total, page < pages);
    let page = MatrixPage { frame: &frame, search, columns, rows, total, page, has_more };
    framed(&gatepost, &frame, &page)
}

/// `POST /clients-by-workspace`: shows what would change, and changes nothing.
pub(super) async fn review(State(gatepost): State<Arc<Gatepost>>, visit: Visit, form: Form) -> Answer {
    let columns = form.all("column");
    let ticks = form.all("on");
    let shown: Vec<&Workspace> = visit
        .user()
        .administered()
        .filter(|workspace| columns.iter().any(|column| column == workspace.subdomain.as_str()))
        .collect();
    let mut changes = Vec::new();
    for (id, revision) in clients_of(&form) {
        let client = gatepost.managed_client(visit.user(), &id).await?;
        let wanted = |workspace: &Workspace| ticks.contains(&format!("{id}:{}", workspace.subdomain));
        let changed = |on: bool| {
            let differs =
                |workspace: &&&Workspace| wanted(workspace) == on && is_enabled(&client, workspace) != on;
            shown.iter().filter(differs).map(|workspace| (*workspace).clone()).collect::<Vec<_>>()
        };
        let (added, removed) = (changed(true), changed(false));
        if added.is_empty() && removed.is_empty() {
            continue;
        }
        let problem = problem_of(&client, revision, added.len(), removed.len());
        let row = with_calls(&gatepost, &visit, client).await?;
        changes.push(Change { row, added, removed, problem });
    }
    let frame = Frame::new(&visit, Section::Workspaces);
    framed(&gatepost, &frame, &ReviewPage { frame: &frame, changes })
}

/// `POST /clients-by-workspace/save`: client by client, each as a whole or not at all.
pub(super) async fn save(State(gatepost): State<Arc<Gatepost>>, visit: Visit, form: Form) -> Answer {
    let mut outcomes = Vec::new();
    for (id, revision) in clients_of(&form) {
        let client = gatepost.managed_client(visit.user(), &id).await?;
        let (add, remove) = (subdomains(&form, "add", &id), subdomains(&form, "remove", &id));
        let problem = match problem_of(&client, revision, add.len(), remove.len()) {
            Some(problem) => Some(problem),
            None => {
                let workspaces = ListChange { set: None, add, remove };
                let change = ClientChange { revision: Some(revision), workspaces, ..ClientChange::default() };
                refused(gatepost.update_client(&visit.actor(), &id, change).await.map(drop))?
            }
        };
        outcomes.push((client.name, problem));
    }
    if outcomes.is_empty() {
        return Err(Failure::Malformed);
    }
    if outcomes.iter().all(|(_, problem)| problem.is_none()) {
        return changed(
            &gatepost,
            Flash::saved(&gatepost, visit.now),
            &format!("{BASE}/clients-by-workspace"),
        );
    }
    let frame = Frame::new(&visit, Section::Workspaces);
    framed(&gatepost, &frame, &SavedPage { frame: &frame, outcomes })
}

/// Why one client was not changed; what is wrong with all of them ends the save.
fn refused(outcome: Result<(), Error>) -> Result<Option<String>, Failure> {
    match outcome {
        Ok(()) => Ok(None),
        Err(Error::Invalid { problem, .. } | Error::Conflict(problem)) => Ok(Some(sentence(&problem))),
        Err(error) => Err(error.into()),
    }
}

fn problem_of(client: &ApiClient, revision: i64, added: usize, removed: usize) -> Option<String> {
    let problem = if client.status == ClientStatus::Revoked {
        "It was revoked meanwhile."
    } else if client.revision != revision {
        "Somebody changed it meanwhile. Look at it again before you tick."
    } else if client.workspaces.len() + added <= removed {
        "Leave at least one workspace ticked. To stop the client everywhere, disable it."
    } else {
        return None;
    };
    Some(problem.to_owned())
}

async fn find(gatepost: &Arc<Gatepost>, visit: &Visit, search: &str) -> Result<Listed, Failure> {
    let wanted = Wanted {
        search: search.to_owned(),
        workspace: None,
        version: None,
        group: Group::All,
        order: Order::Name,
        reversed: false,
        cursor: Cursor::Start,
        limit: ROWS,
    };
    Ok(gatepost.list_managed_clients(visit.user(), wanted).await?)
}

async fn with_calls(gatepost: &Gatepost, visit: &Visit, client: ApiClient) -> Result<Row, Failure> {
    let counted = gatepost.calls_of(client.number, visit.now.minus(calls::SHOWN)).await?;
    Ok(Row { client, calls: calls::by_workspace(&counted) })
}

fn is_enabled(client: &ApiClient, workspace: &Workspace) -> bool {
    client.workspaces.iter().any(|enabled| enabled.number == workspace.number)
}

/// The clients that a form is about, with the revisions that it was made for.
fn clients_of(form: &Form) -> Vec<(String, i64)> {
    let pairs = form.all("client").into_iter().take(ROWS);
    pairs
        .filter_map(|pair| {
            let (id, revision) = pair.split_once(':')?;
            Some((id.to_owned(), revision.parse().ok()?))
        })
        .collect()
}

/// The workspaces that a form names beside a client.
fn subdomains(form: &Form, name: &str, id: &str) -> Vec<String> {
    let values = form.all(name);
    let named = values.iter().filter_map(|value| value.split_once(':'));
    named.filter(|(client, _)| *client == id).map(|(_, subdomain)| subdomain.to_owned()).collect()
}
