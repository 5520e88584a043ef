//! Users: the first one, and what an account consists of.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use gatepost_keys::{Plain, Sealing};
use gatepost_model::{Role, Timestamp, User, WorkspaceNumber, ids};
use gatepost_store::tables::people;
use gatepost_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::audit::Note;
use crate::passwords::checked_password;
use crate::workspaces::checked_name;
use crate::{Actor, Error, Gatepost, totp};

/// How long the link of the first start may be used.
pub const SET_UP_LINK_LIFETIME: Duration = Duration::from_secs(24 * 3600);

const SET_UP: &str = "set-up";

/// 43 characters of base 62 are 256 bits.
const TOKEN_LENGTH: usize = 43;

/// The longest address that mail can have (RFC 5321 section 4.5.3.1.3).
const LONGEST_EMAIL: usize = 254;

/// More names than this are not looked up for a page.
const MOST_NAMES: u32 = 10_000;

/// A person who is to become a user.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What people call them.
    pub name: String,
    /// What they will sign in with.
    pub email: String,
    /// Their password.
    pub password: Plain,
}

/// A second factor that waits to be confirmed.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// What an authenticator that cannot read the picture is given, in base 32.
    pub secret: Plain,
    /// What the picture says.
    pub link: Plain,
}

impl Gatepost {
    /// Makes the token of the one-time link with which the first user is made; none if there are users. A link that was
    /// made before ends.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn prepare_set_up(&self) -> Result<Option<Plain>, Error> {
        let token = new_token(self);
        let (hash, ends) = (token_hash(token.expose()), self.now().plus(SET_UP_LINK_LIFETIME));
        let made = self.store.write(move |tx| {
            if people::lookup_first(tx)?.is_some() {
                return Ok(false);
            }
            people::replace_link(tx, SET_UP, &hash, ends)?;
            Ok::<_, Error>(true)
        });
        Ok(made.await?.then_some(token))
    }

    /// Whether the first user can be made with this token.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn is_set_up_open(&self, token: &str) -> Result<bool, Error> {
        let (hash, now) = (token_hash(token), self.now());
        let ends = self.store.read_point(move |tx| people::lookup_link(tx, SET_UP, &hash));
        Ok(ends.await?.is_some_and(|ends| now < ends))
    }

    /// Makes the first user, the owner of every workspace, and uses the link up.
    ///
    /// # Errors
    /// If the link was used or has ended, a value cannot be what it was given as, or the store fails.
    pub async fn set_up(self: &Arc<Self>, from: IpAddr, token: &str, new: NewUser) -> Result<User, Error> {
        if !self.is_set_up_open(token).await? {
            return Err(Error::not_found("set-up link", ""));
        }
        let (user, password) = self.checked_user(new).await?;
        let (this, hash, now) = (Arc::clone(self), token_hash(token), user.created_at);
        self.store
            .write(move |tx| {
                let open = people::take_link(tx, SET_UP, &hash, now)?;
                if !open || people::lookup_first(tx)?.is_some() {
                    return Err(Error::not_found("set-up link", ""));
                }
                people::insert(tx, &user, &password)?;
                people::own_all(tx, &user.id)?;
                let (actor, after) = (Actor::User(user.id.clone(), from), shown(&user));
                let subject_id = &user.id;
                let note = Note {
                    actor: &actor,
                    action: "user.set-up",
                    subject_id,
                    before: None,
                    after: Some(&after),
                };
                this.note(tx, now, &note)?;
                people::lookup(tx, &user.id)?.ok_or(Error::Store(StoreError::NotFound))
            })
            .await
    }

    /// The user with this id or email.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn lookup_user(&self, named: &str) -> Result<Option<User>, Error> {
        let (id, email) = (named.to_owned(), normal_email(named));
        let found = self.store.read_point(move |tx| match people::lookup(tx, &id)? {
            Some(user) => Ok(Some(user)),
            None => people::lookup_by_email(tx, &email),
        });
        found.await.map_err(Error::Store)
    }

    /// What users are called, by id: for lists that name them.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn user_names(&self) -> Result<HashMap<String, String>, Error> {
        let users = self.store.read(|tx| people::list(tx, MOST_NAMES)).await?;
        Ok(users.into_iter().map(|user| (user.id, user.name)).collect())
    }

    /// Begins to give a user a second factor: nothing is asked for until [`Gatepost::confirm_second_factor`].
    ///
    /// # Errors
    /// If the user has one already, or the store fails.
    pub async fn enrol_second_factor(&self, user: &User) -> Result<Enrolment, Error> {
        let secret = Plain::new(totp::new_secret(&*self.random));
        let sealed = self.keyring.seal(&secret, Sealing::SecondFactor(&user.id), &*self.random);
        let id = user.id.clone();
        self.store
            .write(move |tx| {
                if people::lookup_second_factor(tx, &id)?.is_some_and(|(_, confirmed)| confirmed) {
                    return Err(Error::Conflict(String::from(
                        "there is a second factor already: remove it first",
                    )));
                }
                people::enrol(tx, &id, &sealed).map_err(Error::Store)
            })
            .await?;
        Ok(Enrolment { link: Plain::new(totp::link(secret.expose(), &user.email)), secret })
    }

    /// Has the second factor asked for from now on, if `code` shows that the authenticator has it. Gives the recovery
    /// codes, which are shown this once.
    ///
    /// # Errors
    /// If the code is wrong, nothing waits for it, or the store fails.
    pub async fn confirm_second_factor(
        self: &Arc<Self>,
        actor: &Actor,
        user: &User,
        code: &str,
    ) -> Result<Vec<Plain>, Error> {
        let codes = totp::recovery_codes(&*self.random);
        let hashes: Vec<_> = codes.iter().map(|code| recovery_hash(&user.id, code)).collect();
        let now = self.now();
        let (this, actor, id, code) = (Arc::clone(self), actor.clone(), user.id.clone(), code.to_owned());
        self.store
            .write(move |tx| {
                let wrong = || Error::invalid("code", "is not the one that the authenticator shows now");
                let (sealed, _) = people::lookup_second_factor(tx, &id)?.ok_or_else(wrong)?;
                let secret =
                    this.keyring.open(&sealed, Sealing::SecondFactor(&id)).map_err(|_| Error::Sealed)?;
                let step = totp::step_of(secret.expose(), &code, now).ok_or_else(wrong)?;
                if !people::confirm(tx, &id)? || !people::take_step(tx, &id, step)? {
                    return Err(wrong());
                }
                people::set_recovery_codes(tx, &id, &hashes)?;
                let note = Note {
                    actor: &actor,
                    action: "second-factor.add",
                    subject_id: &id,
                    before: None,
                    after: None,
                };
                this.note(tx, now, &note)
            })
            .await?;
        Ok(codes.into_iter().map(Plain::new).collect())
    }

    /// Removes a user's second factor. Whoever calls has asked for the password.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn remove_second_factor(self: &Arc<Self>, actor: &Actor, user: &User) -> Result<(), Error> {
        let now = self.now();
        let (this, actor, id) = (Arc::clone(self), actor.clone(), user.id.clone());
        self.store
            .write(move |tx| {
                people::drop_second_factor(tx, &id)?;
                let note = Note {
                    actor: &actor,
                    action: "second-factor.remove",
                    subject_id: &id,
                    before: None,
                    after: None,
                };
                this.note(tx, now, &note)
            })
            .await
    }

    pub(crate) async fn checked_user(&self, new: NewUser) -> Result<(User, String), Error> {
        let name = checked_name("name", &new.name)?;
        let email = checked_email(&new.email)?;
        checked_password(&new.password, &email)?;
        let password = self.passwords.hash(&new.password, &*self.random).await?;
        let now: Timestamp = self.now();
        let id = ids::sortable(ids::USER, now, &*self.random);
        let user =
            User { id, email, name, has_second_factor: false, memberships: Vec::new(), created_at: now };
        Ok((user, password))
    }
}

/// Whoever makes a workspace owns it. One that the command line makes belongs to the user who has been there longest.
pub(crate) fn own_new_workspace(tx: &Tx<'_>, actor: &Actor, workspace: WorkspaceNumber) -> Result<(), Error> {
    let owner = match actor {
        Actor::User(id, _) => Some(id.clone()),
        _ => people::lookup_first(tx)?,
    };
    match owner {
        Some(id) => people::join(tx, &id, workspace, Role::Owner).map_err(Error::Store),
        None => Ok(()),
    }
}

/// An email address as it is kept and asked for: in lower case, without spaces around it, and without what no address
/// holds and not every engine could be asked for.
pub(crate) fn normal_email(email: &str) -> String {
    email.trim().replace('\0', "").to_lowercase()
}

/// A random value that lets somebody in, for a cookie or a link.
pub(crate) fn new_token(gatepost: &Gatepost) -> Plain {
    Plain::new(ids::base62(TOKEN_LENGTH, &*gatepost.random))
}

/// The only form in which such a value is kept. It has 256 random bits, so no slow hash is needed.
pub(crate) fn token_hash(token: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

/// The form in which a recovery code is kept.
pub(crate) fn recovery_hash(user: &str, code: &str) -> Vec<u8> {
    token_hash(&format!("{user}/{}", totp::plain_recovery_code(code)))
}

/// A user in the audit trail.
pub(crate) fn shown(user: &User) -> Value {
    json!({ "id": user.id, "email": user.email, "name": user.name })
}

/// An email address that somebody may sign in with, as it is kept.
pub(crate) fn checked_email(email: &str) -> Result<String, Error> {
    let email = normal_email(email);
    let parts = email.split_once('@');
    let good = parts
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'))
        && email.len() <= LONGEST_EMAIL
        && !email.chars().any(|character| character.is_whitespace() || character.is_control());
    if good { Ok(email) } else { Err(Error::invalid("email", "must look like name@example.org")) }
}
