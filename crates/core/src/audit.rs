//! Leaving audit entries.

use std::sync::Arc;

use gatepost_model::{Timestamp, ids};
use gatepost_store::Tx;
use gatepost_store::tables::Page;
use gatepost_store::tables::audit;
pub use gatepost_store::tables::audit::Entry;
use serde_json::{Value, json};

use crate::{Actor, Error, Gatepost};

/// An entry that is yet to get its time and id. Both sides are written without secrets.
#[derive(Clone, Debug)]
pub(crate) struct Note<'a> {
    pub(crate) actor: &'a Actor,
    pub(crate) action: &'static str,
    pub(crate) subject_id: &'a str,
    pub(crate) before: Option<&'a Value>,
    pub(crate) after: Option<&'a Value>,
}

impl Gatepost {
    /// Leaves an entry in the transaction of the change that it tells of.
    pub(crate) fn note(&self, tx: &Tx<'_>, now: Timestamp, note: &Note<'_>) -> Result<(), Error> {
        let entry = Entry {
            id: ids::sortable(ids::AUDIT, now, &*self.random),
            at: now,
            actor: note.actor.to_string(),
            address: note.actor.address(),
            action: note.action.to_owned(),
            subject_id: note.subject_id.to_owned(),
            before: note.before.map(Value::to_string),
            after: note.after.map(Value::to_string),
        };
        audit::insert(tx, &entry).map_err(Error::Store)
    }

    /// Leaves an entry about something that was refused to somebody who is signed in, if that is why it failed. Five for
    /// each person and address in 15 minutes are kept and no more, so that nobody fills the trail with them.
    ///
    /// # Errors
    /// What failed, or the store instead.
    pub(crate) async fn note_refused<T>(
        self: &Arc<Self>,
        actor: &Actor,
        subject_id: &str,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        let (Err(error @ Error::Forbidden(_)), Actor::User(id, from)) = (&outcome, actor) else {
            return outcome;
        };
        let now = self.now();
        if self.refused.wait(*from, id, now).is_none() {
            self.refused.note(*from, id, now);
            let (this, actor, subject) = (Arc::clone(self), actor.clone(), subject_id.to_owned());
            let why = json!({ "refused": error.to_string() });
            self.store
                .write(move |tx| {
                    let (action, subject_id) = ("access.refuse", subject.as_str());
                    let after = Some(&why);
                    this.note(tx, now, &Note { actor: &actor, action, subject_id, before: None, after })
                })
                .await?;
        }
        outcome
    }

    /// Audit entries, newest first; of one subject if one is named.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_audit(&self, subject_id: Option<String>, page: Page) -> Result<Vec<Entry>, Error> {
        self.store.read(move |tx| audit::list(tx, subject_id.as_deref(), &page)).await.map_err(Error::Store)
    }
}
