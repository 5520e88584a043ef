//! Signing in and out: sessions of people.
//!
//! The browser holds a random value, the store its hash. Every sign-in makes a new one, so that a value that somebody
//! planted before it is worth nothing after it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gatepost_keys::{Plain, Sealing};
use gatepost_model::{Timestamp, User};
use gatepost_store::Tx;
use gatepost_store::tables::people;
use gatepost_store::tables::sessions::{self, Session};

use crate::audit::Note;
use crate::limits::FailedAttempts;
use crate::people::{new_token, normal_email, recovery_hash, token_hash};
use crate::{Actor, Error, Gatepost, totp};

/// A session that is not used for so long has ended.
pub const IDLE: Duration = Duration::from_secs(30 * 60);
/// No session lasts longer.
pub const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// Secrets are shown if the password was asked for no longer ago than this (security.md S6).
pub const FRESH: Duration = Duration::from_secs(10 * 60);
/// How long the second factor may take.
pub const SECOND_STEP: Duration = Duration::from_secs(5 * 60);

/// Uses are written down no more often than this.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// Why somebody was not let in.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// Email, password or code is wrong; this often it may still be tried.
    #[error("wrong, {left} tries are left")]
    Wrong {
        /// How many more failures are borne for now.
        left: u32,
    },
    /// Too many tries: so long none is looked at.
    #[error("too many tries")]
    Wait(Duration),
    /// There is nothing to go on with: the first step took place too long ago, or never.
    #[error("not begun")]
    NotBegun,
    /// It could not be found out.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Somebody who was let in, perhaps up to the second factor.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// What the browser is given to hold.
    pub token: Plain,
    /// Whether a second factor is yet to be shown.
    pub needs_second_factor: bool,
}

/// Somebody who holds a session that is good.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who it is.
    pub user: User,
    /// From where they ask.
    pub address: IpAddr,
    /// Whether the password was asked for not long ago.
    pub is_fresh: bool,
    pub(crate) hash: Vec<u8>,
}

impl Visitor {
    /// Whoever asks for a change, for the audit trail.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::User(self.user.id.clone(), self.address)
    }
}

impl Gatepost {
    /// Signs somebody in. The session that `old` stands for ends.
    ///
    /// # Errors
    /// [`Refusal`]: the same whether there is no such account or the password is wrong.
    pub async fn sign_in(
        self: &Arc<Self>,
        from: IpAddr,
        email: &str,
        password: &Plain,
        old: Option<&str>,
    ) -> Result<SignedIn, Refusal> {
        let email = normal_email(email);
        let asked = email.clone();
        let known = self.store.read(move |tx| {
            let user = people::lookup_by_email(tx, &asked)?;
            let password = match &user {
                Some(user) => people::lookup_password(tx, &user.id)?,
                None => None,
            };
            Ok::<_, Error>(user.zip(password))
        });
        let (user, hash) = known.await?.unzip();
        let subject = user.as_ref().map_or_else(|| email.clone(), |user| user.id.clone());
        let left = self.count_attempt(&self.failed_passwords, from, &email)?;
        let right = self.passwords.is_right(password, hash).await?;
        let Some(user) = user.filter(|_| right) else {
            return Err(self.wrong(from, &subject, left).await?);
        };
        self.failed_passwords.forget(from, &email);
        Ok(self.begin_session(from, user, old, Shown::Password).await?)
    }

    /// Signs in whoever has just set the deployment up.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn sign_in_first(self: &Arc<Self>, from: IpAddr, user: User) -> Result<SignedIn, Error> {
        self.begin_session(from, user, None, Shown::Password).await
    }

    /// Takes the code of an authenticator, or a recovery code, after the password was right.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn show_second_factor(
        self: &Arc<Self>,
        from: IpAddr,
        token: &str,
        code: &str,
    ) -> Result<SignedIn, Refusal> {
        let (hash, now) = (token_hash(token), self.now());
        let found = self.store.read_point(move |tx| {
            let session = sessions::lookup(tx, &hash)?;
            let session = session.filter(|held| !held.complete && now < held.created_at.plus(SECOND_STEP));
            match session {
                Some(session) => people::lookup(tx, &session.user_id),
                None => Ok(None),
            }
        });
        let user = found.await.map_err(Error::Store)?.ok_or(Refusal::NotBegun)?;
        // Counted apart from passwords: whoever has the password must not get new tries by giving it again.
        let left = self.count_attempt(&self.failed_codes, from, &user.id)?;
        if !self.take_code(&user, code, now).await? {
            return Err(self.wrong(from, &user.id, left).await?);
        }
        self.failed_codes.forget(from, &user.id);
        Ok(self.begin_session(from, user, Some(token), Shown::SecondFactor).await?)
    }

    /// Who holds this value, if its session is good: not ended, not idle for too long, its second factor shown.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn visitor(&self, from: IpAddr, token: &str) -> Result<Option<Visitor>, Error> {
        let (hash, now) = (token_hash(token), self.now());
        let found = self.store.read_point(move |tx| {
            let Some(session) = sessions::lookup(tx, &hash)?.filter(|session| is_good(session, now)) else {
                return Ok(None);
            };
            Ok::<_, Error>(people::lookup(tx, &session.user_id)?.map(|user| (user, session)))
        });
        let Some((user, session)) = found.await? else {
            return Ok(None);
        };
        if now >= session.seen_at.plus(SEEN_EVERY) {
            let hash = session.hash.clone();
            let id = user.id.clone();
            self.store
                .write(move |tx| {
                    sessions::seen(tx, &hash, now)?;
                    people::seen(tx, &id, now)
                })
                .await?;
        }
        let is_fresh = now < session.checked_at.plus(FRESH);
        Ok(Some(Visitor { user, address: from, is_fresh, hash: session.hash }))
    }

    /// Asks a visitor for the password once more, before something that a borrowed session must not do.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn check_password(
        self: &Arc<Self>,
        visitor: &Visitor,
        password: &Plain,
    ) -> Result<(), Refusal> {
        let (id, from) = (visitor.user.id.clone(), visitor.address);
        let left = self.count_attempt(&self.failed_passwords, from, &visitor.user.email)?;
        let hash = self.store.read_point(move |tx| people::lookup_password(tx, &id));
        let hash = hash.await.map_err(Error::Store)?;
        if !self.passwords.is_right(password, hash).await? {
            return Err(self.wrong(from, &visitor.user.id, left).await?);
        }
        self.failed_passwords.forget(from, &visitor.user.email);
        let (hash, now) = (visitor.hash.clone(), self.now());
        Ok(self.store.write(move |tx| sessions::checked(tx, &hash, now).map_err(Error::Store)).await?)
    }

    /// Ends the session of this value.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn sign_out(&self, token: &str) -> Result<(), Error> {
        let hash = token_hash(token);
        self.store.write(move |tx| sessions::end(tx, &hash).map_err(Error::Store)).await
    }

    /// Counts an attempt as a failure before it is looked at, so that many at once are not more than are borne.
    fn count_attempt(&self, failed: &FailedAttempts, from: IpAddr, name: &str) -> Result<u32, Refusal> {
        let now = self.now();
        match failed.wait(from, name, now) {
            Some(wait) => Err(Refusal::Wait(wait)),
            None => Ok(failed.note(from, name, now)),
        }
    }

    /// What a failure comes to. The last one that is borne leaves an entry in the audit trail (security.md P4).
    async fn wrong(self: &Arc<Self>, from: IpAddr, subject: &str, left: u32) -> Result<Refusal, Error> {
        if left == 0 {
            let now = self.now();
            let (this, subject) = (Arc::clone(self), subject.to_owned());
            self.store
                .write(move |tx| {
                    let (actor, subject_id) = (Actor::Unknown(from), subject.as_str());
                    let action = "user.sign-in-failures";
                    this.note(tx, now, &Note { actor: &actor, action, subject_id, before: None, after: None })
                })
                .await?;
        }
        Ok(Refusal::Wrong { left })
    }

    async fn take_code(self: &Arc<Self>, user: &User, code: &str, now: Timestamp) -> Result<bool, Error> {
        let (this, id, code) = (Arc::clone(self), user.id.clone(), code.to_owned());
        self.store
            .write(move |tx| {
                let Some((sealed, true)) = people::lookup_second_factor(tx, &id)? else {
                    return Ok(false);
                };
                let secret =
                    this.keyring.open(&sealed, Sealing::SecondFactor(&id)).map_err(|_| Error::Sealed)?;
                match totp::step_of(secret.expose(), &code, now) {
                    Some(step) => people::take_step(tx, &id, step).map_err(Error::Store),
                    None => {
                        people::take_recovery_code(tx, &id, &recovery_hash(&id, &code)).map_err(Error::Store)
                    }
                }
            })
            .await
    }

    async fn begin_session(
        self: &Arc<Self>,
        from: IpAddr,
        user: User,
        old: Option<&str>,
        step: Shown,
    ) -> Result<SignedIn, Error> {
        let (token, now) = (new_token(self), self.now());
        let complete = step == Shown::SecondFactor || !user.has_second_factor;
        let session = Session {
            hash: token_hash(token.expose()),
            user_id: user.id,
            complete,
            created_at: now,
            seen_at: now,
            checked_at: now,
            address: from.to_canonical().to_string(),
        };
        let (this, old) = (Arc::clone(self), old.map(token_hash));
        self.store.write(move |tx| this.write_session(tx, &session, old.as_deref(), from)).await?;
        Ok(SignedIn { token, needs_second_factor: !complete })
    }

    fn write_session(
        &self,
        tx: &Tx<'_>,
        session: &Session,
        old: Option<&[u8]>,
        from: IpAddr,
    ) -> Result<(), Error> {
        let now = session.created_at;
        sessions::end_old(tx, now.minus(LONGEST))?;
        if let Some(old) = old {
            sessions::end(tx, old)?;
        }
        sessions::insert(tx, session)?;
        if session.complete {
            people::seen(tx, &session.user_id, now)?;
            let actor = Actor::User(session.user_id.clone(), from);
            let (action, subject_id) = ("user.sign-in", session.user_id.as_str());
            self.note(tx, now, &Note { actor: &actor, action, subject_id, before: None, after: None })?;
        }
        Ok(())
    }
}

/// What was shown just before a session begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Password,
    SecondFactor,
}

pub(crate) fn is_good(session: &Session, now: Timestamp) -> bool {
    session.complete && now < session.seen_at.plus(IDLE) && now < session.created_at.plus(LONGEST)
}
