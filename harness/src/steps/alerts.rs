//! Alerts: the hub's and the PPMID's, as they signed them, and the DCC Alerts that come of them.

use super::distribution::{request_of, response_to};
use super::readings::{Expected, status_alerts_go_to_all};
use super::supplier::device;
use super::{HAN, WAN};
use crate::rig::observe::{DuisSighting, GatewayContent, Heard, OtaHeard, Party, Sighting, WanDirection, WanSighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Hex, Named, RigScenario, Role, Version, readable};
use cucumber::gherkin::Step;
use cucumber::then;
use hanrig_dcc::duis::{DccAlert, DccAlertCode, DccAlertMessage, DuisMessage, RequestId, ResponseBody};
use hanrig_dcc::gateway::CspToDsp;
use hanrig_wire::gbcs::{ActivationOutcome, AlertCode, Cra, Envelope, TransferResponseCode, ccs08, cs09};
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::Eui64;
use hanrig_wire::wan::{ImageStatus, WanMessage};
use hanrig_wire::zcl::Status;
use hanrig_wire::zcl::ota::UPGRADE_NOW;
use std::collections::BTreeMap;

/// How far an Alert's own time may be from the time at which it was observed.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);
/// How much later than from another interface the rig may hear of what was on the air, on a busy machine.
const LATE: Duration = Duration::from_secs(20);
/// How long nothing more may come before all that was to come has come.
const QUIET: Duration = Duration::from_secs(3600);
/// How long a PPMID that activates at once may take until it is back and says so.
pub(super) const ACTIVATION: Duration = Duration::from_secs(15 * 60);

pub(super) fn dcc_alert(sighting: &DuisSighting, user: Eui64) -> Option<&DccAlertMessage> {
    match &response_to(sighting, user)?.body {
        ResponseBody::DccAlertMessage(alert) => Some(alert),
        _ => None,
    }
}

/// Expects a DCC Alert of `code` for `role` and gives its body and when it came.
pub(super) async fn expect_dcc_alert(
    world: &mut RigScenario,
    role: Role,
    code: DccAlertCode,
    what: &str,
    right: impl Fn(&DccAlert) -> bool,
) -> Result<(Instant, DccAlert), StepError> {
    let user = world.supplier_eui(role)?;
    let found = world
        .expect_duis(
            &format!("{code} for the {role}, {what}"),
            HAN,
            |sighting| dcc_alert(sighting, user).is_some_and(|alert| alert.code == code && right(&alert.alert)),
            |sighting| {
                matches!(&sighting.message, DuisMessage::Response(r) if matches!(r.body, ResponseBody::DccAlertMessage(_)))
            },
        )
        .await?;
    let alert = dcc_alert(&found, user).map(|alert| alert.alert.clone());
    Ok((found.at(), alert.ok_or_else(|| StepError::bench_fault("the Alert has gone"))?))
}

/// The request that the update is known by: the last SRV 11.4 of `role`.
pub(super) fn update_of(world: &RigScenario, role: Role) -> Result<RequestId, StepError> {
    request_of(world, role)
}

#[then(expr = "the {supplier} gets N59 with the Hash of the Manufacturer Image and the {device}")]
async fn n59(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    let (device, expected) = (world.device(named)?.eui, world.release()?.hash);
    expect_dcc_alert(world, role, DccAlertCode::N59, &format!("with Hash {expected} and Device {device}"), |alert| {
        matches!(alert, DccAlert::FirmwareDistributionNotification(n)
            if n.hash == expected && n.device_id_list == [device])
    })
    .await
    .map(drop)
}

#[then(expr = "the {supplier} gets N61 for the {device}")]
async fn n61(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    status_alerts_go_to_all(world)?;
    let (device, version) = (world.device(named)?.eui, world.release()?.image.file_version);
    let request = update_of(world, role)?;
    let what = format!("for Device {device} and request {request}");
    let (at, _) = expect_dcc_alert(world, role, DccAlertCode::N61, &what, |alert| {
        matches!(alert, DccAlert::FirmwareDeliveryStatus(status)
            if status.device_id == device && status.request_id == request && status.firmware_version == version)
    })
    .await?;
    let since = world.since;
    let is_there = world.seen()?.wan.iter().any(|sighting| {
        (since..=at).contains(&sighting.at())
            && sighting.direction == WanDirection::FromHub
            && matches!(sighting.message, WanMessage::ImageStatus { status: ImageStatus::Complete, .. })
    });
    if is_there { Ok(()) } else { Err(StepError::fail("N61 came before the hub had said that it has the image")) }
}

#[then(regex = "^the (.* Supplier) gets (N59|N62) for the (PPMID|HCALCS|ESME|GSME)$")]
async fn any_alert(world: &mut RigScenario, role: String, code: String, named: Named) -> StepResult {
    let role: Role = role.parse().map_err(StepError::bench_fault)?;
    let device = world.device(named)?.eui;
    let code: DccAlertCode =
        code.parse().map_err(|error| StepError::bench_fault(format!("{code:?}: expected {error}")))?;
    if code == DccAlertCode::N62 {
        status_alerts_go_to_all(world)?;
    }
    let about = |alert: &DccAlert| alert.devices().contains(&device);
    expect_dcc_alert(world, role, code, &format!("for Device {device}"), about).await.map(drop)
}

#[then(
    expr = "the {supplier} gets N62 for the {device} with Device Alert {hex}, transfer response code {int} and version {version}"
)]
async fn n62(
    world: &mut RigScenario,
    role: Role,
    named: Named,
    code: Hex,
    response: u8,
    version: Version,
) -> StepResult {
    status_alerts_go_to_all(world)?;
    let device = world.device(named)?.eui;
    let request = update_of(world, role)?;
    let what = format!("with Device Alert {:04X}, transfer response code {response}, version {}", code.0, version.0);
    let (_, alert) = expect_dcc_alert(world, role, DccAlertCode::N62, &what, |alert| {
        matches!(alert, DccAlert::FirmwareTransferStatus(status)
            if status.device_id == device && status.request_id == request && status.firmware_version == version.0
                && status.device_alert_code == code.0 && status.transfer_response_code == response)
    })
    .await?;
    let DccAlert::FirmwareTransferStatus(status) = alert else { return Ok(()) };
    unchanged(world, &status.gbcs_payload)
}

#[then(expr = "the {supplier} gets N39 for the PPMID with version {version}")]
async fn n39(world: &mut RigScenario, role: Role, version: Version) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let what = format!("for Device {ppmid}, Device Alert 8F8B, version {}, activated", version.0);
    let (_, alert) = expect_dcc_alert(world, role, DccAlertCode::N39, &what, |alert| {
        matches!(alert, DccAlert::PpmidAlert(status)
            if status.device_id == ppmid && status.alert_code == AlertCode::FIRMWARE_ACTIVATION
                && status.firmware_version == version.0
                && status.activation_response_code == ActivationOutcome::Success as u8)
    })
    .await?;
    let DccAlert::PpmidAlert(status) = alert else { return Ok(()) };
    unchanged(world, &status.gbcs_payload)
}

/// The GBCS message in a DCC Alert is the one that the hub sent, and the CSP carried it unchanged (CSP-05).
fn unchanged(world: &RigScenario, payload: &[u8]) -> StepResult {
    let seen = world.seen()?;
    let sent = seen.wan.iter().any(|sighting| {
        sighting.direction == WanDirection::FromHub
            && sighting.gbcs.as_ref().is_some_and(|envelope| envelope.emit() == payload)
    });
    let carried = seen.gateway.iter().any(
        |sighting| matches!(&sighting.content, GatewayContent::ToDsp(CspToDsp::Gbcs(gbcs)) if gbcs.octets == payload),
    );
    match (sent, carried) {
        (true, true) => Ok(()),
        (true, false) => Err(StepError::fail("the CSP did not give the DSP the Alert unchanged")),
        (false, _) => Err(StepError::fail("the GBCS message in the DCC Alert is not one that the hub sent")),
    }
}

/// The DCC Alerts that `role` has got since the last stimulus, in order.
pub(super) fn dcc_alerts_of(world: &RigScenario, role: Role) -> Result<Vec<&DccAlertMessage>, StepError> {
    let user = world.supplier_eui(role)?;
    let since = world.since;
    let duis = &world.seen()?.duis;
    Ok(duis.iter().filter(|s| s.at() >= since).filter_map(|s| dcc_alert(s, user)).collect())
}

#[then("after an hour of quiet the Suppliers have got exactly these DCC Alerts:")]
async fn exactly_these_alerts(world: &mut RigScenario, step: &Step) -> StepResult {
    let mut rows: Vec<(Role, &str)> = Vec::new();
    for row in step.table.as_ref().map(|table| table.rows.as_slice()).unwrap_or_default().iter().skip(1) {
        let [role, alerts] = row.as_slice() else {
            return Err(StepError::bench_fault("the table has not the columns Supplier and DCC Alerts"));
        };
        rows.push((role.parse().map_err(StepError::bench_fault)?, alerts));
    }
    world.let_pass(QUIET).await?;
    let mut wrong = String::new();
    let mut ours = vec![world.supplier_eui(Role::ImportSupplier)?, world.supplier_eui(Role::GasSupplier)?];
    for expected in Expected::of(world, &rows)? {
        let role = expected.role;
        ours.push(world.supplier_eui(role)?);
        let codes: Vec<_> = dcc_alerts_of(world, role)?.iter().map(|alert| alert.code).collect();
        if let Some(difference) = expected.difference(&codes) {
            wrong.push_str(&format!("\n  {role}: {difference}"));
        }
    }
    let since = world.since;
    let strangers: Vec<_> = world
        .seen()?
        .duis
        .iter()
        .filter(|sighting| sighting.at() >= since)
        .filter(|sighting| matches!(sighting.to, Party::User(user) if !ours.contains(&user)))
        .map(|sighting| sighting.observation().summary)
        .collect();
    for summary in strangers {
        wrong.push_str(&format!("\n  nobody else was to hear anything: {summary}"));
    }
    for (request, count) in answers_to_updates(world)?.into_iter().filter(|(_, count)| *count > 1) {
        wrong.push_str(&format!("\n  SRV 11.4 gets one Service Response, and {request} got {count}"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(StepError::fail(format!("DCC Alerts in order:{wrong}"))) }
}

#[then("after an hour of quiet the Suppliers have got exactly these DCC Alerts for each Device:")]
async fn exactly_these_alerts_by_device(world: &mut RigScenario, step: &Step) -> StepResult {
    let rows = step.table.as_ref().map(|table| table.rows.as_slice()).unwrap_or_default();
    let [header, rows @ ..] = rows else { return Err(StepError::bench_fault("the step has no table")) };
    let roles: Vec<Role> =
        header.iter().skip(1).map(|role| role.parse()).collect::<Result<_, _>>().map_err(StepError::bench_fault)?;
    world.let_pass(QUIET).await?;
    let mut wrong = String::new();
    for row in rows {
        let [name, expected @ ..] = row.as_slice() else { continue };
        let device = device(world, name)?;
        let expected: Vec<_> = roles.iter().copied().zip(expected.iter().map(String::as_str)).collect();
        for expected in Expected::of(world, &expected)? {
            let role = expected.role;
            let alerts =
                dcc_alerts_of(world, role)?.into_iter().filter(|alert| alert.alert.devices().contains(&device));
            let codes: Vec<_> = alerts.map(|alert| alert.code).collect();
            if let Some(difference) = expected.difference(&codes) {
                wrong.push_str(&format!("\n  {role}, {name}: {difference}"));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(StepError::fail(format!("DCC Alerts in order:{wrong}"))) }
}

#[then(expr = "the {supplier} has got exactly {int} N59")]
fn so_many_n59(world: &mut RigScenario, role: Role, expected: usize) -> StepResult {
    let observed = dcc_alerts_of(world, role)?.iter().filter(|alert| alert.code == DccAlertCode::N59).count();
    if observed == expected {
        return Ok(());
    }
    Err(StepError::fail(format!("expected {expected} N59 for the {role}, observed {observed}")))
}

/// How many Service Responses each SRV 11.4 has got.
fn answers_to_updates(world: &RigScenario) -> Result<BTreeMap<RequestId, usize>, StepError> {
    let mut answers = BTreeMap::new();
    for sighting in &world.seen()?.duis {
        if let DuisMessage::Response(response) = &sighting.message
            && let ResponseBody::ResponseMessage(message) = &response.body
            && message.service_reference.as_ref().is_some_and(|reference| reference.as_str() == "11.4")
            && let Some(request) = response.request_id
        {
            *answers.entry(request).or_default() += 1;
        }
    }
    Ok(answers)
}

/// The CCS08 Alert in a sighting on the WAN link.
pub(super) fn transfer_alert(sighting: &WanSighting) -> Option<(&Envelope, ccs08::Alert)> {
    let envelope = sighting.gbcs.as_deref().filter(|_| sighting.direction == WanDirection::FromHub)?;
    let message = envelope.message();
    let is_alert = message.cra == Cra::Alert && message.message_code == ccs08::MESSAGE_CODE;
    Some((envelope, is_alert.then(|| ccs08::Alert::decode(&message.content).ok())??))
}

/// Whether this is the time at which it was observed.
pub(super) fn is_at(world: &RigScenario, time: Utc, at: Instant) -> Result<bool, StepError> {
    let observed = world.bench()?.epoch.after(at - Instant::ZERO);
    Ok(time.0.abs_diff(observed.0) <= u64::try_from(CLOCK_TOLERANCE.as_millis()).unwrap_or(u64::MAX))
}

#[then(
    expr = "the hub sends the Alert {hex} with transfer response code {int}, signed, for the {device} and version {version}"
)]
async fn hub_alert(world: &mut RigScenario, code: Hex, response: u8, named: Named, version: Version) -> StepResult {
    let (device, hub) = (world.device(named)?.eui, world.hub()?);
    let broker = world.bench()?.access_control_broker.eui;
    let key = world.bench()?.hub.keys.ds.verifying_key();
    let found = world
        .expect_wan(
            &format!("Alert {:04X} for {device}, version {}, transfer response code {response}", code.0, version.0),
            HAN,
            |sighting| {
                transfer_alert(sighting).is_some_and(|(_, alert)| {
                    alert.alert_code == code.0
                        && alert.transfer_response_code as u8 == response
                        && alert.target == device
                        && alert.version == version.0
                })
            },
            |sighting| sighting.gbcs.is_some() && sighting.direction == WanDirection::FromHub,
        )
        .await?;
    let Some((envelope, alert)) = transfer_alert(&found) else { return Ok(()) };
    let message = envelope.message();
    if message.originator != hub || message.recipient != broker {
        return Err(StepError::fail(format!(
            "expected the Alert to go from the CHF {hub} to the Access Control Broker {broker}, observed {message}"
        )));
    }
    message
        .verify(&key)
        .map_err(|error| StepError::fail(format!("the Alert's signature is not the CHF's: {error}")))?;
    if !is_at(world, alert.time, found.at())? {
        return Err(StepError::fail(format!("the Alert's time {} is not the time at which it was sent", alert.time)));
    }
    let ended = match alert.transfer_response_code {
        TransferResponseCode::Success => Some(true),
        TransferResponseCode::FileTransferFailure => Some(false),
        TransferResponseCode::ImageDiscarded | TransferResponseCode::HardwareVersionMismatch => None,
    };
    let Some(success) = ended else { return Ok(()) };
    let ends = |command: &OtaHeard| matches!(command, OtaHeard::EndRequest(request) if (request.status == Status::SUCCESS) == success);
    // What the sniffer heard before can reach the rig after it.
    let deadline = world.in_motion_at()? + LATE;
    while !heard_before(world, found.at(), device, ends)? {
        if world.in_motion_at()? < deadline {
            world.let_pass(Duration::from_secs(1)).await?;
        } else {
            return Err(StepError::fail(format!(
                "the Alert was sent before the {named} had said how the transfer ended"
            )));
        }
    }
    Ok(())
}

/// Whether `source` said this over the OTA Upgrade Cluster between the last stimulus and `at`.
fn heard_before(
    world: &RigScenario,
    at: Instant,
    source: Eui64,
    what: impl Fn(&OtaHeard) -> bool,
) -> Result<bool, StepError> {
    let since = world.since;
    Ok(world.seen()?.air.iter().any(|sighting| {
        (since..=at).contains(&sighting.at())
            && sighting.source == source
            && matches!(&sighting.heard, Heard::Ota(_, command) if what(command))
    }))
}

#[then(expr = "the hub has sent exactly {int} transfer Alert(s)")]
async fn exactly_so_many_transfer_alerts(world: &mut RigScenario, expected: usize) -> StepResult {
    world.let_pass(Duration::from_secs(60)).await?;
    let mut counters: Vec<_> = world
        .seen()?
        .wan
        .iter()
        .filter_map(transfer_alert)
        .map(|(envelope, alert)| (envelope.message().counter, alert.to_string()))
        .collect();
    counters.dedup();
    if counters.len() == expected {
        return Ok(());
    }
    let list: String = counters.iter().map(|(_, alert)| format!("\n  {alert}")).collect();
    Err(StepError::fail(format!("expected {expected} transfer Alerts in all, observed {}:{list}", counters.len())))
}

#[then(
    expr = "the PPMID sends the Alert {hex}, signed, to the Access Control Broker with version {version} and outcome success"
)]
async fn ppmid_alert(world: &mut RigScenario, code: Hex, version: Version) -> StepResult {
    let ppmid = world.ppmid()?;
    let (eui, key) = (ppmid.eui, ppmid.keys.ds.verifying_key());
    let broker = world.bench()?.access_control_broker.eui;
    let alert_of = |heard: &Heard| match heard {
        Heard::Gbcs(envelope) if envelope.message().message_code == cs09::MESSAGE_CODE => {
            cs09::Alert::decode(&envelope.message().content).ok().map(|alert| (envelope.message().clone(), alert))
        }
        _ => None,
    };
    let found = world
        .expect_air(
            &format!("Alert {:04X} of the PPMID, version {}, outcome success", code.0, version.0),
            HAN,
            |sighting| {
                sighting.source == eui
                    && alert_of(&sighting.heard).is_some_and(|(_, alert)| {
                        alert.alert_code == code.0
                            && alert.version == version.0
                            && alert.outcome == ActivationOutcome::Success
                    })
            },
            |sighting| sighting.source == eui && matches!(sighting.heard, Heard::Gbcs(_)),
        )
        .await?;
    let Some((message, alert)) = alert_of(&found.heard) else { return Ok(()) };
    if message.originator != eui || message.recipient != broker || message.cra != Cra::Alert {
        return Err(StepError::fail(format!(
            "expected an Alert from the PPMID {eui} to the Access Control Broker {broker}, observed {message}"
        )));
    }
    message.verify(&key).map_err(|error| StepError::fail(format!("the signature is not the PPMID's: {error}")))?;
    if !is_at(world, alert.time, found.at())? {
        return Err(StepError::fail(format!("the Alert's time {} is not the time at which it was sent", alert.time)));
    }
    // PPMID-05: it has activated because the hub said so, and at once.
    let (hub, since) = (world.hub()?, world.since);
    let told = world.seen()?.air.iter().rev().find(|sighting| {
        (since..=found.at()).contains(&sighting.at())
            && sighting.source == hub
            && sighting.destination == Some(eui)
            && matches!(&sighting.heard, Heard::Ota(_, OtaHeard::EndResponse(response))
                if response.upgrade_time == UPGRADE_NOW && response.image.file_version == version.0)
    });
    let Some(told) = told.map(Sighting::at) else {
        return Err(StepError::fail("the PPMID has activated, and the hub had not told it to"));
    };
    let passed = found.at() - told;
    if passed > ACTIVATION {
        let (passed, limit) = (readable(passed), readable(ACTIVATION));
        return Err(StepError::fail(format!(
            "the PPMID told of its activation {passed} after the hub had told it to activate, expected at most {limit}"
        )));
    }
    // It reaches the WAN as it is.
    let octets = message.emit();
    world
        .expect_wan(
            "the same Alert",
            WAN,
            |sighting| sighting.gbcs.as_ref().is_some_and(|envelope| envelope.emit() == octets),
            |sighting| sighting.gbcs.is_some(),
        )
        .await
        .map(drop)
}

#[then(expr = "the PPMID sends the Alert {hex} over the HAN")]
async fn ppmid_alert_on_han(world: &mut RigScenario, code: Hex) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let is_it = |heard: &Heard| match heard {
        Heard::Gbcs(envelope) => cs09::Alert::decode(&envelope.message().content)
            .is_ok_and(|alert| envelope.message().message_code == cs09::MESSAGE_CODE && alert.alert_code == code.0),
        _ => false,
    };
    world
        .expect_air(
            &format!("Alert {:04X} of the PPMID", code.0),
            HAN,
            |sighting| sighting.source == ppmid && is_it(&sighting.heard),
            |sighting| sighting.source == ppmid && matches!(sighting.heard, Heard::Gbcs(_)),
        )
        .await
        .map(drop)
}
