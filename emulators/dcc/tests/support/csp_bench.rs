//! A CSP with hubs that answer as they are told, for the tests of the CSP.

use super::{HUB, IMPORT, PPMID, UNKNOWN, manufacturer_image};
use hanrig_dcc::FirmwareHash;
use hanrig_dcc::csp::{Csp, CspConfig, CspOutput};
use hanrig_dcc::data::CspRegion;
use hanrig_dcc::duis::RequestId;
use hanrig_dcc::gateway::{
    CspReply, CspToDsp, DistributionRequest, DistributionTarget, DspToCsp, RejectedDevice, TransferStatus,
};
use hanrig_wire::hdlc::{Decoder, Encoder};
use hanrig_wire::time::{Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion, Key128};
use hanrig_wire::wan::{ImageStatus, MAXIMUM_FRAME_LENGTH, RefusalReason, WanFrame, WanMessage};
use std::collections::VecDeque;

/// What a hub does with the WAN link: acknowledges, stores, says how far it is.
pub(crate) struct FakeHub {
    pub(crate) id: Eui64,
    pub(crate) decoder: Decoder,
    pub(crate) sequence: u16,
    pub(crate) last: Option<u16>,
    pub(crate) received: Vec<WanMessage>,
    pub(crate) transfer: Option<u32>,
    pub(crate) size: usize,
    pub(crate) stored: Vec<u8>,
    pub(crate) refuse: Option<RefusalReason>,
    pub(crate) to_csp: VecDeque<Vec<u8>>,
}

impl FakeHub {
    pub(crate) fn new(id: Eui64) -> Self {
        Self {
            id,
            decoder: Decoder::new(MAXIMUM_FRAME_LENGTH),
            sequence: 100,
            last: None,
            received: Vec::new(),
            transfer: None,
            size: 0,
            stored: Vec::new(),
            refuse: None,
            to_csp: VecDeque::new(),
        }
    }

    pub(crate) fn frame(&mut self, sequence: u16, message: WanMessage) {
        let octets = WanFrame { sequence, message }.emit().unwrap();
        self.to_csp.push_back(Encoder::new(&octets).collect());
    }

    pub(crate) fn say(&mut self, message: WanMessage) {
        self.sequence = self.sequence.wrapping_add(1);
        self.frame(self.sequence, message);
    }

    pub(crate) fn hello(&mut self) {
        self.last = None;
        self.transfer = None;
        self.say(WanMessage::Hello { hub: self.id, firmware_version: FirmwareVersion(7) });
    }

    pub(crate) fn on_octets(&mut self, octets: &[u8]) {
        let frames: Vec<_> = self.decoder.push_all(octets).map(Result::unwrap).collect();
        for frame in frames {
            let frame = WanFrame::parse(&frame).unwrap();
            if let WanMessage::Ack { .. } = frame.message {
                continue;
            }
            self.frame(0, WanMessage::Ack { sequence: frame.sequence });
            if self.last.replace(frame.sequence) == Some(frame.sequence) {
                continue;
            }
            self.on_message(frame.message);
        }
    }

    pub(crate) fn on_message(&mut self, message: WanMessage) {
        match &message {
            WanMessage::ImageBegin { transfer, size, .. } => {
                let (transfer, size) = (*transfer, *size as usize);
                if let Some(reason) = self.refuse {
                    self.say(WanMessage::ImageStatus { transfer, status: ImageStatus::Refused(reason) });
                } else {
                    if size != self.size {
                        self.stored.clear();
                    }
                    (self.transfer, self.size) = (Some(transfer), size);
                    let next_offset = self.stored.len() as u32;
                    self.say(WanMessage::ImageStatus { transfer, status: ImageStatus::Ready { next_offset } });
                }
            }
            WanMessage::ImageData { transfer, offset, octets } => {
                let transfer = *transfer;
                if self.transfer != Some(transfer) || *offset as usize != self.stored.len() {
                    let status = ImageStatus::Refused(RefusalReason::UnknownTransfer);
                    self.say(WanMessage::ImageStatus { transfer, status });
                } else {
                    self.stored.extend(octets);
                    let next_offset = self.stored.len() as u32;
                    self.say(WanMessage::ImageStatus { transfer, status: ImageStatus::Received { next_offset } });
                    if self.stored.len() == self.size {
                        self.transfer = None;
                        self.say(WanMessage::ImageStatus { transfer, status: ImageStatus::Complete });
                    }
                }
            }
            _ => {}
        }
        self.received.push(message);
    }
}

pub(crate) struct Bench {
    pub(crate) csp: Csp,
    pub(crate) hubs: Vec<FakeHub>,
    pub(crate) now: Instant,
    pub(crate) reports: Vec<CspToDsp>,
    /// Of the frames to hubs, each of which this says so is lost.
    pub(crate) lose: fn(usize) -> bool,
    pub(crate) frames: usize,
}

impl Bench {
    pub(crate) fn new(hubs: &[Eui64]) -> Self {
        Self::in_region(CspRegion::North, hubs)
    }

    pub(crate) fn in_region(region: CspRegion, hubs: &[Eui64]) -> Self {
        let mut csp = Csp::new(CspConfig::new(region, Utc(1_795_176_000_000)));
        for hub in hubs {
            csp.add_hub(*hub);
            csp.set_link(Instant::ZERO, *hub, true);
        }
        let hubs = hubs.iter().map(|hub| FakeHub::new(*hub)).collect();
        Self { csp, hubs, now: Instant::ZERO, reports: Vec::new(), lose: |_| false, frames: 0 }
    }

    /// With a PPMID on the hub and Hello said.
    pub(crate) fn ready() -> Self {
        let mut bench = Self::new(&[HUB]);
        bench.provision(HUB, PPMID, DeviceType::Ppmid);
        bench.hubs[0].hello();
        bench.settle();
        bench
    }

    pub(crate) fn provision(&mut self, hub: Eui64, device: Eui64, device_type: DeviceType) {
        self.csp.provision(self.now, hub, device, device_type, Key128([0x11; 16]));
    }

    /// Carries octets both ways until both sides are still.
    pub(crate) fn settle(&mut self) {
        loop {
            let mut still = true;
            while let Some(output) = self.csp.take_output() {
                still = false;
                match output {
                    CspOutput::ToDsp(message) => self.reports.push(message),
                    CspOutput::ToHub { hub, octets } => {
                        self.frames += 1;
                        if !(self.lose)(self.frames) {
                            self.hubs.iter_mut().find(|fake| fake.id == hub).unwrap().on_octets(&octets);
                        }
                    }
                }
            }
            for hub in &mut self.hubs {
                while let Some(octets) = hub.to_csp.pop_front() {
                    still = false;
                    self.csp.on_hub_octets(self.now, hub.id, &octets);
                }
            }
            if still {
                return;
            }
        }
    }

    /// Settles, and moves on in time as the CSP asks for, up to `end`.
    pub(crate) fn run_until(&mut self, end: Instant) {
        self.settle();
        while let Some(due) = self.csp.poll_at().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.csp.poll(self.now);
            self.settle();
        }
        self.now = end;
    }

    pub(crate) fn distribute(&mut self, request: DistributionRequest) {
        assert_eq!(self.csp.on_dsp(self.now, DspToCsp::DistributionRequest(request)), CspReply::Accepted);
    }

    pub(crate) fn outcomes(&self) -> Vec<(Eui64, TransferStatus, Option<&str>)> {
        self.reports
            .iter()
            .filter_map(|report| match report {
                CspToDsp::TransferNotification(n) => Some((n.hub, n.status, n.reason.as_deref())),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn rejected(&self) -> Vec<RejectedDevice> {
        let reports = self.reports.iter().filter_map(|report| match report {
            CspToDsp::ValidationReport(report) => Some(report.rejected.clone()),
            _ => None,
        });
        reports.flatten().collect()
    }
}

pub(crate) fn request(device_type: DeviceType, size: usize, devices: &[(Eui64, Eui64)]) -> DistributionRequest {
    let image = manufacturer_image(size);
    DistributionRequest {
        request_id: RequestId { originator: IMPORT, target: UNKNOWN, counter: 1 },
        device_type,
        image_hash: FirmwareHash::of(&image),
        image,
        deliver_by: Utc(1_795_176_000_000 + 5 * 24 * 3_600_000),
        devices: devices.iter().map(|(device, hub)| DistributionTarget { device: *device, hub: *hub }).collect(),
    }
}
