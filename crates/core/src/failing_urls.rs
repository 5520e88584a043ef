//! Disabling webhook URLs that have taken nothing for too long: by the clock that whoever records attempts keeps in the store.
//!
//! Every node looks, and only one of them acts: each change names the state that it was decided on.

use std::sync::Arc;
use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_store::Tx;
use gatepost_store::tables::clients;
use gatepost_store::tables::url_clocks::{self, DueClock};
use serde_json::json;

use crate::audit::Note;
use crate::{Actor, Error, Gatepost};

/// Clocks that one transaction looks at.
const PAGE: u32 = 100;

const HOUR: u64 = 3600;

impl Gatepost {
    /// Looks at the clocks that are due: disables the webhook URLs whose time has run out.
    ///
    /// # Errors
    /// If the store fails. What was done until then is done; the next run goes on.
    pub async fn look_at_failing_urls(self: &Arc<Self>) -> Result<(), Error> {
        let now = self.now();
        // Asked outside of a transaction that writes: nearly always there is nothing.
        while !self.store.read(move |tx| url_clocks::list_due(tx, now, 1)).await?.is_empty() {
            let this = Arc::clone(self);
            let look = move |tx: &Tx<'_>| {
                let due = url_clocks::list_due(tx, now, PAGE)?;
                due.iter().try_for_each(|due| this.look_at_clock(tx, due, now))
            };
            self.store.write(look).await?;
        }
        Ok(())
    }

    fn look_at_clock(&self, tx: &Tx<'_>, due: &DueClock, now: Timestamp) -> Result<(), Error> {
        if !due.clock.has_run_out(now) {
            url_clocks::looked_at(tx, due, due.clock.next_look(now))?;
            return Ok(());
        }
        let failed_for = span(due.clock.last.since(due.clock.since));
        let reason = format!("every attempt failed for {failed_for}, from {} on", due.clock.since.iso());
        if url_clocks::disable(tx, due, &reason)?
            && let Some(client) = clients::lookup(tx, due.client)?
        {
            let what = json!({ "webhookUrl": due.url_id, "reason": reason });
            let (actor, action, subject_id) = (&Actor::System, "webhook-url.disable", &client.id);
            self.note(tx, now, &Note { actor, action, subject_id, before: None, after: Some(&what) })?;
        }
        Ok(())
    }
}

/// A long time in whole hours or days.
fn span(time: Duration) -> String {
    match time.as_secs() / HOUR {
        hours @ 48.. => format!("{} days", hours / 24),
        1 => String::from("1 hour"),
        hours @ 2.. => format!("{hours} hours"),
        0 => format!("{} minutes", time.as_secs() / 60),
    }
}
