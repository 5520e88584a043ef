//! How a webhook URL has done of late, in a few words beside it.

use std::sync::Arc;

use gatepost_core::attempts::Ends;
use gatepost_core::delivery_log::Wanted;
use gatepost_core::{Error, Gatepost};
use gatepost_model::{ApiClient, DeliveryState, Timestamp};

use crate::chart::percent;
use crate::session::Visit;
use crate::words::{count, took};

/// "99.8% of 1,204 attempts in 7 days", "median 142 ms"; nothing if there were none.
pub(super) fn words(ends: &Ends) -> Vec<String> {
    if ends.total() == 0 {
        return Vec::new();
    }
    let share = percent(ends.delivered, ends.total());
    let share = format!("{share} of {} delivered in 7 days", count(ends.total(), "attempt"));
    let median = ends.median().map(|median| format!("median {}", took(median)));
    [Some(share), median].into_iter().flatten().collect()
}

/// When a webhook URL last took a delivery, if that is found among the newest ones.
pub(super) async fn last_delivered(
    gatepost: &Arc<Gatepost>,
    visit: &Visit,
    client: &ApiClient,
    url_id: &str,
) -> Result<Option<Timestamp>, Error> {
    let wanted = Wanted {
        client: Some(client.id.clone()),
        state: Some(DeliveryState::Delivered),
        url_id: Some(url_id.to_owned()),
        ..Wanted::default()
    };
    let seen = gatepost.deliveries_seen_by(visit.user(), &wanted, (None, 1)).await?;
    Ok(seen.rows.first().and_then(|shown| shown.delivery.ended_at))
}
