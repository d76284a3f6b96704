//! Ways for the PPMID to be wrong on purpose, so that a test can prove that the scenarios see each of them.

use crate::ppmid::Ppmid;
use alloc::vec::Vec;
use hanrig_wire::gbcs::{ActivationOutcome, AlertCode, Message, PublicKey, cs08, cs09};
use hanrig_wire::mac::{MacError, MacFrame};
use hanrig_wire::manufacturer_image::ManufacturerImageInfo;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use hanrig_wire::zcl::ota::{ImageBlockRequest, ImageId, OtaCommand, QueryNextImageRequest};
use hanrig_wire::zcl::{Status, ZclHeader};
#[cfg(feature = "planted-faults")]
use hanrig_zigbee::Laxity;
use hanrig_zigbee::ota::client::Transfer;
use hanrig_zigbee::ota::parts::PartActivation;

hanrig_wire::planted_faults! {
    /// does not ask when it is notified.
    IgnoresImageNotify: "PPMID-01";
    /// does not ask when it is notified, but two hours after it has found the hub, as if by chance.
    AsksByChance: "PPMID-01";
    /// asks with another version than it runs.
    AsksWithAnotherVersion: "PPMID-01";
    /// asks with another image type.
    AsksWithAnotherImageType: "PPMID-01";
    /// asks with another manufacturer code.
    AsksWithAnotherManufacturer: "PPMID-01";
    /// asks with another hardware version than it has.
    AsksWithAnotherHardwareVersion: "PPMID-01";
    /// asks with its hardware version, which its maker has declared that it does not send.
    AsksOtherwiseThanDeclared: "PPMID-01";
    /// never asks unprompted.
    NeverAsksUnprompted: "PPMID-02";
    /// asks unprompted twice, and never again.
    StopsAsking: "PPMID-02";
    /// asks unprompted every hour.
    AsksEveryHour: "PPMID-02";
    /// asks unprompted two seconds before a day is over.
    AsksTwoSecondsEarly: "PPMID-02";
    /// asks unprompted every hour once it has refused an image.
    AsksEveryHourAfterRefusal: "PPMID-02";
    /// asks unprompted each time it starts.
    AsksAtEveryStart: "PPMID-02";
    /// does not fetch the last block, does not verify, and says that it has the image.
    SkipsLastBlock: "PPMID-03";
    /// fetches no more than 512 KiB.
    StopsAt512K: "PPMID-03";
    /// begins again at offset 0 when a block does not come.
    StartsOverWhenBlockLost: "PPMID-03";
    /// says nothing when it has the image.
    NeverEnds: "PPMID-03";
    /// takes every image as the manufacturer's.
    ClaimsSuccessUnverified: "PPMID-04";
    /// refuses a bad image to the hub, and installs it all the same.
    InstallsRefusedImage: "PPMID-04";
    /// refuses a bad image to the hub, and runs it when it starts the next time.
    RunsRefusedImageAtStart: "PPMID-04";
    /// says nothing of an image that it refuses.
    RefusesInSilence: "PPMID-04";
    /// activates as soon as it has verified, without a word to or from the hub.
    ActivatesOnItsOwn: "PPMID-05";
    /// activates when the hub has left it without a word for an hour.
    ActivatesInSilence: "PPMID-05";
    /// activates when it is told to wait.
    ActivatesToldToWait: "PPMID-05";
    /// does not activate when it is told to.
    NeverActivates: "PPMID-05";
    /// activates an hour after it is told to.
    ActivatesLate: "PPMID-05";
    /// sends no Alert after activation.
    ActivationUnreported: "PPMID-06";
    /// sends its Alert twice.
    AlertsTwice: "PPMID-06";
    /// its Alert has the version from before.
    AlertHasOldVersion: "PPMID-06";
    /// its Alert tells of a failure.
    AlertTellsFailure: "PPMID-06";
    /// its Alert has the code 0x8F72.
    AlertHasAnotherCode: "PPMID-06";
    /// its Alert is addressed to itself.
    AlertAddressedElsewhere: "PPMID-06";
    /// the time in its Alert is an hour ahead.
    AlertTimeOff: "PPMID-06";
    /// the signature of its Alert is broken.
    AlertSignatureBroken: "PPMID-06";
    /// its Alert has no signature.
    AlertUnsigned: "PPMID-06";
    /// answers CS08 with the version that it left the factory with.
    AnswersFactoryVersion: "PPMID-07";
    /// answers CS08 with a failure.
    AnswersFailure: "PPMID-07";
    /// answers CS08 under a MAC with another key.
    AnswersWithWrongMac: "PPMID-07";
    /// its answer to CS08 does not name the Supplier who asked.
    AnswersWithoutSupplier: "PPMID-07";
    /// does not answer CS08.
    NeverAnswers: "PPMID-07";
    /// goes on after a loss of power at a place that it had not reached.
    ResumesTooFar: "PPMID-08";
    /// does nothing more about an image once the power went in the middle of its download.
    NeverResumes: "PPMID-08";
    /// forgets when the power goes that new firmware was installed.
    ForgetsNewFirmware: "PPMID-08";
    /// does not start any more once the power went in the middle of an activation.
    StaysOffAfterActivation: "PPMID-08";
    /// forgets when the power goes the Alert that it still has to send.
    ForgetsAlert: "PPMID-08";
    /// runs the first part of split firmware.
    RunsFirstPart: "PPMID-09";
    /// reports a part of split firmware with the part's version.
    ReportsPartVersion: "PPMID-09";
    /// activates the last part of split firmware without those before it.
    RunsLastPartAlone: "PPMID-10";
    /// forgets each time it starts which parts it has.
    ForgetsPartAtStart: "PPMID-08", "PPMID-10";
    /// runs an image without a word that it had when the power went, before the hub had told it to.
    RunsUnansweredImage: "PPMID-11";
    /// sends its Alert and answers CS08, which its maker has declared that it does not.
    KnowsGbcsThoughOlder: "PPMID-12";
    /// tells of the update that brings it CS09 as of one that failed.
    MistellsFirstUpdate: "PPMID-12";
    /// runs only an image that follows the firmware with which it left the factory.
    UpgradesFactoryFirmwareOnly: "PATH-02";
    /// forgets that it was updated locally.
    ForgetsLocalUpdate: "PPMID-13";
    /// sends no hardware version, which its maker has declared that it sends.
    OmitsHardwareVersion: "PPMID-01";
    /// asks for smaller blocks than its maker declares.
    AsksForSmallerBlocks: "PPMID-03";
    /// asks by Image Page Request, which its maker has declared that it does not.
    AsksForPages: "PPMID-03";
    /// does not ask by Image Page Request, which its maker has declared that it does.
    NeverAsksForPages: "PPMID-03";
    /// takes ten minutes longer to verify an image than its maker declares.
    VerifiesLate: "PPMID-03";
    /// takes frames that it had before.
    TakesReplays: "PPMID-05";
    /// takes frames without security.
    TakesUnsecured: "PPMID-05";
    /// takes what is not secured with its link key.
    TakesWithoutLinkKey: "PPMID-05";
    /// goes to whoever says first that it is an OTA server.
    GoesToAnyServer: "PPMID-01";
    /// takes a block whatever request it answers.
    TakesAnySequence: "PPMID-03";
    /// takes a block of whatever place in the image.
    TakesAnyOffset: "PPMID-03";
    /// gives a download up when the hub is silent.
    GivesUpOnSilentHub: "PPMID-03";
    /// stops working when it receives a frame that it cannot read.
    StopsAtMalformedFrame: "PPMID-07";
}

impl Faults {
    #[cfg(feature = "planted-faults")]
    fn any(&self) -> bool {
        Fault::ALL.iter().any(|fault| self.has(*fault))
    }

    #[cfg(not(feature = "planted-faults"))]
    const fn any(&self) -> bool {
        false
    }

    pub(crate) fn spoil_alert(&self, alert: &mut cs09::Alert, factory_version: FirmwareVersion) {
        if self.has(Fault::AlertHasOldVersion) {
            alert.version = factory_version;
        }
        if self.has(Fault::AlertTellsFailure) {
            alert.outcome = ActivationOutcome::Failure;
        }
        if self.has(Fault::AlertHasAnotherCode) {
            alert.alert_code = AlertCode::FIRMWARE_VERIFICATION_SUCCESSFUL;
        }
        if self.has(Fault::AlertTimeOff) {
            alert.time = alert.time.after(Duration::from_secs(3600));
        }
    }

    pub(crate) fn spoil_answer(&self, answer: &mut cs08::Response, factory_version: FirmwareVersion) {
        if self.has(Fault::AnswersFactoryVersion) {
            answer.version = factory_version;
        }
        if self.has(Fault::AnswersFailure) {
            answer.outcome = cs08::ReadOutcome::Failure;
        }
    }

    /// The key under which the MAC of an answer verifies.
    pub(crate) fn spoil_peer(&self, peer: PublicKey, own: PublicKey) -> PublicKey {
        if self.has(Fault::AnswersWithWrongMac) { own } else { peer }
    }

    pub(crate) fn spoil_recipient(&self, recipient: Eui64, elsewhere: Eui64) -> Eui64 {
        if self.has(Fault::AlertAddressedElsewhere) { elsewhere } else { recipient }
    }

    pub(crate) fn spoil_signature(&self, message: &mut Message) {
        if self.has(Fault::AlertUnsigned) {
            message.signature = None;
        }
        if self.has(Fault::AlertSignatureBroken)
            && let Some([first, ..]) = &mut message.signature
        {
            *first ^= 0x01;
        }
    }
}

impl<F> Ppmid<F> {
    /// Makes the PPMID wrong in this way from now on.
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
        const LEFT_OUT: [(Fault, &[Laxity]); 8] = [
            (Fault::AsksForPages, &[Laxity::Pages]),
            (Fault::TakesReplays, &[Laxity::Replays]),
            (Fault::TakesUnsecured, &[Laxity::Unsecured, Laxity::WithoutLinkKey]),
            (Fault::TakesWithoutLinkKey, &[Laxity::WithoutLinkKey]),
            (Fault::GoesToAnyServer, &[Laxity::AnyServer]),
            (Fault::TakesAnySequence, &[Laxity::AnySequence]),
            (Fault::TakesAnyOffset, &[Laxity::AnyOffset]),
            (Fault::GivesUpOnSilentHub, &[Laxity::Impatience]),
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

    /// Where a download goes on after a loss of power; `None` for never.
    pub(crate) fn spoil_resumption(&self, transfer: Transfer) -> Option<Transfer> {
        if self.faulty(Fault::NeverResumes) {
            return None;
        }
        let further = if self.faulty(Fault::ResumesTooFar) { 16 * 1024 } else { 0 };
        Some(Transfer { offset: (transfer.offset + further).min(transfer.size), ..transfer })
    }

    /// Whether it does not care to be notified.
    pub(crate) fn ignores_notify(&self) -> bool {
        self.faulty(Fault::IgnoresImageNotify)
            || self.faulty(Fault::AsksByChance)
            || self.faulty(Fault::NeverResumes) && self.state.transfer.is_some()
    }

    /// What comes of the activation of `image`.
    pub(crate) fn spoil_activation(&mut self, activation: PartActivation, image: ImageId) -> PartActivation {
        match activation {
            PartActivation::Stored(_) if self.faulty(Fault::RunsFirstPart) => PartActivation::Runs,
            PartActivation::OutOfOrder if self.faulty(Fault::RunsLastPartAlone) => PartActivation::Runs,
            PartActivation::Stored(part) if self.faulty(Fault::ReportsPartVersion) => {
                self.state.running = image.file_version;
                PartActivation::Stored(part)
            }
            PartActivation::Runs
                if self.faulty(Fault::UpgradesFactoryFirmwareOnly)
                    && self.state.running != self.config.factory_version =>
            {
                PartActivation::OutOfOrder
            }
            activation => activation,
        }
    }

    /// What it does not remember of the time before the power went.
    pub(crate) fn forget_at_power_on(&mut self) {
        if self.faulty(Fault::ForgetsNewFirmware) {
            self.state.running = self.config.factory_version;
            self.han.client().set_running(self.state.running);
        }
        if self.faulty(Fault::ForgetsAlert) {
            self.state.reports.clear();
        }
    }

    /// Whether it does not start with what it finds.
    pub(crate) fn stays_off(&self) -> bool {
        self.faulty(Fault::StaysOffAfterActivation) && !self.state.reports.is_empty()
    }

    /// What it does with what it finds when it starts.
    pub(crate) fn spoil_start(&mut self) {
        if self.faulty(Fault::RunsRefusedImageAtStart)
            && let Some(held) = self.state.held.take()
        {
            self.state.running = held.image.file_version;
            self.han.client().set_running(self.state.running);
            self.unsaved = true;
        }
        if self.faulty(Fault::ForgetsPartAtStart) {
            self.state.stored_part = None;
        }
        if self.faulty(Fault::RunsUnansweredImage)
            && let Some(transfer) = self.state.transfer.take_if(|transfer| transfer.offset == transfer.size)
        {
            self.state.running = transfer.image.file_version;
            self.han.client().set_running(self.state.running);
            self.unsaved = true;
        }
    }

    /// How long after an unprompted query the next one follows.
    pub(crate) fn query_period(&self) -> Duration {
        if self.faulty(Fault::AsksEveryHour) || self.has_refused() && self.faulty(Fault::AsksEveryHourAfterRefusal) {
            return Duration::from_secs(3600);
        }
        let early = if self.faulty(Fault::AsksTwoSecondsEarly) { Duration::from_secs(2) } else { Duration::ZERO };
        self.config.declaration.query_period.saturating_sub(early)
    }

    /// How long after a discovery of the hub the first unprompted query follows.
    pub(crate) fn first_query(&self) -> Duration {
        if self.faulty(Fault::AsksAtEveryStart) {
            return Duration::ZERO;
        }
        if self.faulty(Fault::AsksByChance) { Duration::from_secs(2 * 3600) } else { self.query_period() }
    }

    /// Notes that it has refused an image.
    #[cfg(feature = "planted-faults")]
    pub(crate) fn note_refusal(&mut self, now: Instant) {
        self.refused = true;
        if self.faulty(Fault::AsksEveryHourAfterRefusal) {
            self.query_at = Some(now + self.query_period());
        }
    }

    /// Notes that it has refused an image.
    #[cfg(not(feature = "planted-faults"))]
    pub(crate) const fn note_refusal(&self, _: Instant) {}

    /// Whether it has refused an image since it has started.
    #[cfg(feature = "planted-faults")]
    const fn has_refused(&self) -> bool {
        self.refused
    }

    /// Whether it has refused an image since it has started.
    #[cfg(not(feature = "planted-faults"))]
    const fn has_refused(&self) -> bool {
        false
    }

    /// The image that it activates instead of saying once more with this frame that it has it.
    #[cfg(feature = "planted-faults")]
    pub(crate) fn tires_of_silence(&mut self, now: Instant, frame: &[u8]) -> Option<ImageId> {
        const SILENCE: Duration = Duration::from_secs(3600);
        let (header, payload) = ZclHeader::parse(frame).ok()?;
        let Ok(OtaCommand::UpgradeEndRequest(request)) = OtaCommand::parse(header.command, payload) else {
            return None;
        };
        let since = *self.ended.get_or_insert(now);
        (self.faulty(Fault::ActivatesInSilence) && now - since > SILENCE).then_some(request.image)
    }

    /// The image that it activates instead of saying once more with this frame that it has it.
    #[cfg(not(feature = "planted-faults"))]
    pub(crate) const fn tires_of_silence(&self, _: Instant, _: &[u8]) -> Option<ImageId> {
        None
    }

    /// What goes to the hub instead of this frame of the OTA Upgrade Cluster; `None` for nothing.
    pub(crate) fn spoil_ota(&self, frame: Vec<u8>) -> Option<Vec<u8>> {
        if !self.faults.any() {
            return Some(frame);
        }
        let Ok((header, payload)) = ZclHeader::parse(&frame) else { return Some(frame) };
        match OtaCommand::parse(header.command, payload) {
            Ok(OtaCommand::QueryNextImageRequest(query)) => {
                let mut current = query.current;
                if self.faulty(Fault::AsksWithAnotherVersion) {
                    current.file_version.0 ^= 0x01;
                }
                if self.faulty(Fault::AsksWithAnotherImageType) {
                    current.image_type ^= 0x01;
                }
                if self.faulty(Fault::AsksWithAnotherManufacturer) {
                    current.manufacturer_code ^= 0x01;
                }
                let off = u16::from(self.faulty(Fault::AsksWithAnotherHardwareVersion));
                let declared = self.faulty(Fault::AsksOtherwiseThanDeclared).then_some(self.config.hardware_version);
                let omits = self.faulty(Fault::OmitsHardwareVersion);
                let given = query.hardware_version.or(declared).filter(|_| !omits);
                let hardware_version = given.map(|version| version ^ off);
                let query = QueryNextImageRequest { current, hardware_version };
                Some(OtaCommand::QueryNextImageRequest(query).frame(header.sequence))
            }
            Ok(OtaCommand::ImageBlockRequest(request))
                if self.faulty(Fault::StopsAt512K) && request.offset >= 512 * 1024 =>
            {
                None
            }
            Ok(OtaCommand::ImageBlockRequest(request)) if self.faulty(Fault::AsksForSmallerBlocks) => {
                let smaller = ImageBlockRequest { maximum_data_size: request.maximum_data_size / 2, ..request };
                Some(OtaCommand::ImageBlockRequest(smaller).frame(header.sequence))
            }
            Ok(OtaCommand::ImagePageRequest(page)) if self.faulty(Fault::NeverAsksForPages) => {
                let request = ImageBlockRequest {
                    image: page.image,
                    offset: page.offset,
                    maximum_data_size: page.maximum_data_size,
                    node_address: None,
                    minimum_block_period: None,
                };
                Some(OtaCommand::ImageBlockRequest(request).frame(header.sequence))
            }
            Ok(OtaCommand::UpgradeEndRequest(_)) if self.faulty(Fault::NeverEnds) => None,
            Ok(OtaCommand::UpgradeEndRequest(request))
                if self.faulty(Fault::RefusesInSilence) && request.status != Status::SUCCESS =>
            {
                None
            }
            _ => Some(frame),
        }
    }

    /// Whether it lets this time to ask unprompted go by.
    #[cfg(feature = "planted-faults")]
    pub(crate) fn does_not_ask(&mut self) -> bool {
        const ENOUGH: u32 = 2;
        self.questions += 1;
        self.faulty(Fault::NeverAsksUnprompted) || self.faulty(Fault::StopsAsking) && self.questions > ENOUGH
    }

    /// Whether it lets this time to ask unprompted go by.
    #[cfg(not(feature = "planted-faults"))]
    pub(crate) const fn does_not_ask(&self) -> bool {
        false
    }

    /// Whether the download begins again instead of this frame, which asks for a block for the second time.
    #[cfg(feature = "planted-faults")]
    pub(crate) fn starts_over(&mut self, frame: &[u8]) -> bool {
        let Ok((header, payload)) = ZclHeader::parse(frame) else { return false };
        let Ok(OtaCommand::ImageBlockRequest(request)) = OtaCommand::parse(header.command, payload) else {
            return false;
        };
        let again = self.asked.replace(request.offset) == Some(request.offset);
        again && request.offset > 0 && self.faulty(Fault::StartsOverWhenBlockLost)
    }

    /// Whether the download begins again instead of this frame.
    #[cfg(not(feature = "planted-faults"))]
    pub(crate) const fn starts_over(&self, _: &[u8]) -> bool {
        false
    }

    /// Whether the rest of the image under way, a block at most, is left where it is when this frame would ask for it.
    pub(crate) fn skips_rest(&self, transfer: Transfer, frame: &[u8]) -> bool {
        const BLOCK_REQUEST: u8 = 0x03;
        let rest = transfer.size.saturating_sub(transfer.offset);
        self.faulty(Fault::SkipsLastBlock)
            && frame.get(2) == Some(&BLOCK_REQUEST)
            && rest <= u32::from(self.config.declaration.block_size)
    }

    /// How long it takes to verify an image.
    pub(crate) fn verification(&self) -> Duration {
        let late = if self.faulty(Fault::VerifiesLate) { Duration::from_secs(600) } else { Duration::ZERO };
        self.config.declaration.verification + late
    }

    /// What is made of an image that was verified, with this result.
    pub(crate) fn spoil_verification<E>(
        &self,
        verified: Result<ManufacturerImageInfo, E>,
    ) -> Result<ManufacturerImageInfo, E> {
        let careless = self.faulty(Fault::ClaimsSuccessUnverified) || self.faulty(Fault::SkipsLastBlock);
        verified.or_else(|error| {
            let whole = ManufacturerImageInfo { part: 1, parts: 1, base_version: None, body_length: 0 };
            if careless { Ok(whole) } else { Err(error) }
        })
    }
}
