//! The hub's two memory blocks: which image is in which, for whom, and until when.
//!
//! ESME images go to the ESME block; GSME, PPMID and HCALCS images share the GSME block (CH-01). The retention clocks are
//! kept in UTC, so that they go on through a loss of power (CH-19).

use crate::config::HubProfile;
use crate::state::{TransferAlert, TransferOutcome};
use alloc::vec::Vec;
use hanrig_wire::time::{Duration, Utc};
use hanrig_wire::types::{DeviceType, Eui64};
use hanrig_wire::zcl::ota::ImageId;
use hanrig_zigbee::ota::server::Offer;
use serde::{Deserialize, Serialize};

/// One of the two memory blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BlockName {
    Esme,
    Gsme,
}

impl BlockName {
    pub(crate) const ALL: [Self; 2] = [Self::Esme, Self::Gsme];

    /// The block that images for this type of Device use.
    pub(crate) const fn of(device_type: DeviceType) -> Self {
        match device_type {
            DeviceType::Esme => Self::Esme,
            _ => Self::Gsme,
        }
    }
}

/// Where the transfer to one Device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// It has asked for no block yet.
    Waiting,
    /// It last asked for a block at this time.
    Downloading(Utc),
}

/// One Device that an image is for and that has not got it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) eui: Eui64,
    pub(crate) phase: Phase,
}

/// An image in a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldImage {
    /// The WAN link's number of the delivery.
    pub(crate) transfer: u32,
    pub(crate) device_type: DeviceType,
    /// What the OTA Header says.
    pub(crate) image: ImageId,
    /// The OTA Header's minimum and maximum hardware version, inclusive.
    pub(crate) hardware: Option<(u16, u16)>,
    /// Octets of the whole OTA Upgrade Image.
    pub(crate) size: u32,
    pub(crate) sha256: [u8; 32],
    /// How much has arrived over the WAN. Only a whole image is offered.
    pub(crate) arrived: u32,
    /// Whether the whole has arrived and its SHA-256 is right.
    pub(crate) complete: bool,
    /// When it was whole: the start of its retention.
    pub(crate) since: Utc,
    /// Devices that have not got it.
    pub(crate) targets: Vec<Target>,
}

impl HeldImage {
    fn offer(&self) -> Offer {
        Offer { image: self.image, size: self.size }
    }

    pub(crate) fn is_downloading(&self) -> bool {
        self.targets.iter().any(|target| matches!(target.phase, Phase::Downloading(_)))
    }

    /// Whether a Device with this hardware version can run the image (CH-04). Without a version it is offered.
    pub(crate) fn suits(&self, hardware_version: Option<u16>) -> bool {
        match (self.hardware, hardware_version) {
            (Some((minimum, maximum)), Some(version)) => (minimum..=maximum).contains(&version),
            _ => true,
        }
    }

    fn alerts(&self, outcome: TransferOutcome) -> impl Iterator<Item = TransferAlert> + '_ {
        let version = self.image.file_version;
        self.targets.iter().map(move |target| TransferAlert { target: target.eui, version, outcome })
    }
}

/// Whether an image that arrives is taken into its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is. These Alerts tell of the image that it overwrites.
    Taken(Vec<TransferAlert>),
    /// The image in the block must not be overwritten yet.
    Refused,
}

/// The two blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blocks {
    esme: Option<HeldImage>,
    gsme: Option<HeldImage>,
}

impl Blocks {
    pub(crate) const fn get(&self, block: BlockName) -> Option<&HeldImage> {
        match block {
            BlockName::Esme => self.esme.as_ref(),
            BlockName::Gsme => self.gsme.as_ref(),
        }
    }

    pub(crate) const fn slot(&mut self, block: BlockName) -> &mut Option<HeldImage> {
        match block {
            BlockName::Esme => &mut self.esme,
            BlockName::Gsme => &mut self.gsme,
        }
    }

    /// Whether an image for `device_type` may take the place of what its block holds at `now`, and empties the block if so.
    pub(crate) fn admit(&mut self, device_type: DeviceType, now: Utc, profile: &HubProfile) -> Admission {
        let slot = self.slot(BlockName::of(device_type));
        let Some(held) = slot.as_ref() else { return Admission::Taken(Vec::new()) };
        let arriving_is_low = matches!(device_type, DeviceType::Ppmid | DeviceType::Hcalcs);
        let refused = held.complete
            && match held.device_type {
                // CH-17: not while any download from it is running.
                DeviceType::Esme => held.is_downloading(),
                // CH-12: a GSME image gives way to a GSME image, and to others only when it is old and stands still.
                DeviceType::Gsme => {
                    arriving_is_low && (held.is_downloading() || now < held.since.after(profile.retention))
                }
                // CH-10, CH-11: at any point.
                _ => false,
            };
        if refused {
            return Admission::Refused;
        }
        let alerts = held.alerts(TransferOutcome::Discarded).collect();
        *slot = None;
        Admission::Taken(alerts)
    }

    /// The image that `device` may fetch, and the block that it is in: the highest version of the manufacturer and type
    /// that is there for it (CH-03).
    pub(crate) fn image_for(
        &self,
        device: Eui64,
        device_type: DeviceType,
        manufacturer_code: u16,
        image_type: u16,
    ) -> Option<(BlockName, &HeldImage)> {
        BlockName::ALL
            .into_iter()
            .filter_map(|block| self.get(block).map(|held| (block, held)))
            .filter(|(_, held)| {
                held.complete
                    && held.device_type == device_type
                    && held.image.manufacturer_code == manufacturer_code
                    && held.image.image_type == image_type
                    && held.targets.iter().any(|target| target.eui == device)
            })
            .max_by_key(|(_, held)| held.image.file_version)
    }

    /// A whole image, whoever it is for.
    pub(crate) fn any_image(&self) -> Option<(BlockName, &HeldImage)> {
        let mut held = BlockName::ALL.into_iter().filter_map(|block| self.get(block).map(|held| (block, held)));
        held.find(|(_, held)| held.complete)
    }

    /// The offer behind a request for exactly this image.
    pub(crate) fn offer_of(&self, device: Eui64, image: ImageId) -> Option<(BlockName, Offer)> {
        BlockName::ALL.into_iter().find_map(|block| {
            let held = self.get(block)?;
            let meant = held.complete && held.image == image && held.targets.iter().any(|t| t.eui == device);
            meant.then(|| (block, held.offer()))
        })
    }

    /// Whether `device` has asked for no block yet of an image that is there for it.
    pub(crate) fn is_waiting(&self, device: Eui64) -> bool {
        let mut targets = BlockName::ALL.into_iter().filter_map(|block| self.get(block)).flat_map(|held| &held.targets);
        targets.any(|target| target.eui == device && target.phase == Phase::Waiting)
    }

    /// Notes that `device` asked for a block at `now`. Tells whether that is worth storing: the phase changed, or the
    /// stored time is an hour old.
    pub(crate) fn note_request(&mut self, block: BlockName, device: Eui64, now: Utc) -> bool {
        const WORTH_STORING: Duration = Duration::from_secs(3600);
        let Some(held) = self.slot(block) else { return false };
        let Some(target) = held.targets.iter_mut().find(|target| target.eui == device) else { return false };
        let stale = match target.phase {
            Phase::Waiting => true,
            Phase::Downloading(last) => now >= last.after(WORTH_STORING),
        };
        target.phase = Phase::Downloading(now);
        stale
    }

    /// Ends the transfer to `device` and empties the block when nobody else waits for the image.
    pub(crate) fn finish(
        &mut self,
        block: BlockName,
        device: Eui64,
        outcome: TransferOutcome,
    ) -> Option<TransferAlert> {
        let slot = self.slot(block);
        let held = slot.as_mut()?;
        let place = held.targets.iter().position(|target| target.eui == device)?;
        held.targets.remove(place);
        let alert = TransferAlert { target: device, version: held.image.file_version, outcome };
        if held.targets.is_empty() {
            *slot = None;
        }
        Some(alert)
    }

    /// Forgets a Device that left the Device Log.
    pub(crate) fn forget(&mut self, device: Eui64) {
        for block in BlockName::ALL {
            let slot = self.slot(block);
            if let Some(held) = slot {
                held.targets.retain(|target| target.eui != device);
                if held.targets.is_empty() {
                    *slot = None;
                }
            }
        }
    }

    /// Empties the block that holds the image of this transfer. An image that was whole is told of.
    pub(crate) fn cancel(&mut self, transfer: u32) -> Vec<TransferAlert> {
        let mut alerts = Vec::new();
        for block in BlockName::ALL {
            if let Some(held) = self.slot(block).take_if(|held| held.transfer == transfer)
                && held.complete
            {
                alerts.extend(held.alerts(TransferOutcome::Discarded));
            }
        }
        alerts
    }

    /// Ends what has been in a block for too long at `now`, and tells of it.
    pub(crate) fn expire(&mut self, now: Utc, profile: &HubProfile) -> Vec<TransferAlert> {
        let mut alerts = Vec::new();
        for block in BlockName::ALL {
            let slot = self.slot(block);
            let Some(held) = slot.as_mut().filter(|held| held.complete) else { continue };
            let version = held.image.file_version;
            let retention_over = now >= held.since.after(profile.retention);
            held.targets.retain(|target| {
                let outcome = match target.phase {
                    Phase::Downloading(last) if now >= last.after(profile.stall) => TransferOutcome::Failure,
                    Phase::Waiting if retention_over => TransferOutcome::Discarded,
                    _ => return true,
                };
                alerts.push(TransferAlert { target: target.eui, version, outcome });
                false
            });
            if held.targets.is_empty() {
                *slot = None;
            }
        }
        alerts
    }

    /// When [`Self::expire`] next finds something to end.
    pub(crate) fn next_expiry(&self, profile: &HubProfile) -> Option<Utc> {
        BlockName::ALL
            .into_iter()
            .filter_map(|block| self.get(block))
            .filter(|held| held.complete)
            .flat_map(|held| {
                held.targets.iter().map(|target| match target.phase {
                    Phase::Waiting => held.since.after(profile.retention),
                    Phase::Downloading(last) => last.after(profile.stall),
                })
            })
            .min()
    }

    /// Every Device that a whole image waits for, with that image.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (Eui64, ImageId)> + '_ {
        BlockName::ALL
            .into_iter()
            .filter_map(|block| self.get(block))
            .filter(|held| held.complete)
            .flat_map(|held| held.targets.iter().map(|target| (target.eui, held.image)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use hanrig_wire::types::FirmwareVersion;
    use rstest::rstest;

    const DAY: Duration = Duration::from_secs(24 * 3600);
    const SINCE: Utc = Utc(1_800_000_000_000);
    const DEVICE: Eui64 = Eui64(1);
    const OTHER: Eui64 = Eui64(2);

    fn held(device_type: DeviceType, phase: Phase) -> HeldImage {
        HeldImage {
            transfer: 1,
            device_type,
            image: ImageId { manufacturer_code: 0x10, image_type: 0x20, file_version: FirmwareVersion(0x30) },
            hardware: Some((5, 9)),
            size: 1000,
            sha256: [0; 32],
            arrived: 1000,
            complete: true,
            since: SINCE,
            targets: vec![Target { eui: DEVICE, phase }],
        }
    }

    fn blocks(image: HeldImage) -> Blocks {
        let mut blocks = Blocks::default();
        let block = BlockName::of(image.device_type);
        *blocks.slot(block) = Some(image);
        blocks
    }

    const WAITING: Phase = Phase::Waiting;
    const LOADING: Phase = Phase::Downloading(SINCE);

    /// What is in the block, what arrives, how long after, and whether it is taken; `alerts` tells of the image lost.
    #[rstest]
    #[case::ppmid_gives_way_to_gsme(DeviceType::Ppmid, WAITING, DeviceType::Gsme, DAY, Some(1))]
    #[case::even_while_it_is_fetched(DeviceType::Ppmid, LOADING, DeviceType::Gsme, DAY, Some(1))]
    #[case::ppmid_gives_way_to_ppmid(DeviceType::Ppmid, LOADING, DeviceType::Ppmid, DAY, Some(1))]
    #[case::ppmid_gives_way_to_hcalcs(DeviceType::Ppmid, WAITING, DeviceType::Hcalcs, DAY, Some(1))]
    #[case::hcalcs_gives_way_to_ppmid(DeviceType::Hcalcs, LOADING, DeviceType::Ppmid, DAY, Some(1))]
    #[case::gsme_stays_for_14_days(DeviceType::Gsme, WAITING, DeviceType::Ppmid, 14 * DAY - Duration::from_secs(1), None)]
    #[case::gsme_gives_way_after_14_days(DeviceType::Gsme, WAITING, DeviceType::Ppmid, 14 * DAY, Some(1))]
    #[case::gsme_stays_while_it_is_fetched(DeviceType::Gsme, LOADING, DeviceType::Hcalcs, 20 * DAY, None)]
    #[case::gsme_gives_way_to_gsme(DeviceType::Gsme, LOADING, DeviceType::Gsme, DAY, Some(1))]
    #[case::esme_has_a_block_of_its_own(DeviceType::Esme, LOADING, DeviceType::Ppmid, DAY, Some(0))]
    #[case::esme_stays_while_it_is_fetched(DeviceType::Esme, LOADING, DeviceType::Esme, DAY, None)]
    fn admission(
        #[case] held_type: DeviceType,
        #[case] phase: Phase,
        #[case] arriving: DeviceType,
        #[case] after: Duration,
        #[case] alerts: Option<usize>,
    ) {
        let mut blocks = blocks(held(held_type, phase));
        let before = blocks.clone();
        let admission = blocks.admit(arriving, SINCE.after(after), &HubProfile::default());
        match (admission, alerts) {
            (Admission::Taken(told), Some(count)) => {
                assert_eq!(told.len(), count);
                assert!(told.iter().all(|a| a.outcome == TransferOutcome::Discarded && a.target == DEVICE));
                assert!(blocks.get(BlockName::of(arriving)).is_none());
            }
            (Admission::Refused, None) => assert_eq!(blocks, before),
            (admission, _) => panic!("{admission:?}"),
        }
    }

    #[rstest]
    #[case::below(Some(4), false)]
    #[case::minimum(Some(5), true)]
    #[case::maximum(Some(9), true)]
    #[case::above(Some(10), false)]
    #[case::not_told(None, true)]
    fn hardware_versions_are_inclusive_and_optional(#[case] version: Option<u16>, #[case] suits: bool) {
        assert_eq!(held(DeviceType::Ppmid, WAITING).suits(version), suits);
    }

    #[rstest]
    #[case::waits_until_14_days(WAITING, 14 * DAY - Duration::from_secs(1), None)]
    #[case::is_discarded_then(WAITING, 14 * DAY, Some(TransferOutcome::Discarded))]
    #[case::may_stand_still_for_a_day(LOADING, DAY - Duration::from_secs(1), None)]
    #[case::has_failed_then(LOADING, DAY, Some(TransferOutcome::Failure))]
    fn expiry(#[case] phase: Phase, #[case] after: Duration, #[case] expected: Option<TransferOutcome>) {
        let mut blocks = blocks(held(DeviceType::Ppmid, phase));
        let profile = HubProfile::default();
        assert_eq!(blocks.next_expiry(&profile), Some(SINCE.after(if phase == WAITING { 14 * DAY } else { DAY })));
        let told = blocks.expire(SINCE.after(after), &profile);
        assert_eq!(told.first().map(|alert| alert.outcome), expected);
        assert_eq!(blocks.get(BlockName::Gsme).is_none(), expected.is_some());
    }

    #[test]
    fn an_image_is_offered_to_its_targets_only_and_only_when_it_is_whole() {
        let mut blocks = blocks(held(DeviceType::Ppmid, WAITING));
        let found = |blocks: &Blocks, eui, device_type, kind| blocks.image_for(eui, device_type, 0x10, kind).is_some();
        assert!(found(&blocks, DEVICE, DeviceType::Ppmid, 0x20));
        assert!(!found(&blocks, OTHER, DeviceType::Ppmid, 0x20));
        assert!(!found(&blocks, DEVICE, DeviceType::Hcalcs, 0x20));
        assert!(!found(&blocks, DEVICE, DeviceType::Ppmid, 0x21));
        if let Some(held) = blocks.slot(BlockName::Gsme) {
            held.complete = false;
        }
        assert!(!found(&blocks, DEVICE, DeviceType::Ppmid, 0x20));
    }

    #[test]
    fn the_block_is_empty_when_the_last_target_has_its_image() {
        let mut image = held(DeviceType::Ppmid, WAITING);
        image.targets.push(Target { eui: OTHER, phase: WAITING });
        let mut blocks = blocks(image);
        assert!(blocks.finish(BlockName::Gsme, DEVICE, TransferOutcome::Success).is_some());
        assert!(blocks.finish(BlockName::Gsme, DEVICE, TransferOutcome::Success).is_none(), "told once");
        assert!(blocks.get(BlockName::Gsme).is_some());
        assert!(blocks.finish(BlockName::Gsme, OTHER, TransferOutcome::Failure).is_some());
        assert!(blocks.get(BlockName::Gsme).is_none());
    }
}
