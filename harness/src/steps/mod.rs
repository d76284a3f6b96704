//! The steps of the scenarios, by what they speak of.
//!
//! A step gives a stimulus through the [driver](crate::rig::driver) or compares what was
//! [observed](crate::rig::observe) with what a requirement says. None of them knows on which bench it runs.

mod activation;
mod air;
mod alerts;
mod blocks;
mod capacity;
mod change_of_supplier;
mod clocks;
mod commands;
mod cpl;
mod distribution;
mod disturbance;
mod field;
mod hostile;
mod hub_firmware;
mod inventory;
mod malformed;
mod medium;
mod outcomes;
mod panel;
mod parts;
mod pathway;
mod patience;
mod payment_mode;
mod pics;
mod premises;
mod protection;
mod readings;
mod refusals;
mod screens;
mod settings;
mod supplier;

use crate::rig::observe::Observations;
use crate::runner::{StepError, StepResult};
use hanrig_reports::Observation;
use hanrig_wire::time::Duration;

/// How long an answer of the DCC's own systems may take.
const DCC: Duration = Duration::from_secs(600);
/// How long it may take until an image is at the hub, or a message has crossed the WAN.
const WAN: Duration = Duration::from_secs(6 * 3600);
/// How long a Device may take for a transfer or an activation on the HAN.
const HAN: Duration = Duration::from_secs(12 * 3600);

/// That `what` was expected and did not come. What could not be decoded may have been it.
fn did_not_come(seen: &Observations, what: &str) -> StepResult {
    if seen.undecoded.is_none() {
        return Err(StepError::fail(format!("expected {what}, observed none")));
    }
    Err(StepError::inconclusive(format!("{what} was not observed, but {}", seen.undecoded)))
}

/// That there was none of what `found` is the first of, if it is. What could not be decoded may have been one.
fn none_of(seen: &Observations, what: &str, found: Option<Observation>) -> StepResult {
    match found {
        Some(found) => Err(StepError::fail(format!("expected no {what}, observed {}", found.summary))),
        None if !seen.undecoded.is_none() => {
            Err(StepError::inconclusive(format!("no {what} was observed, but {}", seen.undecoded)))
        }
        None => Ok(()),
    }
}
