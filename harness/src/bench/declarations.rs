//! What makers declare of hubs and Devices: each value for itself, and whether scenarios can wait for it. A declaration
//! says how a maker uses the freedom that the documents leave; what they do not leave cannot be declared.

use super::check::Checker;
use super::file::{DeclarationTable, DeviceDeclarationTable, HubProfileTable, NamedHubProfileTable};
use super::{DeviceDeclaration, HubProfile, NamedHubProfile, PpmidDeclaration};
use hanrig_devices::{Declaration, Kind};
use hanrig_wire::ota_file::MAXIMUM_IMAGE_SIZE;
use hanrig_wire::time::Duration;
use toml::Spanned;

/// The most image octets of an Image Block Response that fits in a frame with NWK and APS security.
const MAX_BLOCK: u8 = 50;
const MINUTES_OF_A_DAY: u32 = 24 * 60;
const MINUTES_OF_A_YEAR: u32 = 366 * MINUTES_OF_A_DAY;
const HOURS_OF_A_YEAR: u32 = 366 * 24;
/// The longest that the largest image may take for the pauses between its blocks alone.
const LARGEST_IMAGE: Duration = Duration::from_secs(24 * 3600);
/// Minutes within which a Device asks that an Image Notify does not move: scenarios wait no longer for its question.
const LONGEST_WITHOUT_NOTIFY: u32 = 60;

fn minutes(number: u32) -> Duration {
    Duration::from_secs(u64::from(number) * 60)
}

fn hours(number: u32) -> Duration {
    minutes(number * 60)
}

impl Checker<'_> {
    pub(super) fn hub_profile(&mut self, table: &HubProfileTable) -> HubProfile {
        HubProfile {
            maker: table.maker.clone(),
            bands: table.bands,
            retention: self.retention(&table.retention_hours),
            stall: self.stall(&table.stall_hours),
            notify_again: self.notify_again(&table.notify_again_minutes),
        }
    }

    pub(super) fn named_profile(&mut self, table: &NamedHubProfileTable, own: &HubProfile) -> NamedHubProfile {
        self.name(&table.name);
        let (retention, stall) = (table.retention_hours.as_ref(), table.stall_hours.as_ref());
        let notify_again = table.notify_again_minutes.as_ref();
        let profile = HubProfile {
            maker: table.maker.clone(),
            bands: table.bands,
            retention: retention.map_or(own.retention, |number| self.retention(number)),
            stall: stall.map_or(own.stall, |number| self.stall(number)),
            notify_again: notify_again.map_or(own.notify_again, |number| self.notify_again(number)),
        };
        NamedHubProfile { name: table.name.get_ref().clone(), region: table.region, profile }
    }

    fn retention(&mut self, number: &Spanned<u32>) -> Duration {
        hours(self.within(number, 14 * 24, HOURS_OF_A_YEAR, "hours from 14 days (CH-13, I-09) to a year"))
    }

    fn stall(&mut self, number: &Spanned<u32>) -> Duration {
        hours(self.within(number, 24, HOURS_OF_A_YEAR, "hours from a day (CH-14, I-10) to a year"))
    }

    fn notify_again(&mut self, number: &Spanned<u32>) -> Duration {
        minutes(self.within(number, 1, MINUTES_OF_A_YEAR, "minutes up to a year"))
    }

    pub(super) fn ppmid_declaration(&mut self, table: &DeclarationTable) -> PpmidDeclaration {
        let daily = "minutes from a day (PPMID-02) to a year";
        let block_size = self.block_size(&table.block_size);
        let (pause, verification) = (table.block_pause_milliseconds.as_ref(), table.verification_seconds.as_ref());
        PpmidDeclaration {
            sends_hardware_version: table.sends_hardware_version,
            block_size,
            block_pause: pause.map_or(Duration::ZERO, |pause| self.block_pause(pause, block_size)),
            page_requests: table.page_requests,
            query_period: minutes(self.within(&table.query_period_minutes, MINUTES_OF_A_DAY, MINUTES_OF_A_YEAR, daily)),
            verification: verification.map_or(Duration::ZERO, |seconds| self.verification(seconds)),
            predates_gbcs: table.predates_gbcs,
        }
    }

    pub(super) fn device_declaration(&mut self, kind: Kind, table: &DeviceDeclarationTable) -> DeviceDeclaration {
        let common = Declaration::of(kind);
        let block_size = table.block_size.as_ref().map_or(common.block_size, |size| self.block_size(size));
        let (pause, verification) = (table.block_pause_milliseconds.as_ref(), table.verification_seconds.as_ref());
        let timeout = table.answer_timeout_milliseconds.as_ref();
        let repeats = table.repeats.as_ref();
        DeviceDeclaration {
            sends_hardware_version: table.sends_hardware_version.unwrap_or(common.sends_hardware_version),
            block_size,
            block_pause: pause.map_or(common.block_pause, |pause| self.block_pause(pause, block_size)),
            page_requests: table.page_requests.unwrap_or(common.page_requests),
            answer_timeout: timeout.map_or(common.answer_timeout, |timeout| {
                Duration::from_millis(self.within(timeout, 100, 60_000, "milliseconds up to a minute").into())
            }),
            repeats: repeats.map_or(common.repeats, |repeats| self.within(repeats, 1, 100, "repetitions")),
            query_period: self.query_period(table, &common),
            follows_notify: table.follows_notify.as_ref().map_or(common.follows_notify, |follows| *follows.get_ref()),
            verification: verification.map_or(common.verification, |seconds| self.verification(seconds)),
            receipt_alert: table.receipt_alert.unwrap_or(common.receipt_alert),
        }
    }

    fn block_size(&mut self, size: &Spanned<u8>) -> u8 {
        self.within(size, 1, MAX_BLOCK, "image octets that fit in a frame")
    }

    /// As much as leaves the largest image a day on its way.
    fn block_pause(&mut self, pause: &Spanned<u32>, block_size: u8) -> Duration {
        let blocks = MAXIMUM_IMAGE_SIZE.div_ceil(usize::from(block_size.max(1)));
        let longest = LARGEST_IMAGE.as_millis() as u32 / blocks as u32;
        let what = format!("milliseconds with which the largest image of {blocks} blocks is through within a day");
        Duration::from_millis(self.within(pause, 0, longest, &what).into())
    }

    fn verification(&mut self, seconds: &Spanned<u32>) -> Duration {
        Duration::from_secs(self.within(seconds, 0, 1200, "seconds up to 20 minutes").into())
    }

    fn query_period(&mut self, table: &DeviceDeclarationTable, common: &Declaration) -> Duration {
        let follows_notify = table.follows_notify.as_ref().map_or(common.follows_notify, |follows| *follows.get_ref());
        let (longest, what) = if follows_notify {
            (MINUTES_OF_A_YEAR, "minutes up to a year")
        } else {
            (LONGEST_WITHOUT_NOTIFY, "minutes up to an hour, for no Image Notify has it ask sooner")
        };
        match (&table.query_period_minutes, &table.follows_notify) {
            (Some(number), _) => minutes(self.within(number, 5, longest, what)),
            (None, Some(follows)) if common.query_period > minutes(longest) => {
                let message =
                    format!("a Device that asks on its own alone; expected query_period_minutes, 5 to {longest}");
                self.wrong(follows.span(), message);
                common.query_period
            }
            (None, _) => common.query_period,
        }
    }
}
