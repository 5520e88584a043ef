//! The sessions of an account: looking at them and ending them.
//!
//! A person sees and ends their own. So does the operator with everybody's, and who owns every workspace that the
//! person belongs to, as with a new password.

use std::sync::Arc;

use gatepost_model::Timestamp;
use gatepost_store::Tx;
use gatepost_store::tables::sessions::{self, Session};
use serde_json::json;

use crate::access::account;
use crate::audit::Note;
use crate::sessions::{Visitor, is_good};
use crate::{Actor, Error, Gatepost};

/// More sessions of one person are not shown.
const MOST_SESSIONS: u32 = 100;

/// A session of an account.
#[derive(Clone, Debug)]
pub struct Held {
    /// What it is called when it is to end.
    pub id: String,
    /// From where it began.
    pub address: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, give or take a minute.
    pub seen_at: Timestamp,
    hash: Vec<u8>,
}

impl Held {
    /// Whether it is the one that a visitor asks with.
    #[must_use]
    pub fn is_of(&self, visitor: &Visitor) -> bool {
        self.hash == visitor.hash
    }
}

impl From<Session> for Held {
    fn from(session: Session) -> Self {
        let Session { hash, address, created_at, seen_at, .. } = session;
        Self { id: session_id(&hash), address, created_at, seen_at, hash }
    }
}

impl Gatepost {
    /// The sessions of a person that are good, the one used last first.
    ///
    /// # Errors
    /// If the actor does not see such a person or may not act on their account, or the store fails.
    pub async fn list_sessions(&self, actor: &Actor, person: &str) -> Result<Vec<Held>, Error> {
        let (now, actor, person) = (self.now(), actor.clone(), person.to_owned());
        self.store
            .read(move |tx| {
                admit(tx, &actor, &person)?;
                let found = sessions::list(tx, &person, MOST_SESSIONS)?;
                Ok(found.into_iter().filter(|session| is_good(session, now)).map(Held::from).collect())
            })
            .await
    }

    /// Ends one session of a person, by the id that [`Gatepost::list_sessions`] gave it.
    ///
    /// # Errors
    /// As [`Gatepost::list_sessions`]; or if they have none with this id.
    pub async fn end_session(
        self: &Arc<Self>,
        actor: &Actor,
        person: &str,
        session: &str,
    ) -> Result<(), Error> {
        let now = self.now();
        let (this, asker, id, named) =
            (Arc::clone(self), actor.clone(), person.to_owned(), session.to_owned());
        let outcome = self.store.write(move |tx| {
            let workspaces = admit(tx, &asker, &id)?;
            let held = sessions::list(tx, &id, MOST_SESSIONS)?;
            let ended = held.into_iter().find(|held| session_id(&held.hash) == named);
            let ended = ended.ok_or_else(|| Error::not_found("session", &named))?;
            sessions::end(tx, &ended.hash)?;
            let after = json!({ "address": ended.address, "workspaces": workspaces });
            let (action, subject_id, after) = ("session.end", id.as_str(), Some(&after));
            this.note(tx, now, &Note { actor: &asker, action, subject_id, before: None, after })
        });
        let outcome = outcome.await;
        self.note_refused(actor, person, outcome).await
    }

    /// Ends every session of a person. Gives how many there were.
    ///
    /// # Errors
    /// As [`Gatepost::list_sessions`].
    pub async fn sign_out_everywhere(self: &Arc<Self>, actor: &Actor, person: &str) -> Result<usize, Error> {
        let now = self.now();
        let (this, asker, id) = (Arc::clone(self), actor.clone(), person.to_owned());
        let outcome = self.store.write(move |tx| {
            let workspaces = admit(tx, &asker, &id)?;
            let ended = sessions::end_all(tx, &id)?;
            let after = json!({ "sessions": ended, "workspaces": workspaces });
            let (action, subject_id, after) = ("user.sign-out-everywhere", id.as_str(), Some(&after));
            this.note(tx, now, &Note { actor: &asker, action, subject_id, before: None, after })?;
            Ok(ended)
        });
        let outcome = outcome.await;
        self.note_refused(actor, person, outcome).await
    }
}

/// Lets the actor act on a person's sessions. Gives the subdomains of what the person belongs to, if that is somebody
/// else: whoever administers all of it sees the entry in the audit trail.
fn admit(tx: &Tx<'_>, actor: &Actor, person: &str) -> Result<Vec<String>, Error> {
    let (person, may_act) = account(tx, actor, person)?;
    if !may_act {
        return Err(Error::Forbidden(format!(
            "only {} and who owns all that they belong to can look at their sessions and end them",
            person.name
        )));
    }
    let is_own = actor.user() == Some(person.id.as_str());
    let memberships = person.memberships.iter().filter(|_| !is_own);
    Ok(memberships.map(|held| held.workspace.subdomain.as_str().to_owned()).collect())
}

/// Names a session: a part of its hash, which lets nobody in.
fn session_id(hash: &[u8]) -> String {
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
