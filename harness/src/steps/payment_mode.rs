//! SRV 1.6: a Supplier has an ESME change its payment mode at once, and hears what came of it.

use super::HAN;
use super::activation::{command, expect_told_by, is_of_device, response_payload};
use crate::rig::observe::{Heard, Sighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, RigScenario, Role};
use cucumber::{then, when};
use hanrig_wire::gbcs::{Content, Message, PaymentMode, Prepayment, decode_content, payment_mode};
use hanrig_wire::time::Duration;
use hanrig_wire::types::Eui64;

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
    let request = world.supplier(role)?.update_payment_mode(device, mode);
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

/// What a Device answers to a change of its payment mode, and by which use case, if the message is that.
fn answer(message: &Message, device: Eui64) -> Option<(u16, payment_mode::Response)> {
    match decode_content(message) {
        Ok(Content::PaymentModeResponse(response)) if message.originator == device => {
            Some((message.message_code, response))
        }
        _ => None,
    }
}

/// The message code of ECS02 and of ECS03.
fn use_case(name: &str) -> Result<u16, StepError> {
    match name {
        "ECS02" => Ok(PaymentMode::Credit.message_code()),
        "ECS03" => Ok(prepayment(0).message_code()),
        _ => Err(StepError::bench_fault(format!("{name} changes no payment mode"))),
    }
}

#[then(expr = "the {device} answers {word} with every result a success, signed")]
async fn answers(world: &mut RigScenario, named: Named, name: String) -> StepResult {
    let device = world.device(named)?;
    let (eui, key, code) = (device.eui, device.keys.ds.verifying_key(), use_case(&name)?);
    let found = world
        .expect_air(
            &format!("the {named}'s response to {name}, with every result a success"),
            HAN,
            |sighting| {
                sighting.source == eui
                    && matches!(&sighting.heard, Heard::Gbcs(envelope)
                        if answer(envelope.message(), eui)
                            .is_some_and(|(of, response)| of == code && response.is_success()))
            },
            |sighting| sighting.source == eui && matches!(sighting.heard, Heard::Gbcs(_)),
        )
        .await?;
    let Heard::Gbcs(envelope) = &found.heard else { return Ok(()) };
    is_of_device(world, named, envelope.message())?;
    let verified = envelope.message().verify(&key);
    verified.map_err(|error| StepError::fail(format!("the signature is not that of the {named}: {error}")))
}

#[then(expr = "the {supplier} is told by the {device}'s signed response that every result of SRV 1.6 is a success")]
async fn told(world: &mut RigScenario, role: Role, named: Named) -> StepResult {
    let device = world.device(named)?;
    let (eui, key) = (device.eui, device.keys.ds.verifying_key());
    expect_told_by(world, role, &format!("the {named}'s signed success"), response_payload, |message| {
        answer(message, eui).is_some_and(|(_, response)| response.is_success()) && message.verify(&key).is_ok()
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
                if answer(envelope.message(), device)
                    .is_some_and(|(of, response)| of == code && response.is_success()))
    });
    match success {
        Some(sighting) => {
            let summary = sighting.observation().summary;
            Err(StepError::fail(format!("expected no answer with success, observed {summary}")))
        }
        None if seen.undecoded > 0 => Err(StepError::inconclusive("frames could not be decoded")),
        None => Ok(()),
    }
}
