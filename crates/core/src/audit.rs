//! Leaving audit entries.

use std::net::IpAddr;
use std::sync::Arc;

use gatepost_model::{Timestamp, ids};
use gatepost_store::Tx;
use gatepost_store::tables::Page;
use gatepost_store::tables::audit;
pub use gatepost_store::tables::audit::Entry;
use serde_json::{Value, json};

use crate::clients::load;
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
        let (Err(error @ Error::Forbidden(_)), Some((id, from))) = (&outcome, person(actor)) else {
            return outcome;
        };
        let now = self.now();
        if self.refused.wait(from, id, now).is_none() {
            self.refused.note(from, id, now);
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

    /// The same about a client that is not the actor's to manage: they are told that there is none, those who manage it
    /// see that somebody tried. What names no client leaves nothing, and is not counted.
    ///
    /// # Errors
    /// What failed, or the store instead.
    pub(crate) async fn note_foreign<T>(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        if let (Err(Error::NotFound { what: "API client", .. }), Some((user, from))) =
            (&outcome, person(actor))
            && self.refused.wait(from, user, self.now()).is_none()
        {
            let named = id.to_owned();
            if let Ok(client) = self.store.read(move |tx| load(tx, &named)).await {
                let refused =
                    Error::Forbidden(String::from("is not an admin of all workspaces of this client"));
                let _: Result<(), _> = self.note_refused(actor, &client.id, Err(refused)).await;
            }
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

/// The user behind an actor, and the address.
fn person(actor: &Actor) -> Option<(&str, IpAddr)> {
    match actor {
        Actor::User(id, from) => Some((id, *from)),
        Actor::Token(bearer) => Some((&bearer.user, bearer.address)),
        Actor::Cli | Actor::Client(..) | Actor::Unknown(_) | Actor::System => None,
    }
}
