//! Where these tests let time pass: for how long something goes wrong is a part of what it is, tools that fail do not hammer
//! what is down, and what nodes do while nobody asks them anything is measured over a time. Nothing waits here for
//! something to have happened.

use std::time::Duration;

use tokio::time::sleep;

/// Lets this time pass.
pub(super) async fn lasts(time: Duration) {
    sleep(time).await;
}
