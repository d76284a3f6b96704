//! Bodies of requests, read up to a limit, in bounded memory and time.

use super::{Refused, Service, error};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::time::Duration;

/// How long a body may take to come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Up to this many octets a body needs no place among the large ones.
const SMALL: u64 = 64 * 1024;

impl Service {
    /// The octets of a body of at most `limit`. What is beyond is read and thrown away, so that its sender hears why.
    pub(super) async fn body(&self, headers: &HeaderMap, mut body: Body, limit: usize) -> Result<Bytes, Refused> {
        let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let read = async {
            if length.is_some_and(|length| length > limit as u64) {
                throw_away(&mut body).await;
                return Err(too_large(limit));
            }
            let _place = match length {
                Some(length) if length <= SMALL => None,
                // Nobody closes the semaphore.
                _ => self.large_bodies.acquire().await.ok(),
            };
            let mut limited = Limited::new(&mut body, limit);
            match (&mut limited).collect().await {
                Ok(collected) => Ok(collected.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => {
                    throw_away(&mut body).await;
                    Err(too_large(limit))
                }
                Err(cause) => Err(error(StatusCode::BAD_REQUEST, &format!("the body did not come whole: {cause}"))),
            }
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| {
            let what = format!("the body did not come within {} s", PATIENCE.as_secs());
            Err(error(StatusCode::REQUEST_TIMEOUT, &what))
        })
    }
}

async fn throw_away(body: &mut Body) {
    while let Some(Ok(_)) = body.frame().await {}
}

fn too_large(limit: usize) -> Refused {
    error(StatusCode::PAYLOAD_TOO_LARGE, &format!("the body is larger than {limit} octets, the most that is read"))
}
