//! Waiting for what a step expects, and telling what came instead.

use super::RigScenario;
use crate::rig::observe::{AirSighting, DuisSighting, GatewaySighting, Observations, Sighting, WanSighting};
use crate::runner::StepError;
use hanrig_wire::time::Duration;

/// How many sightings a message about an expectation not met shows.
const SHOWN: usize = 12;

/// A list of sightings of one kind, in the order of time.
pub(crate) type ListOf<S> = fn(&Observations) -> &Vec<S>;

const fn air(seen: &Observations) -> &Vec<AirSighting> {
    &seen.air
}

const fn wan(seen: &Observations) -> &Vec<WanSighting> {
    &seen.wan
}

const fn gateway(seen: &Observations) -> &Vec<GatewaySighting> {
    &seen.gateway
}

const fn duis(seen: &Observations) -> &Vec<DuisSighting> {
    &seen.duis
}

impl RigScenario {
    /// Lets the bench run for `duration`.
    pub(crate) async fn let_pass(&mut self, duration: Duration) -> Result<(), StepError> {
        self.in_motion()?.let_pass(duration).await?;
        Ok(())
    }

    /// The first sighting since the last stimulus that `wanted` picks, if it comes within `window` from now.
    async fn first<S: Sighting + Clone>(
        &mut self,
        list: ListOf<S>,
        window: Duration,
        wanted: impl Fn(&S) -> bool,
    ) -> Result<Option<S>, StepError> {
        let since = self.since;
        let driver = self.in_motion()?;
        let began = driver.now();
        let deadline = began + window;
        let mut looked = list(driver.observations()).partition_point(|sighting| sighting.at() < since);
        let mut found = None;
        driver
            .run_until(deadline, &mut |seen| {
                let new = list(seen).get(looked..).unwrap_or_default();
                found = new.iter().find(|sighting| wanted(sighting)).cloned();
                looked += new.len();
                found.is_some()
            })
            .await?;
        match found {
            Some(late) if late.at() > deadline && driver.has_jumped_since(began) => {
                let observation = late.observation().summary;
                self.rests_on(&late);
                Err(StepError::inconclusive(format!(
                    "{observation}: came {} us too late, when the rig had moved the clocks on; this machine may be too busy \
                     to tell whether it was on its way before",
                    late.at().saturating_since(deadline).as_micros()
                )))
            }
            found => Ok(found.filter(|found| found.at() <= deadline)),
        }
    }

    /// The first sighting on the air since the last stimulus that `wanted` picks.
    pub(crate) async fn heard(
        &mut self,
        window: Duration,
        wanted: impl Fn(&AirSighting) -> bool,
    ) -> Result<Option<AirSighting>, StepError> {
        self.first(air, window, wanted).await
    }

    /// Expects something on the air within `window`; `relevant` says what to show when it does not come.
    pub(crate) async fn expect_air(
        &mut self,
        what: &str,
        window: Duration,
        wanted: impl Fn(&AirSighting) -> bool,
        relevant: impl Fn(&AirSighting) -> bool,
    ) -> Result<AirSighting, StepError> {
        self.expect(air, "on the air", what, window, wanted, relevant).await
    }

    /// Expects something on the WAN link within `window`.
    pub(crate) async fn expect_wan(
        &mut self,
        what: &str,
        window: Duration,
        wanted: impl Fn(&WanSighting) -> bool,
        relevant: impl Fn(&WanSighting) -> bool,
    ) -> Result<WanSighting, StepError> {
        self.expect(wan, "on the WAN link", what, window, wanted, relevant).await
    }

    /// Expects something on the SM WAN Gateway within `window`.
    pub(crate) async fn expect_gateway(
        &mut self,
        what: &str,
        window: Duration,
        wanted: impl Fn(&GatewaySighting) -> bool,
    ) -> Result<GatewaySighting, StepError> {
        self.expect(gateway, "between DSP and CSP", what, window, wanted, |_| true).await
    }

    /// Expects something on the DUIS interface within `window`.
    pub(crate) async fn expect_duis(
        &mut self,
        what: &str,
        window: Duration,
        wanted: impl Fn(&DuisSighting) -> bool,
        relevant: impl Fn(&DuisSighting) -> bool,
    ) -> Result<DuisSighting, StepError> {
        self.expect(duis, "on the DUIS interface", what, window, wanted, relevant).await
    }

    async fn expect<S: Sighting + Clone>(
        &mut self,
        list: ListOf<S>,
        place: &str,
        what: &str,
        window: Duration,
        wanted: impl Fn(&S) -> bool,
        relevant: impl Fn(&S) -> bool,
    ) -> Result<S, StepError> {
        if let Some(found) = self.first(list, window, wanted).await? {
            self.rests_on(&found);
            return Ok(found);
        }
        let since = self.since;
        let seen = self.seen()?;
        let instead: Vec<_> =
            list(seen).iter().filter(|sighting| sighting.at() >= since && relevant(sighting)).cloned().collect();
        let undecoded = (!seen.undecoded.is_none()).then(|| seen.undecoded.to_string());
        let mut message = format!(
            "expected {place}, within {}: {what}\nobserved since {since} s: {}",
            readable(window),
            if instead.is_empty() { "nothing of the kind" } else { "" }
        );
        let skipped = instead.len().saturating_sub(SHOWN);
        if skipped > 0 {
            message.push_str(&format!("\n  ({skipped} earlier ones are not shown)"));
        }
        for sighting in instead.iter().skip(skipped) {
            let observation = sighting.observation();
            message.push_str(&format!("\n  {} s  {}", sighting.at(), observation.summary));
            self.rests_on(sighting);
        }
        if let Some(undecoded) = undecoded {
            return Err(StepError::inconclusive(format!("{message}\nit may have come unseen: {undecoded}")));
        }
        Err(StepError::fail(message))
    }
}

/// A duration for a person.
pub(crate) fn readable(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds >= 7200 => format!("{} hours", seconds / 3600),
        seconds if seconds >= 120 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}
