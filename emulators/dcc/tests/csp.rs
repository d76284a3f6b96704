//! The CSP and its WAN links, against a hub of few lines: CSP-01, CSP-03, CSP-05.

mod support;

use hanrig_dcc::FirmwareHash;
use hanrig_dcc::csp::{Csp, CspConfig, CspOutput};
use hanrig_dcc::data::CspRegion;
use hanrig_dcc::duis::RequestId;
use hanrig_dcc::gateway::{
    CspReply, CspToDsp, DistributionRequest, DistributionTarget, DspToCsp, GbcsMessage, RejectedDevice,
    RejectionReason, TransferStatus,
};
use hanrig_wire::hdlc::{Decoder, Encoder};
use hanrig_wire::time::{Duration, Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion, Key128};
use hanrig_wire::wan::{ImageStatus, MAXIMUM_FRAME_LENGTH, RefusalReason, WanFrame, WanMessage};
use std::collections::VecDeque;
use support::{ESME, GSME, HUB, IMPORT, PPMID, PPMID_2, SOUTH_HUB, UNKNOWN, manufacturer_image};

/// What a hub does with the WAN link: acknowledges, stores, says how far it is.
struct FakeHub {
    id: Eui64,
    decoder: Decoder,
    sequence: u16,
    last: Option<u16>,
    received: Vec<WanMessage>,
    transfer: Option<u32>,
    size: usize,
    stored: Vec<u8>,
    refuse: Option<RefusalReason>,
    to_csp: VecDeque<Vec<u8>>,
}

impl FakeHub {
    fn new(id: Eui64) -> Self {
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

    fn frame(&mut self, sequence: u16, message: WanMessage) {
        let octets = WanFrame { sequence, message }.emit().unwrap();
        self.to_csp.push_back(Encoder::new(&octets).collect());
    }

    fn say(&mut self, message: WanMessage) {
        self.sequence = self.sequence.wrapping_add(1);
        self.frame(self.sequence, message);
    }

    fn hello(&mut self) {
        self.last = None;
        self.transfer = None;
        self.say(WanMessage::Hello { hub: self.id, firmware_version: FirmwareVersion(7) });
    }

    fn on_octets(&mut self, octets: &[u8]) {
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

    fn on_message(&mut self, message: WanMessage) {
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

struct Bench {
    csp: Csp,
    hubs: Vec<FakeHub>,
    now: Instant,
    reports: Vec<CspToDsp>,
    /// Of the frames to hubs, each of which this says so is lost.
    lose: fn(usize) -> bool,
    frames: usize,
}

impl Bench {
    fn new(hubs: &[Eui64]) -> Self {
        let mut csp = Csp::new(CspConfig::new(CspRegion::North, Utc(1_795_176_000_000)));
        for hub in hubs {
            csp.add_hub(*hub);
            csp.set_link(Instant::ZERO, *hub, true);
        }
        let hubs = hubs.iter().map(|hub| FakeHub::new(*hub)).collect();
        Self { csp, hubs, now: Instant::ZERO, reports: Vec::new(), lose: |_| false, frames: 0 }
    }

    /// With a PPMID on the hub and Hello said.
    fn ready() -> Self {
        let mut bench = Self::new(&[HUB]);
        bench.provision(HUB, PPMID, DeviceType::Ppmid);
        bench.hubs[0].hello();
        bench.settle();
        bench
    }

    fn provision(&mut self, hub: Eui64, device: Eui64, device_type: DeviceType) {
        self.csp.provision(self.now, hub, device, device_type, Key128([0x11; 16]));
    }

    /// Carries octets both ways until both sides are still.
    fn settle(&mut self) {
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
    fn run_until(&mut self, end: Instant) {
        self.settle();
        while let Some(due) = self.csp.poll_at().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.csp.poll(self.now);
            self.settle();
        }
        self.now = end;
    }

    fn distribute(&mut self, request: DistributionRequest) {
        assert_eq!(self.csp.on_dsp(self.now, DspToCsp::DistributionRequest(request)), CspReply::Accepted);
    }

    fn outcomes(&self) -> Vec<(Eui64, TransferStatus, Option<&str>)> {
        self.reports
            .iter()
            .filter_map(|report| match report {
                CspToDsp::TransferNotification(n) => Some((n.hub, n.status, n.reason.as_deref())),
                _ => None,
            })
            .collect()
    }

    fn rejected(&self) -> Vec<RejectedDevice> {
        let reports = self.reports.iter().filter_map(|report| match report {
            CspToDsp::ValidationReport(report) => Some(report.rejected.clone()),
            _ => None,
        });
        reports.flatten().collect()
    }
}

fn request(device_type: DeviceType, size: usize, devices: &[(Eui64, Eui64)]) -> DistributionRequest {
    let image = manufacturer_image(size);
    DistributionRequest {
        request_id: RequestId { originator: IMPORT, target: UNKNOWN, counter: 1 },
        device_type,
        image_hash: FirmwareHash::of(&image),
        image,
        devices: devices.iter().map(|(device, hub)| DistributionTarget { device: *device, hub: *hub }).collect(),
    }
}

const DONE: [(Eui64, TransferStatus, Option<&str>); 1] = [(HUB, TransferStatus::Successful, None)];

#[test]
fn nothing_is_sent_before_hello_and_then_time_and_device_log() {
    let mut bench = Bench::new(&[HUB]);
    bench.provision(HUB, PPMID, DeviceType::Ppmid);
    bench.settle();
    assert_eq!(bench.frames, 0);
    bench.hubs[0].hello();
    bench.settle();
    let link_key = Key128([0x11; 16]);
    assert_eq!(
        bench.hubs[0].received,
        [
            WanMessage::SetTime { utc: Utc(1_795_176_000_000) },
            WanMessage::AddDevice { device: PPMID, device_type: DeviceType::Ppmid, link_key },
        ]
    );
}

#[test]
fn the_hub_is_told_the_time_daily() {
    let mut bench = Bench::ready();
    bench.run_until(Instant::ZERO + Duration::from_secs(2 * 24 * 3600));
    let times = bench.hubs[0].received.iter().filter(|message| matches!(message, WanMessage::SetTime { .. }));
    assert_eq!(times.count(), 3);
}

#[test]
fn an_image_reaches_the_hub_in_pieces_of_1024_octets() {
    let mut bench = Bench::ready();
    bench.distribute(request(DeviceType::Ppmid, 2500, &[(PPMID, HUB)]));
    bench.settle();
    assert_eq!(bench.hubs[0].stored, manufacturer_image(2500));
    let lengths: Vec<usize> = bench.hubs[0]
        .received
        .iter()
        .filter_map(|message| match message {
            WanMessage::ImageData { octets, .. } => Some(octets.len()),
            _ => None,
        })
        .collect();
    assert_eq!(lengths, [1024, 1024, 452]);
    assert_eq!(bench.rejected(), []);
    assert_eq!(bench.outcomes(), DONE);
    assert_eq!(bench.csp.progress(HUB), None);
}

#[test]
fn what_the_validation_rejects_is_reported_with_its_reason() {
    let mut bench = Bench::ready();
    bench.provision(HUB, ESME, DeviceType::Esme);
    let devices = [(PPMID, HUB), (UNKNOWN, HUB), (ESME, HUB), (PPMID_2, SOUTH_HUB)];
    bench.distribute(request(DeviceType::Ppmid, 100, &devices));
    bench.settle();
    let rejected = |device, reason| RejectedDevice { device, reason };
    assert_eq!(
        bench.rejected(),
        [
            rejected(UNKNOWN, RejectionReason::UnknownDevice),
            rejected(ESME, RejectionReason::UnknownDevice),
            rejected(PPMID_2, RejectionReason::NotReachable),
        ]
    );
    assert_eq!(bench.outcomes(), DONE);
}

#[test]
fn an_image_that_changed_on_the_way_is_rejected_for_every_device() {
    let mut bench = Bench::ready();
    let mut request = request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]);
    request.image[50] ^= 1;
    bench.distribute(request);
    bench.settle();
    assert_eq!(bench.rejected(), [RejectedDevice { device: PPMID, reason: RejectionReason::ImageIntegrity }]);
    assert_eq!(bench.outcomes(), []);
}

#[test]
fn lost_frames_are_sent_again_until_they_are_acknowledged() {
    let mut bench = Bench::ready();
    bench.lose = |frame| frame % 3 == 0;
    bench.distribute(request(DeviceType::Ppmid, 10_000, &[(PPMID, HUB)]));
    bench.run_until(Instant::ZERO + Duration::from_secs(600));
    assert_eq!(bench.hubs[0].stored, manufacturer_image(10_000));
    assert_eq!(bench.outcomes(), DONE);
}

#[test]
fn after_a_link_loss_the_transfer_goes_on_where_the_hub_says() {
    let mut bench = Bench::ready();
    bench.lose = |frame| frame > 6;
    bench.distribute(request(DeviceType::Ppmid, 8000, &[(PPMID, HUB)]));
    bench.settle();
    let stored = bench.hubs[0].stored.len();
    assert!(stored > 0 && stored < 8000, "{stored}");
    assert!(bench.csp.progress(HUB).is_some_and(|progress| progress.sent > 0 && progress.size == 8000));
    bench.csp.set_link(bench.now, HUB, false);
    bench.run_until(Instant::ZERO + Duration::from_secs(3600));
    let before = bench.frames;
    assert_eq!(bench.frames, before, "nothing is sent while the link is down");
    bench.lose = |_| false;
    bench.hubs[0].decoder = Decoder::new(MAXIMUM_FRAME_LENGTH);
    bench.csp.set_link(bench.now, HUB, true);
    bench.hubs[0].received.clear();
    bench.hubs[0].hello();
    bench.settle();
    assert_eq!(bench.hubs[0].stored, manufacturer_image(8000));
    let first = bench.hubs[0].received.iter().find_map(|message| match message {
        WanMessage::ImageData { offset, .. } => Some(*offset as usize),
        _ => None,
    });
    assert_eq!(first, Some(stored));
    assert_eq!(bench.outcomes(), DONE);
}

#[test]
fn a_hub_that_restarts_during_a_transfer_gets_the_rest() {
    let mut bench = Bench::ready();
    bench.lose = |frame| frame > 6;
    bench.distribute(request(DeviceType::Ppmid, 8000, &[(PPMID, HUB)]));
    bench.settle();
    bench.lose = |_| false;
    bench.hubs[0].hello();
    bench.settle();
    assert_eq!(bench.hubs[0].stored, manufacturer_image(8000));
    assert_eq!(bench.outcomes(), DONE);
}

#[test]
fn a_refusal_by_the_hub_is_a_failed_transfer() {
    let mut bench = Bench::ready();
    bench.hubs[0].refuse = Some(RefusalReason::BlockBusy);
    bench.distribute(request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]));
    bench.settle();
    assert_eq!(bench.outcomes(), [(HUB, TransferStatus::Failed, Some("refused by the hub: block busy"))]);
}

#[test]
fn a_hub_that_never_answers_fails_after_the_delivery_window() {
    let mut bench = Bench::ready();
    bench.csp.set_link(bench.now, HUB, false);
    bench.distribute(request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]));
    bench.run_until(Instant::ZERO + Duration::from_secs(4 * 24 * 3600 - 1));
    assert_eq!(bench.outcomes(), []);
    bench.run_until(Instant::ZERO + Duration::from_secs(4 * 24 * 3600));
    let reason = Some("not delivered within the delivery window");
    assert_eq!(bench.outcomes(), [(HUB, TransferStatus::Failed, reason)]);
    assert_eq!(bench.csp.poll_at(), None);
}

#[test]
fn several_hubs_get_their_images_side_by_side() {
    let mut bench = Bench::new(&[HUB, SOUTH_HUB]);
    bench.provision(HUB, PPMID, DeviceType::Ppmid);
    bench.provision(SOUTH_HUB, PPMID_2, DeviceType::Ppmid);
    for hub in &mut bench.hubs {
        hub.hello();
    }
    bench.settle();
    bench.csp.set_link(bench.now, HUB, false);
    bench.distribute(request(DeviceType::Ppmid, 3000, &[(PPMID, HUB), (PPMID_2, SOUTH_HUB)]));
    bench.settle();
    assert_eq!(bench.outcomes(), [(SOUTH_HUB, TransferStatus::Successful, None)]);
    bench.csp.set_link(bench.now, HUB, true);
    bench.settle();
    assert_eq!(bench.outcomes().len(), 2);
}

#[test]
fn an_image_for_a_meter_goes_ahead_of_those_that_have_not_begun() {
    let mut bench = Bench::ready();
    bench.provision(HUB, GSME, DeviceType::Gsme);
    bench.csp.set_link(bench.now, HUB, false);
    for (device_type, device, size) in
        [(DeviceType::Ppmid, PPMID, 100), (DeviceType::Gsme, GSME, 200), (DeviceType::Gsme, GSME, 300)]
    {
        bench.distribute(request(device_type, size, &[(device, HUB)]));
    }
    bench.csp.set_link(bench.now, HUB, true);
    bench.settle();
    let sizes: Vec<u32> = bench.hubs[0]
        .received
        .iter()
        .filter_map(|message| match message {
            WanMessage::ImageBegin { size, .. } => Some(*size),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [200, 300, 100]);
}

#[test]
fn gbcs_messages_pass_both_ways_unchanged_and_once() {
    let mut bench = Bench::ready();
    let gbcs = GbcsMessage { hub: HUB, octets: vec![0xDF, 0x7E, 0x7D, 0x00] };
    bench.lose = |frame| frame == 3;
    assert_eq!(bench.csp.on_dsp(bench.now, DspToCsp::Gbcs(gbcs.clone())), CspReply::Accepted);
    bench.run_until(Instant::ZERO + Duration::from_secs(10));
    let received: Vec<_> =
        bench.hubs[0].received.iter().filter(|m| matches!(m, WanMessage::Gbcs { .. })).cloned().collect();
    assert_eq!(received, [WanMessage::Gbcs { octets: gbcs.octets.clone() }]);
    let octets = gbcs.octets.clone();
    bench.hubs[0].say(WanMessage::Gbcs { octets });
    let again = bench.hubs[0].to_csp.back().unwrap().clone();
    bench.hubs[0].to_csp.push_back(again);
    bench.settle();
    assert_eq!(bench.reports, [CspToDsp::Gbcs(gbcs)]);
}

#[test]
fn a_message_that_cannot_go_is_refused() {
    let mut bench = Bench::ready();
    let mut send =
        |hub, length| bench.csp.on_dsp(Instant::ZERO, DspToCsp::Gbcs(GbcsMessage { hub, octets: vec![0; length] }));
    assert!(matches!(send(UNKNOWN, 10), CspReply::Refused { .. }));
    assert!(matches!(send(HUB, 0), CspReply::Refused { .. }));
    assert!(matches!(send(HUB, 5000), CspReply::Refused { .. }));
}

#[test]
fn noise_on_the_link_is_passed_over() {
    let mut bench = Bench::ready();
    let mut noise: Vec<u8> = (0..=255).collect();
    noise.push(0x7E);
    bench.csp.on_hub_octets(bench.now, HUB, &noise);
    bench.csp.on_hub_octets(bench.now, UNKNOWN, &noise);
    bench.distribute(request(DeviceType::Ppmid, 100, &[(PPMID, HUB)]));
    bench.settle();
    assert_eq!(bench.outcomes(), DONE);
}

#[test]
fn gateway_messages_as_json() {
    let mut request = request(DeviceType::Ppmid, 3, &[(PPMID, HUB)]);
    request.image = vec![1, 2, 3];
    let json = serde_json::to_string_pretty(&DspToCsp::DistributionRequest(request.clone())).unwrap();
    insta::assert_snapshot!(json, @r#"
{
  "message": "distribution_request",
  "request_id": "90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-FF:1",
  "device_type": "PPMID",
  "image": "AQID",
  "image_hash": "AE4B3280E56E2FAF83F414A6E3DABE9D5FBE18976544C05FED121ACCB85B53FC",
  "devices": [
    {
      "device": "00-DB-12-34-56-78-90-A4",
      "hub": "00-DB-12-34-56-78-90-A2"
    }
  ]
}
"#);
    let back: DspToCsp = serde_json::from_str(&json).unwrap();
    assert_eq!(back, DspToCsp::DistributionRequest(request));
}
