//! The world of a scenario: the bench in motion, the image that the scenario is about, and what its steps rest on.

mod panel;
mod params;
mod release;
mod updates;
mod wait;

pub(crate) use panel::{Draft, reader};
pub use params::{Hex, Named, Node, Place, Refusal, Role, Version};
pub use release::{Flaw, Making, Release, ReleaseError};
pub use updates::{Unit, Update};
pub(crate) use wait::readable;

use crate::bench::{Bench, OnHan, Ppmid};
use crate::rig::attacker::Attacker;
use crate::rig::driver::Driver;
use crate::rig::live::{LiveBench, LiveSetup};
use crate::rig::observe::{Observations, Sighting};
use crate::rig::virtual_bench::VirtualBench;
use crate::runner::{BenchFault, EndOfScenario, RigWorld, ScenarioContext, StepError, StepRecord};
use hanrig_dcc::data::DccData;
use hanrig_dcc::duis::RequestId;
use hanrig_dcc::supplier::{Supplier, SupplierConfig, SupplierRefusal};
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use hanrig_wire::zcl::ota::ImageBlockRequest;
use std::collections::BTreeMap;

/// Counter of a Supplier's first Service Request.
const FIRST_COUNTER: u64 = 1000;

/// The world of one scenario.
#[derive(Debug, cucumber::World)]
#[world(init = Self::unstarted)]
pub struct RigScenario {
    context: Option<ScenarioContext>,
    /// The bench as this scenario wants it; it is started by the first step that needs it in motion.
    bench: Option<Bench>,
    driver: Option<Box<dyn Driver>>,
    suppliers: BTreeMap<Eui64, Supplier>,
    /// Who has lost the premises to whom by a Change of Supplier.
    pub(crate) change: Option<(Eui64, Eui64)>,
    /// How many messages on the DUIS interface each Supplier's own system has gone through.
    pub(crate) read: BTreeMap<Eui64, usize>,
    /// The image that the scenario is about.
    pub(crate) release: Option<Release>,
    /// The images of a scenario about several.
    pub(crate) updates: Vec<Update>,
    /// The Device that the scenario calls the second of its type, and the third.
    pub(crate) second: Option<Eui64>,
    pub(crate) third: Option<Eui64>,
    /// What came of the Supplier's own checks.
    pub(crate) refusal: Option<SupplierRefusal>,
    /// When the last stimulus was given: expectations look no further back.
    pub(crate) since: Instant,
    /// The last Service Request, and who sent it.
    pub(crate) request: Option<(Role, RequestId)>,
    /// The last query that a step saw: when it was, of which Device, and its ZCL sequence number.
    pub(crate) query: Option<(Instant, Eui64, u8)>,
    /// When the last SRV 11.3 is to be carried out, where that is later.
    pub(crate) execution: Option<Utc>,
    /// The last CS06 Command that a step made itself.
    pub(crate) command: Option<Vec<u8>>,
    /// The SEC Panel, and what the scenario has of it.
    pub(crate) desk: panel::PanelDesk,
    /// The block that a Device has missed, and when it missed it.
    pub(crate) missed: Option<(Instant, ImageBlockRequest)>,
    /// Whether the WAN was away.
    pub(crate) wan_was_cut: bool,
    /// Whether somebody listens in from the start.
    pub(crate) eavesdrops: bool,
    /// Whether the PPMID is to be one from before CS08 and CS09.
    pub(crate) older_ppmid: bool,
    /// What they know.
    pub(crate) attacker: Option<Attacker>,
    record: StepRecord,
}

impl RigScenario {
    fn unstarted() -> Self {
        Self {
            context: None,
            bench: None,
            driver: None,
            suppliers: BTreeMap::new(),
            change: None,
            read: BTreeMap::new(),
            release: None,
            updates: Vec::new(),
            second: None,
            third: None,
            refusal: None,
            since: Instant::ZERO,
            request: None,
            query: None,
            execution: None,
            command: None,
            desk: panel::PanelDesk::default(),
            missed: None,
            wan_was_cut: false,
            eavesdrops: false,
            older_ppmid: false,
            attacker: None,
            record: StepRecord::default(),
        }
    }

    /// The bench of this scenario.
    pub(crate) fn bench(&self) -> Result<&Bench, StepError> {
        self.bench.as_ref().ok_or_else(|| StepError::bench_fault("the scenario has no bench"))
    }

    /// The bench of this scenario, to change what it is before it is started.
    pub(crate) fn bench_before_start(&mut self) -> Result<&mut Bench, StepError> {
        if self.driver.is_some() {
            return Err(StepError::bench_fault("the bench is in motion: this step must come before the first When"));
        }
        self.bench.as_mut().ok_or_else(|| StepError::bench_fault("the scenario has no bench"))
    }

    /// Makes every PPMID of the bench as a scenario wants it. One that does not take from the rig how it is, as a vendor's
    /// board, either is so already, or the scenario is not for it.
    pub(crate) fn make_ppmids(
        &mut self,
        what: &str,
        is_so: impl Fn(&Ppmid) -> bool,
        make_so: impl Fn(&mut Ppmid),
    ) -> Result<(), StepError> {
        for ppmid in &mut self.bench_before_start()?.ppmids {
            if is_so(ppmid) {
                continue;
            }
            if !ppmid.player.takes_settings() {
                return Err(StepError::not_applicable(format!(
                    "{} is declared otherwise, and the rig cannot make it one that {what}",
                    ppmid.name
                )));
            }
            make_so(ppmid);
        }
        Ok(())
    }

    /// The PPMID that scenarios mean by "the PPMID".
    pub(crate) fn ppmid(&self) -> Result<&Ppmid, StepError> {
        self.bench()?.ppmids.first().ok_or_else(|| StepError::not_applicable("the bench has no PPMID"))
    }

    /// The Device that scenarios call so.
    pub(crate) fn device(&self, named: Named) -> Result<OnHan<'_>, StepError> {
        let bench = self.bench()?;
        let found = bench.on_han().find(|device| device.device_type == named.0);
        found.ok_or_else(|| {
            if bench.reserve.iter().any(|device| device.kind.device_type() == named.0) {
                StepError::bench_fault(format!("no step before this one has put the {named} on the HAN"))
            } else {
                StepError::not_applicable(format!("the bench has no {named}"))
            }
        })
    }

    /// The hub's identifier.
    pub(crate) fn hub(&self) -> Result<Eui64, StepError> {
        Ok(self.bench()?.hub.eui)
    }

    /// The seed of what this scenario leaves to chance.
    pub(crate) fn seed(&self) -> Result<u64, StepError> {
        let context = self.context.as_ref();
        context.map(|context| context.seed).ok_or_else(|| StepError::bench_fault("the scenario has no context"))
    }

    /// The image that the scenario is about.
    pub(crate) fn release(&self) -> Result<&Release, StepError> {
        self.release.as_ref().ok_or_else(|| StepError::bench_fault("no step before this one has released firmware"))
    }

    /// Firmware of version `version` for a Device.
    pub(crate) fn new_release(
        &self,
        device: OnHan<'_>,
        version: FirmwareVersion,
        making: Making,
    ) -> Result<Release, StepError> {
        Release::new(self.bench()?, device, version, making)
            .map_err(|error| StepError::bench_fault(format!("the release cannot be made: {error}")))
    }

    /// The Supplier that plays `role` in the premises of the bench's hub.
    pub(crate) fn supplier_eui(&self, role: Role) -> Result<Eui64, StepError> {
        let bench = self.bench()?;
        let premises = bench.data.registration.premises.iter().find(|premises| premises.hub == bench.hub.eui);
        let of_premises = |eui: &Eui64| {
            premises.is_some_and(|premises| [premises.import_supplier, premises.gas_supplier].contains(&Some(*eui)))
        };
        let supplier = match role {
            Role::ImportSupplier => premises.and_then(|premises| premises.import_supplier),
            Role::GasSupplier => premises.and_then(|premises| premises.gas_supplier),
            Role::OtherSupplier => bench.suppliers.iter().map(|supplier| supplier.eui).find(|eui| !of_premises(eui)),
            Role::GainingSupplier => self.change.map(|(_, gaining)| gaining),
            Role::LosingSupplier => self.change.map(|(losing, _)| losing),
        };
        supplier.ok_or_else(|| StepError::not_applicable(format!("the premises of the bench's hub have no {role}")))
    }

    /// The system of the Supplier that plays `role`.
    pub(crate) fn supplier(&mut self, role: Role) -> Result<&mut Supplier, StepError> {
        let eui = self.supplier_eui(role)?;
        let bench = self.bench()?;
        let party = bench.suppliers.iter().find(|supplier| supplier.eui == eui);
        let party = party.ok_or_else(|| StepError::not_applicable(format!("the {role} {eui} is not on the bench")))?;
        let config = SupplierConfig {
            eui,
            name: party.name.clone(),
            role: party.role,
            dcc: bench.access_control_broker.eui,
            signing_key: party.keys.ds.clone(),
            first_counter: FIRST_COUNTER,
        };
        let mut supplier = Supplier::new(config);
        let protection = bench.certificates.of_user(eui);
        let protection =
            protection.ok_or_else(|| StepError::bench_fault(format!("{role} {eui} has no certificate")))?;
        supplier.protect(protection, bench.epoch);
        #[cfg(feature = "planted-faults")]
        let supplier = bench.planted.iter().fold(supplier, |mut supplier, planted| {
            if let crate::bench::Planted::Supplier(fault) = planted {
                supplier.plant(*fault);
            }
            supplier
        });
        Ok(self.suppliers.entry(eui).or_insert(supplier))
    }

    /// What was observed until now.
    pub(crate) fn seen(&self) -> Result<&Observations, StepError> {
        let driver = self.driver.as_deref();
        driver.map(Driver::observations).ok_or_else(|| StepError::bench_fault("the bench is not in motion"))
    }

    /// Changes what the DCC holds, whether or not the bench is in motion.
    pub(crate) fn edit_dcc(&mut self, edit: &mut dyn FnMut(&mut DccData)) -> Result<(), StepError> {
        if let Some(driver) = self.driver.as_deref_mut() {
            driver.edit_dcc(edit)?;
        }
        if let Some(bench) = &mut self.bench {
            edit(&mut bench.data);
        }
        Ok(())
    }

    /// The bench in motion. The first call starts it and waits until every Device is on the HAN.
    pub(crate) async fn driver(&mut self) -> Result<&mut dyn Driver, StepError> {
        if self.driver.is_none() {
            self.start().await?;
        }
        self.in_motion()
    }

    /// Bench time, on a bench that a step before this one has set in motion.
    pub(crate) fn in_motion_at(&self) -> Result<Instant, StepError> {
        let driver = self.driver.as_deref();
        driver.map(Driver::now).ok_or_else(|| StepError::bench_fault("the bench is not in motion"))
    }

    /// The bench, which a step before this one has set in motion.
    pub(crate) fn in_motion(&mut self) -> Result<&mut dyn Driver, StepError> {
        match self.driver.as_deref_mut() {
            Some(driver) => Ok(driver),
            None => Err(StepError::bench_fault("the bench is not in motion: a When has to come before this step")),
        }
    }

    async fn start(&mut self) -> Result<(), StepError> {
        const JOINING: Duration = Duration::from_secs(600);
        let context = self.context.clone().ok_or_else(|| StepError::bench_fault("the scenario has no context"))?;
        let has = |tag: &str| context.tags.iter().any(|has| has == tag);
        if has("ppmid") && !has("ppmid-of-any-age") && !self.older_ppmid {
            self.make_ppmids(
                "knows CS08 and CS09 from the start",
                |ppmid| !ppmid.declaration.predates_gbcs,
                |ppmid| ppmid.declaration.predates_gbcs = false,
            )?;
        }
        let bench = self.bench()?;
        let devices: Vec<_> = bench.on_han().map(|device| (device.name.to_owned(), device.eui)).collect();
        context.progress.note("joining");
        let driver: Box<dyn Driver> = if bench.is_live() {
            let setup = LiveSetup::of(bench, context.seed)?;
            Box::new(LiveBench::start(bench, setup, &context).await?)
        } else {
            Box::new(VirtualBench::start(bench, &context)?)
        };
        let driver = self.driver.insert(driver);
        if self.eavesdrops {
            driver.eavesdrop()?;
        }
        for (name, eui) in devices {
            let open = self
                .heard(JOINING, |sighting| sighting.source == eui && sighting.is_tunnel_open())
                .await?
                .ok_or_else(|| StepError::inconclusive(format!("{name} {eui} did not join the hub's network")))?;
            self.rests_on(&open);
        }
        // What follows joining (setting the clock, the first looks around) has died down by then.
        self.let_pass(Duration::from_secs(60)).await
    }

    /// Notes that a stimulus is given now: what is expected next is expected after this.
    pub(crate) async fn stimulus(&mut self) -> Result<(), StepError> {
        // What was observed at the very time at which the step before ended is not an effect of this stimulus.
        self.let_pass(Duration::from_micros(1)).await?;
        self.since = self.in_motion()?.now();
        self.query = None;
        Ok(())
    }

    /// Notes that the running step's status rests on this.
    pub(crate) fn rests_on(&mut self, sighting: &impl Sighting) {
        self.record.observed.push(sighting.observation());
    }
}

impl RigWorld for RigScenario {
    fn begin(context: &ScenarioContext) -> Result<Self, BenchFault> {
        Ok(Self { context: Some(context.clone()), bench: Some(Bench::clone(&context.bench)), ..Self::unstarted() })
    }

    fn now(&self) -> u64 {
        self.driver.as_deref().map_or(0, |driver| driver.now().as_micros())
    }

    fn take_step_record(&mut self) -> StepRecord {
        core::mem::take(&mut self.record)
    }

    fn end(&mut self) -> EndOfScenario {
        self.driver.as_deref_mut().map(Driver::stop).unwrap_or_default()
    }
}
