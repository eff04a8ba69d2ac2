//! What a fault does to the bytes of an answer.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};

/// A slow answer goes out in pieces, so many of them in a second.
const PIECES_PER_SECOND: u32 = 20;

/// The body up to `limit` bytes, then an error, upon which the connection is closed.
pub(super) fn cut(body: Body, limit: usize) -> Body {
    let pieces = stream::unfold(
        (body.into_data_stream(), Some(limit)),
        |(mut body, left)| async move {
            let Some(left) = left else {
                // What was sent so far goes out while this waits, so the client sees a part.
                tokio::task::yield_now().await;
                return Some((
                    Err(std::io::Error::other("cut by a fault rule")),
                    (body, None),
                ));
            };
            let piece: Bytes = body.next().await?.ok()?;
            if piece.len() < left {
                let rest = left - piece.len();
                return Some((Ok(piece), (body, Some(rest))));
            }
            Some((Ok(piece.slice(..left)), (body, None)))
        },
    );
    Body::from_stream(pieces)
}

/// The body at no more than so many bytes in a second.
pub(super) fn slow(body: Body, bytes_per_second: usize) -> Body {
    let pieces = usize::try_from(PIECES_PER_SECOND).unwrap_or(1);
    let size = (bytes_per_second / pieces).max(1);
    let pause = Duration::from_secs(1) / PIECES_PER_SECOND;
    let pieces = stream::unfold(
        (body.into_data_stream(), Bytes::new()),
        move |(mut body, mut rest)| async move {
            while rest.is_empty() {
                match body.next().await? {
                    Ok(piece) => rest = piece,
                    Err(error) => return Some((Err(error), (body, rest))),
                }
            }
            tokio::time::sleep(pause).await;
            let piece = rest.split_to(size.min(rest.len()));
            Some((Ok(piece), (body, rest)))
        },
    );
    Body::from_stream(pieces)
}
