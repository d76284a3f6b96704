//! SRV 11.3: a Supplier has a Device activate the image that it holds, and hears what came of it.

use super::distribution::{request_of, response_to};
use super::supplier::send;
use super::{DCC, HAN};
use crate::rig::observe::{AirSighting, DuisSighting, Heard, Party};
use crate::runner::{StepError, StepResult};
use crate::world::{Hex, Named, RigScenario, Role, Version};
use cucumber::{then, when};
use hanrig_dcc::FirmwareHash;
use hanrig_dcc::duis::{DuisMessage, Request, Response, ResponseBody, ResponsePayload, ServiceRequest};
use hanrig_wire::gbcs::cs06::{self, Outcome};
use hanrig_wire::gbcs::{Content, Envelope, Message, decode_content};
use hanrig_wire::time::{Duration, Instant, Utc};

/// How late after its time a Device may activate.
const PUNCTUAL: Duration = Duration::from_secs(60);

/// Asks for activation, and gives the response with the Pre-Command.
async fn ask(
    world: &mut RigScenario,
    role: Role,
    named: Named,
    hash: FirmwareHash,
    execution: Option<Utc>,
) -> Result<Response, StepError> {
    let device = world.device(named)?.eui;
    world.execution = execution;
    let request = world.supplier(role)?.activate_firmware(device, hash, execution);
    pre_command_for(world, role, request).await
}

/// Sends a request for a Critical Command, and gives the response with the Pre-Command.
async fn pre_command_for(world: &mut RigScenario, role: Role, request: Request) -> Result<Response, StepError> {
    let (id, user) = (request.request_id, world.supplier_eui(role)?);
    send(world, role, request).await?;
    let is_pre_command = |sighting: &DuisSighting| {
        response_to(sighting, user).is_some_and(|response| {
            response.request_id == Some(id)
                && matches!(&response.body, ResponseBody::ResponseMessage(message)
                    if matches!(message.payload, ResponsePayload::PreCommand(_)))
        })
    };
    let what = format!("a Pre-Command for {id}");
    let found = world.expect_duis(&what, DCC, is_pre_command, |sighting| sighting.to == Party::User(user)).await?;
    let response = response_to(&found, user).cloned();
    response.ok_or_else(|| StepError::bench_fault("the response has gone"))
}

/// Asks for activation, has the Supplier check and sign the Pre-Command, and sends it.
async fn activate(
    world: &mut RigScenario,
    role: Role,
    named: Named,
    hash: FirmwareHash,
    execution: Option<Utc>,
) -> StepResult {
    let response = ask(world, role, named, hash, execution).await?;
    sign_and_send(world, role, &response).await
}

/// Asks for a Critical Command, has the Supplier check and sign the Pre-Command, and sends it.
pub(super) async fn command(world: &mut RigScenario, role: Role, request: Request) -> StepResult {
    let response = pre_command_for(world, role, request).await?;
    sign_and_send(world, role, &response).await
}

async fn sign_and_send(world: &mut RigScenario, role: Role, response: &Response) -> StepResult {
    let signed = world.supplier(role)?.sign_pre_command(response);
    let signed = signed.map_err(|why| StepError::fail(format!("the {role} does not sign the Pre-Command: {why}")))?;
    send(world, role, signed).await
}

/// The Pre-Command in a response, changed.
fn change_pre_command(response: &mut Response, change: impl FnOnce(&mut Message)) -> StepResult {
    let ResponseBody::ResponseMessage(message) = &mut response.body else { return Ok(()) };
    let ResponsePayload::PreCommand(pre_command) = &mut message.payload else { return Ok(()) };
    let mut command = Message::parse_pre_command(&pre_command.gbcs_payload)
        .map_err(|error| StepError::fail(format!("the Pre-Command does not decode: {error}")))?;
    change(&mut command);
    pre_command.gbcs_payload = command.emit_pre_command();
    Ok(())
}

#[when(expr = "the {supplier} asks for SRV 11.3 on the {device}, and the {supplier} signs the Pre-Command")]
async fn another_signs(world: &mut RigScenario, role: Role, named: Named, signer: Role) -> StepResult {
    let hash = world.release()?.hash;
    let response = ask(world, role, named, hash, None).await?;
    let signer = world.supplier_eui(signer)?;
    let bench = world.bench()?;
    let keys = bench.suppliers.iter().find(|supplier| supplier.eui == signer).map(|supplier| supplier.keys.ds.clone());
    let keys = keys.ok_or_else(|| StepError::not_applicable(format!("{signer} is not on the bench")))?;
    let mut octets = Vec::new();
    change_pre_command(&mut response.clone(), |command| {
        let mut command = command.clone();
        command.sign(&keys);
        octets = command.emit();
    })?;
    let id = response.request_id.ok_or_else(|| StepError::fail("the Pre-Command's response names no request"))?;
    let request = Request::new(id, ServiceRequest::SignedPreCommand { gbcs_payload: octets });
    let request = world.supplier(role)?.signed(request);
    send(world, role, request).await
}

#[then(
    expr = "the {supplier} gets one Service Response to the Signed Pre-Command that says that its protection does not verify"
)]
async fn not_verified(world: &mut RigScenario, role: Role) -> StepResult {
    let (user, request, since) = (world.supplier_eui(role)?, request_of(world, role)?, world.since);
    world.let_pass(DCC).await?;
    let answers = world.seen()?.duis.iter().filter(|sighting| sighting.at >= since);
    let codes: Vec<String> = answers
        .filter_map(|sighting| response_to(sighting, user))
        .filter(|response| response.request_id == Some(request))
        .map(|response| response.response_code.to_string())
        .collect();
    if codes == ["E104"] {
        return Ok(());
    }
    Err(StepError::fail(format!("expected Response Code E104 and nothing else, observed {codes:?}")))
}

#[when(expr = "the {supplier} asks for SRV 11.3 on the {device}, and gets a Pre-Command for another image")]
async fn other_pre_command(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    let hash = world.release()?.hash;
    let mut response = ask(world, role, named, hash, None).await?;
    change_pre_command(&mut response, |command| {
        let content = cs06::Command::decode(&command.content);
        if let Ok(content) = content {
            command.content = cs06::Command { hash: [0x5A; 32], ..content }.encode();
        }
    })?;
    world.stimulus().await?;
    match world.supplier(role)?.sign_pre_command(&response) {
        Ok(signed) => send(world, role, signed).await,
        Err(_) => Ok(()),
    }
}

#[then(expr = "the {supplier} does not sign the Pre-Command")]
async fn does_not_sign(world: &mut RigScenario, role: Role) -> StepResult {
    let (user, since) = (world.supplier_eui(role)?, world.since);
    world.let_pass(DCC).await?;
    let sent = world.seen()?.duis.iter().find(|sighting| {
        sighting.at >= since
            && sighting.from == Party::User(user)
            && matches!(&sighting.message, DuisMessage::Request(request)
                if matches!(request.body, ServiceRequest::SignedPreCommand { .. }))
    });
    match sent {
        None => Ok(()),
        Some(_) => {
            Err(StepError::fail(format!("expected that the {role} sends nothing, observed a Signed Pre-Command")))
        }
    }
}

#[when(expr = "the {supplier} activates the image on the {device} by SRV 11.3")]
async fn activates(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    let hash = world.release()?.hash;
    activate(world, role, named, hash, None).await
}

#[when(expr = "the {supplier} activates another image on the {device} by SRV 11.3")]
async fn activates_another(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    let FirmwareHash(mut hash) = world.release()?.hash;
    hash.iter_mut().for_each(|octet| *octet ^= 0xFF);
    activate(world, role, named, FirmwareHash(hash), None).await
}

#[when(expr = "the {supplier} activates the image on the {device} by SRV 11.3, to be done in {int} hours")]
async fn activates_later(world: &mut RigScenario, role: Role, named: Named, hours: u64) -> StepResult {
    let hash = world.release()?.hash;
    world.driver().await?;
    let now = utc(world, world.in_motion_at()?)?;
    let execution = Utc::from_unix_seconds(now.after(Duration::from_secs(hours * 3600)).unix_seconds());
    activate(world, role, named, hash, Some(execution)).await
}

fn utc(world: &RigScenario, at: Instant) -> Result<Utc, StepError> {
    Ok(world.bench()?.epoch.after(at - Instant::ZERO))
}

/// A message of a Device about CS06: what came of it, or that this is to follow.
fn about_activation(message: &Message) -> Option<Content> {
    let content = decode_content(message).ok()?;
    matches!(content, Content::Cs06Response(_) | Content::Cs06FutureDatedAlert(_)).then_some(content)
}

/// Expects a message of the Device about CS06 on the air, signed by it and for its Supplier.
async fn expect_from(
    world: &mut RigScenario,
    named: Named,
    what: &str,
    window: Duration,
    right: impl Fn(&Content) -> bool,
) -> Result<AirSighting, StepError> {
    let device = world.device(named)?;
    let (eui, key) = (device.eui, device.keys.ds.verifying_key());
    let found = world
        .expect_air(
            what,
            window,
            |sighting| {
                sighting.source == eui
                    && matches!(&sighting.heard, Heard::Gbcs(envelope)
                        if about_activation(envelope.message()).is_some_and(|content| right(&content)))
            },
            |sighting| sighting.source == eui && matches!(sighting.heard, Heard::Gbcs(_)),
        )
        .await?;
    if let Heard::Gbcs(envelope) = &found.heard {
        is_of_device(world, named, envelope.message())?;
        envelope
            .message()
            .verify(&key)
            .map_err(|error| StepError::fail(format!("the signature is not that of the {named}: {error}")))?;
    }
    Ok(found)
}

/// That a message goes from the Device to the Supplier whose Commands it obeys.
pub(super) fn is_of_device(world: &RigScenario, named: Named, message: &Message) -> StepResult {
    let device = world.device(named)?.eui;
    let supplier = crate::rig::participants::own_supplier(world.bench()?, named.0);
    if message.originator == device && Some(message.recipient) == supplier {
        return Ok(());
    }
    Err(StepError::fail(format!("expected a message from the {named} to its Supplier, observed {message}")))
}

fn is_outcome(outcome: &Outcome, result: &str, version: Version) -> bool {
    outcome.result.to_string() == result && outcome.version == version.0
}

#[then(expr = "the {device} answers CS06 with {word} and version {version}, signed")]
async fn answers(world: &mut RigScenario, named: Named, result: String, version: Version) -> StepResult {
    let what = format!("a CS06 response of the {named}: {result}, version {}", version.0);
    expect_from(world, named, &what, HAN, |content| {
        matches!(content, Content::Cs06Response(cs06::Response::Immediate(outcome))
            if is_outcome(outcome, &result, version))
    })
    .await
    .map(drop)
}

#[then(expr = "the {device} answers CS06, signed, that the outcome is to follow")]
async fn answers_for_later(world: &mut RigScenario, named: Named) -> StepResult {
    let what = format!("a CS06 response of the {named} without an outcome");
    expect_from(world, named, &what, HAN, |content| {
        matches!(content, Content::Cs06Response(cs06::Response::FutureDated))
    })
    .await
    .map(drop)
}

#[then(expr = "at that time the {device} sends the Alert {hex} with {word} and version {version}, signed")]
async fn alerts_at(world: &mut RigScenario, named: Named, code: Hex, result: String, version: Version) -> StepResult {
    let execution = world.execution.ok_or_else(|| StepError::bench_fault("no step before this one named a time"))?;
    let now = utc(world, world.in_motion_at()?)?;
    let left = u64::try_from(execution.0.saturating_sub(now.0)).unwrap_or(0);
    let what = format!("Alert {:04X} of the {named} at {execution}: {result}, version {}", code.0, version.0);
    let found = expect_from(world, named, &what, Duration::from_millis(left) + HAN, |content| {
        matches!(content, Content::Cs06FutureDatedAlert(alert)
            if alert.alert_code == code.0 && is_outcome(&alert.outcome, &result, version))
    })
    .await?;
    let at = utc(world, found.at)?;
    if at < execution || at > execution.after(PUNCTUAL) {
        return Err(StepError::fail(format!("expected activation at {execution}, observed its Alert at {at}")));
    }
    Ok(())
}

/// Expects what a Device said of CS06 to reach the Supplier that asked, and nobody else.
async fn expect_told(
    world: &mut RigScenario,
    role: Role,
    what: &str,
    payload: fn(&ResponsePayload) -> Option<&[u8]>,
    right: impl Fn(&Outcome) -> bool,
) -> StepResult {
    expect_told_by(world, role, what, payload, |message| match about_activation(message) {
        Some(Content::Cs06Response(cs06::Response::Immediate(outcome))) => right(&outcome),
        Some(Content::Cs06FutureDatedAlert(alert)) => right(&alert.outcome),
        _ => false,
    })
    .await
}

/// Expects a Device's message that is `right` to reach the Supplier that asked, and nobody else.
pub(super) async fn expect_told_by(
    world: &mut RigScenario,
    role: Role,
    what: &str,
    payload: fn(&ResponsePayload) -> Option<&[u8]>,
    right: impl Fn(&Message) -> bool,
) -> StepResult {
    let user = world.supplier_eui(role)?;
    let request = request_of(world, role)?;
    let octets_of = |sighting: &DuisSighting| match &sighting.message {
        hanrig_dcc::duis::DuisMessage::Response(response) if response.request_id == Some(request) => {
            match &response.body {
                ResponseBody::ResponseMessage(message) => payload(&message.payload).map(<[u8]>::to_vec),
                _ => None,
            }
        }
        _ => None,
    };
    let told = |sighting: &DuisSighting| {
        let envelope = octets_of(sighting).and_then(|octets| Envelope::parse(&octets).ok());
        envelope.is_some_and(|envelope| right(envelope.message()))
    };
    world
        .expect_duis(
            &format!("{what} for the {role}'s request {request}"),
            HAN,
            |sighting| sighting.to == Party::User(user) && told(sighting),
            |sighting| sighting.to == Party::User(user),
        )
        .await?;
    let stranger = world.seen()?.duis.iter().any(|sighting| sighting.to != Party::User(user) && told(sighting));
    if stranger { Err(StepError::fail("somebody who had not asked was told too")) } else { Ok(()) }
}

pub(super) fn response_payload(payload: &ResponsePayload) -> Option<&[u8]> {
    match payload {
        ResponsePayload::GbcsPayload(octets) => Some(octets),
        _ => None,
    }
}

fn alert_payload(payload: &ResponsePayload) -> Option<&[u8]> {
    match payload {
        ResponsePayload::FutureDatedDeviceAlertMessage(alert) => Some(&alert.gbcs_payload),
        _ => None,
    }
}

#[then(expr = "the {supplier} is told {word} and version {version} on SRV 11.3")]
async fn told(world: &mut RigScenario, role: Role, result: String, version: Version) -> StepResult {
    let what = format!("{result} and version {}", version.0);
    expect_told(world, role, &what, response_payload, |outcome| is_outcome(outcome, &result, version)).await
}

#[then(expr = "the {supplier} is told later {word} and version {version} on SRV 11.3")]
async fn told_later(world: &mut RigScenario, role: Role, result: String, version: Version) -> StepResult {
    let what = format!("{result} and version {}, by a future-dated Device Alert,", version.0);
    expect_told(world, role, &what, alert_payload, |outcome| is_outcome(outcome, &result, version)).await
}
