//! Ways for the hub to be wrong on purpose, so that a test can prove that the scenarios see each of them.

use crate::blocks::{Admission, BlockName, Blocks, HeldImage, Phase, Target};
use crate::config::HubProfile;
use crate::hub::CommunicationsHub;
use crate::state::{TransferAlert, TransferOutcome};
use alloc::vec::Vec;
use embedded_storage::nor_flash::NorFlash;
use hanrig_wire::gbcs::{Cra, Message, cs09};
#[cfg(feature = "planted-faults")]
use hanrig_wire::mac::{MacError, MacFrame};
use hanrig_wire::ota_file::MAXIMUM_IMAGE_SIZE;
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use hanrig_wire::zcl::ota::{
    ImageBlockRequest, ImageBlockResponse, ImageId, ImageNotify, OtaCommand, QueryNextImageResponse, UPGRADE_NOW,
    UPGRADE_WAIT, UpgradeEndRequest, UpgradeEndResponse,
};
use hanrig_wire::zcl::{Status, ZclHeader};
use hanrig_zigbee::Incoming;
use hanrig_zigbee::ota::server::{LARGEST_BLOCK, Offer};

hanrig_wire::planted_faults! {
    /// refuses an image of exactly 750KB.
    RefusesLargestImage: "CH-01";
    /// beyond 512 KiB its block starts from the beginning again.
    BlockWrapsAt512K: "CH-01";
    /// one octet of the image comes out of the block changed.
    ServesChangedOctet: "CH-01";
    /// sends no Image Notify.
    NeverNotifies: "CH-02";
    /// notifies once, and again after twice the time that its maker declares.
    NotifiesAgainLate: "CH-02";
    /// its Image Notify names another image type.
    NotifiesOfAnotherImage: "CH-02";
    /// sends Image Notify when the image begins to arrive, and not when it is there.
    NotifiesBeforeArrival: "CH-02";
    /// says that no image is available while one is.
    OffersNothing: "CH-03";
    /// offers an older version than it holds.
    OffersOlderVersion: "CH-03";
    /// offers the image under a size that it has not.
    OffersWrongSize: "CH-03";
    /// offers the image to Devices that it is not for.
    OffersToAnyDevice: "CH-03";
    /// says "not authorized" where it holds no image.
    RefusesAsNotAuthorized: "CH-03";
    /// offers a Device its image whatever manufacturer code it asks with.
    OffersToAnyManufacturer: "CH-03";
    /// offers a Device its image whatever image type it asks with.
    OffersToAnyType: "CH-03";
    /// offers the image whatever the hardware version.
    IgnoresHardwareVersion: "CH-04";
    /// does not look at the minimum hardware version.
    IgnoresHardwareMinimum: "CH-04";
    /// does not look at the maximum hardware version.
    IgnoresHardwareMaximum: "CH-04";
    /// takes the minimum hardware version as out of range.
    ExcludesHardwareMinimum: "CH-04";
    /// takes the maximum hardware version as out of range.
    ExcludesHardwareMaximum: "CH-04";
    /// offers nothing to a Device that gives no hardware version.
    RefusesWithoutHardwareVersion: "CH-04", "CH-05";
    /// keeps an image that is not for the hardware, and sends the Alert at each query.
    KeepsImageAfterMismatch: "CH-04";
    /// sends a block of an image that it has not offered, because it is not for the hardware.
    PushesBlockAfterMismatch: "CH-04";
    /// sends no Alert when the hardware version is out of range.
    MismatchUnreported: "CH-04";
    /// reports a hardware version out of range with transfer response code 1.
    MismatchAsDiscarded: "CH-04", "CH-16";
    /// sends blocks of the size that it likes, not of the size asked for.
    IgnoresBlockSize: "CH-05";
    /// answers the first request for a block with a larger one.
    FirstBlockTooLarge: "CH-05";
    /// answers with the block after the one asked for.
    ServesNextBlock: "CH-05";
    /// answers no more when it has served half of the image.
    GoesSilentPartway: "CH-05";
    /// answers none but block requests of the largest size.
    RefusesSmallBlocks: "CH-05";
    /// empties the block when the first of an image's Devices has got it.
    ClearsAfterFirstDevice: "CH-06";
    /// keeps the image after the Device has got it.
    KeepsImageAfterSuccess: "CH-06";
    /// sends no Alert after a success.
    SuccessUnreported: "CH-06", "CH-15";
    /// sends 0x8F8A when the last block is served, before the Device has said how it ended.
    ReportsSuccessBeforeEnd: "CH-06";
    /// reports a success with transfer response code 3.
    SuccessAsFailure: "CH-06";
    /// its Upgrade End Response says: wait.
    TellsPpmidToWait: "CH-07";
    /// its Upgrade End Response names a time an hour ahead.
    TellsPpmidLater: "CH-07";
    /// its Upgrade End Response names another image.
    EndsAnotherImage: "CH-07";
    /// tells every Device to activate, whatever it is.
    TellsOthersToActivate: "CH-08";
    /// keeps the image after the Device has refused it.
    KeepsImageAfterFailure: "CH-09";
    /// sends no Alert after a failure.
    FailureUnreported: "CH-09", "CH-15";
    /// reports a failure as a success.
    FailureAsSuccess: "CH-09";
    /// reports a failure with transfer response code 1.
    FailureAsDiscarded: "CH-09", "CH-16";
    /// tells a Device that refused the image to activate it.
    ActivatesAfterFailure: "CH-09";
    /// keeps the block of an image for a GSME taken that nobody is to get any more.
    GsmeBlockStaysTaken: "CH-04", "CH-09", "CH-14";
    /// takes no notice of a transfer's end with another status than SUCCESS and INVALID_IMAGE.
    IgnoresOtherStatus: "CH-09";
    /// takes the end of a transfer with another status than INVALID_IMAGE for a success.
    TakesOtherStatusForSuccess: "CH-09";
    /// refuses an image for a GSME while one for a PPMID or an HCALCS is held.
    RefusesGsmeImage: "CH-10";
    /// refuses an image for a PPMID or an HCALCS while another is held.
    RefusesNewerImage: "CH-11";
    /// does not overwrite an image while a Device fetches it.
    SparesRunningDownload: "CH-10", "CH-11";
    /// overwrites an image without an Alert.
    OverwriteUnreported: "CH-10", "CH-11", "METER-03";
    /// reports an image that was overwritten with transfer response code 3.
    OverwriteAsFailure: "CH-10", "CH-11";
    /// tells of an image that was overwritten for the first of its Devices only.
    OverwriteToldForFirst: "CH-10", "CH-11", "CH-15";
    /// tells of the discard for each of an image's Devices, also for one that has got it.
    DiscardToldForAll: "CH-10", "CH-11", "CH-13", "CH-15";
    /// has one block for all: what arrives for the GSME block takes that of the ESME too.
    EmptiesEsmeBlock: "CH-01", "METER-02";
    /// its ESME block holds 128KB and no more.
    SmallEsmeBlock: "CH-01";
    /// its two blocks share 850KB.
    BlocksShareRoom: "CH-01";
    /// overwrites an image for a GSME at any time.
    GsmeGivesWay: "CH-12";
    /// overwrites an image for a GSME that is old enough, while the GSME fetches it.
    GsmeGivesWayWhileFetched: "CH-12";
    /// overwrites an image for a GSME two minutes before it is old enough.
    GsmeGivesWayTwoMinutesEarly: "CH-12";
    /// refuses an image without an Alert.
    RefusalUnreported: "CH-12";
    /// tells of a refusal for the first of the image's Devices only.
    RefusalToldForFirst: "CH-12", "CH-15";
    /// keeps images for a week.
    KeepsForAWeek: "CH-12", "CH-13";
    /// discards an image whose time is over without an Alert.
    ExpiryUnreported: "CH-13";
    /// tells of an image whose time is over for the first of its Devices only.
    ExpiryToldForFirst: "CH-13", "CH-15";
    /// discards images two seconds too soon.
    ExpiresTwoSecondsEarly: "CH-13", "CH-14";
    /// waits for ever for a Device that has stopped in the middle of a download.
    NeverGivesUp: "CH-14";
    /// reports a download that came to a standstill with transfer response code 1.
    StallAsDiscarded: "CH-14";
    /// overwrites an image for an ESME while it is fetched.
    EsmeGivesWayWhileFetched: "CH-17";
    /// breaks off the downloads of all ESMEs but one.
    ServesOneEsmeAtATime: "CH-17";
    /// overwrites an image for ESMEs while it is fetched, once one of them has got it.
    EsmeGivesWayAfterFirst: "CH-17";
    /// counts the time that it keeps an image from its last start.
    RetentionStartsAnew: "CH-19";
    /// counts the time that a download stands still from its last start.
    StallStartsAnew: "CH-19";
    /// sends an Alert for the first of an image's Devices only.
    AlertsForFirstDevice: "CH-15";
    /// sends every Alert twice, with two counters.
    AlertsTwice: "CH-15";
    /// sends the same Alert twice, octet for octet.
    RepeatsAlert: "CH-15";
    /// takes the late end of a transfer, whose image it has discarded, for a success.
    TakesEndAfterDiscard: "CH-15";
    /// its Alert names the hub as target.
    AlertNamesHub: "CH-16";
    /// its Alert has the version of the hub's own firmware.
    AlertHasHubVersion: "CH-06", "CH-16";
    /// the signature of its Alert is broken.
    AlertSignatureBroken: "CH-16";
    /// its Alert has no signature.
    AlertUnsigned: "CH-16";
    /// the time in its Alert is an hour ahead.
    AlertTimeOff: "CH-16";
    /// the time in its Alert of a discard is when the image came.
    DiscardHasTimeOfArrival: "CH-16";
    /// its Alert is addressed to another party than the Access Control Broker.
    AlertAddressedElsewhere: "CH-16";
    /// its Alert has the message code of another use case.
    AlertOfAnotherUseCase: "CH-16";
    /// what it has to send while there is no WAN is lost.
    BuffersNothing: "CH-18";
    /// what Devices say while there is no WAN is lost; what it says itself is not.
    BuffersNoDeviceMessages: "CH-18";
    /// what Devices answer while there is no WAN is lost; their Alerts are not.
    BuffersNoResponses: "CH-18";
    /// what waits for the WAN does not survive a loss of power.
    ForgetsAlertsAtStart: "CH-18", "CH-19";
    /// images do not survive a loss of power.
    ForgetsImagesAtStart: "CH-19";
    /// the image in the ESME block does not survive a loss of power.
    ForgetsEsmeBlockAtStart: "CH-19";
    /// after a loss of power it overwrites an image for a GSME at any time.
    GsmeGivesWayAfterStart: "CH-12", "CH-19";
    /// gives up an image whose Device has not fetched it after half an hour.
    GivesUpOnSilentDevice: "CH-20";
    /// goes by its own count of what it has served, not by the offset that it is asked for.
    KeepsOwnOffset: "CH-05";
    /// takes frames that it had before.
    TakesReplays: "CH-05", "CH-06";
    /// takes what is not secured with the Device's link key.
    TakesWithoutLinkKey: "CH-06", "CH-09";
    /// stops working when it receives a frame that it cannot read.
    StopsAtMalformedFrame: "CH-03";
    /// stops working when it receives an OTA command that it cannot read.
    StopsAtMalformedCommand: "CH-03";
    /// takes an Upgrade End Request that breaks off after its status for the end of the transfer.
    TakesCutEndRequest: "CH-06";
}

/// What faults make the hub remember.
#[cfg_attr(not(feature = "planted-faults"), expect(dead_code, reason = "nothing is remembered without the feature"))]
#[derive(Debug, Default)]
pub(crate) struct Spoilt {
    /// Who has got which image.
    done: Vec<(FirmwareVersion, Eui64)>,
    /// Whose image was discarded, and which.
    discarded: Vec<(FirmwareVersion, Eui64)>,
    /// The deliveries of the images that were there at the start.
    from_before: Vec<u32>,
    /// Which image was there since when.
    arrived: Vec<(FirmwareVersion, Utc)>,
    /// Whether the GSME block counts as taken although it is empty.
    taken: bool,
    /// How much of its image each Device has been served, by the hub's own count.
    served: alloc::collections::BTreeMap<Eui64, u32>,
    /// Whether it takes no frames any more.
    deaf: bool,
}

impl Faults {
    /// Who the Alert is addressed to, and what it says when.
    pub(crate) fn spoil_alert(&self, message: &mut Message, target: Eui64) {
        if self.has(Fault::AlertAddressedElsewhere) {
            message.recipient = target;
        }
        if self.has(Fault::AlertOfAnotherUseCase) {
            message.message_code = cs09::MESSAGE_CODE;
        }
    }

    pub(crate) fn spoil_time(&self, utc: Utc) -> Utc {
        if self.has(Fault::AlertTimeOff) { utc.after(Duration::from_secs(3600)) } else { utc }
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

impl<F> CommunicationsHub<F> {
    /// Makes the hub wrong in this way from now on.
    #[cfg(feature = "planted-faults")]
    pub fn plant(&mut self, fault: Fault) {
        if fault == Fault::TakesReplays {
            self.node.relax(hanrig_zigbee::Laxity::Replays);
        }
        self.faults.plant(fault);
    }

    pub(crate) fn faulty(&self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    /// What the flash gives back when the power comes.
    pub(crate) fn spoil_start(&mut self) {
        if self.faulty(Fault::ForgetsAlertsAtStart) {
            self.state.outbox.clear();
        }
        if self.faulty(Fault::ForgetsImagesAtStart) {
            self.state.blocks = Blocks::default();
        }
        if self.faulty(Fault::ForgetsEsmeBlockAtStart) {
            *self.state.blocks.slot(BlockName::Esme) = None;
        }
        let held = BlockName::ALL.iter().filter_map(|block| self.state.blocks.get(*block));
        let held = held.map(|held| held.transfer).collect();
        self.remember(|spoilt| spoilt.from_before = held);
    }

    /// Whether the image in the block of `device` is given up, since it has been there for long.
    pub(crate) fn gives_up_on(&self, device: Eui64, now: Instant) -> bool
    where
        F: NorFlash,
    {
        const PATIENCE: Duration = Duration::from_secs(30 * 60);
        self.faulty(Fault::GivesUpOnSilentDevice)
            && BlockName::ALL.iter().filter_map(|block| self.state.blocks.get(*block)).any(|held| {
                let late = self.utc(now).is_some_and(|utc| utc > held.since.after(PATIENCE));
                late && held.targets.iter().any(|target| target.eui == device)
            })
    }

    /// Whether a Device's message for the WAN is lost.
    pub(crate) fn loses_what_devices_say(&self, message: &Message) -> bool {
        !self.wan.is_up()
            && (self.faulty(Fault::BuffersNoDeviceMessages)
                || message.cra == Cra::Response && self.faulty(Fault::BuffersNoResponses))
    }

    /// Remembers something for a fault.
    #[cfg(feature = "planted-faults")]
    fn remember(&mut self, what: impl FnOnce(&mut Spoilt)) {
        what(&mut self.spoilt);
    }

    /// Remembers something for a fault.
    #[cfg(not(feature = "planted-faults"))]
    fn remember(&self, _: impl FnOnce(&mut Spoilt)) {}

    /// What it remembers.
    #[cfg(feature = "planted-faults")]
    fn remembered<T: Default>(&self, what: impl FnOnce(&Spoilt) -> T) -> T {
        what(&self.spoilt)
    }

    /// What it remembers.
    #[cfg(not(feature = "planted-faults"))]
    fn remembered<T: Default>(&self, _: impl FnOnce(&Spoilt) -> T) -> T {
        T::default()
    }

    /// Notes how a transfer ended.
    pub(crate) fn note_end(&mut self, alert: &TransferAlert) {
        let end = (alert.version, alert.target);
        let of = self.state.device(alert.target).map(|device| device.device_type);
        let stays_taken = of == Some(DeviceType::Gsme) && self.faulty(Fault::GsmeBlockStaysTaken);
        match alert.outcome {
            TransferOutcome::Success => self.remember(|spoilt| spoilt.done.push(end)),
            TransferOutcome::Discarded => self.remember(|spoilt| spoilt.discarded.push(end)),
            TransferOutcome::HardwareVersionMismatch | TransferOutcome::Failure => {
                self.remember(|spoilt| spoilt.taken |= stays_taken);
            }
        }
    }

    /// Notes since when an image is there.
    pub(crate) fn note_arrival(&mut self, version: FirmwareVersion, since: Utc) {
        self.remember(|spoilt| spoilt.arrived.push((version, since)));
    }

    /// The time that an Alert gives.
    pub(crate) fn time_of(&self, alert: &TransferAlert, utc: Utc) -> Utc {
        let late = alert.outcome == TransferOutcome::Discarded && self.faulty(Fault::DiscardHasTimeOfArrival);
        let arrived = self.remembered(|spoilt| spoilt.arrived.iter().find(|(of, _)| *of == alert.version).copied());
        arrived.filter(|_| late).map_or(utc, |(_, since)| since)
    }

    /// Who has got this image.
    fn done(&self, version: FirmwareVersion) -> Vec<Eui64> {
        self.remembered(|spoilt| {
            spoilt.done.iter().filter(|(of, _)| *of == version).map(|(_, device)| *device).collect()
        })
    }

    /// What is told of images that are discarded.
    fn spoil_discard(&self, mut alerts: Vec<TransferAlert>) -> Vec<TransferAlert> {
        let first = alerts.iter().find(|alert| alert.outcome == TransferOutcome::Discarded).copied();
        if let Some(first) = first.filter(|_| self.faulty(Fault::DiscardToldForAll)) {
            alerts.extend(self.done(first.version).into_iter().map(|target| TransferAlert { target, ..first }));
        }
        alerts
    }

    /// What is told of an image that is overwritten.
    fn spoil_overwrite(&self, alerts: Vec<TransferAlert>) -> Vec<TransferAlert> {
        let mut alerts = self.spoil_discard(alerts);
        if self.faulty(Fault::OverwriteUnreported) {
            alerts.clear();
        }
        if self.faulty(Fault::OverwriteToldForFirst) {
            alerts.truncate(1);
        }
        if self.faulty(Fault::OverwriteAsFailure) {
            alerts.iter_mut().for_each(|alert| alert.outcome = TransferOutcome::Failure);
        }
        alerts
    }

    /// Which of the Devices are told of whose image is refused.
    pub(crate) fn spoil_refusal(&self, mut targets: Vec<Eui64>) -> Vec<Eui64> {
        if self.faulty(Fault::RefusalUnreported) {
            targets.clear();
        }
        if self.faulty(Fault::RefusalToldForFirst) {
            targets.truncate(1);
        }
        targets
    }

    /// With which status it takes a transfer to have ended, if it takes notice.
    pub(crate) fn spoil_status(&self, status: Status) -> Option<Status> {
        let other = !matches!(status, Status::SUCCESS | Status::INVALID_IMAGE);
        if other && self.faulty(Fault::TakesOtherStatusForSuccess) {
            return Some(Status::SUCCESS);
        }
        (!other || !self.faulty(Fault::IgnoresOtherStatus)).then_some(status)
    }

    /// What comes of the end of a transfer whose image is not there.
    pub(crate) fn spoil_late_end(&self, device: Eui64, request: &UpgradeEndRequest) -> Option<TransferAlert> {
        let version = request.image.file_version;
        let discarded = self.remembered(|spoilt| spoilt.discarded.contains(&(version, device)));
        let taken = discarded && request.status == Status::SUCCESS && self.faulty(Fault::TakesEndAfterDiscard);
        taken.then_some(TransferAlert { target: device, version, outcome: TransferOutcome::Success })
    }

    /// What it looks for when a Device asks for an image of this kind.
    pub(crate) fn spoil_query(&self, device: Eui64, asked: ImageId) -> ImageId {
        let mut held = BlockName::ALL.iter().filter_map(|block| self.state.blocks.get(*block));
        let held = held.find(|held| held.targets.iter().any(|target| target.eui == device));
        let Some(ImageId { manufacturer_code, image_type, .. }) = held.map(|held| held.image) else { return asked };
        let any_manufacturer = self.faulty(Fault::OffersToAnyManufacturer);
        let any_type = self.faulty(Fault::OffersToAnyType);
        ImageId {
            manufacturer_code: if any_manufacturer { manufacturer_code } else { asked.manufacturer_code },
            image_type: if any_type { image_type } else { asked.image_type },
            ..asked
        }
    }

    /// Whether what comes without the Device's link key is taken all the same.
    pub(crate) fn takes_without_link_key(&self) -> bool {
        self.faulty(Fault::TakesWithoutLinkKey)
    }

    /// Whether it takes neither this frame nor any after it.
    #[cfg(feature = "planted-faults")]
    pub(crate) fn stops_at(&mut self, octets: &[u8]) -> bool {
        self.spoilt.deaf |=
            self.faulty(Fault::StopsAtMalformedFrame) && matches!(MacFrame::parse(octets), Err(MacError::Malformed(_)));
        self.spoilt.deaf
    }

    /// Whether it takes neither this frame nor any after it.
    #[cfg(not(feature = "planted-faults"))]
    pub(crate) const fn stops_at(&self, _: &[u8]) -> bool {
        false
    }

    /// Has it take no frames any more, after a command that it could not read.
    #[cfg(feature = "planted-faults")]
    fn stops_at_command(&mut self) {
        self.spoilt.deaf |= self.faulty(Fault::StopsAtMalformedCommand);
    }

    /// Has it take no frames any more, after a command that it could not read.
    #[cfg(not(feature = "planted-faults"))]
    const fn stops_at_command(&self) {}

    /// What it takes a command of `device` for that it could not read.
    pub(crate) fn spoil_malformed(
        &mut self,
        device: Eui64,
        header: &ZclHeader,
        payload: &[u8],
    ) -> Option<UpgradeEndRequest> {
        const UPGRADE_END_REQUEST: u8 = 0x06;
        self.stops_at_command();
        let is_end = header.command == UPGRADE_END_REQUEST && self.faulty(Fault::TakesCutEndRequest);
        let status = Status(*payload.first().filter(|_| is_end)?);
        let mut held = BlockName::ALL.iter().filter_map(|block| self.state.blocks.get(*block));
        let held = held.find(|held| held.targets.iter().any(|target| target.eui == device))?;
        Some(UpgradeEndRequest { status, image: held.image })
    }

    /// Where it is by its own count.
    #[cfg(feature = "planted-faults")]
    fn own_offset(&mut self, device: Eui64, request: &ImageBlockRequest) -> u32 {
        let served = self.spoilt.served.entry(device).or_default();
        let offset = if request.offset == 0 { 0 } else { *served };
        *served = offset + u32::from(request.maximum_data_size);
        offset
    }

    /// Where it is by the Device's count.
    #[cfg(not(feature = "planted-faults"))]
    const fn own_offset(&self, _: Eui64, request: &ImageBlockRequest) -> u32 {
        request.offset
    }

    /// Whether an image that arrives for this type of Device is taken into its block.
    pub(crate) fn admit(&mut self, device_type: DeviceType, utc: Utc) -> Admission {
        const TWO_MINUTES: Duration = Duration::from_secs(120);
        let low = |device_type| matches!(device_type, DeviceType::Ppmid | DeviceType::Hcalcs);
        if self.faulty(Fault::EmptiesEsmeBlock) && device_type != DeviceType::Esme {
            *self.state.blocks.slot(BlockName::Esme) = None;
        }
        let held = self.state.blocks.get(BlockName::of(device_type)).filter(|held| held.complete);
        if let Some(held) = held {
            let (of, running) = (held.device_type, held.is_downloading());
            let refused = low(of)
                && (device_type == DeviceType::Gsme && self.faulty(Fault::RefusesGsmeImage)
                    || low(device_type) && self.faulty(Fault::RefusesNewerImage)
                    || running && self.faulty(Fault::SparesRunningDownload));
            if refused {
                return Admission::Refused;
            }
            let old_enough = held.since.after(self.config.profile.retention);
            let (old, nearly_old) = (utc >= old_enough, utc.after(TWO_MINUTES) >= old_enough);
            let from_before = self.remembered(|spoilt| spoilt.from_before.contains(&held.transfer));
            let gives_way = of == DeviceType::Gsme
                && low(device_type)
                && (self.faulty(Fault::GsmeGivesWay)
                    || self.faulty(Fault::GsmeGivesWayAfterStart) && from_before
                    || old && self.faulty(Fault::GsmeGivesWayWhileFetched)
                    || nearly_old && !running && self.faulty(Fault::GsmeGivesWayTwoMinutesEarly))
                || of == DeviceType::Esme
                    && running
                    && (self.faulty(Fault::EsmeGivesWayWhileFetched)
                        || self.faulty(Fault::EsmeGivesWayAfterFirst)
                            && !self.done(held.image.file_version).is_empty());
            if gives_way {
                let transfer = held.transfer;
                return Admission::Taken(self.state.blocks.cancel(transfer));
            }
        }
        if held.is_none() && low(device_type) && self.remembered(|spoilt| spoilt.taken) {
            return Admission::Refused;
        }
        match self.state.blocks.admit(device_type, utc, &self.profile()) {
            Admission::Taken(alerts) => Admission::Taken(self.spoil_overwrite(alerts)),
            Admission::Refused => Admission::Refused,
        }
    }

    /// How long images are kept, and downloads may stand still.
    pub(crate) fn profile(&self) -> HubProfile {
        const TWO_SECONDS: Duration = Duration::from_secs(2);
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let mut profile = self.config.profile.clone();
        if self.faulty(Fault::KeepsForAWeek) {
            profile.retention = 7 * DAY;
        }
        if self.faulty(Fault::ExpiresTwoSecondsEarly) {
            profile.retention = profile.retention.saturating_sub(TWO_SECONDS);
            profile.stall = profile.stall.saturating_sub(TWO_SECONDS);
        }
        if self.faulty(Fault::NeverGivesUp) {
            profile.stall = 1000 * DAY;
        }
        profile
    }

    /// What is told of images whose time is over.
    pub(crate) fn spoil_expiry(&self, alerts: Vec<TransferAlert>) -> Vec<TransferAlert> {
        let mut alerts = self.spoil_discard(alerts);
        if self.faulty(Fault::ExpiryToldForFirst) {
            alerts.truncate(1);
        }
        if self.faulty(Fault::StallAsDiscarded) {
            alerts.iter_mut().for_each(|alert| alert.outcome = TransferOutcome::Discarded);
        }
        if self.faulty(Fault::ExpiryUnreported) {
            alerts.retain(|alert| alert.outcome != TransferOutcome::Discarded);
        }
        alerts
    }

    /// The time is known for the first time since the start.
    pub(crate) fn spoil_clocks(&mut self, utc: Utc) {
        for block in BlockName::ALL {
            let (retention, stall) = (self.faulty(Fault::RetentionStartsAnew), self.faulty(Fault::StallStartsAnew));
            let Some(held) = self.state.blocks.slot(block) else { continue };
            if retention {
                held.since = utc;
            }
            for target in held.targets.iter_mut().filter(|_| stall) {
                if let Phase::Downloading(last) = &mut target.phase {
                    *last = utc;
                }
            }
        }
    }

    /// Whether a Device gets no block because another fetches the same image.
    pub(crate) fn holds_back(&self, device: Eui64) -> bool {
        let busy = |target: &Target| target.eui != device && matches!(target.phase, Phase::Downloading(_));
        self.faulty(Fault::ServesOneEsmeAtATime)
            && self.state.blocks.get(BlockName::Esme).is_some_and(|held| {
                held.targets.iter().any(|target| target.eui == device) && held.targets.iter().any(busy)
            })
    }

    /// The largest image that is taken.
    pub(crate) fn largest_image(&self, block: BlockName) -> usize {
        const SMALL: usize = 128 * 1024;
        const SHARED: usize = 850 * 1024;
        if block == BlockName::Esme && self.faulty(Fault::SmallEsmeBlock) {
            return SMALL;
        }
        if self.faulty(Fault::BlocksShareRoom) {
            let others = BlockName::ALL.iter().filter(|other| **other != block);
            let others = others.filter_map(|other| self.state.blocks.get(*other));
            return SHARED.saturating_sub(others.map(|held| held.size as usize).sum()).min(MAXIMUM_IMAGE_SIZE);
        }
        if self.faulty(Fault::RefusesLargestImage) { MAXIMUM_IMAGE_SIZE - 1 } else { MAXIMUM_IMAGE_SIZE }
    }

    pub(crate) fn spoil_offset(&self, offset: u32) -> u32 {
        const HALF: u32 = 512 * 1024;
        if self.faulty(Fault::BlockWrapsAt512K) { offset % HALF } else { offset }
    }

    pub(crate) fn spoil_octets(&self, offset: u32, octets: &mut [u8]) {
        const AT: u32 = 1000;
        if self.faulty(Fault::ServesChangedOctet)
            && let Some(octet) = AT.checked_sub(offset).and_then(|at| octets.get_mut(at as usize))
        {
            *octet ^= 0x01;
        }
    }

    /// After how long it notifies again.
    pub(crate) fn notify_again(&self) -> Duration {
        let declared = self.config.profile.notify_again;
        if self.faulty(Fault::NotifiesAgainLate) { declared * 2 } else { declared }
    }

    pub(crate) fn spoil_notify(&self, notify: ImageNotify) -> ImageNotify {
        if self.faulty(Fault::NotifiesOfAnotherImage) {
            return ImageNotify { image_type: notify.image_type.map(|kind| kind ^ 0x00FF), ..notify };
        }
        notify
    }

    /// Whether the image is for a Device with this hardware version.
    pub(crate) fn suits(&self, held: &HeldImage, version: Option<u16>) -> bool {
        let Some(version) = version else { return !self.faulty(Fault::RefusesWithoutHardwareVersion) };
        if let Some((minimum, maximum)) = held.hardware {
            if self.faulty(Fault::IgnoresHardwareVersion)
                || self.faulty(Fault::IgnoresHardwareMinimum) && version < minimum
                || self.faulty(Fault::IgnoresHardwareMaximum) && version > maximum
            {
                return true;
            }
            if self.faulty(Fault::ExcludesHardwareMinimum) && version == minimum
                || self.faulty(Fault::ExcludesHardwareMaximum) && version == maximum
            {
                return false;
            }
        }
        held.suits(Some(version))
    }

    pub(crate) fn spoil_query_response(&self, response: QueryNextImageResponse) -> QueryNextImageResponse {
        match response {
            QueryNextImageResponse::Offer { .. } if self.faulty(Fault::OffersNothing) => {
                QueryNextImageResponse::Refused(Status::NO_IMAGE_AVAILABLE)
            }
            QueryNextImageResponse::Offer { image, size } if self.faulty(Fault::OffersWrongSize) => {
                QueryNextImageResponse::Offer { image, size: size.saturating_add(1) }
            }
            QueryNextImageResponse::Offer { mut image, size } if self.faulty(Fault::OffersOlderVersion) => {
                image.file_version = FirmwareVersion(image.file_version.0.saturating_sub(1));
                QueryNextImageResponse::Offer { image, size }
            }
            QueryNextImageResponse::Refused(_) if self.faulty(Fault::RefusesAsNotAuthorized) => {
                QueryNextImageResponse::Refused(Status::NOT_AUTHORIZED)
            }
            response => response,
        }
    }

    pub(crate) fn spoil_block_request(&mut self, device: Eui64, request: &ImageBlockRequest) -> ImageBlockRequest {
        let mut request = *request;
        let first = || self.state.blocks.is_waiting(device);
        if self.faulty(Fault::IgnoresBlockSize) || self.faulty(Fault::FirstBlockTooLarge) && first() {
            request.maximum_data_size = LARGEST_BLOCK;
        }
        if self.faulty(Fault::ServesNextBlock) && request.offset > 0 {
            request.offset += u32::from(request.maximum_data_size);
        }
        if self.faulty(Fault::KeepsOwnOffset) {
            request.offset = self.own_offset(device, &request);
        }
        if self.faulty(Fault::RefusesSmallBlocks) && request.maximum_data_size < LARGEST_BLOCK {
            request.maximum_data_size = 0;
        }
        request
    }

    /// Whether this request for a block gets no answer.
    pub(crate) fn ignores(&self, request: &ImageBlockRequest) -> bool {
        const HALF: u32 = 4096;
        self.faulty(Fault::GoesSilentPartway) && request.offset > HALF
    }

    /// A block that nobody has asked for.
    pub(crate) fn push_block(&mut self, now: Instant, to: &Incoming, block: BlockName)
    where
        F: NorFlash,
    {
        let Some(image) = self.state.blocks.get(block).map(|held| held.image) else { return };
        let mut octets = [0; LARGEST_BLOCK as usize];
        if self.read_block(block, 0, &mut octets) {
            let response = ImageBlockResponse::Block { image, offset: 0, data: &octets };
            self.reply(now, to, OtaCommand::ImageBlockResponse(response).frame(0));
        }
    }

    /// Whether the last octets of the image are served by this request, and the hub takes that for the end.
    pub(crate) fn takes_for_the_end(&self, offer: Option<Offer>, request: &ImageBlockRequest) -> bool {
        self.faulty(Fault::ReportsSuccessBeforeEnd)
            && offer
                .is_some_and(|offer| request.offset.saturating_add(u32::from(request.maximum_data_size)) >= offer.size)
    }

    /// Whether the image stays in its block although the transfer to its only target has ended.
    pub(crate) fn keeps_image_after(&self, outcome: TransferOutcome) -> bool {
        match outcome {
            TransferOutcome::Success => self.faulty(Fault::KeepsImageAfterSuccess),
            TransferOutcome::HardwareVersionMismatch => self.faulty(Fault::KeepsImageAfterMismatch),
            TransferOutcome::Failure => self.faulty(Fault::KeepsImageAfterFailure),
            TransferOutcome::Discarded => false,
        }
    }

    /// Whether the block is emptied when the transfer to one of several Devices has ended.
    pub(crate) fn clears_after_first(&self) -> bool {
        self.faulty(Fault::ClearsAfterFirstDevice)
    }

    pub(crate) fn spoil_transfer_alert(&self, alert: TransferAlert) -> Option<TransferAlert> {
        let TransferAlert { mut target, mut version, outcome } = alert;
        let unreported = match outcome {
            TransferOutcome::Success => {
                self.faulty(Fault::SuccessUnreported) || self.faulty(Fault::ReportsSuccessBeforeEnd)
            }
            TransferOutcome::HardwareVersionMismatch => self.faulty(Fault::MismatchUnreported),
            TransferOutcome::Failure => self.faulty(Fault::FailureUnreported),
            TransferOutcome::Discarded => false,
        };
        let outcome = match outcome {
            TransferOutcome::Success if self.faulty(Fault::SuccessAsFailure) => TransferOutcome::Failure,
            TransferOutcome::Failure if self.faulty(Fault::FailureAsSuccess) => TransferOutcome::Success,
            TransferOutcome::Failure if self.faulty(Fault::FailureAsDiscarded) => TransferOutcome::Discarded,
            TransferOutcome::HardwareVersionMismatch if self.faulty(Fault::MismatchAsDiscarded) => {
                TransferOutcome::Discarded
            }
            outcome => outcome,
        };
        if self.faulty(Fault::AlertNamesHub) {
            target = self.config.eui64;
        }
        if self.faulty(Fault::AlertHasHubVersion) {
            version = self.config.firmware_version;
        }
        let first = self.state.counter == 0;
        let unreported = unreported || self.faulty(Fault::AlertsForFirstDevice) && !first;
        (!unreported).then_some(TransferAlert { target, version, outcome })
    }

    pub(crate) fn spoil_end_response(&self, response: UpgradeEndResponse) -> UpgradeEndResponse {
        let UpgradeEndResponse { mut image, current_time, mut upgrade_time } = response;
        if upgrade_time == UPGRADE_WAIT && self.faulty(Fault::TellsOthersToActivate) {
            upgrade_time = UPGRADE_NOW;
        }
        if self.faulty(Fault::TellsPpmidToWait) {
            upgrade_time = UPGRADE_WAIT;
        }
        if self.faulty(Fault::TellsPpmidLater) {
            upgrade_time = current_time.saturating_add(3600);
        }
        if self.faulty(Fault::EndsAnotherImage) {
            image.file_version = FirmwareVersion(image.file_version.0 ^ 0x01);
        }
        UpgradeEndResponse { image, current_time, upgrade_time }
    }
}
