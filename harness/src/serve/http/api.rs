//! Clock, data, SSI, SSMI and the Panel's repositories, for programs.

use super::{Refused, Service, error};
use crate::serve::access::Role;
use crate::serve::chain::{Applied, Chain};
use crate::serve::engine::Clock;
use crate::serve::input::Input;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use hanrig_dcc::data::DccData;
use hanrig_dcc::dsp::Viewer;
use hanrig_dcc::duis::RequestId;
use hanrig_dcc::panel::{AccessError, Panel, Reader};
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::Eui64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest that time is let pass at once.
const LONGEST_ADVANCE: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// The most of a body that is read here.
const SMALL_BODY: usize = 4096;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/clock", get(clock).post(advance))
        .route("/data/reload", post(reload))
        .route("/api/ssi/devices/{id}/firmware-update-status", get(status))
        .route("/api/ssi/devices/{id}/reset", post(reset))
        .route("/api/ssi/reports/RSAT_004", get(activations))
        .route("/api/ssi/reports/RSAT_004.csv", get(activations_csv))
        .route("/api/ssmi/quarantine", get(quarantine))
        .route("/api/ssmi/quarantine/{request}/{decision}", post(decide))
        .route("/api/panel/fir/{entry}", get(fir))
        .route("/api/panel/dzir/{entry}", get(dzir))
}

/// What SSI shows to a role; a reader of the repositories has no SSI.
pub(super) fn viewer(role: Role) -> Option<Viewer> {
    match role {
        Role::User(user) => Some(Viewer::User(user)),
        Role::ServiceDesk => Some(Viewer::ServiceDesk),
        Role::Reader => None,
    }
}

impl Service {
    fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, Refused> {
        let role = self.party(headers)?.role;
        viewer(role).ok_or_else(|| error(StatusCode::FORBIDDEN, "SSI is for Users of the DCC and its Service Desk"))
    }

    async fn look<T: Send + 'static>(&self, look: impl FnOnce(&Chain) -> T + Send + 'static) -> Result<T, Refused> {
        Ok(self.engine().look(look).await?)
    }
}

fn device(text: &str) -> Result<Eui64, Refused> {
    text.parse().map_err(|wrong| error(StatusCode::BAD_REQUEST, &format!("Device ID: {wrong}")))
}

/// The answer on a Device that is not the viewer's and on one that is not there.
fn no_such_device() -> Refused {
    error(StatusCode::NOT_FOUND, "no firmware update of such a Device is to be seen here")
}

async fn clock(State(service): State<Arc<Service>>, headers: HeaderMap) -> Result<Json<Value>, Refused> {
    service.party(&headers)?;
    let now = service.look(Chain::utc).await?;
    Ok(Json(json!({ "clock": service.clock.name(), "now": now.to_string() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Advance {
    Advance(String),
    Until(String),
}

async fn advance(State(service): State<Arc<Service>>, headers: HeaderMap, body: Body) -> Result<Json<Value>, Refused> {
    service.party(&headers)?;
    let wrong = |what: String| error(StatusCode::BAD_REQUEST, &what);
    if service.clock == Clock::Wall {
        return Err(error(StatusCode::CONFLICT, "the clock is that of the machine; serve with --clock virtual"));
    }
    let body = service.body(&headers, body, SMALL_BODY).await?;
    let expected = r#"expected {"advance": "5days"} or {"until": "2026-01-10T09:00:00Z"}"#;
    let asked: Advance = serde_json::from_slice(&body).map_err(|error| wrong(format!("{expected}: {error}")))?;
    let (now, epoch) = service.look(|chain| (chain.now(), chain.epoch())).await?;
    let until = match asked {
        Advance::Advance(text) => {
            now + humantime::parse_duration(&text).map_err(|error| wrong(format!("{text:?}: {error}; {expected}")))?
        }
        Advance::Until(text) => {
            let time = OffsetDateTime::parse(&text, &Rfc3339);
            let time = time.map_err(|error| wrong(format!("{text:?}: {error}; {expected}")))?;
            let since = time.unix_timestamp_nanos() / 1_000_000 - i128::from(epoch.0);
            let Ok(since) = u64::try_from(since) else {
                return Err(wrong(format!("{text} is before the state was made, at {epoch}")));
            };
            Instant::ZERO + Duration::from_millis(since)
        }
    };
    if until < now {
        return Err(wrong("time does not go back".to_owned()));
    }
    if until - now > LONGEST_ADVANCE {
        return Err(wrong("time passes by a year at most at once; ask several times".to_owned()));
    }
    service.engine().apply(Input::Advance { until }).await?;
    clock(State(service), headers).await
}

async fn reload(State(service): State<Arc<Service>>, headers: HeaderMap) -> Result<Json<Value>, Refused> {
    service.service_desk(&headers)?;
    let changed = service.reload().await;
    let changed = changed
        .map_err(|why| error(StatusCode::UNPROCESSABLE_ENTITY, &format!("the data stay as they were: {why}")))?;
    Ok(Json(json!({ "changed": changed })))
}

async fn status(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let viewer = service.viewer(&headers)?;
    let device = device(&id)?;
    let found = service.look(move |chain| chain.dsp().firmware_update_status(chain.now(), viewer, device)).await?;
    json_of(found.ok_or_else(no_such_device)?)
}

fn json_of(value: impl Serialize) -> Result<Json<Value>, Refused> {
    serde_json::to_value(value).map(Json).map_err(|cause| error(StatusCode::INTERNAL_SERVER_ERROR, &cause.to_string()))
}

async fn reset(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Refused> {
    service.service_desk(&headers)?;
    let device = device(&id)?;
    let applied = service.engine().apply(Input::Reset { device }).await?;
    match applied {
        Applied::Reset(Ok(())) => Ok(StatusCode::NO_CONTENT),
        _ => Err(no_such_device()),
    }
}

async fn activations(State(service): State<Arc<Service>>, headers: HeaderMap) -> Result<Json<Value>, Refused> {
    let viewer = service.viewer(&headers)?;
    let lines = move |chain: &Chain| chain.dsp().firmware_activations(viewer).cloned().collect::<Vec<_>>();
    json_of(service.look(lines).await?)
}

async fn activations_csv(State(service): State<Arc<Service>>, headers: HeaderMap) -> Result<Response, Refused> {
    let viewer = service.viewer(&headers)?;
    Ok(csv(service.look(move |chain| chain.dsp().firmware_activations_csv(viewer)).await?))
}

/// RSAT_004 as a file.
pub(super) fn csv(text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"RSAT_004.csv\""),
    ];
    (headers, text).into_response()
}

async fn quarantine(State(service): State<Arc<Service>>, headers: HeaderMap) -> Result<Json<Value>, Refused> {
    service.service_desk(&headers)?;
    let list = |chain: &Chain| {
        let request = |request: &hanrig_dcc::duis::Request| {
            let (id, reference) = (request.request_id, request.body.service_reference());
            json!({ "request_id": id, "service_reference": reference })
        };
        chain.dsp().quarantined().map(request).collect::<Vec<_>>()
    };
    Ok(Json(service.look(list).await?.into()))
}

async fn decide(
    State(service): State<Arc<Service>>,
    Path((request, decision)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Refused> {
    service.service_desk(&headers)?;
    let request: RequestId =
        request.parse().map_err(|wrong| error(StatusCode::BAD_REQUEST, &format!("RequestID: {wrong}")))?;
    let input = match decision.as_str() {
        "release" => Input::Release { request },
        "discard" => Input::Discard { request },
        _ => return Err(error(StatusCode::NOT_FOUND, "expected release or discard")),
    };
    match service.engine().apply(input).await? {
        Applied::Found(true) => Ok(StatusCode::NO_CONTENT),
        _ => Err(error(StatusCode::NOT_FOUND, "no such request is quarantined")),
    }
}

/// Finds a record of a repository for a reader.
type Find<T> = for<'a> fn(&Panel, &'a DccData, &Reader, u32) -> Result<Option<&'a T>, AccessError>;

async fn record<T: Clone + Serialize + Send + 'static>(
    service: &Service,
    headers: &HeaderMap,
    entry: &str,
    repository: &str,
    find: Find<T>,
) -> Result<Json<Value>, Refused> {
    let reader = service.party(headers)?.reader();
    let entry = entry_number(entry)?;
    let access = service.access();
    let found = service.look(move |chain| find(access.panel(), chain.dsp().data(), &reader, entry).map(|r| r.cloned()));
    let found = found.await?.map_err(|refused| error(StatusCode::FORBIDDEN, &refused.to_string()))?;
    json_of(found.ok_or_else(|| no_record(repository, entry))?)
}

async fn fir(
    State(service): State<Arc<Service>>,
    Path(entry): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    record(&service, &headers, &entry, "FIR", Panel::fir).await
}

async fn dzir(
    State(service): State<Arc<Service>>,
    Path(entry): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    record(&service, &headers, &entry, "DZIR", Panel::dzir).await
}

fn entry_number(text: &str) -> Result<u32, Refused> {
    text.parse().map_err(|_| error(StatusCode::BAD_REQUEST, "expected the number of a CPL entry"))
}

fn no_record(repository: &str, entry: u32) -> Refused {
    error(StatusCode::NOT_FOUND, &format!("the {repository} has no record of CPL entry {entry}"))
}

/// The time of day as pages show it.
pub(super) fn time_text(time: Utc) -> String {
    let text = time.to_string();
    match text.split_once('T') {
        Some((date, time)) => format!("{date} {} UTC", time.split('.').next().unwrap_or(time)),
        None => text,
    }
}
