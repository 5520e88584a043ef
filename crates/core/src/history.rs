//! The past, as far as a user may see it: audit entries, and a client as it was.

use std::collections::BTreeSet;

use gatepost_model::{User, ids};
use gatepost_store::Tx;
use gatepost_store::tables::audit::{self, Entry};
use gatepost_store::tables::{Page, client_list, clients, people};
use serde_json::Value;

use crate::audit_search::Wanted;
use crate::client_search::seen_clients;
use crate::{Error, Gatepost};

/// So many rows are looked at for a page, at most: a user who may see few of many must not cost a scan of all.
const MOST_SCANNED: usize = 5_000;

/// Rows are read so many at a time.
const AT_A_TIME: u32 = 250;

/// A page of rows that a user may see.
#[derive(Clone, Debug)]
pub struct Seen<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// The id before which the next page begins, if there may be more.
    pub next: Option<String>,
}

/// A client as it was, and who changed it since.
#[derive(Clone, Debug)]
pub struct Past {
    /// The client as it was, in the words of the admin API.
    pub client: Value,
    /// Who made the latest change, as the audit trail names them.
    pub changed_by: String,
}

impl Gatepost {
    /// Audit entries that `user` may see and that are wanted, newest first; without a user all of these, for the operator.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn audit_seen_by(
        &self,
        user: Option<&User>,
        wanted: Wanted,
        (before, limit): (Option<String>, usize),
    ) -> Result<Seen<Entry>, Error> {
        let (user, oldest) = (user.cloned(), wanted.oldest());
        let before = [before, wanted.newest()].into_iter().flatten().min();
        self.store
            .read(move |tx| {
                let managed = match &user {
                    Some(user) => managed_ids(tx, user)?,
                    None => BTreeSet::new(),
                };
                seen(
                    before,
                    limit,
                    |page| Ok(audit::list_from(tx, wanted.subject.as_deref(), &oldest, page)?),
                    |entry| match &user {
                        _ if !wanted.has(entry) => Ok(false),
                        Some(user) => sees_entry(tx, user, &managed, entry),
                        None => Ok(true),
                    },
                    |entry| &entry.id,
                )
            })
            .await
    }

    /// A client as it was at a revision, if the audit trail still has it.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn client_at_revision(&self, id: &str, revision: i64) -> Result<Option<Past>, Error> {
        let id = id.to_owned();
        let entries = self.store.read(move |tx| {
            let page = Page { before: None, limit: AT_A_TIME };
            audit::list(tx, Some(&id), &page)
        });
        let entries = entries.await?;
        let revisions = entries.iter().filter_map(|entry| Some((revision_of(entry)?, entry)));
        let latest = revisions.clone().max_by_key(|(revision, _)| *revision);
        let then = revisions.clone().find(|(found, _)| *found == revision);
        Ok(latest.zip(then).and_then(|((_, latest), (_, then))| {
            let client = serde_json::from_str(then.after.as_deref()?).ok()?;
            Some(Past { client, changed_by: latest.actor.clone() })
        }))
    }
}

/// The ids of the clients that a user manages with what an admin token leaves of their rights.
fn managed_ids(tx: &Tx<'_>, user: &User) -> Result<BTreeSet<String>, Error> {
    let whole = people::lookup(tx, &user.id)?.map_or(0, |whole| whole.administered().count());
    if user.administered().count() == whole {
        return Ok(client_list::list_managed_ids(tx, &user.id)?.into_iter().collect());
    }
    Ok(seen_clients(tx, Some(user))?.into_iter().map(|client| client.id).collect())
}

/// The revision that a change led to, if an entry tells of one.
fn revision_of(entry: &Entry) -> Option<i64> {
    serde_json::from_str::<Value>(entry.after.as_deref()?).ok()?.get("revision")?.as_i64()
}

/// Reads page after page until there are enough rows that may be seen.
pub(crate) fn seen<T>(
    mut before: Option<String>,
    limit: usize,
    mut read: impl FnMut(&Page) -> Result<Vec<T>, Error>,
    mut may_be_seen: impl FnMut(&T) -> Result<bool, Error>,
    id: impl Fn(&T) -> &String,
) -> Result<Seen<T>, Error> {
    let (mut rows, mut scanned) = (Vec::new(), 0);
    loop {
        let batch = read(&Page { before: before.clone(), limit: AT_A_TIME })?;
        let ended = batch.len() < usize::try_from(AT_A_TIME).unwrap_or(usize::MAX);
        for row in batch {
            if rows.len() == limit {
                return Ok(Seen { next: before, rows });
            }
            before = Some(id(&row).clone());
            scanned += 1;
            if may_be_seen(&row)? {
                rows.push(row);
            }
        }
        if ended {
            return Ok(Seen { rows, next: None });
        }
        if scanned >= MOST_SCANNED {
            return Ok(Seen { rows, next: before });
        }
    }
}

/// A user sees what is about themself, about who belongs to workspaces that they administer, about these workspaces that they administer and about clients that they manage, and no
/// entry that names a workspace of others: a client may have been enabled for one before.
///
/// `managed` holds the ids of the clients that they manage: a page looks at thousands of entries.
fn sees_entry(tx: &Tx<'_>, user: &User, managed: &BTreeSet<String>, entry: &Entry) -> Result<bool, Error> {
    let subject = entry.subject_id.as_str();
    if subject == user.id {
        return Ok(true);
    }
    if subject.starts_with(ids::WORKSPACE) {
        return Ok(user.administered().any(|workspace| workspace.id == subject));
    }
    let named = named_workspaces(entry);
    let administers =
        |name: &String| user.administered().any(|workspace| workspace.subdomain.as_str() == name);
    if !named.iter().all(administers) {
        return Ok(false);
    }
    if subject.starts_with(ids::USER) || subject.starts_with(ids::INVITATION) {
        return Ok(!named.is_empty());
    }
    if !subject.starts_with(ids::CLIENT) {
        return Ok(false);
    }
    if managed.contains(subject) {
        return Ok(true);
    }
    // If it was deleted, what it was enabled for says whose it was.
    Ok(!named.is_empty() && clients::lookup_number(tx, subject)?.is_none())
}

/// The workspaces that either side of an entry names.
fn named_workspaces(entry: &Entry) -> BTreeSet<String> {
    let sides = [&entry.before, &entry.after].into_iter().flatten();
    let sides = sides.filter(|side| side.contains("\"workspaces\""));
    let sides = sides.filter_map(|side| serde_json::from_str::<Value>(side).ok());
    sides
        .filter_map(|side| side.get("workspaces").and_then(Value::as_array).cloned())
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}
