//! The clients that are in use, in memory.
//!
//! A client is loaded when it is first asked for and dropped when the store announces that it changed, before whoever
//! changed it gets an answer: on one node a change is in force when the call that made it returns.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gatepost_model::{ApiClient, ClientNumber, ids};
use gatepost_store::tables::clients;
use gatepost_store::{Change, Store, StoreError};
use quick_cache::sync::Cache;

/// The clients that are in use.
pub struct Directory {
    clients: Cache<ClientNumber, Arc<ApiClient>>,
    numbers: Cache<String, ClientNumber>,
    /// Counts the changes, so that a client that was read before one is not kept after it. Held while a client is kept
    /// or dropped; never on the way of a request whose client is in memory.
    changes: Mutex<u64>,
}

impl Directory {
    /// Room for `capacity` clients.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            clients: Cache::new(capacity.max(1)),
            numbers: Cache::new(capacity.max(1)),
            changes: Mutex::new(0),
        }
    }

    /// The client with this number.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn lookup(
        &self,
        store: &Store,
        number: ClientNumber,
    ) -> Result<Option<Arc<ApiClient>>, StoreError> {
        if let Some(client) = self.clients.get(&number) {
            return Ok(Some(client));
        }
        let seen = *self.changes();
        let Some(client) = store.read_point(move |tx| clients::lookup(tx, number)).await? else {
            return Ok(None);
        };
        let client = Arc::new(client);
        let changes = self.changes();
        if *changes == seen {
            self.clients.insert(number, Arc::clone(&client));
        }
        drop(changes);
        Ok(Some(client))
    }

    /// The client with this client id, or this id.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn lookup_by_id(&self, store: &Store, id: &str) -> Result<Option<Arc<ApiClient>>, StoreError> {
        // What cannot be an id is not looked up: some of it could not even be asked for on every engine.
        if !ids::is_record_id(id) {
            return Ok(None);
        }
        let number = match self.numbers.get(id) {
            Some(number) => Some(number),
            None => {
                let asked = id.to_owned();
                let found = store.read_point(move |tx| clients::lookup_number(tx, &asked)).await?;
                // Neither id of a client ever changes or comes again, so this needs no dropping.
                if let Some(number) = found {
                    self.numbers.insert(id.to_owned(), number);
                }
                found
            }
        };
        match number {
            Some(number) => self.lookup(store, number).await,
            None => Ok(None),
        }
    }

    /// Drops what changed.
    pub fn forget(&self, changes: &[Change]) {
        let mut count = self.changes();
        *count += 1;
        for change in changes {
            match change {
                Change::Client(number) => drop(self.clients.remove(number)),
                // A workspace is part of its clients; it changes too rarely to track which.
                Change::Workspace(_) => self.clients.clear(),
                Change::WebhookUrl(_) => {}
            }
        }
    }

    fn changes(&self) -> MutexGuard<'_, u64> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
