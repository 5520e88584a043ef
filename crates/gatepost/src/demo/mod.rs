//! `gatepost demo`: a throw-away deployment that plays the whole story once and checks every step.
//!
//! It runs the real thing: a `gatepost serve` process of its own, the command line, HTTP over sockets, a receiver of
//! webhooks. Each step is told in plain words with the line that does the same by hand.

#![expect(clippy::print_stdout, reason = "the demo talks to a person")]

mod client;
mod receiver;
mod stage;
mod story;

use stage::Stage;

/// Plays the story. With `keep`, the server stays up afterwards until Ctrl-C.
///
/// # Errors
/// At the first step that does not come out as it must.
pub async fn run(keep: bool) -> anyhow::Result<()> {
    let mut stage = Stage::set().await?;
    story::play(&mut stage).await?;
    if keep {
        stage.keep().await?;
    }
    stage.clear().await
}
