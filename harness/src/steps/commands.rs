//! Commands to a Device that no Supplier has sent so, and the Alerts by which a Device tells what is wrong.

use super::payment_mode::prepayment;
use super::{HAN, none_of};
use crate::bench::Bench;
use crate::rig::driver::FlashContent;
use crate::rig::observe::{DuisSighting, Heard, Party, Sighting};
use crate::rig::participants::own_supplier;
use crate::runner::{StepError, StepResult};
use crate::world::{Hex, Named, RigScenario, Role};
use cucumber::{then, when};
use hanrig_dcc::duis::{DuisMessage, ResponseBody};
use hanrig_wire::gbcs::{Content, Cra, Message, cs06, decode_content, seal};
use hanrig_wire::time::Duration;

/// A counter that no Service Request of a scenario has reached.
const FIRST_COUNTER: u64 = 1 << 40;

/// The CS06 Command for the image released, as the Device's own Supplier would sign it, and not signed yet.
fn command(world: &RigScenario, named: Named, counter: u64) -> Result<Message, StepError> {
    let hash = world.release()?.hash.0;
    let content = cs06::Command { hash, originator_counter: counter, execution: None }.encode();
    critical(world, named, counter, cs06::MESSAGE_CODE, content)
}

/// A Command that has the Device change to prepayment, likewise.
fn prepayment_command(world: &RigScenario, named: Named, counter: u64) -> Result<Message, StepError> {
    let mode = prepayment(0);
    let content = Content::set_payment_mode(named.0, counter, world.bench()?.epoch, mode);
    critical(world, named, counter, mode.message_code(named.0), content.encode())
}

fn critical(
    world: &RigScenario,
    named: Named,
    counter: u64,
    message_code: u16,
    content: Vec<u8>,
) -> Result<Message, StepError> {
    let supplier = own_supplier(world.bench()?, named.0);
    let supplier = supplier.ok_or_else(|| StepError::not_applicable(format!("the {named} has no Supplier")))?;
    Ok(Message {
        cra: Cra::Command,
        counter,
        originator: supplier,
        recipient: world.device(named)?.eui,
        date_time: None,
        message_code,
        supplementary: None,
        content,
        signature: None,
    })
}

fn sign(bench: &Bench, message: &mut Message) -> StepResult {
    let party = bench.suppliers.iter().find(|supplier| supplier.eui == message.originator);
    let party =
        party.ok_or_else(|| StepError::not_applicable(format!("{} is not on the bench", message.originator)))?;
    message.sign(&party.keys.ds);
    Ok(())
}

/// The message under the Access Control Broker's MAC for the Device.
fn with_mac(world: &RigScenario, named: Named, message: &Message) -> Result<Vec<u8>, StepError> {
    let broker = &world.bench()?.access_control_broker.keys.ka;
    Ok(seal(message, broker, &world.device(named)?.keys.ka.public_key()))
}

async fn inject(world: &mut RigScenario, octets: Vec<u8>) -> StepResult {
    world.driver().await?;
    world.stimulus().await?;
    world.command = Some(octets.clone());
    world.in_motion()?.send_to_hub(octets)?;
    Ok(())
}

#[when(expr = "a CS06 Command that is sound comes over the WAN for the {device}")]
async fn sound_command(world: &mut RigScenario, named: Named) -> StepResult {
    let mut message = command(world, named, FIRST_COUNTER)?;
    sign(world.bench()?, &mut message)?;
    let octets = with_mac(world, named, &message)?;
    inject(world, octets).await
}

/// The one before it is what comes again later.
#[when(expr = "a newer CS06 Command that is sound comes over the WAN for the {device}")]
async fn newer_command(world: &mut RigScenario, named: Named) -> StepResult {
    let first = world.command.clone();
    let mut message = command(world, named, FIRST_COUNTER + 1)?;
    sign(world.bench()?, &mut message)?;
    let octets = with_mac(world, named, &message)?;
    inject(world, octets).await?;
    world.command = first;
    Ok(())
}

#[when("that very Command comes over the WAN again")]
async fn again(world: &mut RigScenario) -> StepResult {
    let octets = world.command.clone();
    let octets = octets.ok_or_else(|| StepError::bench_fault("no step before this one has made a Command"))?;
    inject(world, octets).await
}

#[when(
    regex = "^(?:an?|the) (CS06|ECS03|GCS03) Command (without a signature|with another Supplier's signature|with a MAC that is not the Access Control Broker's|of another Supplier) comes over the WAN for the (PPMID|HCALCS|ESME|GSME)$"
)]
async fn wrong_command(world: &mut RigScenario, use_case: String, what: String, named: Named) -> StepResult {
    let of_use_case = if use_case == "CS06" { command } else { prepayment_command };
    let mut message = of_use_case(world, named, FIRST_COUNTER)?;
    let bench = world.bench()?;
    let other = bench.suppliers.iter().find(|supplier| supplier.eui != message.originator);
    let other = other.ok_or_else(|| StepError::not_applicable("the bench has no other Supplier"))?;
    let mut octets = None;
    match what.as_str() {
        "without a signature" => {}
        "with another Supplier's signature" => message.sign(&other.keys.ds),
        "of another Supplier" => {
            message.originator = other.eui;
            message.sign(&other.keys.ds);
        }
        _ => {
            sign(bench, &mut message)?;
            octets = Some(seal(&message, &other.keys.ka, &world.device(named)?.keys.ka.public_key()));
        }
    }
    let octets = match octets {
        Some(octets) => octets,
        None => with_mac(world, named, &message)?,
    };
    inject(world, octets).await
}

#[then(expr = "for {int} hours the {device} does not answer CS06")]
async fn does_not_answer(world: &mut RigScenario, hours: u64, named: Named) -> StepResult {
    let device = world.device(named)?.eui;
    world.let_pass(Duration::from_secs(hours * 3600)).await?;
    let since = world.since;
    let seen = world.seen()?;
    let answer = seen.air.iter().find(|sighting| {
        sighting.at() >= since
            && sighting.source == device
            && matches!(&sighting.heard, Heard::Gbcs(envelope)
                if matches!(decode_content(envelope.message()), Ok(Content::Cs06Response(_))))
    });
    none_of(seen, "answer", answer.map(Sighting::observation))
}

#[when(
    regex = "^the flash that holds the (PPMID|HCALCS|ESME|GSME)'s (running firmware|image) loses octets while it is switched off$"
)]
async fn flash_decays(world: &mut RigScenario, named: Named, what: String) -> StepResult {
    let device = world.device(named)?.eui;
    let content = if what == "image" { FlashContent::HeldImage } else { FlashContent::RunningFirmware };
    world.driver().await?;
    world.stimulus().await?;
    world.in_motion()?.damage_flash(device, content).await?;
    Ok(())
}

#[then(expr = "the {device} sends the Alert {hex} to the {supplier}, signed")]
async fn alerts(world: &mut RigScenario, named: Named, code: Hex, role: Role) -> StepResult {
    let device = world.device(named)?;
    let (eui, key) = (device.eui, device.keys.ds.verifying_key());
    let user = world.supplier_eui(role)?;
    let found = world
        .expect_air(
            &format!("Alert {:04X} of the {named}", code.0),
            HAN,
            |sighting| {
                sighting.source == eui
                    && matches!(&sighting.heard, Heard::Gbcs(envelope)
                        if matches!(decode_content(envelope.message()), Ok(Content::DeviceAlert(alert))
                            if alert.alert_code == code.0))
            },
            |sighting| sighting.source == eui && matches!(sighting.heard, Heard::Gbcs(_)),
        )
        .await?;
    let Heard::Gbcs(envelope) = &found.heard else { return Ok(()) };
    let message = envelope.message();
    if message.recipient != user {
        return Err(StepError::fail(format!("expected an Alert for the {role} {user}, observed {message}")));
    }
    message.verify(&key).map_err(|error| StepError::fail(format!("the signature is not that of the {named}: {error}")))
}

#[then(expr = "the {supplier} gets the Device Alert {hex} of the {device}")]
async fn gets_alert(world: &mut RigScenario, role: Role, code: Hex, named: Named) -> StepResult {
    let (user, device) = (world.supplier_eui(role)?, world.device(named)?.eui);
    let is_it = |sighting: &DuisSighting| match &sighting.message {
        DuisMessage::Response(response) => match &response.body {
            ResponseBody::DeviceAlertMessage(alert) => {
                alert.alert_code == code.0
                    && hanrig_wire::gbcs::Envelope::parse(&alert.gbcs_payload)
                        .is_ok_and(|envelope| envelope.message().originator == device)
            }
            _ => false,
        },
        DuisMessage::Request(_) => false,
    };
    let what = format!("Device Alert {:04X} of {device} for the {role}", code.0);
    world
        .expect_duis(
            &what,
            HAN,
            |sighting| sighting.to == Party::User(user) && is_it(sighting),
            |sighting| matches!(sighting.to, Party::User(_)),
        )
        .await?;
    let stranger = world.seen()?.duis.iter().find(|sighting| sighting.to != Party::User(user) && is_it(sighting));
    match stranger.map(Sighting::observation) {
        Some(stranger) => Err(StepError::fail(format!("nobody else was to hear of it: {}", stranger.summary))),
        None => Ok(()),
    }
}
