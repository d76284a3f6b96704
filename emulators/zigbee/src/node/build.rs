//! Turns a job into the octets of its frame, without the FCS.

use super::Node;
use super::radio::Job;
use crate::api::Role;
use alloc::vec::Vec;
use hanrig_wire::aps::{ApsCommand, ApsHeader, ApsKind, Delivery, Fragment, TransportedKey};
use hanrig_wire::mac::{self, Address, Beacon, Capability, FrameType, MacCommand, MacHeader, ZigbeeBeacon};
use hanrig_wire::nwk::{self, NwkFrameType, NwkHeader};
use hanrig_wire::security::{AuxHeader, KeyId, MIC_LEN, SecuredFrame};
use hanrig_wire::types::Eui64;

/// nwkMaxDepth times two.
const RADIUS: u8 = 30;

/// Octets of ASDU that one frame holds: what 127 octets leave beside the MAC header and FCS (11), NWK header (8), NWK
/// auxiliary header and MIC (18) and APS header (8).
const MAX_ASDU: usize = mac::MAX_FRAME - 11 - 8 - 14 - MIC_LEN - 8;
/// What APS security takes of it: an auxiliary header without source address, and a MIC.
const APS_SECURITY: usize = 5 + MIC_LEN;
/// What fragmentation takes of it: the extended header.
const FRAGMENT_HEADER: usize = 2;

/// How many octets of ASDU fit one frame.
pub(super) const fn room(link_key: bool, fragmented: bool) -> usize {
    MAX_ASDU - if link_key { APS_SECURITY } else { 0 } - if fragmented { FRAGMENT_HEADER } else { 0 }
}

impl Node {
    /// Appends the frame; gives its sequence number and whether it will be acknowledged. None when the job has lost its
    /// reason.
    pub(super) fn build(&mut self, job: &Job, frame: &mut Vec<u8>) -> Option<(u8, bool)> {
        self.mac_sequence = self.mac_sequence.wrapping_add(1);
        let sequence = self.mac_sequence;
        let ack = match *job {
            Job::BeaconRequest { channel } => {
                self.channel = channel;
                self.emit_mac_command(
                    frame,
                    Address::Short(mac::BROADCAST),
                    Address::None,
                    mac::BROADCAST,
                    MacCommand::BeaconRequest,
                );
                false
            }
            Job::Beacon => {
                self.emit_beacon(frame)?;
                false
            }
            Job::AssociationRequest => {
                // The source PAN is not yet this one (7.3.1.1).
                MacHeader {
                    pan_id_compression: false,
                    source_pan: Some(mac::BROADCAST),
                    ..MacHeader::within(
                        FrameType::Command,
                        sequence,
                        self.pan_id,
                        Address::Short(nwk::COORDINATOR),
                        Address::Extended(self.config.eui64),
                    )
                }
                .emit(frame);
                MacCommand::AssociationRequest(Capability::END_DEVICE_RX_ON).emit(frame);
                true
            }
            Job::DataRequest => {
                let source = Address::Extended(self.config.eui64);
                let destination = Address::Short(nwk::COORDINATOR);
                self.emit_mac_command(frame, destination, source, self.pan_id, MacCommand::DataRequest);
                true
            }
            Job::AssociationResponse { device, short, status } => {
                let source = Address::Extended(self.config.eui64);
                let command = MacCommand::AssociationResponse { short, status };
                self.emit_mac_command(frame, Address::Extended(device), source, self.pan_id, command);
                true
            }
            Job::TransportKey { device } => {
                self.emit_transport_key(frame, device)?;
                true
            }
            Job::Command { destination, destination_eui, ref command } => {
                let source_eui = self.config.eui64;
                let (place, aux) = self.begin_nwk(frame, destination, NwkFrameType::Command, |header| {
                    header.destination_eui = Some(destination_eui);
                    header.source_eui = Some(source_eui);
                })?;
                command.emit(frame);
                self.end_nwk(frame, place, &aux)?;
                true
            }
            Job::Message { id, block } => self.emit_block(frame, id, block)?,
            Job::Ack { destination, destination_eui, ref header } => {
                let (place, aux) = self.begin_nwk(frame, destination, NwkFrameType::Data, |_| {})?;
                self.emit_aps(frame, destination_eui, header, &[])?;
                self.end_nwk(frame, place, &aux)?;
                true
            }
        };
        Some((sequence, ack))
    }

    fn emit_mac_command(
        &self,
        frame: &mut Vec<u8>,
        destination: Address,
        source: Address,
        pan_id: u16,
        command: MacCommand,
    ) {
        let header = MacHeader::within(FrameType::Command, self.mac_sequence, pan_id, destination, source);
        MacHeader { pan_id_compression: source != Address::None, ..header }.emit(frame);
        command.emit(frame);
    }

    fn emit_beacon(&self, frame: &mut Vec<u8>) -> Option<()> {
        let network = self.network.as_ref()?;
        MacHeader {
            ack_request: false,
            pan_id_compression: false,
            ..MacHeader::within(
                FrameType::Beacon,
                self.mac_sequence,
                self.pan_id,
                Address::None,
                Address::Short(self.short),
            )
        }
        .emit(frame);
        let permit = self.peers.values().any(|peer| peer.link.is_some());
        Beacon {
            pan_coordinator: true,
            association_permit: permit,
            zigbee: Some(ZigbeeBeacon {
                stack_profile: 2,
                protocol_version: nwk::PROTOCOL_VERSION,
                router_capacity: false,
                depth: 0,
                end_device_capacity: permit,
                extended_pan_id: network.extended_pan_id,
                update_id: 0,
            }),
        }
        .emit(frame);
        Some(())
    }

    /// The network key, under the key-transport key; NWK security is not yet possible (4.6.3.2).
    fn emit_transport_key(&mut self, frame: &mut Vec<u8>, device: Eui64) -> Option<()> {
        let own = self.config.eui64;
        let peer = self.peers.get(&device)?;
        let (short, transport) = (peer.short?, peer.link.as_ref()?.transport.clone());
        let network = self.network.as_ref()?;
        let (key, sequence) = (network.key.key(), network.key_sequence);
        self.emit_nwk_headers(frame, short, NwkFrameType::Data, false, |_| {});
        let header_at = frame.len();
        self.aps_counter = self.aps_counter.wrapping_add(1);
        ApsHeader {
            kind: ApsKind::Command,
            delivery: Delivery::Unicast,
            security: true,
            ack_request: false,
            counter: self.aps_counter,
            fragment: Fragment::None,
        }
        .emit(frame);
        let aux_at = frame.len();
        let aux = AuxHeader {
            key_id: KeyId::KeyTransport,
            frame_counter: self.next_aps_frame_counter()?,
            source: Some(own),
            key_sequence: None,
        };
        aux.emit(frame);
        let place = SecuredFrame { header_at, aux_at, payload_at: frame.len() };
        ApsCommand::TransportKey(TransportedKey::Network { key, sequence, destination: device, source: own })
            .emit(frame);
        place.seal(&transport, &aux, own, frame);
        Some(())
    }

    fn emit_block(&mut self, frame: &mut Vec<u8>, id: u32, block: u8) -> Option<bool> {
        let message = self.messages.remove(&id)?;
        let built = self.begin_nwk(frame, message.destination, NwkFrameType::Data, |_| {}).and_then(|(place, aux)| {
            let (header, octets) = message.block(block);
            self.emit_aps(frame, message.destination_eui.unwrap_or_default(), &header, octets)?;
            self.end_nwk(frame, place, &aux)
        });
        let unicast = !nwk::is_broadcast(message.destination);
        self.messages.insert(id, message);
        built.map(|()| unicast)
    }

    /// MAC and NWK headers.
    fn emit_nwk_headers(
        &mut self,
        frame: &mut Vec<u8>,
        destination: u16,
        frame_type: NwkFrameType,
        security: bool,
        adjust: impl FnOnce(&mut NwkHeader),
    ) -> usize {
        let next_hop = match self.config.role {
            _ if nwk::is_broadcast(destination) => mac::BROADCAST,
            Role::Coordinator { .. } => destination,
            Role::EndDevice { .. } => nwk::COORDINATOR,
        };
        MacHeader::within(
            FrameType::Data,
            self.mac_sequence,
            self.pan_id,
            Address::Short(next_hop),
            Address::Short(self.short),
        )
        .emit(frame);
        let header_at = frame.len();
        self.nwk_sequence = self.nwk_sequence.wrapping_add(1);
        let mut header = NwkHeader {
            frame_type,
            version: nwk::PROTOCOL_VERSION,
            discover_route: 0,
            security,
            end_device_initiator: false,
            destination,
            source: self.short,
            radius: if frame_type == NwkFrameType::Command { 1 } else { RADIUS },
            sequence: self.nwk_sequence,
            destination_eui: None,
            source_eui: None,
        };
        adjust(&mut header);
        header.emit(frame);
        header_at
    }

    /// MAC, NWK and auxiliary headers of a secured frame.
    fn begin_nwk(
        &mut self,
        frame: &mut Vec<u8>,
        destination: u16,
        frame_type: NwkFrameType,
        adjust: impl FnOnce(&mut NwkHeader),
    ) -> Option<(SecuredFrame, AuxHeader)> {
        let key_sequence = self.network.as_ref()?.key_sequence;
        let header_at = self.emit_nwk_headers(frame, destination, frame_type, true, adjust);
        let aux_at = frame.len();
        let aux = AuxHeader {
            key_id: KeyId::Network,
            frame_counter: self.next_nwk_frame_counter()?,
            source: Some(self.config.eui64),
            key_sequence: Some(key_sequence),
        };
        aux.emit(frame);
        Some((SecuredFrame { header_at, aux_at, payload_at: frame.len() }, aux))
    }

    fn end_nwk(&self, frame: &mut Vec<u8>, place: SecuredFrame, aux: &AuxHeader) -> Option<()> {
        place.seal(&self.network.as_ref()?.key, aux, self.config.eui64, frame);
        Some(())
    }

    /// An APS frame, under the link key when its header says that it is secured.
    fn emit_aps(&mut self, frame: &mut Vec<u8>, partner: Eui64, header: &ApsHeader, payload: &[u8]) -> Option<()> {
        let header_at = frame.len();
        header.emit(frame);
        if !header.security {
            frame.extend_from_slice(payload);
            return Some(());
        }
        let aux_at = frame.len();
        let frame_counter = self.next_aps_frame_counter()?;
        // The receiver has the sender's EUI-64 from the NWK auxiliary header: no extended nonce, 8 octets more room.
        let aux = AuxHeader { key_id: KeyId::Data, frame_counter, source: None, key_sequence: None };
        aux.emit(frame);
        let place = SecuredFrame { header_at, aux_at, payload_at: frame.len() };
        frame.extend_from_slice(payload);
        place.seal(&self.peers.get(&partner)?.link.as_ref()?.data, &aux, self.config.eui64, frame);
        Some(())
    }

    fn next_nwk_frame_counter(&mut self) -> Option<u32> {
        let (counter, renew) = self.nwk_out.take()?;
        self.persist_needed |= renew;
        Some(counter)
    }

    fn next_aps_frame_counter(&mut self) -> Option<u32> {
        let (counter, renew) = self.aps_out.take()?;
        self.persist_needed |= renew;
        Some(counter)
    }
}
