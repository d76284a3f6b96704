//! The SEC Panel in a scenario: submissions to the CPL, what came of them, and what is published.

use super::{Release, RigScenario};
use crate::bench::Bench;
use crate::runner::StepError;
use hanrig_dcc::data::{Baselines, Contact, DccData, PhysicalDeviceType};
use hanrig_dcc::panel::{
    AccessError, DzirDetails, FirDetails, Panel, Reader, SignedSubmission, Submission, SubmissionError,
};
use hanrig_dcc::supplier::PathwayRefusal;
use hanrig_wire::gbcs::SigningKey;
use std::collections::BTreeMap;
use time::{Date, OffsetDateTime};

/// What a scenario knows of the Panel.
#[derive(Debug, Default)]
pub(crate) struct PanelDesk {
    panel: Option<Panel>,
    /// The submission that is being prepared.
    pub(crate) draft: Option<Draft>,
    /// What came of the last submission, and CPL, FIR and DZIR before it.
    pub(crate) outcome: Option<Outcome>,
    /// What came of the last request for access to the DZIR.
    pub(crate) access: Option<Result<(), AccessError>>,
    /// What scenarios call a release: its CPL entry number, and the release itself.
    pub(crate) published: BTreeMap<String, (u32, Release)>,
    /// Why a Supplier did not send an image.
    pub(crate) refusal: Option<PathwayRefusal>,
}

/// A submission that is being prepared.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// What is submitted.
    pub(crate) submission: Submission,
    /// The key that it is signed with.
    pub(crate) signer: SigningKey,
    /// What is changed in it after it was signed.
    pub(crate) changed_afterwards: bool,
}

/// What came of a submission.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// What was submitted.
    pub(crate) submission: Submission,
    /// The number of the CPL entry, or why there is none.
    pub(crate) result: Result<u32, SubmissionError>,
    /// What CPL, FIR and DZIR had before.
    before: DccData,
}

impl Outcome {
    /// Whether CPL, FIR and DZIR are as they were before the submission.
    pub(crate) fn nothing_changed(&self, now: &DccData) -> bool {
        (&self.before.cpl, &self.before.fir, &self.before.dzir) == (&now.cpl, &now.fir, &now.dzir)
    }
}

/// A Panel that knows every manufacturer of the bench as a creator of images.
fn panel_of(bench: &Bench) -> Panel {
    let creators = bench.manufacturers.iter().map(|maker| (maker.name.clone(), maker.signing_key.verifying_key()));
    let panel = Panel::new(creators.collect());
    #[cfg(feature = "planted-faults")]
    let panel = bench.planted.iter().fold(panel, |mut panel, planted| {
        if let crate::bench::Planted::Panel(fault) = planted {
            panel.plant(*fault);
        }
        panel
    });
    panel
}

/// A SEC Party, as all Suppliers of a bench are, or somebody who is none.
pub(crate) fn reader(is_sec_party: bool) -> Reader {
    let name = if is_sec_party { "a SEC Party" } else { "somebody who is no SEC Party" };
    Reader { name: name.to_owned(), is_sec_party }
}

impl RigScenario {
    /// The Panel.
    pub(crate) fn panel(&mut self) -> Result<&mut Panel, StepError> {
        let panel = panel_of(self.bench()?);
        Ok(self.desk.panel.get_or_insert(panel))
    }

    /// The day on which the scenario begins.
    pub(crate) fn today(&self) -> Result<Date, StepError> {
        let epoch = OffsetDateTime::from_unix_timestamp(self.bench()?.epoch.unix_seconds());
        epoch.map(OffsetDateTime::date).map_err(|error| StepError::bench_fault(format!("the bench's epoch: {error}")))
    }

    /// A submission of `release` that is right in all parts, with these baselines.
    pub(crate) fn draft_of(
        &self,
        release: &Release,
        device_type: PhysicalDeviceType,
        baselines: Baselines,
    ) -> Result<Draft, StepError> {
        let bench = self.bench()?;
        let code = release.image.manufacturer_code;
        let maker = bench.manufacturer(code);
        let maker = maker.ok_or_else(|| StepError::bench_fault(format!("no manufacturer {code:04X} on the bench")))?;
        let mut entry = release.cpl_entry(&bench.data, 0);
        entry.device_type = device_type;
        entry.manufacturer_name.clone_from(&maker.name);
        entry.image.creator.clone_from(&maker.name);
        if entry.model_name.is_empty() {
            entry.model_name = format!("model {}", entry.model);
        }
        let fir = FirDetails {
            release_notes: format!("{} firmware {}", device_type, entry.firmware_version),
            baselines,
            contact: Contact {
                email: "firmware@example.com".to_owned(),
                telephone: "020 7946 0000".to_owned(),
                address: "1 Meter Street, London".to_owned(),
            },
        };
        let dzir =
            DzirDetails { chipset_vendor: "Example Radio".to_owned(), stack_version: "7.2".to_owned(), band: None };
        let submission = Submission { changes_zigbee: false, entry, fir: Some(fir), dzir: Some(dzir) };
        Ok(Draft { submission, signer: maker.signing_key.clone(), changed_afterwards: false })
    }

    /// Hands a submission to the Panel; what it publishes is what the DCC's systems work with from then on.
    pub(crate) fn submit(&mut self, draft: &Draft) -> Result<(), StepError> {
        let today = self.today()?;
        let mut signed: SignedSubmission = draft.submission.clone().sign(&draft.signer);
        if draft.changed_afterwards {
            signed.submission.entry.image.descriptor.push_str(" (changed)");
        }
        let before = self.bench()?.data.clone();
        let panel = self.panel()?.clone();
        let mut after = before.clone();
        let result = panel.submit(&mut after, today, &signed);
        self.edit_dcc(&mut |data| {
            data.cpl.clone_from(&after.cpl);
            data.fir.clone_from(&after.fir);
            data.dzir.clone_from(&after.dzir);
        })?;
        self.desk.outcome = Some(Outcome { submission: signed.submission, result, before });
        Ok(())
    }

    /// What came of the last submission.
    pub(crate) fn submitted(&self) -> Result<&Outcome, StepError> {
        let none = || StepError::bench_fault("no step before this one has submitted anything to the CPL");
        self.desk.outcome.as_ref().ok_or_else(none)
    }

    /// The submission that is being prepared.
    pub(crate) fn draft(&mut self) -> Result<&mut Draft, StepError> {
        let none = || StepError::bench_fault("no step before this one has prepared a submission to the CPL");
        self.desk.draft.as_mut().ok_or_else(none)
    }

    /// A release that a step has published, by what the scenario calls it.
    pub(crate) fn published(&self, called: &str) -> Result<(u32, Release), StepError> {
        let none = || StepError::bench_fault(format!("no step before this one has published a release {called}"));
        self.desk.published.get(called).cloned().ok_or_else(none)
    }
}
