//! A link with which somebody who forgot their password sets a new one.
//!
//! Whoever has the link gets into the account, less the second factor, which stays. So only those make one who own all
//! that the account opens.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gatepost_keys::Plain;
use gatepost_model::{Timestamp, User};
use gatepost_store::Tx;
use gatepost_store::tables::{people, sessions};
use serde_json::json;

use crate::access::{account, owns_all};
use crate::audit::Note;
use crate::invitations::{OPERATOR, maker};
use crate::passwords::checked_password;
use crate::people::{new_token, token_hash};
use crate::sessions::Refusal;
use crate::{Actor, Error, Gatepost};

/// How long such a link may be used.
pub const PASSWORD_LINK_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// What stands before the ids of whose link it is and of who made it in its purpose.
const PURPOSE: &str = "password/";

impl Gatepost {
    /// Makes a link with which `person` sets a new password; one that the actor made before ends. The operator may, and
    /// whoever owns every workspace of theirs.
    ///
    /// # Errors
    /// If the actor does not see such a person, does not own all that they belong to, is a token of theirs (which would
    /// get more than its scopes say), or the store fails.
    pub async fn make_password_link(self: &Arc<Self>, actor: &Actor, person: &str) -> Result<Plain, Error> {
        let (now, token) = (self.now(), new_token(self));
        let (this, asker, id) = (Arc::clone(self), actor.clone(), person.to_owned());
        let (hash, maker) = (token_hash(token.expose()), maker(actor)?.to_owned());
        let outcome = self.store.write(move |tx| {
            let (person, may_open) = account(tx, &asker, &id)?;
            if !may_open || (asker.user() == Some(id.as_str()) && !owns_all_of(&person, &person)) {
                return Err(Error::Forbidden(format!(
                    "a new password opens all that {} belongs to: only who owns all of it can make the link",
                    person.name
                )));
            }
            if matches!(&asker, Actor::Token(bearer) if bearer.user == id) {
                let problem = "an admin token cannot set the password of its own user";
                return Err(Error::Forbidden(problem.to_owned()));
            }
            let ends = now.plus(PASSWORD_LINK_LIFETIME);
            people::replace_link(tx, &purpose_of(&id, &maker), &hash, ends)?;
            let workspaces: Vec<_> =
                person.memberships.iter().map(|held| held.workspace.subdomain.as_str()).collect();
            let after = json!({ "workspaces": workspaces });
            let (action, subject_id, after) = ("password-link.make", id.as_str(), Some(&after));
            this.note(tx, now, &Note { actor: &asker, action, subject_id, before: None, after })
        });
        let outcome = outcome.await;
        self.note_refused(actor, person, outcome).await?;
        Ok(token)
    }

    /// Whose password a link sets. Wrong links are counted as those of invitations are.
    ///
    /// # Errors
    /// [`Refusal::Wait`]; or if the link is wrong, was used or has ended, or the store fails.
    pub async fn open_password_link(&self, from: IpAddr, token: &str) -> Result<User, Refusal> {
        let (hash, now) = (token_hash(token), self.now());
        let (user, _) = self.open_link(from, self.store.read(move |tx| whose(tx, &hash, now))).await?;
        Ok(user)
    }

    /// Sets a new password and uses the link up. Whoever was signed in with the old one is signed out.
    ///
    /// # Errors
    /// As [`Gatepost::open_password_link`]; or if the password cannot be one.
    pub async fn set_password_by_link(
        self: &Arc<Self>,
        from: IpAddr,
        token: &str,
        password: &Plain,
    ) -> Result<(), Refusal> {
        let user = self.open_password_link(from, token).await?;
        checked_password(password, &user.email)?;
        let password = self.passwords.hash(password, &*self.random).await?;
        let (this, hash, now) = (Arc::clone(self), token_hash(token), self.now());
        let set = self.store.write(move |tx| {
            let absent = || Error::not_found("link", "");
            let (user, purpose) = whose(tx, &hash, now)?.ok_or_else(absent)?;
            if !people::take_link(tx, &purpose, &hash, now)? {
                return Err(absent());
            }
            people::set_password(tx, &user.id, &password)?;
            let ended = json!({ "endedSessions": sessions::end_all(tx, &user.id)? });
            let (actor, subject_id) = (Actor::User(user.id.clone(), from), user.id.as_str());
            let (action, after) = ("user.set-password", Some(&ended));
            this.note(tx, now, &Note { actor: &actor, action, subject_id, before: None, after })
        });
        Ok(set.await?)
    }
}

/// Whose link this is, and its purpose, if it has not ended and whoever made it still owns all that it opens.
fn whose(tx: &Tx<'_>, hash: &[u8], now: Timestamp) -> Result<Option<(User, String)>, Error> {
    let Some((purpose, _)) = people::lookup_purpose(tx, hash)?.filter(|(_, ends)| now < *ends) else {
        return Ok(None);
    };
    let Some((person, maker)) = purpose.strip_prefix(PURPOSE).and_then(|ids| ids.split_once('/')) else {
        return Ok(None);
    };
    let Some(person) = people::lookup(tx, person)? else { return Ok(None) };
    let may_open = match maker {
        OPERATOR => true,
        maker => people::lookup(tx, maker)?.is_some_and(|maker| owns_all_of(&maker, &person)),
    };
    Ok(may_open.then_some((person, purpose)))
}

fn purpose_of(person: &str, maker: &str) -> String {
    format!("{PURPOSE}{person}/{maker}")
}

fn owns_all_of(owner: &User, person: &User) -> bool {
    owns_all(owner, person.memberships.iter().map(|held| held.workspace.number))
}
