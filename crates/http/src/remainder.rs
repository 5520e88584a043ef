//! What is left of a request's body when it was answered without reading it to its end.
//!
//! Whoever is refused at the gate is not listened to, but may be sending a body all the same. If the connection were
//! closed on that, the answer could be lost on its way, and the caller's next request on the connection with it
//! (RFC 9112 section 9.6). So the rest is read and thrown away, within bounds, before the answer leaves.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

/// Of a longer rest no more than this is read: twice the largest body that any endpoint takes.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// A slower rest is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body that gives back what nobody read of it when it is dropped.
pub(crate) struct Lent<B: Body + Unpin> {
    body: Option<B>,
    back: Arc<Mutex<Option<B>>>,
}

/// Where it comes back to.
pub(crate) struct Remainder<B> {
    back: Arc<Mutex<Option<B>>>,
    is_awaited: bool,
}

/// Lends the body of a request with these headers.
pub(crate) fn lend<B: Body + Unpin>(body: B, headers: &HeaderMap) -> (Lent<B>, Remainder<B>) {
    let back = Arc::default();
    let lent = Lent { body: Some(body), back: Arc::clone(&back) };
    // A caller that asks first whether to send its body has not sent it: reading would call for it.
    let is_awaited = headers.contains_key(header::EXPECT);
    (lent, Remainder { back, is_awaited })
}

impl<B: Body + Unpin> Remainder<B> {
    /// Reads away what is left, if anything is. False if the end was not reached: the connection cannot be used again.
    pub(crate) async fn read_away(self) -> bool {
        let Some(mut body) = lock(&self.back).take() else { return true };
        if self.is_awaited {
            return false;
        }
        let reading = async {
            let mut read = 0;
            while let Some(frame) = body.frame().await {
                let Ok(frame) = frame else { return false };
                read += frame.data_ref().map_or(0, bytes::Buf::remaining);
                if read > MOST_BYTES {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(PATIENCE, reading).await.unwrap_or(false)
    }
}

impl<B: Body + Unpin> Body for Lent<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.body.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl<B: Body + Unpin> Drop for Lent<B> {
    fn drop(&mut self) {
        *lock(&self.back) = self.body.take().filter(|body| !body.is_end_stream());
    }
}

fn lock<B>(back: &Mutex<Option<B>>) -> MutexGuard<'_, Option<B>> {
    back.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::HeaderValue;
    use http_body_util::Full;

    #[tokio::test]
    async fn what_nobody_read_is_read_away() {
        let (lent, rest) = lend(Full::new(Bytes::from("body")), &HeaderMap::new());
        drop(lent);
        assert!(rest.read_away().await);
    }

    #[tokio::test]
    async fn what_was_read_leaves_nothing() {
        let (mut lent, rest) = lend(Full::new(Bytes::from("body")), &HeaderMap::new());
        assert_eq!(lent.frame().await.unwrap().unwrap().into_data().unwrap(), "body");
        drop(lent);
        assert!(lock(&rest.back).is_none());
        assert!(rest.read_away().await);
    }

    #[tokio::test]
    async fn too_much_is_not_read_and_an_awaited_body_not_called_for() {
        let (lent, rest) = lend(Full::new(Bytes::from(vec![0; MOST_BYTES + 1])), &HeaderMap::new());
        drop(lent);
        assert!(!rest.read_away().await);
        let expecting = HeaderMap::from_iter([(header::EXPECT, HeaderValue::from_static("100-continue"))]);
        let (lent, rest) = lend(Full::new(Bytes::from("body")), &expecting);
        drop(lent);
        assert!(!rest.read_away().await);
    }
}
