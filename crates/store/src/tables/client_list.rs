//! API clients in few words, for lists that are searched and sorted whole before a page of them is loaded.

use gatepost_model::{
    ApiVersion, ClientNumber, ClientStatus, Timestamp, UrlState, Workspace, WorkspaceNumber,
};

use super::{named, workspaces};
use crate::{Row, Sql, StoreError, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[
    &ALL,
    &MANAGED,
    &NUMBERS,
    &IDS,
    &COUNT_MANAGED,
    &COUNT_BY_WORKSPACE,
    &DISABLED_URLS,
    &URLS,
    &ENABLED,
    &DETAILS,
    &WORKSPACES,
    &LAST_ACTIONS,
];

static ALL: Sql = Sql::new(
    "SELECT c.number, c.id, c.client_id, c.name, c.status, c.api_version, c.created_at, u.at
     FROM api_client c LEFT JOIN client_use u ON u.client_number = c.number",
);

/// The numbers of the clients that user `$1`, who makes clients as `$2`, manages, each once. It begins with the user's own
/// workspaces, so that whoever has few of many does not pay for the others.
macro_rules! managed {
    () => {
        "SELECT e.client_number AS number FROM membership m CROSS JOIN client_workspace e
         WHERE m.user_id = $1 AND m.role IN ('owner', 'admin') AND e.workspace_number = m.workspace_number
         AND e.workspace_number =
         (SELECT min(w.workspace_number) FROM client_workspace w WHERE w.client_number = e.client_number)
         AND NOT EXISTS
         (SELECT 1 FROM client_workspace w WHERE w.client_number = e.client_number AND w.workspace_number NOT IN
          (SELECT o.workspace_number FROM membership o WHERE o.user_id = $1 AND o.role IN ('owner', 'admin')))
         UNION ALL
         SELECT c.number FROM api_client c WHERE c.created_by = $2
         AND NOT EXISTS (SELECT 1 FROM client_workspace w WHERE w.client_number = c.number)"
    };
}

static MANAGED: Sql = Sql::new(concat!(
    "SELECT c.number, c.id, c.client_id, c.name, c.status, c.api_version, c.created_at, u.at
     FROM api_client c LEFT JOIN client_use u ON u.client_number = c.number WHERE c.number IN (",
    managed!(),
    ")"
));

static NUMBERS: Sql = Sql::new(managed!());

static IDS: Sql = Sql::new(concat!("SELECT id FROM api_client WHERE number IN (", managed!(), ")"));

static COUNT_MANAGED: Sql =
    Sql::new(concat!("SELECT count(*) FROM (SELECT 1 FROM (", managed!(), ") managed LIMIT $3) counted"));

static COUNT_BY_WORKSPACE: Sql = Sql::new(concat!(
    "SELECT w.workspace_number, count(*) FROM client_workspace w WHERE w.client_number IN (",
    managed!(),
    ") GROUP BY w.workspace_number"
));

static DISABLED_URLS: Sql = Sql::new(
    "SELECT client_number, count(*) FROM webhook_url WHERE state = $1 AND removed_at IS NULL
     GROUP BY client_number",
);

static URLS: Sql = Sql::new("SELECT client_number, url FROM webhook_url WHERE removed_at IS NULL");

static ENABLED: Sql = Sql::new("SELECT client_number FROM client_workspace WHERE workspace_number = $1");

static DETAILS: Sql = Sql::new(
    "SELECT c.number, u.address,
     (SELECT count(*) FROM webhook_url w WHERE w.client_number = c.number AND w.removed_at IS NULL),
     (SELECT count(*) FROM client_method m WHERE m.client_number = c.number)
     FROM api_client c LEFT JOIN client_use u ON u.client_number = c.number WHERE c.id IN {in_list $1}",
);

static WORKSPACES: Sql = Sql::new(
    "SELECT w.number, w.id, w.subdomain, w.name, w.created_at, e.client_number
     FROM client_workspace e JOIN workspace w ON w.number = e.workspace_number
     WHERE e.client_number IN (SELECT number FROM api_client WHERE id IN {in_list $1}) ORDER BY w.subdomain",
);

static LAST_ACTIONS: Sql = Sql::new(
    "SELECT a.subject_id, a.actor, a.at FROM audit a JOIN
     (SELECT max(id) AS id FROM audit WHERE subject_id IN {in_list $1} AND action = $2 GROUP BY subject_id) last
     ON a.id = last.id",
);

/// A client in few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The key inside the store.
    pub number: ClientNumber,
    /// `cli_…`.
    pub id: String,
    /// `gpc_…`.
    pub client_id: String,
    /// What people call it.
    pub name: String,
    /// Whether it may act.
    pub status: ClientStatus,
    /// Its version of the API.
    pub api_version: ApiVersion,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last acted.
    pub used_at: Option<Timestamp>,
}

/// The clients that a user manages, in no order: those in all of whose workspaces they have admin rights, and those
/// without workspaces that they made. The same rule as `User::manages`.
///
/// # Errors
/// If the store fails.
pub fn list_managed(tx: &Tx<'_>, user: &str) -> Result<Vec<Summary>, StoreError> {
    tx.all(&MANAGED, params![user, &maker(user)], from_row)
}

/// All clients, in no order.
///
/// # Errors
/// If the store fails.
pub fn list_all(tx: &Tx<'_>) -> Result<Vec<Summary>, StoreError> {
    tx.all(&ALL, params![], from_row)
}

fn from_row(row: &Row<'_>) -> Result<Summary, StoreError> {
    Ok(Summary {
        number: row.get(0)?,
        id: row.get(1)?,
        client_id: row.get(2)?,
        name: row.get(3)?,
        status: named("api_client.status", row.text(4)?, ClientStatus::from_name)?,
        api_version: named("api_client.api_version", row.text(5)?, |text| text.parse().ok())?,
        created_at: row.get(6)?,
        used_at: row.get(7)?,
    })
}

/// The numbers of the clients that a user manages, in no order.
///
/// # Errors
/// If the store fails.
pub fn list_managed_numbers(tx: &Tx<'_>, user: &str) -> Result<Vec<ClientNumber>, StoreError> {
    tx.all(&NUMBERS, params![user, &maker(user)], |row| row.get(0))
}

/// The ids of the clients that a user manages, in no order.
///
/// # Errors
/// If the store fails.
pub fn list_managed_ids(tx: &Tx<'_>, user: &str) -> Result<Vec<String>, StoreError> {
    tx.all(&IDS, params![user, &maker(user)], |row| row.get(0))
}

/// How many clients a user manages, counted up to `most`.
///
/// # Errors
/// If the store fails.
pub fn count_managed(tx: &Tx<'_>, user: &str, most: u32) -> Result<u64, StoreError> {
    tx.one(&COUNT_MANAGED, params![user, &maker(user), most], |row| row.get(0))
}

/// How many of the clients that a user manages are enabled for each workspace. Where there are none, there is no entry.
///
/// # Errors
/// If the store fails.
pub fn count_by_workspace(tx: &Tx<'_>, user: &str) -> Result<Vec<(WorkspaceNumber, u64)>, StoreError> {
    tx.all(&COUNT_BY_WORKSPACE, params![user, &maker(user)], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The clients that have disabled webhook URLs, with how many.
///
/// # Errors
/// If the store fails.
pub fn count_disabled_urls(tx: &Tx<'_>) -> Result<Vec<(ClientNumber, u64)>, StoreError> {
    tx.all(&DISABLED_URLS, params![UrlState::Disabled.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The clients that have a webhook URL which `matches`.
///
/// # Errors
/// If the store fails.
pub fn list_with_url(tx: &Tx<'_>, matches: impl Fn(&str) -> bool) -> Result<Vec<ClientNumber>, StoreError> {
    let mut found = Vec::new();
    tx.scan(&URLS, params![], |row| {
        if matches(row.text(1)?) {
            found.push(row.get(0)?);
        }
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The clients that are enabled for a workspace.
///
/// # Errors
/// If the store fails.
pub fn list_enabled(tx: &Tx<'_>, workspace: WorkspaceNumber) -> Result<Vec<ClientNumber>, StoreError> {
    tx.all(&ENABLED, params![workspace], |row| row.get(0))
}

/// What a list shows of a client besides its [`Summary`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// From where it last acted.
    pub used_from: Option<String>,
    /// How many webhook URLs it has.
    pub urls: u64,
    /// How many methods are ticked.
    pub methods: u64,
}

/// The details of the clients with these ids, in no order.
///
/// # Errors
/// If the store fails.
pub fn list_details(tx: &Tx<'_>, ids: &[&str]) -> Result<Vec<(ClientNumber, Details)>, StoreError> {
    tx.all(&DETAILS, params![&json_list(ids)], |row| {
        let details = Details { used_from: row.get(1)?, urls: row.get(2)?, methods: row.get(3)? };
        Ok((row.get(0)?, details))
    })
}

/// The workspaces that the clients with these ids are enabled for, each client's in the order of their subdomains.
///
/// # Errors
/// If the store fails.
pub fn list_workspaces(tx: &Tx<'_>, ids: &[&str]) -> Result<Vec<(ClientNumber, Workspace)>, StoreError> {
    tx.all(&WORKSPACES, params![&json_list(ids)], |row| Ok((row.get(5)?, workspaces::from_row(row, 0)?)))
}

/// Who did this last to each of the clients with these ids, and when, as far as the audit trail has it.
///
/// # Errors
/// If the store fails.
pub fn list_last_actions(
    tx: &Tx<'_>,
    ids: &[&str],
    action: &str,
) -> Result<Vec<(String, String, Timestamp)>, StoreError> {
    tx.all(&LAST_ACTIONS, params![&json_list(ids), action], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// A list as `{in_list}` takes it.
pub(super) fn json_list(texts: &[&str]) -> String {
    serde_json::Value::from(texts.to_vec()).to_string()
}

/// A user as `created_by` names them.
fn maker(user: &str) -> String {
    format!("user:{user}")
}
