//! What is noted in memory on the way of a request and written down a little later, many at a time: a client's latest
//! use, counts of its calls, and refused requests. A crash loses the last moment of it; nothing else depends on it.

use std::collections::HashMap;
use std::mem;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use gatepost_keys::mask;
use gatepost_model::client::LastUsed;
use gatepost_model::{ClientNumber, Timestamp};
use gatepost_store::tables::clients;
use gatepost_store::tables::refusals;
pub use gatepost_store::tables::refusals::Refusal;

use crate::{Error, Gatepost};

/// More refusals than this between two writings are dropped: a flood must not fill memory or disk.
const MOST_REFUSALS: usize = 1_000;

/// Notes that wait to be written down.
#[derive(Default)]
pub struct Journal {
    uses: Mutex<HashMap<ClientNumber, LastUsed>>,
    secret_uses: Mutex<HashMap<(ClientNumber, u16), (Timestamp, IpAddr)>>,
    refusals: Mutex<Vec<Refusal>>,
}

impl Journal {
    /// Notes a use.
    pub fn note_use(&self, client: ClientNumber, last: LastUsed) {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(client, last);
    }

    /// Notes that a token was asked for with a secret.
    pub fn note_secret_use(&self, client: ClientNumber, secret: u16, at: Timestamp, address: IpAddr) {
        let mut uses = self.secret_uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.insert((client, secret), (at, address));
    }

    /// Whether a refusal would still be kept.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).len() < MOST_REFUSALS
    }

    /// Notes a refusal.
    pub fn note_refusal(&self, refusal: Refusal) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.len() < MOST_REFUSALS {
            refusals.push(refusal);
        }
    }
}

impl Gatepost {
    /// Notes a client's use for [`Gatepost::flush_journal`].
    pub fn note_use(&self, client: ClientNumber, last: LastUsed) {
        self.journal.note_use(client, last);
    }

    /// Whether a refused request would still be kept, so that nobody describes one for nothing.
    #[must_use]
    pub fn has_room_for_refusals(&self) -> bool {
        self.journal.has_room()
    }

    /// Notes a refused request for [`Gatepost::flush_journal`], without the secrets that may have strayed into it.
    pub fn note_refusal(&self, refusal: Refusal) {
        let path = mask(&refusal.path).into_owned();
        let workspace = refusal.workspace.as_deref().map(|named| mask(named).into_owned());
        self.journal.note_refusal(Refusal { path, workspace, ..refusal });
    }

    /// Writes down what was noted.
    ///
    /// # Errors
    /// If the store fails: the notes are lost, which makes *last used* a little older and counts a little smaller.
    pub async fn flush_journal(&self) -> Result<(), Error> {
        let uses = mem::take(&mut *self.journal.uses.lock().unwrap_or_else(PoisonError::into_inner));
        let secret_uses =
            mem::take(&mut *self.journal.secret_uses.lock().unwrap_or_else(PoisonError::into_inner));
        let refused = mem::take(&mut *self.journal.refusals.lock().unwrap_or_else(PoisonError::into_inner));
        let calls = self.calls.take();
        if uses.is_empty() && secret_uses.is_empty() && refused.is_empty() && calls.is_empty() {
            return Ok(());
        }
        self.store
            .write(move |tx| {
                for (client, last) in &uses {
                    clients::note_use(tx, *client, last)?;
                }
                for ((client, secret), (at, address)) in &secret_uses {
                    clients::note_secret_use(tx, *client, *secret, *at, *address)?;
                }
                calls.add(tx)?;
                refusals::insert(tx, &refused)
            })
            .await
            .map_err(Error::Store)
    }

    /// The refused request with this id, if it is still kept.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn lookup_refusal(&self, id: &str) -> Result<Option<Refusal>, Error> {
        let id = id.to_owned();
        self.store.read(move |tx| refusals::lookup(tx, &id)).await.map_err(Error::Store)
    }
}
