//! The pages for people: SSI for Users, SSMI for the DCC Service Desk. Plain HTML without scripts; everything in it that
//! comes from outside is escaped by the templates.

use super::api::{csv, time_text, viewer};
use super::session::Session;
use super::{Refused, Service};
use crate::serve::access::Role;
use crate::serve::chain::{Applied, Chain};
use crate::serve::input::Input;
use axum::body::Body;
use axum::extract::{FromRequest as _, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use hanrig_dcc::data::{Baselines, DzirRecord, FirRecord};
use hanrig_dcc::dsp::{Activation, ActivationState, FirmwareUpdateStatus, ProcessingStatus, Viewer};
use hanrig_dcc::excerpt;
use hanrig_wire::time::Utc;
use hanrig_wire::types::Eui64;
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// The most of a form that is read.
const SMALL_FORM: usize = 4096;
/// The most Devices that a page lists.
const MOST_LISTED: usize = 100;
const STYLE: &str = include_str!("style.css");

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/", get(home))
        .route("/style.css", get(style))
        .route("/sign-in", get(sign_in_form).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/devices", get(devices))
        .route("/device", get(device))
        .route("/device/reset", post(reset))
        .route("/rsat-004", get(activations))
        .route("/rsat-004.csv", get(activations_csv))
        .route("/repositories", get(repositories))
}

/// What a page is called to those who see it.
const fn interface(role: Role) -> &'static str {
    match role {
        Role::ServiceDesk => "SSMI",
        Role::User(_) => "SSI",
        Role::Reader => "SEC Panel",
    }
}

fn page(session: Option<&Session>, title: &str, now: Option<Utc>, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · hanrig" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                a.skip href="#content" { "Skip to content" }
                header {
                    div.bar {
                        p.brand { "hanrig " span { (session.map_or("DCC", |session| interface(session.party.role))) } }
                        @if let Some(session) = session {
                            nav aria-label="Pages" {
                                @if viewer(session.party.role).is_some() {
                                    a href="/devices" { "Firmware Update Status" }
                                    a href="/rsat-004" { "RSAT_004" }
                                }
                                a href="/repositories" { "FIR and DZIR" }
                            }
                            form method="post" action="/sign-out" {
                                span.who { (session.party.name) }
                                input type="hidden" name="form_token" value=(session.form_token);
                                button.quiet type="submit" { "Sign out" }
                            }
                        }
                    }
                }
                main #content { h1 { (title) } (content) }
                footer {
                    p {
                        "Emulated DCC, for tests. "
                        @if let Some(now) = now { "As of " time datetime=(now) { (time_text(now)) } "." }
                    }
                }
            }
        }
    }
}

fn respond(status: StatusCode, page: Markup) -> Response {
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, html, page.into_string()).into_response()
}

/// What is shown where something is not to be had.
fn sorry(session: Option<&Session>, status: StatusCode, title: &str, what: &str) -> Refused {
    respond(status, page(session, title, None, html! { p { (what) } p { a href="/" { "Back to the start" } } })).into()
}

impl Service {
    /// The session of a request; without one, the way to sign in.
    fn signed_in(&self, headers: &HeaderMap) -> Result<Session, Refused> {
        self.session(headers).ok_or_else(|| Redirect::to("/sign-in").into_response().into())
    }

    /// The session of a request of somebody who has SSI or SSMI.
    fn seeing(&self, headers: &HeaderMap) -> Result<(Session, Viewer), Refused> {
        let session = self.signed_in(headers)?;
        match viewer(session.party.role) {
            Some(viewer) => Ok((session, viewer)),
            None => {
                let what = "SSI is for Users of the DCC and its Service Desk.";
                Err(sorry(Some(&session), StatusCode::FORBIDDEN, "Not for you", what))
            }
        }
    }

    async fn shown<T: Send + 'static>(
        &self,
        session: &Session,
        look: impl FnOnce(&Chain) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let found = self.engine().look(look).await;
        found.map_err(|why| sorry(Some(session), StatusCode::SERVICE_UNAVAILABLE, "Not now", &why.to_string()))
    }
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

async fn home(State(service): State<Arc<Service>>, headers: HeaderMap) -> Result<Redirect, Refused> {
    let session = service.signed_in(&headers)?;
    Ok(Redirect::to(if viewer(session.party.role).is_some() { "/devices" } else { "/repositories" }))
}

fn sign_in_page(problem: Option<&str>) -> Markup {
    page(
        None,
        "Sign in",
        None,
        html! {
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            form.card method="post" action="/sign-in" {
                label for="token" { "Access token" }
                p.hint #token-hint { "The token that the access file has for you." }
                input #token type="password" name="token" required autofocus autocomplete="current-password"
                    aria-describedby="token-hint";
                button type="submit" { "Sign in" }
            }
        },
    )
}

async fn sign_in_form() -> Response {
    respond(StatusCode::OK, sign_in_page(None))
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

/// Reads a form that is sent as `application/x-www-form-urlencoded`.
async fn form<T: serde::de::DeserializeOwned>(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Refused> {
    let octets = service.body(headers, body, SMALL_FORM).await?;
    let mut request = Request::new(Body::from(octets));
    *request.method_mut() = Method::POST;
    if let Some(content_type) = headers.get(header::CONTENT_TYPE) {
        request.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
    }
    let Form(form) = Form::from_request(request, &()).await.map_err(|_| {
        sorry(None, StatusCode::BAD_REQUEST, "Not a form", "What was sent is not the form of this page.")
    })?;
    Ok(form)
}

async fn sign_in(State(service): State<Arc<Service>>, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    // Another site could sign somebody in under a name of its own.
    if headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(sorry(None, StatusCode::FORBIDDEN, "Not from here", "Sign in on the page of this server."));
    }
    let Token { token } = form(&service, &headers, body).await?;
    let access = service.access();
    let Some(party) = access.by_token(token.trim()) else {
        return Ok(respond(StatusCode::UNAUTHORIZED, sign_in_page(Some("Nobody has this token."))));
    };
    let cookie = service.sessions.begin(party.clone()).ok().and_then(|cookie| HeaderValue::from_str(&cookie).ok());
    let Some(cookie) = cookie else {
        let what = "The machine gives no random octets.";
        return Err(sorry(None, StatusCode::SERVICE_UNAVAILABLE, "Not now", what));
    };
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

#[derive(Deserialize)]
struct Sent {
    form_token: String,
    #[serde(default)]
    id: String,
}

/// The session and the form of a page of that session.
async fn sent(service: &Service, headers: &HeaderMap, body: Body) -> Result<(Session, Sent), Refused> {
    let session = service.signed_in(headers)?;
    let form: Sent = form(service, headers, body).await?;
    if !session.has_sent(&form.form_token) {
        let what = "The form is not of a page that you have open here. Open the page again.";
        return Err(sorry(Some(&session), StatusCode::FORBIDDEN, "Not from here", what));
    }
    Ok((session, form))
}

async fn sign_out(State(service): State<Arc<Service>>, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    sent(&service, &headers, body).await?;
    let cookie = service.sessions.end(&headers);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}

fn search(id: &str) -> Markup {
    html! {
        form.card.search method="get" action="/device" role="search" {
            label for="id" { "Device ID" }
            p.hint #id-hint { "16 hexadecimal digits, such as 00-DB-12-34-56-78-90-A4" }
            div.row {
                input #id name="id" value=(id) required spellcheck="false" autocomplete="off" aria-describedby="id-hint";
                button type="submit" { "Show status" }
            }
        }
    }
}

/// A status, so that it is told by word and colour.
fn badge(status: ProcessingStatus) -> Markup {
    let class = match status {
        ProcessingStatus::FirmwareActivated | ProcessingStatus::SuccessfulHanTransfer => "good",
        ProcessingStatus::AwaitingCsp
        | ProcessingStatus::ApprovedForDistribution
        | ProcessingStatus::SuccessfulChTransfer => "going",
        ProcessingStatus::ResetByDcc => "plain",
        ProcessingStatus::RejectedByDsp
        | ProcessingStatus::RejectedByCsp
        | ProcessingStatus::FailedChTransfer
        | ProcessingStatus::FailedHanTransfer
        | ProcessingStatus::HanDiscarded
        | ProcessingStatus::HanRejectedHwMismatch => "bad",
    };
    html! { span class={ "badge " (class) } { (status) } }
}

async fn devices(State(service): State<Arc<Service>>, headers: HeaderMap) -> Result<Response, Refused> {
    let (session, viewer) = service.seeing(&headers)?;
    let look = move |chain: &Chain| {
        let dsp = chain.dsp();
        let records = dsp.tracking_records().map(|record| record.device);
        let mut found: Vec<_> =
            records.filter_map(|device| dsp.firmware_update_status(chain.now(), viewer, device)).collect();
        // The latest change first.
        found.sort_by_key(|status| core::cmp::Reverse(status.record.updated_at));
        let total = found.len();
        found.truncate(MOST_LISTED);
        (chain.utc(), found, total)
    };
    let (now, found, total) = service.shown(&session, look).await?;
    let content = html! {
        (search(""))
        h2 { "Latest changes" }
        @if found.is_empty() {
            p { "No firmware update is tracked." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Latest changes" {
                table {
                    thead { tr { th scope="col" { "Device" } th scope="col" { "Type" } th scope="col" { "Status" }
                        th scope="col" { "Firmware version" } th scope="col" { "Last updated" } } }
                    tbody {
                        @for status in &found {
                            tr {
                                td { a.mono href={ "/device?id=" (status.record.device) } { (status.record.device) } }
                                td { (status.device_type) }
                                td { (badge(status.record.status)) }
                                td.mono { (status.record.firmware_version) }
                                td { time datetime=(status.record.last_updated) { (time_text(status.record.last_updated)) } }
                            }
                        }
                    }
                }
            }
            @if total > found.len() { p.hint { "The latest " (found.len()) " of " (total) "." } }
        }
    };
    Ok(respond(StatusCode::OK, page(Some(&session), "Firmware Update Status", Some(now), content)))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    id: String,
    #[serde(default)]
    done: String,
}

async fn device(
    State(service): State<Arc<Service>>,
    Query(Asked { id, done }): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let (session, viewer) = service.seeing(&headers)?;
    let title = "Firmware Update Status";
    let Ok(device) = id.trim().parse::<Eui64>() else {
        let content = html! {
            p.problem role="alert" { "“" (excerpt(&id)) "” is no Device ID." }
            (search(&id))
        };
        return Ok(respond(StatusCode::BAD_REQUEST, page(Some(&session), title, None, content)));
    };
    let look = move |chain: &Chain| (chain.utc(), chain.dsp().firmware_update_status(chain.now(), viewer, device));
    let (now, found) = service.shown(&session, look).await?;
    let Some(found) = found else {
        let content = html! {
            p.problem role="alert" { "No firmware update of a Device " span.mono { (device) } " is to be seen here." }
            (search(&device.to_string()))
        };
        return Ok(respond(StatusCode::NOT_FOUND, page(Some(&session), title, Some(now), content)));
    };
    let content = html! {
        @if done == "reset" { p.done role="status" { "The Device was released. A new request for it is accepted." } }
        (details(&found))
        @if viewer == Viewer::ServiceDesk { (reset_form(&session, &found)) }
        (search(&device.to_string()))
    };
    Ok(respond(StatusCode::OK, page(Some(&session), title, Some(now), content)))
}

fn details(found: &FirmwareUpdateStatus) -> Markup {
    let record = &found.record;
    html! {
        section.card aria-label="Device" {
            div.head { h2.mono { (record.device) } (badge(record.status)) }
            dl {
                dt { "Device Type" } dd { (found.device_type) }
                dt { "Status" } dd #status { (record.status) }
                @if let Some(reason) = &record.reason { dt { "Reason" } dd { (reason) } }
                dt { "In progress" }
                dd { @if found.in_progress { "Yes: a further update is refused" } @else { "No: a new update is accepted" } }
                dt { "Firmware version" } dd.mono { (record.firmware_version) }
                dt { "Service Request" } dd.mono { (record.request_id) }
                dt { "Last updated" } dd { time datetime=(record.last_updated) { (time_text(record.last_updated)) } }
            }
        }
    }
}

fn reset_form(session: &Session, found: &FirmwareUpdateStatus) -> Markup {
    html! {
        form.card method="post" action="/device/reset" {
            h2 { "Reset" }
            p.hint #reset-hint {
                "Releases the Device before its tracking timeout: the status becomes RESET_BY_DCC, and a new request is \
                 accepted."
            }
            input type="hidden" name="form_token" value=(session.form_token);
            input type="hidden" name="id" value=(found.record.device);
            button.danger #reset type="submit" aria-describedby="reset-hint" { "Reset status" }
        }
    }
}

async fn reset(State(service): State<Arc<Service>>, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    let (session, Sent { id, .. }) = sent(&service, &headers, body).await?;
    if session.party.role != Role::ServiceDesk {
        let what = "Only the DCC Service Desk can reset the firmware update status of a Device.";
        return Err(sorry(Some(&session), StatusCode::FORBIDDEN, "Not for you", what));
    }
    let not_tracked = || {
        let what = "No firmware update of such a Device is tracked.";
        sorry(Some(&session), StatusCode::NOT_FOUND, "Nothing to reset", what)
    };
    let device: Eui64 = id.parse().map_err(|_| not_tracked())?;
    match service.engine().apply(Input::Reset { device }).await {
        Ok(Applied::Reset(Ok(()))) => Ok(Redirect::to(&format!("/device?id={device}&done=reset")).into_response()),
        Ok(_) => Err(not_tracked()),
        Err(why) => Err(sorry(Some(&session), StatusCode::SERVICE_UNAVAILABLE, "Not now", &why.to_string())),
    }
}

async fn activations(State(service): State<Arc<Service>>, headers: HeaderMap) -> Result<Response, Refused> {
    let (session, viewer) = service.seeing(&headers)?;
    let look =
        move |chain: &Chain| (chain.utc(), chain.dsp().firmware_activations(viewer).cloned().collect::<Vec<_>>());
    let (now, lines) = service.shown(&session, look).await?;
    let content = html! {
        p { "Service Requests 11.3, the latest first. " a href="/rsat-004.csv" download { "Download as CSV" } }
        @if lines.is_empty() { p { "No firmware was activated by Service Request." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Activations" {
                table {
                    thead { tr { th scope="col" { "Device" } th scope="col" { "Type" } th scope="col" { "Sent" }
                        th scope="col" { "Execution" } th scope="col" { "Outcome" } th scope="col" { "Firmware version" }
                        th scope="col" { "Firmware Hash" } } }
                    tbody { @for line in lines.iter().rev() { (activation(line)) } }
                }
            }
        }
    };
    let title = "RSAT_004 Firmware Activations Service Request Report";
    Ok(respond(StatusCode::OK, page(Some(&session), title, Some(now), content)))
}

fn activation(line: &Activation) -> Markup {
    let class = match line.outcome {
        ActivationState::Success => "good",
        ActivationState::Sent | ActivationState::Scheduled => "going",
        _ => "bad",
    };
    html! {
        tr {
            td.mono { (line.device) }
            td { (line.device_type) }
            td { (time_text(line.sent)) }
            td { @if let Some(time) = line.execution { (time_text(time)) } @else { "at once" } }
            td { span class={ "badge " (class) } { (line.outcome.name()) } }
            td.mono { @if let Some(version) = line.firmware_version { (version) } }
            td.mono.hash { (line.hash) }
        }
    }
}

async fn activations_csv(State(service): State<Arc<Service>>, headers: HeaderMap) -> Result<Response, Refused> {
    let (session, viewer) = service.seeing(&headers)?;
    Ok(csv(service.shown(&session, move |chain| chain.dsp().firmware_activations_csv(viewer)).await?))
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    entry: String,
}

async fn repositories(
    State(service): State<Arc<Service>>,
    Query(Entry { entry }): Query<Entry>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let session = service.signed_in(&headers)?;
    let form = html! {
        form.card.search method="get" action="/repositories" role="search" {
            label for="entry" { "CPL entry number" }
            div.row {
                input #entry name="entry" value=(entry) required inputmode="numeric" autocomplete="off";
                button type="submit" { "Show" }
            }
        }
    };
    let title = "Firmware Information and Device Zigbee Information";
    if entry.is_empty() {
        return Ok(respond(StatusCode::OK, page(Some(&session), title, None, form)));
    }
    let Ok(number) = entry.trim().parse::<u32>() else {
        let content = html! { p.problem role="alert" { "“" (excerpt(&entry)) "” is no CPL entry number." } (form) };
        return Ok(respond(StatusCode::BAD_REQUEST, page(Some(&session), title, None, content)));
    };
    let (access, reader) = (service.access(), session.party.reader());
    let look = move |chain: &Chain| {
        let (panel, data) = (access.panel(), chain.dsp().data());
        let fir = panel.fir(data, &reader, number).map(|record| record.cloned());
        (chain.utc(), fir, panel.dzir(data, &reader, number).map(|record| record.cloned()))
    };
    let (now, fir, dzir) = service.shown(&session, look).await?;
    let content = html! {
        section.card aria-label="Firmware Information Repository" {
            h2 { "Firmware Information Repository, entry " (number) }
            @match &fir {
                Ok(Some(record)) => (fir_details(record)),
                Ok(None) => p { "No record." },
                Err(refused) => p.problem { (refused) },
            }
        }
        section.card aria-label="Device Zigbee Information Repository" {
            h2 { "Device Zigbee Information Repository, entry " (number) }
            @match &dzir {
                Ok(Some(record)) => (dzir_details(record)),
                Ok(None) => p { "No record." },
                Err(refused) => p.problem { (refused) },
            }
        }
        (form)
    };
    Ok(respond(StatusCode::OK, page(Some(&session), title, Some(now), content)))
}

fn fir_details(record: &FirRecord) -> Markup {
    let baselines = match &record.baselines {
        Baselines::NotApplicable => "N/A".to_owned(),
        Baselines::Entries(entries) => entries.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
    };
    html! {
        dl {
            dt { "Baselines" } dd { (baselines) }
            dt { "Release notes" } dd { (record.release_notes) }
            dt { "Email" } dd { (record.contact.email) }
            dt { "Telephone" } dd { (record.contact.telephone) }
            dt { "Address" } dd { (record.contact.address) }
        }
    }
}

fn dzir_details(record: &DzirRecord) -> Markup {
    html! {
        dl {
            dt { "ZigBee chipset vendor" } dd { (record.chipset_vendor) }
            dt { "ZigBee stack version" } dd { (record.stack_version) }
            @if let Some(band) = record.band { dt { "Bands" } dd { (format!("{band:?}")) } }
        }
    }
}
