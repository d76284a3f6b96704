//! Posts the messages that wait to their Users: one after the other in their order, again and again while a User's server is
//! down.

use super::http::Service;
use super::outbox::Waiting;
use axum::body::Bytes;
use axum::http::{Method, Request, Uri, header};
use hanrig_wire::types::Eui64;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::sync::Arc;
use std::time::Duration;

/// Between the first two tries; each pause after is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a User's server may take for one message.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most of an answer's body that is read; what it says is of no meaning.
const MOST_OF_ANSWER: usize = 64 * 1024;

/// The header with the User that a message is for.
pub const USER: &str = "hanrig-user";
/// The header with the number of a message, by which a User tells one that came twice.
pub const MESSAGE: &str = "hanrig-message";

/// Posts to Users.
pub(super) type Poster = Client<HttpConnector, Full<Bytes>>;

/// What messages are posted with.
pub(super) fn poster() -> Poster {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(PATIENCE));
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// Posts a User's messages as long as the User has an address.
pub(super) async fn push(service: Arc<Service>, poster: Poster, user: Eui64) {
    let outbox = Arc::clone(service.engine().outbox());
    let mut changed = outbox.watch();
    let mut pause = FIRST_PAUSE;
    while let Some(url) = service.access().notify(user).cloned() {
        changed.borrow_and_update();
        let Some(message) = outbox.first(user) else {
            if changed.changed().await.is_err() {
                return;
            }
            continue;
        };
        match post(&poster, &url, user, &message).await {
            Ok(()) => {
                service.engine().taken(user, message.number);
                pause = FIRST_PAUSE;
            }
            Err(why) => {
                if pause == FIRST_PAUSE {
                    service.tell(&format!(
                        "{url} does not take message {} for {user}, tried again: {why}",
                        message.number
                    ));
                }
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(2 * pause);
            }
        }
    }
}

async fn post(poster: &Poster, url: &Uri, user: Eui64, message: &Waiting) -> Result<(), String> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(url.clone())
        .header(header::CONTENT_TYPE, "application/xml; charset=utf-8")
        .header(USER, user.to_string())
        .header(MESSAGE, message.number)
        .body(Full::new(Bytes::from(message.xml.as_bytes().to_vec())))
        .map_err(|error| error.to_string())?;
    let answer = tokio::time::timeout(PATIENCE, poster.request(request)).await;
    let answer = answer.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?;
    let answer = answer.map_err(|error| crate::exit::chain(&error))?;
    let status = answer.status();
    // Read, so that the connection can be used again.
    let body = http_body_util::Limited::new(answer.into_body(), MOST_OF_ANSWER);
    drop(tokio::time::timeout(PATIENCE, body.collect()).await);
    if status.is_success() { Ok(()) } else { Err(format!("it answers {status}")) }
}
