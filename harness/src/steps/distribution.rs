//! From the Service Request to the hub: Service Response, distribution request, validation, delivery.

use super::readings::notifications_are_gathered;
use super::supplier::{device, devices};
use super::{DCC, WAN};
use crate::rig::observe::{DuisSighting, GatewayContent, GatewaySighting, Party, Sighting, WanDirection, WanSighting};
use crate::runner::{StepError, StepResult};
use crate::world::{Named, RigScenario, Role};
use cucumber::gherkin::Step;
use cucumber::then;
use hanrig_dcc::duis::{
    DccAlertCode, DuisMessage, FirmwareWarning, RequestId, Response, ResponseBody, ResponsePayload,
};
use hanrig_dcc::gateway::{CspToDsp, DspToCsp};
use hanrig_wire::time::Duration;
use hanrig_wire::types::{DeviceType, Eui64};
use hanrig_wire::wan::{ImageStatus, WanMessage};

/// The last Service Request, which must be of `role`.
pub(super) fn request_of(world: &RigScenario, role: Role) -> Result<RequestId, StepError> {
    match world.request {
        Some((sender, id)) if sender == role => Ok(id),
        _ => Err(StepError::bench_fault(format!("the last Service Request was not of the {role}"))),
    }
}

/// The response in a sighting, if it is one to `user`.
pub(super) fn response_to(sighting: &DuisSighting, user: Eui64) -> Option<&Response> {
    match &sighting.message {
        DuisMessage::Response(response) if sighting.to == Party::User(user) => Some(response),
        _ => None,
    }
}

/// Whether it is N60 or N61.
fn is_delivery_status(sighting: &DuisSighting) -> bool {
    let DuisMessage::Response(response) = &sighting.message else { return false };
    matches!(&response.body, ResponseBody::DccAlertMessage(alert)
        if matches!(alert.code, DccAlertCode::N60 | DccAlertCode::N61))
}

fn answers(sighting: &DuisSighting, user: Eui64, request: RequestId) -> bool {
    response_to(sighting, user).is_some_and(|response| {
        response.request_id == Some(request) && matches!(response.body, ResponseBody::ResponseMessage(_))
    })
}

/// The one Service Response to the last Service Request.
pub(super) async fn service_response(world: &mut RigScenario, role: Role) -> Result<Response, StepError> {
    let user = world.supplier_eui(role)?;
    let request = request_of(world, role)?;
    let found = world
        .expect_duis(
            &format!("a Service Response to the {role}'s request {request}"),
            DCC,
            |sighting| answers(sighting, user, request),
            |sighting| sighting.to == Party::User(user),
        )
        .await?;
    let count = world.seen()?.duis.iter().filter(|sighting| answers(sighting, user, request)).count();
    if count != 1 {
        return Err(StepError::fail(format!("expected one Service Response to {request}, observed {count}")));
    }
    response_to(&found, user).cloned().ok_or_else(|| StepError::bench_fault("the response has gone"))
}

pub(super) fn payload(response: &Response) -> Option<&ResponsePayload> {
    match &response.body {
        ResponseBody::ResponseMessage(message) => Some(&message.payload),
        _ => None,
    }
}

#[then(expr = "the {supplier} gets one Service Response that lists no failed Device")]
async fn no_failed_device(world: &mut RigScenario, role: Role) -> StepResult {
    let response = service_response(world, role).await?;
    if response.response_code == "I0" && matches!(payload(&response), Some(ResponsePayload::None)) {
        return Ok(());
    }
    Err(StepError::fail(format!(
        "expected Response Code I0 and no list of Devices, observed {} and {:?}",
        response.response_code,
        payload(&response)
    )))
}

#[then(expr = "the {supplier} gets one Service Response that lists these failed Devices:")]
async fn failed_devices(world: &mut RigScenario, role: Role, step: &Step) -> StepResult {
    let mut expected = FirmwareWarning::default();
    for row in step.table.as_ref().map(|table| table.rows.as_slice()).unwrap_or_default().iter().skip(1) {
        let [name, reason] = row.as_slice() else {
            return Err(StepError::bench_fault("the table has not the columns Device and Reason"));
        };
        let list = match reason.as_str() {
            "invalid Device" => &mut expected.invalid,
            "not commissioned" => &mut expected.not_commissioned,
            "firmware not applicable" => &mut expected.not_applicable,
            "not the Responsible Supplier" => &mut expected.not_responsible,
            "firmware update in progress" => &mut expected.in_progress,
            other => return Err(StepError::bench_fault(format!("{other:?} is no reason that scenarios know"))),
        };
        list.push(device(world, name)?);
    }
    let response = service_response(world, role).await?;
    let sorted = |mut warning: FirmwareWarning| {
        let FirmwareWarning { invalid, not_commissioned, not_applicable, not_responsible, in_progress } = &mut warning;
        for list in [invalid, not_commissioned, not_applicable, not_responsible, in_progress] {
            list.sort_unstable();
        }
        warning
    };
    match payload(&response) {
        Some(
            ResponsePayload::DspUpdatePpmidFirmwareWarning(warning)
            | ResponsePayload::DspUpdateFirmwareWarning(warning),
        ) if response.response_code.is_warning() && sorted(warning.clone()) == sorted(expected.clone()) => Ok(()),
        other => Err(StepError::fail(format!(
            "expected a warning that lists {:?}\nobserved Response Code {} and {other:?}",
            expected.lists(),
            response.response_code
        ))),
    }
}

/// A refusal of the whole request.
pub(super) async fn refused_whole(world: &mut RigScenario, role: Role, code: &str) -> StepResult {
    let response = service_response(world, role).await?;
    if response.response_code == code && matches!(payload(&response), Some(ResponsePayload::None)) {
        return Ok(());
    }
    Err(StepError::fail(format!(
        "expected Response Code {code} and nothing else, observed {} and {:?}",
        response.response_code,
        payload(&response)
    )))
}

#[then(expr = "the {supplier} gets one Service Response that refuses the request, because the image is too large")]
async fn refused_too_large(world: &mut RigScenario, role: Role) -> StepResult {
    refused_whole(world, role, "E110402").await
}

#[then(expr = "the {supplier} gets one Service Response that refuses the request, because the Hash is not on the CPL")]
async fn refused_not_on_cpl(world: &mut RigScenario, role: Role) -> StepResult {
    let code = if world.release()?.device_type == DeviceType::Ppmid { "E110404" } else { "E110104" };
    refused_whole(world, role, code).await
}

#[then(
    expr = "the {supplier} gets one Service Response that refuses the request, because the Hash is of another version"
)]
async fn refused_version(world: &mut RigScenario, role: Role) -> StepResult {
    refused_whole(world, role, "E110405").await
}

#[then(expr = "the DSP sends the CSP one distribution request for the {device}, of Device type {device}")]
async fn request_for_device(world: &mut RigScenario, named: Named, device_type: Named) -> StepResult {
    let device = world.device(named)?.eui;
    one_distribution_request(world, vec![device], device_type).await
}

#[then(expr = "the DSP sends the CSP one distribution request, of Device type {device}, for these Devices:")]
async fn request_for_devices(world: &mut RigScenario, device_type: Named, step: &Step) -> StepResult {
    let expected = devices(world, step)?;
    one_distribution_request(world, expected, device_type).await
}

async fn one_distribution_request(world: &mut RigScenario, mut expected: Vec<Eui64>, device_type: Named) -> StepResult {
    let hub = world.hub()?;
    let image = world.release()?.octets().to_vec();
    let of_interest = |sighting: &GatewaySighting| {
        matches!(sighting.content, GatewayContent::ToCsp(DspToCsp::DistributionRequest(_)))
    };
    let found = world.expect_gateway("a distribution request of the DSP", DCC, of_interest).await?;
    let since = world.since;
    let count = world.seen()?.gateway.iter().filter(|sighting| sighting.at() >= since && of_interest(sighting)).count();
    let GatewayContent::ToCsp(DspToCsp::DistributionRequest(request)) = &found.content else {
        return Err(StepError::bench_fault("the distribution request has gone"));
    };
    let mut devices: Vec<_> = request.devices.iter().map(|target| target.device).collect();
    devices.sort_unstable();
    expected.sort_unstable();
    let one_hub = request.devices.iter().all(|target| target.hub == hub);
    if count != 1 || request.device_type != device_type.0 || devices != expected || !one_hub {
        let devices: Vec<_> = request.devices.iter().map(|target| (target.device, target.hub)).collect();
        return Err(StepError::fail(format!(
            "expected one distribution request of Device type {device_type} for {expected:?} on hub {hub}\nobserved {count}, \
             the first of Device type {} for {devices:?}",
            request.device_type
        )));
    }
    if request.image != image {
        return Err(StepError::fail("the image in the distribution request is not the Supplier's, octet for octet"));
    }
    Ok(())
}

#[then("the CSP reports that it rejects no Device")]
async fn csp_rejects_none(world: &mut RigScenario) -> StepResult {
    csp_rejects(world, Vec::new()).await
}

#[then("the CSP reports that it rejects these Devices:")]
async fn csp_rejects_these(world: &mut RigScenario, step: &Step) -> StepResult {
    let mut expected = Vec::new();
    for row in step.table.as_ref().map(|table| table.rows.as_slice()).unwrap_or_default().iter().skip(1) {
        let [name, reason] = row.as_slice() else {
            return Err(StepError::bench_fault("the table has not the columns Device and Reason"));
        };
        expected.push((device(world, name)?, reason.clone()));
    }
    csp_rejects(world, expected).await
}

async fn csp_rejects(world: &mut RigScenario, mut expected: Vec<(Eui64, String)>) -> StepResult {
    let found = world
        .expect_gateway("a validation report of the CSP", DCC, |sighting| {
            matches!(sighting.content, GatewayContent::ToDsp(CspToDsp::ValidationReport(_)))
        })
        .await?;
    let GatewayContent::ToDsp(CspToDsp::ValidationReport(report)) = &found.content else {
        return Err(StepError::bench_fault("the validation report has gone"));
    };
    let mut observed: Vec<_> =
        report.rejected.iter().map(|rejected| (rejected.device, rejected.reason.to_string())).collect();
    observed.sort_unstable();
    expected.sort_unstable();
    if observed == expected {
        return Ok(());
    }
    Err(StepError::fail(format!("expected the CSP to reject {expected:?}\nobserved that it rejects {observed:?}")))
}

#[then("the CSP delivers the image to the hub, octet for octet")]
async fn delivered(world: &mut RigScenario) -> StepResult {
    let release = world.release()?;
    let (device, of_type, expected) = (release.device, release.device_type, release.octets().to_vec());
    let image_status = |sighting: &WanSighting| matches!(sighting.message, WanMessage::ImageStatus { .. });
    let found = world
        .expect_wan(
            "the hub's word that it has the whole image",
            WAN,
            |sighting| {
                sighting.direction == WanDirection::FromHub
                    && matches!(sighting.message, WanMessage::ImageStatus { status: ImageStatus::Complete, .. })
            },
            image_status,
        )
        .await?;
    let WanMessage::ImageStatus { transfer: delivered, .. } = found.message else {
        return Err(StepError::bench_fault("the image's status has gone"));
    };
    let seen = world.seen()?;
    let named = seen.wan.iter().any(|sighting| {
        matches!(&sighting.message, WanMessage::ImageBegin { transfer, targets, device_type, .. }
            if *transfer == delivered && *device_type == of_type && targets.contains(&device))
    });
    let image = seen.delivered.get(&delivered);
    match image {
        Some(image) if named && image.is_whole() && !image.is_contradictory() && image.octets() == expected => Ok(()),
        Some(image) => Err(StepError::fail(format!(
            "expected all {} octets of the Supplier's image on the WAN link, for the {of_type} {device}\nobserved {} of {} \
             octets{}{}",
            expected.len(),
            image.covered(),
            image.size,
            if named { "" } else { ", for another Device" },
            if image.octets() == expected.get(..image.covered()).unwrap_or_default() { "" } else { ", which differ" },
        ))),
        None => Err(StepError::fail("no image was announced to the hub for this transfer")),
    }
}

#[then("for an hour nothing is sent to the CSP and nobody gets a DCC Alert")]
async fn nothing_is_distributed(world: &mut RigScenario) -> StepResult {
    world.let_pass(Duration::from_secs(3600)).await?;
    let since = world.since;
    let gathered = notifications_are_gathered(world)?;
    let seen = world.seen()?;
    // What a CSP has gathered is of earlier requests.
    let is_late = |sighting: &GatewaySighting| {
        gathered && matches!(sighting.content, GatewayContent::ToDsp(CspToDsp::TransferNotifications { .. }))
    };
    let sent = seen.gateway.iter().filter(|sighting| sighting.at() >= since && !is_late(sighting));
    let sent = sent.map(Sighting::observation);
    let alerts = seen.duis.iter().filter(|sighting| {
        sighting.at() >= since
            && !(gathered && is_delivery_status(sighting))
            && matches!(&sighting.message, DuisMessage::Response(response)
                if !matches!(response.body, ResponseBody::ResponseMessage(_)))
    });
    let images = seen
        .wan
        .iter()
        .filter(|sighting| sighting.at() >= since && matches!(sighting.message, WanMessage::ImageBegin { .. }));
    let unwanted: Vec<_> =
        sent.chain(alerts.map(Sighting::observation)).chain(images.map(Sighting::observation)).collect();
    if unwanted.is_empty() {
        return Ok(());
    }
    let list: String = unwanted.iter().map(|observation| format!("\n  {}", observation.summary)).collect();
    Err(StepError::fail(format!("expected nothing for an hour after the refusal, observed:{list}")))
}
