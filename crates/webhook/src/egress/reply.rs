//! The part of an answer that is worth keeping, and no more memory than that.

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

/// The most bytes of an answer's headers that are kept, names and values together.
const HEADERS_CAP: usize = 8 * 1024;

/// The start of an answer's body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) truncated: bool,
}

/// Reads until the body ends, `cap` bytes are there, the deadline passes or the connection breaks. A body that is read
/// to its end leaves the connection fit for the next request; any other is dropped, and the connection with it.
pub(super) async fn read<B>(mut body: B, cap: usize, deadline: Instant) -> Reply
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut kept = Vec::new();
    let whole = matches!(timeout_at(deadline, fill(&mut body, &mut kept, cap)).await, Ok(true));
    let mut text = text(&kept);
    let fits = text.floor_char_boundary(cap);
    let truncated = !whole || fits < text.len();
    text.truncate(fits);
    Reply { text, truncated }
}

/// Returns whether that was the whole body.
async fn fill<B>(body: &mut B, kept: &mut Vec<u8>, cap: usize) -> bool
where
    B: Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let Ok(data) = frame.into_data() else { continue };
        let room = cap - kept.len();
        kept.extend(data.iter().take(room));
        if data.len() > room {
            return false;
        }
    }
    true
}

/// As text. U+0000 is replaced too: PostgreSQL has no place for it.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.into_owned() }
}

/// The headers in order, as text, as many as fit under the cap.
pub(super) fn header_texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut room = HEADERS_CAP;
    let mut texts = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let size = name.as_str().len() + value.len();
        if size > room {
            break;
        }
        room -= size;
        texts.push((name.as_str().to_owned(), text(value.as_bytes())));
    }
    texts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{StreamExt, stream};
    use http::HeaderValue;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    async fn read_chunks(chunks: &[&'static [u8]], cap: usize) -> Reply {
        let frames =
            chunks.iter().map(|chunk| Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(chunk))));
        read(StreamBody::new(stream::iter(frames)), cap, Instant::now() + Duration::from_secs(1)).await
    }

    #[tokio::test]
    async fn a_reply_is_cut_at_the_cap() {
        let cut = |text: &str, truncated| Reply { text: text.to_owned(), truncated };
        assert_eq!(read_chunks(&[], 4).await, cut("", false));
        assert_eq!(read_chunks(&[b"ab", b"cd"], 4).await, cut("abcd", false));
        assert_eq!(read_chunks(&[b"ab", b"cde"], 4).await, cut("abcd", true));
        assert_eq!(read_chunks(&[b"a\0b"], 8).await, cut("a\u{fffd}b", false));
        // Replacing what is not UTF-8 must not grow the reply beyond the cap.
        assert_eq!(read_chunks(&[b"\xff\xff\xff\xff"], 4).await, cut("\u{fffd}", true));
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_before_the_deadline_is_kept() {
        let chunks = stream::once(async { Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"ab"))) })
            .chain(stream::pending())
            .boxed();
        let reply = read(StreamBody::new(chunks), 8, Instant::now() + Duration::from_secs(1)).await;
        assert_eq!(reply, Reply { text: "ab".to_owned(), truncated: true });
    }

    #[test]
    fn headers_are_kept_up_to_their_cap() {
        let mut headers = HeaderMap::new();
        headers.append("a", HeaderValue::from_static("1"));
        headers.append("a", HeaderValue::from_bytes(b"\xe9").unwrap());
        headers.append("b", HeaderValue::from_str(&"x".repeat(HEADERS_CAP)).unwrap());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(header_texts(&headers), [pair("a", "1"), pair("a", "\u{fffd}")]);
    }
}
