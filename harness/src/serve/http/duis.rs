//! DUIS: Service Requests in, messages out.

use super::{Refused, Service, error};
use crate::serve::chain::Applied;
use crate::serve::input::Input;
use crate::serve::push::MESSAGE;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use hanrig_dcc::duis::MAXIMUM_DOCUMENT;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// The longest that a User waits for a message.
const LONGEST_WAIT: u64 = 60;
/// The header with how many messages wait for a User.
const WAITING: &str = "hanrig-messages-waiting";
const XML: &str = "application/xml; charset=utf-8";

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/duis/non-device", post(request))
        .route("/duis/transform", post(request))
        .route("/duis/send-command", post(request))
        .route("/duis/messages", get(first_message))
        .route("/duis/messages/{number}", delete(take_messages))
}

async fn request(State(service): State<Arc<Service>>, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    let user = service.user(&headers)?;
    let document = service.body(&headers, body, MAXIMUM_DOCUMENT).await?.to_vec();
    let applied = service.engine().apply(Input::Request { user, document }).await;
    match applied? {
        Applied::Response(xml) => Ok(([(header::CONTENT_TYPE, XML)], xml).into_response()),
        _ => Err(error(StatusCode::INTERNAL_SERVER_ERROR, "the DSP gave no response")),
    }
}

#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait: String,
}

async fn first_message(
    State(service): State<Arc<Service>>,
    Query(Wait { wait }): Query<Wait>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let user = service.user(&headers)?;
    let wait = if wait.is_empty() { Ok(0) } else { wait.parse() };
    let wait: u64 = wait.map_err(|_| error(StatusCode::BAD_REQUEST, "expected wait in whole seconds"))?;
    let outbox = service.engine().outbox();
    let mut changed = outbox.watch();
    let found = async {
        loop {
            changed.borrow_and_update();
            if let Some(message) = outbox.first(user) {
                return message;
            }
            if changed.changed().await.is_err() {
                core::future::pending::<()>().await;
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(wait.min(LONGEST_WAIT)), found).await;
    let Ok(message) = found else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let waiting = outbox.waiting(user).map_or(0, |(first, last)| last - first + 1);
    let headers = [
        (header::CONTENT_TYPE.as_str(), XML.to_owned()),
        (MESSAGE, message.number.to_string()),
        (WAITING, waiting.to_string()),
    ];
    Ok((headers, message.xml.to_string()).into_response())
}

async fn take_messages(
    State(service): State<Arc<Service>>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Refused> {
    let user = service.user(&headers)?;
    let number = number.parse().map_err(|_| error(StatusCode::BAD_REQUEST, "expected the number of a message"))?;
    if service.engine().taken(user, number) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(error(StatusCode::NOT_FOUND, &format!("there was no message {number} for {user} yet")))
    }
}
