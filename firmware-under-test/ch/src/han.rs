//! What the hub does on its HAN: the OTA server, the Time server and the tunnels' client.

use crate::blocks::BlockName;
use crate::faults::Fault;
use crate::hub::{CommunicationsHub, ENDPOINT, Ended, PROFILE};
use crate::state::{TransferAlert, TransferOutcome};
use crate::tunnels::Wanted;
use alloc::format;
use alloc::vec::Vec;
use embedded_storage::nor_flash::NorFlash;
use hanrig_wire::gbcs::Envelope;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::{DeviceType, Eui64};
use hanrig_wire::zcl::ota::{
    ImageBlockRequest, ImageId, ImageNotify, OtaCommand, QueryNextImageRequest, UPGRADE_NOW, UPGRADE_WAIT,
    UpgradeEndRequest,
};
use hanrig_wire::zcl::tunneling::{MAXIMUM_TRANSFER_SIZE, PROTOCOL_GB_HRGP, TunnelCommand, TunnelStatus};
use hanrig_wire::zcl::{DefaultResponse, Direction, FrameType, Status, ZclHeader, global, ota, time, tunneling};
use hanrig_zigbee::ota::server::{self, LARGEST_BLOCK};
use hanrig_zigbee::{Destination, Event, Incoming, Outgoing};

/// How long after a request for a block a download stands still.
const STANDSTILL: Duration = Duration::from_secs(60);

impl<F: NorFlash> CommunicationsHub<F> {
    pub(crate) fn on_node_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::NetworkUp { short } => self.log(format!("network up, short address {short:04X}")),
            Event::DeviceJoined { eui, short } => {
                self.log(format!("{eui} joined as {short:04X}"));
                self.unsaved = true;
                self.tunnels.reset(now, eui);
                if self.state.blocks.waiting().any(|(device, _)| device == eui) {
                    self.notify_at.insert(eui, now);
                }
                self.serve_tunnels(now);
                self.notify_due(now);
            }
            Event::DeviceLeft { eui } => self.log(format!("{eui} left")),
            Event::Data(incoming) => self.on_data(now, &incoming),
            Event::PersistNeeded => self.unsaved = true,
            Event::Rejected(rejection) => {
                let source = rejection.source.map_or_else(|| "an unknown node".into(), |eui| format!("{eui}"));
                self.log(format!("frame of {source} not taken: {}", rejection.reason));
            }
            // A message that did not arrive is sent again by what needs it: Image Notify by its clock, a tunnel by its own.
            Event::Sent { .. }
            | Event::NetworkDown { .. }
            | Event::JoinFailed(_)
            | Event::Discovered { .. }
            | Event::DiscoveryEnded { .. } => {}
        }
    }

    fn on_data(&mut self, now: Instant, incoming: &Incoming) {
        // Smart Energy: these clusters are secured with the link key, whoever sends.
        let Some(device_type) = self.state.device(incoming.source).map(|logged| logged.device_type) else { return };
        let secured = incoming.secured_with_link_key || self.takes_without_link_key();
        if incoming.profile != PROFILE || !secured {
            return self.log(format!("message of {} not taken: not secured with its link key", incoming.source));
        }
        let (header, payload) = match ZclHeader::parse(&incoming.asdu) {
            Ok(parsed) => parsed,
            Err(error) => return self.log(format!("message of {} not taken: {error}", incoming.source)),
        };
        match (incoming.cluster, header.frame_type) {
            (ota::CLUSTER, FrameType::Cluster) => match OtaCommand::parse(header.command, payload) {
                Ok(command) => self.on_ota(now, incoming, device_type, &header, &command),
                Err(error) => {
                    if let Some(request) = self.spoil_malformed(incoming.source, &header, payload) {
                        return self.on_end_request(now, incoming, &header, &request);
                    }
                    self.log(format!("command of {} not taken: {error}", incoming.source));
                    let status = Status::MALFORMED_COMMAND;
                    self.reply(now, incoming, DefaultResponse::answer(&header, status));
                }
            },
            (time::CLUSTER, FrameType::Global) if header.command == global::READ_ATTRIBUTES => {
                let utc = self.utc(now);
                self.reply(now, incoming, time::read_response(&header, payload, utc));
            }
            (tunneling::CLUSTER, FrameType::Cluster) => self.on_tunnel(now, incoming.source, &header, payload),
            (_, FrameType::Global) if header.command == global::DEFAULT_RESPONSE => {}
            _ => self.reply(now, incoming, DefaultResponse::answer(&header, Status::UNSUP_COMMAND)),
        }
    }

    fn on_ota(
        &mut self,
        now: Instant,
        incoming: &Incoming,
        device_type: DeviceType,
        header: &ZclHeader,
        command: &OtaCommand<'_>,
    ) {
        match command {
            OtaCommand::QueryNextImageRequest(query) => self.on_query(now, incoming, device_type, header, query),
            OtaCommand::ImageBlockRequest(request) => self.on_block_request(now, incoming, header, request),
            OtaCommand::UpgradeEndRequest(request) => self.on_end_request(now, incoming, header, request),
            // Page requests are optional, and a client that is told so falls back to block requests (CH-05).
            _ => self.reply(now, incoming, DefaultResponse::answer(header, Status::UNSUP_COMMAND)),
        }
    }

    fn on_query(
        &mut self,
        now: Instant,
        incoming: &Incoming,
        device_type: DeviceType,
        header: &ZclHeader,
        query: &QueryNextImageRequest,
    ) {
        let device = incoming.source;
        let ImageId { manufacturer_code, image_type, .. } = self.spoil_query(device, query.current);
        let found = self.state.blocks.image_for(device, device_type, manufacturer_code, image_type);
        let anyones = || self.state.blocks.any_image().filter(|_| self.faulty(Fault::OffersToAnyDevice));
        let (offer, mismatch) = match found.or_else(anyones) {
            Some((block, held)) if !self.suits(held, query.hardware_version) => (None, Some(block)),
            Some((_, held)) => (Some(server::Offer { image: held.image, size: held.size }), None),
            None => (None, None),
        };
        let response = self.spoil_query_response(server::answer_query(offer));
        let response = OtaCommand::QueryNextImageResponse(response);
        self.reply(now, incoming, response.frame(header.sequence));
        if let Some(block) = mismatch {
            if self.faulty(Fault::PushesBlockAfterMismatch) {
                self.push_block(now, incoming, block);
            }
            self.finish(now, block, device, TransferOutcome::HardwareVersionMismatch);
        }
    }

    fn on_block_request(&mut self, now: Instant, incoming: &Incoming, header: &ZclHeader, request: &ImageBlockRequest) {
        let device = incoming.source;
        if self.ignores(request) {
            return;
        }
        let request = &self.spoil_block_request(device, request);
        let found = self.state.blocks.offer_of(device, request.image).filter(|_| !self.holds_back(device));
        let mut buffer = [0; LARGEST_BLOCK as usize];
        let response = server::answer_block(found.map(|(_, offer)| offer), request, &mut buffer, |offset, octets| {
            found.is_some_and(|(block, _)| self.read_block(block, offset, octets))
        });
        let frame = OtaCommand::ImageBlockResponse(response).frame(header.sequence);
        if let Some((block, _)) = found
            && let Some(utc) = self.utc(now)
        {
            self.notify_at.remove(&device);
            self.unsaved |= self.state.blocks.note_request(block, device, utc);
            self.store_request_at = Some(now + STANDSTILL);
        }
        if self.takes_for_the_end(found.map(|(_, offer)| offer), request) {
            let version = request.image.file_version;
            self.alert_all(now, [TransferAlert { target: device, version, outcome: TransferOutcome::Success }]);
        }
        // The client asks again for a block that does not come: an APS acknowledgement would be one frame too many.
        self.send(now, device, incoming.cluster, incoming.source_endpoint, frame, false);
    }

    fn on_end_request(&mut self, now: Instant, incoming: &Incoming, header: &ZclHeader, request: &UpgradeEndRequest) {
        let device = incoming.source;
        let Some(status) = self.spoil_status(request.status) else { return };
        let held = self.state.blocks.offer_of(device, request.image);
        let device_type = held.and_then(|_| self.state.device(device)).map(|logged| logged.device_type);
        match (held, status) {
            (Some((block, _)), Status::SUCCESS) => {
                if let Some(device_type) = device_type {
                    self.ended.insert(device, Ended { image: request.image, device_type });
                }
                self.finish(now, block, device, TransferOutcome::Success);
            }
            (Some((block, _)), _) => self.finish(now, block, device, TransferOutcome::Failure),
            (None, _) => {
                let alert = self.spoil_late_end(device, request);
                self.alert_all(now, alert);
            }
        }
        // Asked again, because the response was lost: the same answer, and no second Alert (CH-15).
        let ended = self.ended.get(&device).filter(|ended| ended.image == request.image);
        let frame = match (status, ended) {
            (Status::SUCCESS, Some(ended)) => {
                // CH-07: a PPMID activates now. CH-08: every other Device waits for its Activate Firmware Command.
                let upgrade_time = if ended.device_type == DeviceType::Ppmid { UPGRADE_NOW } else { UPGRADE_WAIT };
                let response = server::answer_end(request.image, self.utc(now), upgrade_time);
                let response = self.spoil_end_response(response);
                OtaCommand::UpgradeEndResponse(response).frame(header.sequence)
            }
            (_, None) if self.faulty(Fault::ActivatesAfterFailure) => {
                let response = server::answer_end(request.image, self.utc(now), UPGRADE_NOW);
                OtaCommand::UpgradeEndResponse(response).frame(header.sequence)
            }
            (Status::SUCCESS, None) => DefaultResponse::answer(header, Status::ABORT),
            _ => DefaultResponse::answer(header, Status::SUCCESS),
        };
        self.reply(now, incoming, frame);
    }

    fn finish(&mut self, now: Instant, block: BlockName, device: Eui64, outcome: TransferOutcome) {
        self.notify_at.remove(&device);
        let kept = self.state.blocks.get(block).filter(|_| self.keeps_image_after(outcome)).cloned();
        let alert = self.state.blocks.finish(block, device, outcome).and_then(|alert| self.spoil_transfer_alert(alert));
        if kept.is_some() || self.clears_after_first() {
            *self.state.blocks.slot(block) = kept;
        }
        self.alert_all(now, alert);
    }

    /// Sends each Image Notify that is due (CH-02).
    pub(crate) fn notify_due(&mut self, now: Instant) {
        let due: Vec<Eui64> = self.notify_at.iter().filter(|(_, at)| **at <= now).map(|(device, _)| *device).collect();
        for device in due {
            let Some((_, image)) = self.state.blocks.waiting().find(|(target, _)| *target == device) else {
                self.notify_at.remove(&device);
                continue;
            };
            if self.gives_up_on(device, now) {
                self.state.blocks.forget(device);
                continue;
            }
            self.notify_at.insert(device, now + self.notify_again());
            if !self.faulty(Fault::NeverNotifies) && !self.faulty(Fault::NotifiesBeforeArrival) {
                self.send_notify(now, device, image);
            }
        }
    }

    pub(crate) fn send_notify(&mut self, now: Instant, device: Eui64, image: ImageId) {
        self.sequence = self.sequence.wrapping_add(1);
        let notify = OtaCommand::ImageNotify(self.spoil_notify(ImageNotify {
            query_jitter: 100,
            manufacturer_code: Some(image.manufacturer_code),
            image_type: Some(image.image_type),
            file_version: Some(image.file_version),
        }));
        self.send(now, device, ota::CLUSTER, ENDPOINT, notify.frame(self.sequence), true);
    }

    fn on_tunnel(&mut self, now: Instant, device: Eui64, header: &ZclHeader, payload: &[u8]) {
        match TunnelCommand::parse(header, payload) {
            Ok(TunnelCommand::RequestTunnelResponse { tunnel, status: TunnelStatus::Success, .. }) => {
                self.tunnels.opened(device, tunnel);
                self.log(format!("tunnel {tunnel} to {device} open"));
                self.serve_tunnels(now);
            }
            Ok(TunnelCommand::TransferData { tunnel, direction: Direction::ServerToClient, data }) => {
                // The answer that told of this tunnel may be late or lost, and the Device's message must not be: the Device
                // knows which of its tunnels is open.
                if !self.tunnels.is_open(device, tunnel) {
                    self.log(format!("{device} uses tunnel {tunnel}"));
                    self.tunnels.opened(device, tunnel);
                }
                self.on_gbcs_from_han(now, device, data);
            }
            Ok(TunnelCommand::TransferDataError { direction: Direction::ServerToClient, .. }) => {
                self.tunnels.refused(now, device);
            }
            Ok(_) => {}
            Err(error) => self.log(format!("tunnel command of {device} not taken: {error}")),
        }
    }

    /// A GBCS message of a Device: it goes to the WAN as it is, if it is that Device's own.
    fn on_gbcs_from_han(&mut self, now: Instant, device: Eui64, octets: &[u8]) {
        match Envelope::parse(octets) {
            Ok(envelope) if envelope.message().originator == device => {
                if !self.loses_what_devices_say(envelope.message()) {
                    self.send_gbcs(now, octets.to_vec());
                }
            }
            Ok(envelope) => {
                self.log(format!("{device} sends in the name of {}: dropped", envelope.message().originator));
            }
            Err(error) => self.log(format!("GBCS message of {device} dropped: {error}")),
        }
    }

    pub(crate) fn serve_tunnels(&mut self, now: Instant) {
        for wanted in self.tunnels.poll(now) {
            self.sequence = self.sequence.wrapping_add(1);
            let (device, command) = match &wanted {
                Wanted::Open(device) => (
                    *device,
                    TunnelCommand::RequestTunnel {
                        protocol: PROTOCOL_GB_HRGP,
                        manufacturer_code: 0xFFFF,
                        flow_control: false,
                        maximum_transfer_size: MAXIMUM_TRANSFER_SIZE,
                    },
                ),
                Wanted::Transfer(device, tunnel, message) => (
                    *device,
                    TunnelCommand::TransferData {
                        tunnel: *tunnel,
                        direction: Direction::ClientToServer,
                        data: message,
                    },
                ),
            };
            let frame = command.frame(self.sequence);
            self.send(now, device, tunneling::CLUSTER, ENDPOINT, frame, true);
        }
    }

    pub(crate) fn reply(&mut self, now: Instant, to: &Incoming, frame: Vec<u8>) {
        self.send(now, to.source, to.cluster, to.source_endpoint, frame, true);
    }

    fn send(&mut self, now: Instant, device: Eui64, cluster: u16, endpoint: u8, asdu: Vec<u8>, aps_ack: bool) {
        self.node.send(
            now,
            Outgoing {
                destination: Destination::Device(device),
                profile: PROFILE,
                cluster,
                source_endpoint: ENDPOINT,
                destination_endpoint: endpoint,
                asdu,
                aps_ack,
                link_key: true,
            },
        );
    }
}
