//! Ways for a Device to be wrong on purpose, and what each of them does.

use crate::device::Device;
use alloc::vec::Vec;
use hanrig_wire::gbcs::cs06::{ActivationResult, Outcome};
use hanrig_wire::mac::{MacError, MacFrame};
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::zcl::ota::{ImageBlockRequest, OtaCommand, QueryNextImageRequest, UpgradeEndRequest};
use hanrig_wire::zcl::{Status, ZclHeader};
#[cfg(feature = "planted-faults")]
use hanrig_zigbee::Laxity;
use hanrig_zigbee::ota::parts::PartActivation;

hanrig_wire::planted_faults! {
    /// activates an image as soon as it has verified it.
    ActivatesOnReceipt: "HCALCS-01", "HCALCS-02";
    /// holds nothing, though it says that it has the image.
    HoldsNothing: "HCALCS-01";
    /// activates when the hub has answered its Upgrade End Request.
    ActivatesForTheHub: "HCALCS-01", "HCALCS-02";
    /// activates when the hub tells it to do so at once.
    ActivatesAtOnceForTheHub: "HCALCS-02", "METER-01";
    /// does not look at the signature of CS06.
    IgnoresSignature: "HCALCS-02", "METER-01";
    /// does not look at the MAC of CS06.
    IgnoresMac: "HCALCS-02", "METER-01";
    /// carries out a Command whose counter was used before.
    ObeysReplays: "HCALCS-02";
    /// refuses no counter that was used before but the last.
    RefusesLastCounterAlone: "HCALCS-02", "METER-01";
    /// forgets when the power goes which counters were used before.
    ForgetsCounters: "HCALCS-02";
    /// carries out the CS06 Command of a Supplier that is not its own.
    ObeysAnySupplier: "HCALCS-02", "METER-01";
    /// takes every image as the manufacturer's.
    TakesImageOfAnyManufacturer: "HCALCS-03";
    /// takes an image whoever has sent it.
    TakesImageOfAnySupplier: "HCALCS-03";
    /// activates the image that it holds, whatever the Hash in the Command.
    IgnoresHash: "HCALCS-04", "METER-01";
    /// answers hashMismatch where it holds no image.
    NoImageAsMismatch: "HCALCS-04";
    /// answers noImageHeld where the Hash is another.
    MismatchAsNoImage: "HCALCS-04";
    /// answers success where activation has failed.
    FailureAsSuccess: "HCALCS-04";
    /// answers with the version that it left the factory with.
    AnswersActivationWithOldVersion: "HCALCS-04", "METER-01";
    /// does not answer CS06.
    NeverAnswersActivation: "HCALCS-04", "METER-01";
    /// does not verify its firmware at power-on.
    SkipsVerificationAtPowerOn: "HCALCS-05";
    /// verifies at power-on the firmware alone with which it left the factory.
    VerifiesFactoryFirmwareAlone: "HCALCS-05";
    /// does not verify an image before it activates it.
    SkipsVerificationAtActivation: "HCALCS-05";
    /// sends no Alert when verification fails.
    VerificationUnreported: "HCALCS-05";
    /// tells the version that it left the factory with when it is asked for the one that runs.
    AnswersFactoryVersion: "HCALCS-06";
    /// does not tell its version.
    NeverAnswersVersion: "HCALCS-06";
    /// forgets the image that it holds when the power goes.
    ForgetsHeldImage: "HCALCS-07";
    /// forgets when the power goes that new firmware was installed.
    ForgetsNewFirmware: "HCALCS-07";
    /// takes a download that a loss of power has cut off as ended.
    TakesCutDownloadAsWhole: "HCALCS-07";
    /// runs new firmware when the first of its parts is activated.
    RunsFirstPart: "HCALCS-08";
    /// runs new firmware though a part of it is missing.
    RunsLastPartAlone: "HCALCS-08";
    /// forgets when the power goes that it has activated a part.
    ForgetsPart: "HCALCS-07", "HCALCS-08", "METER-01";
    /// completes firmware of which it had a part before it took other firmware.
    KeepsPartOverOtherFirmware: "HCALCS-08", "METER-01";
    /// says nothing when it has the image.
    NeverEnds: "METER-01";
    /// activates at once, whatever the time in the Command.
    ActivatesBeforeTime: "METER-01";
    /// does not tell what came of a future-dated Command.
    FutureOutcomeUnreported: "METER-01";
    /// forgets when the power goes what it was to do later.
    ForgetsFutureDated: "METER-01";
    /// says nothing of an image that it refuses.
    RefusesInSilence: "METER-03";
    /// tells of an image that it refuses as a success.
    RefusesAsSuccess: "METER-03";
    /// takes no other payment mode, and answers that.
    KeepsPaymentMode: "METER-01";
    /// does not sign its answer to a change of payment mode.
    AnswersPaymentModeUnsigned: "METER-01";
    /// takes a payment mode whoever sends the Command, and whatever its signature and its MAC.
    TakesAnyPaymentMode: "METER-01";
    /// takes ten minutes longer to verify an image than its maker declares.
    VerifiesLate: "HCALCS-01", "METER-01";
    /// tells of a download by an Alert, which its maker has declared that it does not.
    TellsOfReceipt: "HCALCS-01";
    /// asks with its hardware version if its maker has declared that it does not send it, and without it otherwise.
    AsksOtherwiseThanDeclared: "HCALCS-01", "METER-01";
    /// asks for smaller blocks than its maker declares.
    AsksForSmallerBlocks: "HCALCS-01", "METER-01";
    /// asks by Image Page Request, which its maker has declared that it does not.
    AsksForPages: "HCALCS-01", "METER-01";
    /// asks no more of its own accord after two days and a half.
    StopsAsking: "HCALCS-01", "METER-01";
    /// takes frames that it had before.
    TakesReplays: "HCALCS-02";
    /// takes frames without security.
    TakesUnsecured: "HCALCS-03";
    /// takes what is not secured with its link key.
    TakesWithoutLinkKey: "HCALCS-03";
    /// stops working when it receives a frame that it cannot read.
    StopsAtMalformedFrame: "HCALCS-06";
}

impl<F> Device<F> {
    /// Makes the Device wrong in this way from now on.
    #[cfg(feature = "planted-faults")]
    pub fn plant(&mut self, fault: Fault) {
        self.faults.plant(fault);
    }

    pub(crate) fn faulty(&self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    /// Has its HAN side leave out the checks that it does not make.
    #[cfg(feature = "planted-faults")]
    pub(crate) fn relax(&mut self) {
        const LEFT_OUT: [(Fault, &[Laxity]); 4] = [
            (Fault::AsksForPages, &[Laxity::Pages]),
            (Fault::TakesReplays, &[Laxity::Replays]),
            (Fault::TakesUnsecured, &[Laxity::Unsecured, Laxity::WithoutLinkKey]),
            (Fault::TakesWithoutLinkKey, &[Laxity::WithoutLinkKey]),
        ];
        for (_, left_out) in LEFT_OUT.iter().filter(|(fault, _)| self.faults.has(*fault)) {
            left_out.iter().for_each(|laxity| self.han.relax(*laxity));
        }
    }

    /// Makes every check.
    #[cfg(not(feature = "planted-faults"))]
    pub(crate) const fn relax(&mut self) {}

    /// Whether this frame is the last that it takes.
    pub(crate) fn stops_at(&self, octets: &[u8]) -> bool {
        self.faulty(Fault::StopsAtMalformedFrame) && matches!(MacFrame::parse(octets), Err(MacError::Malformed(_)))
    }

    /// How long it takes to verify an image.
    pub(crate) fn verification(&self) -> Duration {
        let late = if self.faulty(Fault::VerifiesLate) { Duration::from_secs(600) } else { Duration::ZERO };
        self.config.declaration.verification + late
    }

    /// Whether it tells of a download that is verified.
    pub(crate) fn tells_of_receipt(&self) -> bool {
        self.config.declaration.receipt_alert || self.faulty(Fault::TellsOfReceipt)
    }

    /// What comes of the activation of a part.
    pub(crate) fn spoil_part(&self, activation: PartActivation) -> PartActivation {
        match activation {
            PartActivation::Stored(_) if self.faulty(Fault::RunsFirstPart) => PartActivation::Runs,
            PartActivation::OutOfOrder if self.faulty(Fault::RunsLastPartAlone) => PartActivation::Runs,
            other => other,
        }
    }

    /// What the Device says of how activation went.
    pub(crate) fn spoil_outcome(&self, outcome: Outcome) -> Outcome {
        let result = match outcome.result {
            ActivationResult::NoImageHeld if self.faulty(Fault::NoImageAsMismatch) => ActivationResult::HashMismatch,
            ActivationResult::HashMismatch if self.faulty(Fault::MismatchAsNoImage) => ActivationResult::NoImageHeld,
            ActivationResult::ActivationFailure if self.faulty(Fault::FailureAsSuccess) => ActivationResult::Success,
            result => result,
        };
        let old = self.faulty(Fault::AnswersActivationWithOldVersion);
        let version = if old { self.config.factory_version } else { outcome.version };
        Outcome { result, version }
    }

    /// What goes to the hub instead of this frame of the OTA Upgrade Cluster; `None` for nothing.
    pub(crate) fn spoil_ota(&self, frame: Vec<u8>) -> Option<Vec<u8>> {
        const SPOILING: [Fault; 5] = [
            Fault::AsksOtherwiseThanDeclared,
            Fault::AsksForSmallerBlocks,
            Fault::NeverEnds,
            Fault::RefusesInSilence,
            Fault::RefusesAsSuccess,
        ];
        if !SPOILING.iter().any(|fault| self.faulty(*fault)) {
            return Some(frame);
        }
        let Ok((header, payload)) = ZclHeader::parse(&frame) else { return Some(frame) };
        match OtaCommand::parse(header.command, payload) {
            Ok(OtaCommand::QueryNextImageRequest(query)) if self.faulty(Fault::AsksOtherwiseThanDeclared) => {
                let sends = !self.config.declaration.sends_hardware_version;
                let hardware_version = sends.then_some(self.config.hardware_version);
                let query = QueryNextImageRequest { hardware_version, ..query };
                Some(OtaCommand::QueryNextImageRequest(query).frame(header.sequence))
            }
            Ok(OtaCommand::ImageBlockRequest(request)) if self.faulty(Fault::AsksForSmallerBlocks) => {
                let smaller = ImageBlockRequest { maximum_data_size: request.maximum_data_size / 2, ..request };
                Some(OtaCommand::ImageBlockRequest(smaller).frame(header.sequence))
            }
            Ok(OtaCommand::UpgradeEndRequest(request)) => {
                let refuses = request.status != Status::SUCCESS;
                if self.faulty(Fault::NeverEnds) || self.faulty(Fault::RefusesInSilence) && refuses {
                    return None;
                }
                if !self.faulty(Fault::RefusesAsSuccess) {
                    return Some(frame);
                }
                let request = UpgradeEndRequest { status: Status::SUCCESS, ..request };
                Some(OtaCommand::UpgradeEndRequest(request).frame(header.sequence))
            }
            _ => Some(frame),
        }
    }

    /// Whether it lets this time to ask unprompted go by.
    pub(crate) fn does_not_ask(&self, now: Instant) -> bool {
        const ENOUGH: Duration = Duration::from_secs(60 * 3600);
        self.faulty(Fault::StopsAsking) && now - Instant::ZERO > ENOUGH
    }

    /// What the Device does not remember of the time before the power went.
    pub(crate) fn forget_at_power_on(&mut self) {
        if self.faulty(Fault::ForgetsHeldImage) {
            self.state.held = None;
        }
        if self.faulty(Fault::ForgetsPart) {
            self.state.stored_part = None;
        }
        if self.faulty(Fault::ForgetsNewFirmware) {
            self.state.running.version = self.config.factory_version;
        }
        if self.faulty(Fault::ForgetsCounters) {
            self.state.broker_counter = None;
            self.state.supplier_counter = None;
        }
        if self.faulty(Fault::ForgetsFutureDated) {
            self.state.planned = None;
        }
    }
}
