//! What a scenario wants otherwise than the bench has it: readings of the documents, what the CSPs can do, and the hub.

use super::clocks::duration;
use crate::bench::Bands;
use crate::runner::{StepError, StepResult};
use crate::world::{RigScenario, Role};
use cucumber::given;
use hanrig_dcc::settings::{AnomalyThreshold, CountedService, SecondRequest, Settings};
use hanrig_wire::time::Duration;

/// The settings of the DCC's side, which is not in motion yet.
fn settings(world: &mut RigScenario) -> Result<&mut Settings, StepError> {
    Ok(&mut world.bench_before_start()?.settings)
}

#[given(regex = r"^the DSP's tracking timeout is (\d+) (hours?|days?)$")]
fn tracking_timeout(world: &mut RigScenario, count: u64, of: String) -> StepResult {
    settings(world)?.tracking_timeout = duration(count, &of);
    Ok(())
}

#[given(regex = r"^the DSP keeps its tracking records for (\d+) (hours?|days?) after the last change$")]
fn tracking_retention(world: &mut RigScenario, count: u64, of: String) -> StepResult {
    settings(world)?.tracking_retention = duration(count, &of);
    Ok(())
}

#[given(regex = "^the CSP (rejects|schedules) a second request for a hub that has one being actioned$")]
fn second_request(world: &mut RigScenario, what: String) -> StepResult {
    settings(world)?.csp.second_request =
        if what == "rejects" { SecondRequest::Reject } else { SecondRequest::Schedule };
    Ok(())
}

#[given(expr = "the CSP takes to a hub what needs {int} hours, in a service window of {int} days")]
fn service_window(world: &mut RigScenario, hours: u64, days: u64) -> StepResult {
    let csp = &mut settings(world)?.csp;
    csp.transfer_estimate = duration(hours, "hours");
    csp.service_window = duration(days, "days");
    Ok(())
}

/// CSP North in firmware jobs, CSP South and CSP Central in Devices.
#[given(expr = "the CSP has room for {int} Device(s) at a time")]
fn room(world: &mut RigScenario, devices: usize) -> StepResult {
    let csp = &mut settings(world)?.csp;
    csp.north.jobs = devices;
    csp.south_and_central.devices = devices;
    Ok(())
}

#[given(expr = "the CSP gathers its transfer notifications for {int} minutes")]
fn notification_batch(world: &mut RigScenario, minutes: u64) -> StepResult {
    settings(world)?.csp.notification_batch = Duration::from_secs(minutes.saturating_mul(60));
    Ok(())
}

#[given(regex = r"^the (.* Supplier) may send (\d+) SRV (11\.1|11\.4) a day before anomaly detection holds them$")]
fn anomaly_threshold(world: &mut RigScenario, role: String, requests: u32, service: String) -> StepResult {
    let role: Role = role.parse().map_err(StepError::bench_fault)?;
    let user = world.supplier_eui(role)?;
    let service_reference =
        if service == "11.4" { CountedService::UpdatePpmidFirmware } else { CountedService::UpdateFirmware };
    let period = duration(1, "day");
    settings(world)?.anomaly_thresholds.push(AnomalyThreshold { user, service_reference, requests, period });
    Ok(())
}

/// Makes the bench's hub one that scenarios name, in the region of the CSP that installs such hubs.
#[given(expr = "the hub is of the kind {string}")]
fn hub_of_kind(world: &mut RigScenario, name: String) -> StepResult {
    let bench = world.bench_before_start()?;
    let Some(named) = bench.hub_profiles.iter().find(|named| named.name == name).cloned() else {
        return Err(StepError::not_applicable(format!("the bench has no hub of the kind {name:?}")));
    };
    if !bench.hub.player.takes_settings() && bench.hub.profile != named.profile {
        return Err(StepError::not_applicable(format!("the bench's hub is not of the kind {name:?}")));
    }
    let second_band = bench.network.sub_ghz.is_some() && !bench.is_live();
    if named.profile.bands == Bands::Dual && bench.hub.profile.bands != Bands::Dual && !second_band {
        return Err(StepError::not_applicable("the bench's air has one band only"));
    }
    let eui = bench.hub.eui;
    bench.hub.profile = named.profile;
    bench.hub.region = named.region;
    if let Some(hub) = bench.data.hubs.get_mut(&eui) {
        hub.region = named.region;
    }
    Ok(())
}
