//! Reading versions: SRV 8.2 from the SMI, SRV 11.2 from the Device.

use super::distribution::{request_of, response_to};
use super::readings::version_read_of;
use super::{DCC, HAN, WAN};
use crate::rig::observe::{Heard, Party, Sighting, WanDirection};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, RigScenario, Role, Version};
use cucumber::{then, when};
use hanrig_dcc::duis::{DuisMessage, RequestId, ResponseBody, ResponsePayload, ServiceRequest};
use hanrig_wire::gbcs::{Content, Cra, Envelope, check_mac, cs08, decode_content};
use hanrig_wire::time::Duration;
use hanrig_wire::types::{Eui64, FirmwareVersion};

/// How long a Device that was told to activate an image gets to start again with it: it misses what is sent to it while
/// it does.
const RESTART: Duration = Duration::from_secs(120);

/// How a Supplier makes a request about the Device.
type Make = fn(&mut hanrig_dcc::supplier::Supplier, hanrig_wire::types::Eui64) -> hanrig_dcc::duis::Request;

async fn send(world: &mut RigScenario, role: Role, named: Named, make: Make) -> StepResult {
    let (device, user) = (world.device(named)?.eui, world.supplier_eui(role)?);
    world.driver().await?;
    world.stimulus().await?;
    let request = make(world.supplier(role)?, device);
    world.request = Some((role, request.request_id));
    world.driver().await?.send_request(user, &request)?;
    Ok(())
}

#[when(expr = "the {supplier} reads the {device}'s inventory by SRV 8.2")]
async fn read_inventory(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    send(world, role, named, |supplier, device| supplier.read_inventory(device)).await
}

#[when(expr = "the {supplier} reads the {device}'s firmware version by SRV 11.2")]
async fn read_version(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    world.driver().await?.let_pass(RESTART).await?;
    send(world, role, named, |supplier, device| supplier.read_firmware_version(device)).await
}

/// The Device whose inventory a request asked for.
fn inventory_of(world: &RigScenario, request: RequestId) -> Result<Eui64, StepError> {
    let asked = world.seen()?.duis.iter().find_map(|sighting| match &sighting.message {
        DuisMessage::Request(sent) if sent.request_id == request => match &sent.body {
            ServiceRequest::ReadInventory { device_id } => Some(*device_id),
            _ => None,
        },
        _ => None,
    });
    asked.ok_or_else(|| StepError::bench_fault(format!("{request} is no SRV 8.2")))
}

#[then(expr = "the inventory shows firmware version {version}")]
async fn inventory_shows(world: &mut RigScenario, version: Version) -> StepResult {
    let (role, request) =
        world.request.ok_or_else(|| StepError::bench_fault("no step before this one sent SRV 8.2"))?;
    let asked_for = inventory_of(world, request)?;
    let user = world.supplier_eui(role)?;
    let found = world
        .expect_duis(
            &format!("a Service Response to {request} with an inventory"),
            DCC,
            |sighting| {
                response_to(sighting, user).is_some_and(|response| {
                    response.request_id == Some(request)
                        && response.response_code == "I0"
                        && matches!(&response.body, ResponseBody::ResponseMessage(message)
                            if matches!(message.payload, ResponsePayload::DspInventory(_)))
                })
            },
            |sighting| sighting.to == Party::User(user),
        )
        .await?;
    let Some(ResponseBody::ResponseMessage(message)) = response_to(&found, user).map(|response| &response.body) else {
        return Err(StepError::bench_fault("the response has gone"));
    };
    let ResponsePayload::DspInventory(devices) = &message.payload else { return Ok(()) };
    let shown: Vec<_> = devices.iter().filter(|device| device.device_id == asked_for).collect();
    match shown.as_slice() {
        [device] if device.firmware_version() == Some(version.0) => Ok(()),
        [device] => Err(StepError::fail(format!(
            "expected firmware version {} for {asked_for}, observed {}",
            version.0, device.device_firmware_version
        ))),
        other => Err(StepError::fail(format!("expected one entry for {asked_for}, observed {}", other.len()))),
    }
}

/// Whether the message's MAC is one of the Access Control Broker and the Device that sent or gets it.
fn mac_is_right(world: &RigScenario, envelope: &Envelope) -> StepResult {
    let bench = world.bench()?;
    let broker = &bench.access_control_broker.keys.ka;
    let ends = [envelope.message().originator, envelope.message().recipient];
    let device = bench.on_han().find(|device| ends.contains(&device.eui));
    let device = device.ok_or_else(|| StepError::fail("the message is neither of nor for a Device of the HAN"))?;
    check_mac(envelope, broker, &device.keys.ka.public_key())
        .map_err(|error| StepError::fail(format!("the MAC does not verify: {error}")))
}

#[then(expr = "the command CS08 goes from the Access Control Broker to the {device} in the name of the {supplier}")]
async fn command_goes(world: &mut RigScenario, named: Named, role: Role) -> StepResult {
    let (device, user) = (world.device(named)?.eui, world.supplier_eui(role)?);
    let broker = world.bench()?.access_control_broker.eui;
    let counter = request_of(world, role)?.counter;
    let found = world
        .expect_wan(
            &format!("CS08 command from {broker} to {device} in the name of {user}, counter {counter}"),
            WAN,
            |sighting| {
                sighting.direction == WanDirection::ToHub
                    && sighting.gbcs.as_ref().is_some_and(|envelope| {
                        let message = envelope.message();
                        message.cra == Cra::Command
                            && message.message_code == cs08::MESSAGE_CODE
                            && message.originator == broker
                            && message.recipient == device
                            && message
                                .supplementary
                                .is_some_and(|party| party.remote_party == user && party.counter == counter)
                    })
            },
            |sighting| sighting.gbcs.is_some(),
        )
        .await?;
    found.gbcs.map_or(Ok(()), |envelope| mac_is_right(world, &envelope))
}

/// The version that a Device tells in an answer to SRV 11.2, by whichever use case; `Err` where it could not be read.
fn answered_version(envelope: &Envelope) -> Option<Result<FirmwareVersion, String>> {
    match decode_content(envelope.message()).ok()? {
        Content::Cs08Response(response) => Some(match response.outcome {
            cs08::ReadOutcome::Success => Ok(response.version),
            cs08::ReadOutcome::Failure => Err(response.to_string()),
        }),
        Content::Ecs52Response(response) => Some(response.version.map_err(|_| response.to_string())),
        Content::Gcs38Response(response) => Some(response.version.map_err(|_| response.to_string())),
        _ => None,
    }
}

#[then(expr = "the {device} answers CS08 with version {version}, under a MAC that verifies")]
async fn device_answers(world: &mut RigScenario, named: Named, version: Version) -> StepResult {
    answers_by(world, named, version, cs08::MESSAGE_CODE).await
}

/// By the use case that the bench's reading of I-11 has for it.
#[then(expr = "the {device} answers the read of its version with {version}, under a MAC that verifies")]
async fn device_answers_read(world: &mut RigScenario, named: Named, version: Version) -> StepResult {
    let code = version_read_of(world, named.0)?;
    answers_by(world, named, version, code).await
}

async fn answers_by(world: &mut RigScenario, named: Named, version: Version, code: u16) -> StepResult {
    let device = world.device(named)?.eui;
    let found = world
        .expect_air(
            &format!("a response of the {named} with message code {code:04X}"),
            HAN,
            |sighting| {
                sighting.source == device
                    && matches!(&sighting.heard, Heard::Gbcs(envelope)
                        if envelope.message().message_code == code && answered_version(envelope).is_some())
            },
            |sighting| sighting.source == device && matches!(sighting.heard, Heard::Gbcs(_)),
        )
        .await?;
    let Heard::Gbcs(envelope) = &found.heard else { return Ok(()) };
    check_version(envelope, version)?;
    mac_is_right(world, envelope)
}

fn check_version(envelope: &Envelope, version: Version) -> StepResult {
    match answered_version(envelope) {
        Some(Ok(told)) if told == version.0 => Ok(()),
        other => Err(StepError::fail(format!("expected version {} and success, observed {other:?}", version.0))),
    }
}

#[then(expr = "the {supplier} gets the Device's response with version {version}")]
async fn device_response(world: &mut RigScenario, role: Role, version: Version) -> StepResult {
    let user = world.supplier_eui(role)?;
    let request = request_of(world, role)?;
    let payload_of = |sighting: &crate::rig::observe::DuisSighting| {
        let response = response_to(sighting, user).filter(|response| response.request_id == Some(request))?;
        match &response.body {
            ResponseBody::ResponseMessage(message) if response.response_code == "I0" => match &message.payload {
                ResponsePayload::GbcsPayload(octets) => Some(octets.clone()),
                _ => None,
            },
            _ => None,
        }
    };
    let found = world
        .expect_duis(
            &format!("a Service Response to {request} with the Device's GBCS response"),
            HAN,
            |sighting| payload_of(sighting).is_some(),
            |sighting| sighting.to == Party::User(user),
        )
        .await?;
    world.let_pass(Duration::from_secs(1)).await?;
    let elsewhere = world.seen()?.duis.iter().find(|sighting| {
        let answers =
            matches!(&sighting.message, DuisMessage::Response(response) if response.request_id == Some(request));
        answers && sighting.to != Party::User(user)
    });
    if let Some(elsewhere) = elsewhere {
        let summary = elsewhere.observation().summary;
        return Err(StepError::fail(format!("the response went to somebody who had not asked: {summary}")));
    }
    let octets = payload_of(&found).unwrap_or_default();
    let envelope = Envelope::parse(&octets)
        .map_err(|error| StepError::fail(format!("the GBCS payload does not decode: {error}")))?;
    mac_is_right(world, &envelope)?;
    check_version(&envelope, version)
}
