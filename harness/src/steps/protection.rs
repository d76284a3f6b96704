//! Service Requests that the DCC must not act on: not signed as they must be, of whom may not send them, or no requests at
//! all (SEC Appendix AB 6.1).

use super::DCC;
use super::distribution::{request_of, response_to};
use super::supplier::{requests_of, send, unchecked_request};
use crate::bench::Flaw;
use crate::rig::observe::{DuisSighting, Party, Sighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Refusal, RigScenario, Role};
use cucumber::{given, then, when};
use hanrig_dcc::data::UserRole;
use hanrig_dcc::duis::{DuisMessage, ServiceRequest};
use hanrig_dcc::security::{RemotePartyRole, verify};
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;

/// Has the Supplier sign with a certificate that is wrong.
fn spoil(world: &mut RigScenario, role: Role, flaw: Flaw) -> StepResult {
    let user = world.supplier_eui(role)?;
    let spoilt = world.bench_before_start()?.certificates.spoil(user, flaw);
    spoilt.map_err(|error| StepError::bench_fault(format!("no such certificate can be issued: {error}")))
}

#[given(expr = "the {supplier} signs with a certificate that has expired")]
fn signs_expired(world: &mut RigScenario, role: Role) -> StepResult {
    spoil(world, role, Flaw::Expired)
}

#[given(expr = "the {supplier} signs with a certificate that is not valid yet")]
fn signs_not_yet_valid(world: &mut RigScenario, role: Role) -> StepResult {
    spoil(world, role, Flaw::NotYetValid)
}

#[given(expr = "the {supplier} signs with a certificate that is for Commands to Devices")]
fn signs_for_commands(world: &mut RigScenario, role: Role) -> StepResult {
    spoil(world, role, Flaw::ForCommands)
}

#[given(expr = "the {supplier} signs with a certificate that no authority of the DCC's has issued")]
fn signs_unchained(world: &mut RigScenario, role: Role) -> StepResult {
    spoil(world, role, Flaw::Unchained)
}

#[given(expr = "the {supplier} signs with a certificate that is the {supplier}'s")]
fn signs_as_another(world: &mut RigScenario, role: Role, other: Role) -> StepResult {
    let (user, other) = (world.supplier_eui(role)?, world.supplier_eui(other)?);
    world.bench_before_start()?.certificates.swap(user, other);
    Ok(())
}

/// Changes what the DCC knows of the Supplier as a User.
fn edit_user(world: &mut RigScenario, role: Role, edit: fn(&mut hanrig_dcc::data::User)) -> StepResult {
    let user = world.supplier_eui(role)?;
    world.edit_dcc(&mut |data| {
        if let Some(user) = data.users.get_mut(&user) {
            edit(user);
        }
    })
}

#[given(expr = "the {supplier}'s right to send Service Requests is suspended")]
fn is_suspended(world: &mut RigScenario, role: Role) -> StepResult {
    edit_user(world, role, |user| user.suspended = true)
}

#[given(expr = "the {supplier} acts in the User Role of a Network Operator")]
fn acts_as_network_operator(world: &mut RigScenario, role: Role) -> StepResult {
    edit_user(world, role, |user| user.role = UserRole::NetworkOperator)
}

#[when(expr = "the {supplier} sends SRV 11.4 for the PPMID without a signature")]
async fn sends_unsigned(world: &mut RigScenario, role: Role) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let mut request = unchecked_request(world, role, vec![ppmid])?;
    request.signature = None;
    send(world, role, request).await
}

/// The request is signed for a Device that is not there, and sent for the PPMID.
#[when(expr = "somebody changes the Devices of the {supplier}'s SRV 11.4 to the PPMID after it was signed")]
async fn sends_changed(world: &mut RigScenario, role: Role) -> StepResult {
    let ppmid = world.ppmid()?.eui;
    let mut request = unchecked_request(world, role, vec![Eui64(ppmid.0 ^ 0xFF00)])?;
    if let ServiceRequest::UpdatePpmidFirmware(update) = &mut request.body {
        update.device_id_list = vec![ppmid];
    }
    send(world, role, request).await
}

#[when(expr = "the {supplier} sends SRV 11.4 for the PPMID under the Service Reference of SRV 11.1")]
async fn sends_ill_structured(world: &mut RigScenario, role: Role) -> StepResult {
    let (ppmid, user) = (world.ppmid()?.eui, world.supplier_eui(role)?);
    let request = unchecked_request(world, role, vec![ppmid])?;
    let document = request.to_xml().replace(">11.4</", ">11.1</");
    world.driver().await?;
    world.stimulus().await?;
    world.request = Some((role, request.request_id));
    world.in_motion()?.send_document(user, &document)?;
    Ok(())
}

#[when(expr = "the {supplier}'s last Service Request comes a second time")]
async fn comes_again(world: &mut RigScenario, role: Role) -> StepResult {
    let first = requests_of(world, role)?.pop();
    let Some(DuisSighting { message: DuisMessage::Request(request), .. }) = first else {
        return Err(StepError::bench_fault(format!("no Service Request of the {role} was observed")));
    };
    send(world, role, request).await
}

#[then(expr = "the DCC refuses the {supplier}'s Service Request, because {refusal}")]
async fn refuses(world: &mut RigScenario, role: Role, refusal: Refusal) -> StepResult {
    let (user, request) = (world.supplier_eui(role)?, request_of(world, role)?);
    let answers = |sighting: &DuisSighting| {
        response_to(sighting, user).is_some_and(|response| response.request_id == Some(request))
    };
    let what = format!("a Service Response to the {role}'s request {request}");
    let found = world.expect_duis(&what, DCC, answers, |sighting| sighting.to == Party::User(user)).await?;
    let Some(response) = response_to(&found, user) else {
        return Err(StepError::bench_fault("the response has gone"));
    };
    if response.response_code == refusal.response_code() {
        return Ok(());
    }
    Err(StepError::fail(format!(
        "expected Response Code {}, because {refusal}; observed {}",
        refusal.response_code(),
        response.response_code
    )))
}

#[then("the DCC has signed all that it sent to the Suppliers")]
fn all_signed(world: &mut RigScenario) -> StepResult {
    let bench = world.bench()?;
    let (trust, epoch) = (bench.certificates.of_dcc().trust, bench.epoch);
    let mut signed = 0;
    for sighting in &world.seen()?.duis {
        let Some(document) = &sighting.document else { continue };
        let at = epoch.after(sighting.at() - Instant::ZERO);
        if let Err(error) = verify(document.as_bytes(), &trust, RemotePartyRole::DspXmlSign, at) {
            let what = sighting.observation().summary;
            return Err(StepError::fail(format!("expected the DCC's signature on {what}; observed: {error}")));
        }
        signed += 1;
    }
    if signed == 0 { Err(StepError::fail("the DCC has sent nothing that could be signed")) } else { Ok(()) }
}
