//! SRV 1.6: a Supplier has an ESME or a GSME change its payment mode at once, and hears what came of it.

use super::activation::{command, expect_told_by, is_of_device, response_payload};
use super::{HAN, none_of};
use crate::rig::observe::{Heard, Sighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, RigScenario, Role};
use cucumber::{then, when};
use hanrig_wire::gbcs::{Message, PaymentMode, Prepayment, decode_content};
use hanrig_wire::time::Duration;
use hanrig_wire::types::{DeviceType, Eui64};

/// Prepayment that spares those whose supply is disabled.
pub(super) const fn prepayment(disablement_threshold: i32) -> PaymentMode {
    PaymentMode::Prepayment(Prepayment {
        suspend_debt_disabled: true,
        suspend_debt_emergency: false,
        disablement_threshold,
    })
}

async fn change(world: &mut RigScenario, role: Role, named: Named, mode: PaymentMode) -> StepResult {
    let device = world.device(named)?.eui;
    let request = world.supplier(role)?.update_payment_mode(device, named.0, mode);
    command(world, role, request).await
}

#[when(expr = "the {supplier} changes the {device} to prepayment with disablement threshold {int} by SRV 1.6")]
async fn to_prepayment(world: &mut RigScenario, role: Role, named: Named, threshold: i32) -> StepResult {
    change(world, role, named, prepayment(threshold)).await
}

#[when(expr = "the {supplier} changes the {device} to credit by SRV 1.6")]
async fn to_credit(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    change(world, role, named, PaymentMode::Credit).await
}

/// By which use case a Device answers that it has taken a payment mode, if the message says that.
fn taken(message: &Message, device: Eui64) -> Option<u16> {
    let content = decode_content(message).ok().filter(|_| message.originator == device)?;
    content.took_payment_mode()?.then_some(message.message_code)
}

/// The message code of ECS02, ECS03, GCS02 or GCS03.
fn use_case(name: &str) -> Result<u16, StepError> {
    match name {
        "ECS02" => Ok(PaymentMode::Credit.message_code(DeviceType::Esme)),
        "ECS03" => Ok(prepayment(0).message_code(DeviceType::Esme)),
        "GCS02" => Ok(PaymentMode::Credit.message_code(DeviceType::Gsme)),
        "GCS03" => Ok(prepayment(0).message_code(DeviceType::Gsme)),
        _ => Err(StepError::bench_fault(format!("{name} changes no payment mode"))),
    }
}

#[then(expr = "the {device} answers {word} with success, signed")]
async fn answers(world: &mut RigScenario, named: Named, name: String) -> StepResult {
    let device = world.device(named)?;
    let (eui, key, code) = (device.eui, device.keys.ds.verifying_key(), use_case(&name)?);
    let found = world
        .expect_air(
            &format!("the {named}'s response to {name} that it has taken the payment mode"),
            HAN,
            |sighting| {
                sighting.source == eui
                    && matches!(&sighting.heard, Heard::Gbcs(envelope)
                        if taken(envelope.message(), eui) == Some(code))
            },
            |sighting| sighting.source == eui && matches!(sighting.heard, Heard::Gbcs(_)),
        )
        .await?;
    let Heard::Gbcs(envelope) = &found.heard else { return Ok(()) };
    is_of_device(world, named, envelope.message())?;
    let verified = envelope.message().verify(&key);
    verified.map_err(|error| StepError::fail(format!("the signature is not that of the {named}: {error}")))
}

#[then(expr = "the {supplier} is told by the {device}'s signed response that SRV 1.6 is a success")]
async fn told(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    let device = world.device(named)?;
    let (eui, key) = (device.eui, device.keys.ds.verifying_key());
    expect_told_by(world, role, &format!("the {named}'s signed success"), response_payload, |message| {
        taken(message, eui).is_some() && message.verify(&key).is_ok()
    })
    .await
}

#[then(expr = "for {int} hours the {device} does not answer {word} with success")]
async fn does_not_succeed(world: &mut RigScenario, hours: u64, named: Named, name: String) -> StepResult {
    let (device, code) = (world.device(named)?.eui, use_case(&name)?);
    world.let_pass(Duration::from_secs(hours * 3600)).await?;
    let since = world.since;
    let seen = world.seen()?;
    let success = seen.air.iter().find(|sighting| {
        sighting.at() >= since
            && sighting.source == device
            && matches!(&sighting.heard, Heard::Gbcs(envelope)
                if taken(envelope.message(), device) == Some(code))
    });
    none_of(seen, "answer with success", success.map(Sighting::observation))
}
