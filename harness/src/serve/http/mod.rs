//! What clients speak: DUIS, the clock, SSI and SSMI over HTTP/1.1.
//!
//! Clients name themselves by the token that the access file gives them: `Authorization: Bearer TOKEN`. On the pages for
//! people a sign-in with the token gives a cookie. TLS is left to a proxy in front.
//!
//! # DUIS
//!
//! | | |
//! |---|---|
//! | `POST /duis/non-device`, `POST /duis/transform`, `POST /duis/send-command` | a Service Request as XML; the answer is the synchronous response as XML, whatever it says: 200. The three services of DUIS; each takes every request, and the DSP goes by the command variant |
//! | `GET /duis/messages[?wait=SECONDS]` | the oldest message that the User has not taken: Alert or later response, as XML, with its number in `hanrig-message` and how many wait in `hanrig-messages-waiting`. 204 when there is none, after up to 60 s of waiting for one |
//! | `DELETE /duis/messages/NUMBER` | the User has taken its messages up to this one: 204 |
//! | *to the User's address* | `POST` of one message as XML, with `hanrig-user` and `hanrig-message`. Any 2xx says that the User has taken it; until then it is sent again, and later ones wait. After a crash one may come twice: the number tells |
//!
//! # Clock and data
//!
//! | | |
//! |---|---|
//! | `GET /clock` | `{"clock": "wall" or "virtual", "now": time}` |
//! | `POST /clock` | `{"advance": "5days"}` or `{"until": "2026-01-10T09:00:00Z"}`: lets virtual time pass, a year at most; the answer is as of `GET`. 409 where the clock is that of the machine |
//! | `POST /data/reload` | DCC Service Desk: reads the data files again: `{"changed": true}`. If one is wrong: 422 with the reason, and the data stay as they were. SIGHUP does the same, and reads the access file again |
//!
//! # SSI, SSMI and the Panel's repositories
//!
//! | | |
//! |---|---|
//! | `GET /api/ssi/devices/ID/firmware-update-status` | the last recorded status of a Device's firmware update; 404 for a Device that is not the User's as for one that is not there |
//! | `POST /api/ssi/devices/ID/reset` | DCC Service Desk: releases a Device: 204 |
//! | `GET /api/ssi/reports/RSAT_004` | SRV 11.3, a list; `RSAT_004.csv` is the report as CSV |
//! | `GET /api/ssmi/quarantine` | DCC Service Desk: requests that anomaly detection keeps; `POST /api/ssmi/quarantine/REQUEST/release` and `.../discard` let one go on or not: 204 |
//! | `GET /api/panel/fir/ENTRY`, `GET /api/panel/dzir/ENTRY` | what FIR and DZIR have of a CPL entry; 403 for whom they are not |
//! | `GET /` | the pages for people |
//!
//! Errors of all but the pages are `{"error": text}`: 400 for what cannot be read, 401 without a token that anybody has,
//! 403 for what is somebody else's to do, 408 for a request that does not come to its end, 413 for one larger than
//! [`MAXIMUM_DOCUMENT`](hanrig_dcc::duis::MAXIMUM_DOCUMENT), 503 for one that could not be written down and so was not taken.

mod api;
mod body;
mod duis;
mod pages;
mod session;

use super::access::{Access, Party, Role};
use super::engine::{Clock, Engine, NotTaken};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use hanrig_wire::types::Eui64;
use serde_json::json;
use session::Sessions;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Semaphore;

/// Large bodies that are read at the same time; the others wait.
const LARGE_BODIES: usize = 32;

/// What all handlers share.
#[derive(Debug)]
pub struct Service {
    engine: Engine,
    clock: Clock,
    access: RwLock<Arc<Access>>,
    sessions: Sessions,
    /// Where the data come from; `None` for those of the bench.
    data: Option<PathBuf>,
    large_bodies: Semaphore,
    tell: fn(&str),
}

impl Service {
    /// What serves `engine`.
    pub(super) fn new(engine: Engine, clock: Clock, access: Access, data: Option<PathBuf>, tell: fn(&str)) -> Self {
        let (access, sessions) = (RwLock::new(Arc::new(access)), Sessions::default());
        Self { engine, clock, access, sessions, data, large_bodies: Semaphore::new(LARGE_BODIES), tell }
    }

    /// The way to the DCC.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Who may do what, as it is now.
    pub fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another access file in force.
    pub(super) fn set_access(&self, access: Access) {
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(access);
    }

    /// Tells whoever watches the server.
    pub(super) fn tell(&self, what: &str) {
        (self.tell)(what);
    }

    /// Reads the data files again and puts them in force. Says whether they had changed.
    pub(super) async fn reload(&self) -> Result<bool, String> {
        let Some(path) = self.data.clone() else { return Ok(false) };
        let read = tokio::task::spawn_blocking(move || {
            let data = super::source::read(&path).map_err(|error| crate::exit::chain(&error))?;
            let toml = data.to_toml().map_err(|error| error.to_string())?;
            Ok::<_, String>((data, toml))
        });
        let (data, toml) = read.await.map_err(|error| error.to_string())??;
        let is_same = self.engine.look(move |chain| *chain.loaded() == data).await;
        if is_same.map_err(|error| error.to_string())? {
            return Ok(false);
        }
        let applied = self.engine.apply(super::input::Input::Data { toml }).await.map_err(|error| error.to_string())?;
        match applied {
            super::chain::Applied::Data(Err(error)) => Err(error.to_string()),
            _ => Ok(true),
        }
    }

    /// Who sends a request, by its token.
    fn party(&self, headers: &HeaderMap) -> Result<Party, Refused> {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        let access = self.access();
        token.and_then(|token| access.by_token(token)).cloned().ok_or_else(|| {
            let what = "send Authorization: Bearer with a token of the access file";
            let Refused(mut response) = error(StatusCode::UNAUTHORIZED, what);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            Refused(response)
        })
    }

    /// The User that sends a request.
    fn user(&self, headers: &HeaderMap) -> Result<Eui64, Refused> {
        match self.party(headers)?.role {
            Role::User(user) => Ok(user),
            Role::ServiceDesk | Role::Reader => Err(error(StatusCode::FORBIDDEN, "this is for Users of the DCC")),
        }
    }

    /// Says that the DCC Service Desk sends a request.
    fn service_desk(&self, headers: &HeaderMap) -> Result<(), Refused> {
        match self.party(headers)?.role {
            Role::ServiceDesk => Ok(()),
            Role::User(_) | Role::Reader => Err(error(StatusCode::FORBIDDEN, "this is for the DCC Service Desk")),
        }
    }
}

/// All that is served.
pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .merge(duis::routes())
        .merge(api::routes())
        .merge(pages::routes())
        .fallback(|| async {
            error(StatusCode::NOT_FOUND, "there is nothing here; see the documentation for the paths")
        })
        .layer(middleware::from_fn(protect))
        .with_state(service)
}

/// Headers for browsers: nothing of others is loaded, nobody frames the pages, nothing is kept.
const PROTECTION: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in PROTECTION {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// An answer that says why there is no other.
struct Refused(Box<Response>);

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl From<NotTaken> for Refused {
    fn from(why: NotTaken) -> Self {
        let Self(mut response) = error(StatusCode::SERVICE_UNAVAILABLE, &why.to_string());
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        Self(response)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// An error for programs.
fn error(status: StatusCode, what: &str) -> Refused {
    (status, Json(json!({ "error": what }))).into_response().into()
}
