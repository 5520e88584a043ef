//! Disabling webhook URLs that have taken nothing for too long, by the clock that whoever records attempts keeps in the store,
//! and telling their owners: at parts of the time, and when a URL is disabled.
//!
//! Every node looks, and only one of them acts: each change names the state that it was decided on.

use std::sync::Arc;
use std::time::Duration;

use gatepost_model::notice::Notice;
use gatepost_model::{FailureClock, Timestamp};
use gatepost_store::Tx;
use gatepost_store::tables::clients;
use gatepost_store::tables::url_clocks::{self, DueClock};
use serde_json::{Value, json};

use crate::audit::Note;
use crate::notices::Told;
use crate::{Actor, Error, Gatepost};

/// Clocks that one transaction looks at.
const PAGE: u32 = 100;

const HOUR: u64 = 3600;

impl Gatepost {
    /// Looks at the clocks that are due: tells of the URLs that fail, and disables those whose time has run out.
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
            self.handover.look();
        }
        Ok(())
    }

    fn look_at_clock(&self, tx: &Tx<'_>, due: &DueClock, now: Timestamp) -> Result<(), Error> {
        match due.clock {
            Some(clock) if clock.has_run_out(now) => self.disable_by_clock(tx, due, clock, now),
            Some(clock) if url_clocks::looked_at(tx, due, clock.next_look(now))? => {
                if now < clock.disables_at {
                    self.tell_of_url(tx, Notice::UrlFailing, due, None, now)?;
                }
                Ok(())
            }
            // The recorder has disabled it already, for its receiver is gone.
            None if url_clocks::looked_at(tx, due, None)? => {
                self.tell_of_url(tx, Notice::UrlDisabled, due, due.reason.as_deref(), now)
            }
            _ => Ok(()),
        }
    }

    fn disable_by_clock(
        &self,
        tx: &Tx<'_>,
        due: &DueClock,
        clock: FailureClock,
        now: Timestamp,
    ) -> Result<(), Error> {
        let failed_for = span(clock.last.since(clock.since));
        let reason = format!("every attempt failed for {failed_for}, from {} on", clock.since.iso());
        if !url_clocks::disable(tx, due, &reason)? {
            return Ok(());
        }
        if let Some(client) = clients::lookup(tx, due.client)? {
            let what = json!({ "webhookUrl": due.url_id, "reason": reason });
            let (actor, action, subject_id) = (&Actor::System, "webhook-url.disable", &client.id);
            self.note(tx, now, &Note { actor, action, subject_id, before: None, after: Some(&what) })?;
        }
        self.tell_of_url(tx, Notice::UrlDisabled, due, Some(&reason), now)
    }

    fn tell_of_url(
        &self,
        tx: &Tx<'_>,
        notice: Notice,
        due: &DueClock,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(client) = clients::lookup(tx, due.client)? else { return Ok(()) };
        let page = format!(
            "{}/settings/api-manager/clients/{}/urls/{}",
            self.settings.public_url, client.id, due.url_id
        );
        // What stands behind a question mark is often a secret.
        let address = due.url.split('?').next();
        let data = json!({
            "webhookUrl": { "id": due.url_id, "url": address, "page": page },
            "reason": reason,
            "failing": due.clock.map(told_clock),
        });
        self.tell(tx, &client, &Told { notice, subject_id: &due.url_id, data }, now)
    }
}

fn told_clock(clock: FailureClock) -> Value {
    json!({
        "since": clock.since.iso(),
        "lastAt": clock.last.iso(),
        "disablesAt": clock.disables_at.iso(),
    })
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
