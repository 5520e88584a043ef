//! Sending many statements before the first of them is answered.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::future::{MaybeDone, maybe_done};
use tokio_postgres::Error;

/// A statement whose rows nobody looks at.
pub(super) type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// What the server answered.
pub(super) struct Outcomes<T> {
    /// To what came first. The first error is told, for it is the cause of those that follow it.
    pub(super) before: Result<(), Error>,
    /// To the last statement.
    pub(super) last: Result<T, Error>,
    /// To what followed it.
    pub(super) after: Result<(), Error>,
}

/// Sends all in this order and then takes the answers, which come in the same order.
///
/// # Errors
/// If one cannot be sent: then those that should have followed it were not sent either.
pub(super) async fn in_order<T>(
    before: Vec<Sending<'_>>,
    last: impl Future<Output = Result<T, Error>>,
    after: Option<Sending<'_>>,
) -> Result<Outcomes<T>, Error> {
    let mut before: Vec<_> = before.into_iter().map(maybe_done).collect();
    let mut last = pin!(last);
    let mut after = after.map(maybe_done);
    let mut early = None;
    // The driver sends a statement when it is looked at for the first time.
    poll_fn(|context| {
        for sending in &mut before {
            let _ = Pin::new(&mut *sending).poll(context);
            if let MaybeDone::Done(Err(_)) = sending {
                return Poll::Ready(sent(sending));
            }
        }
        match last.as_mut().poll(context) {
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(outcome) => early = Some(outcome),
            Poll::Pending => {}
        }
        if let Some(sending) = &mut after {
            let _ = Pin::new(sending).poll(context);
        }
        Poll::Ready(Ok(()))
    })
    .await?;
    let mut earlier = Ok(());
    for sending in &mut before {
        Pin::new(&mut *sending).await;
        earlier = earlier.and(sent(sending));
    }
    let last = match early {
        Some(outcome) => outcome,
        None => last.await,
    };
    let mut later = Ok(());
    if let Some(sending) = &mut after {
        Pin::new(&mut *sending).await;
        later = sent(sending);
    }
    Ok(Outcomes { before: earlier, last, after: later })
}

fn sent(sending: &mut MaybeDone<Sending<'_>>) -> Result<(), Error> {
    Pin::new(sending).take_output().unwrap_or(Ok(()))
}
