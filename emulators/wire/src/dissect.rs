//! Decodes captured frames from the MAC to the decrypted APS payload, one at a time.
//!
//! This is the rig's own eye on the air. It shares the parsers and ciphers with the nodes but none of their state, believes
//! no claim that a message integrity code does not prove, and reports what it saw rather than what ought to be: a
//! replayed frame decodes like any other, with its old frame counter.
//!
//! What it keeps from one frame to the next is a [`KeyRing`] (which grows by network keys seen in Transport-Key commands),
//! which EUI-64 is behind a short address (as authenticated frames tell), and fragments not yet complete.

mod keys;
mod reassembly;

pub use keys::{KeyRing, RingLinkKey, RingNetworkKey};

use crate::aps::{Addressing, ApsCommand, ApsFrame, ApsHeader, ApsKind, Fragment, TransportedKey};
use crate::mac::{self, Address, Beacon, FrameType, MacCommand, MacError, MacFrame, MacHeader};
use crate::nwk::{NwkCommand, NwkFrame, NwkFrameType, NwkHeader};
use crate::radio::{Layer, Malformed};
use crate::security::{AuxHeader, OpenError, SecuredFrame};
use crate::types::Eui64;
use crate::zdp::{self, ZdpMessage};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use reassembly::{MessageId, Reassembler};

/// Short addresses learned from frames that nothing authenticates, at most.
const MAX_UNPROVEN: usize = 4096;

/// What a frame turned out to be.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Dissection {
    /// The MAC header.
    pub mac: Option<MacHeader>,
    /// What a MAC beacon or command frame holds.
    pub mac_content: Option<MacContent>,
    /// The network layer.
    pub nwk: Option<NwkPart>,
    /// The application support sub-layer.
    pub aps: Option<ApsPart>,
    /// The decrypted ASDU of an APS data frame; of a fragment its part of it.
    pub payload: Vec<u8>,
    /// The EUI-64 of the NWK source (of the MAC source where there is no NWK frame), when it is known.
    pub source: Option<Eui64>,
    /// The EUI-64 of the NWK destination (of the MAC destination where there is no NWK frame), when it is known.
    pub destination: Option<Eui64>,
    /// The whole ASDU, on the frame that brings its last missing fragment.
    pub reassembled: Option<Vec<u8>>,
    /// Where decoding stopped before its end, and why.
    pub stopped: Option<Stopped>,
}

/// What a MAC frame other than data holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum MacContent {
    /// A beacon.
    Beacon(Beacon),
    /// A MAC command.
    Command(MacCommand),
}

/// The network layer of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NwkPart {
    /// The header.
    pub header: NwkHeader,
    /// The auxiliary security header; none on a frame without NWK security.
    pub security: Option<AuxHeader>,
    /// The command of a NWK command frame.
    pub command: Option<NwkCommand>,
}

/// The application support sub-layer of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ApsPart {
    /// The header, with counter and fragmentation.
    pub header: ApsHeader,
    /// The auxiliary security header; none on a frame without APS security.
    pub security: Option<AuxHeader>,
    /// The command of an APS command frame.
    pub command: Option<ApsCommand>,
}

/// Where decoding stopped, and why.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[error("stopped at {layer}: {reason}")]
pub struct Stopped {
    /// The layer that was not decoded.
    pub layer: Layer,
    /// Why.
    pub reason: StopReason,
}

/// Why decoding stopped.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum StopReason {
    /// The FCS is wrong: damaged on the air.
    #[error("FCS is {found:#06x}, expected {expected:#06x}")]
    BadFcs {
        /// As the frame holds it.
        found: u16,
        /// As computed.
        expected: u16,
    },
    /// A header or command does not parse.
    #[error("{0}")]
    Malformed(#[cfg_attr(feature = "serde", serde(serialize_with = "malformed_as_text"))] Malformed),
    /// MAC security, which ZigBee does not use.
    #[error("MAC security is not decoded")]
    MacSecured,
    /// The ring has no network key of that sequence number, or no link key for the pair.
    #[error("no key")]
    NoKey,
    /// The sender's EUI-64, part of the nonce, has not been seen yet.
    #[error("the sender's EUI-64 is not known")]
    UnknownSource,
    /// No key that the ring has for it opens the frame.
    #[error("message integrity code is wrong")]
    BadMic,
}

#[cfg(feature = "serde")]
fn malformed_as_text<S: serde::Serializer>(malformed: &Malformed, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(malformed)
}

impl Dissection {
    /// Addressing and ASDU of an APS data frame that brings a whole message: one sent in a single frame, or the last
    /// missing fragment.
    pub fn message(&self) -> Option<(&Addressing, &[u8])> {
        let header = &self.aps.as_ref().filter(|_| self.stopped.is_none())?.header;
        let ApsKind::Data(addressing) = &header.kind else { return None };
        match (&self.reassembled, header.fragment) {
            (Some(asdu), _) => Some((addressing, asdu)),
            (None, Fragment::None) => Some((addressing, &self.payload)),
            (None, _) => None,
        }
    }
}

/// Decodes frames. See the [module's documentation](self).
#[derive(Clone, Debug)]
pub struct Dissector {
    keys: KeyRing,
    addresses: BTreeMap<(u16, u16), Eui64>,
    /// The last frame counter of each trust centre's Transport-Key commands.
    transports: BTreeMap<Eui64, u32>,
    reassembler: Reassembler,
    nwk_buffer: Vec<u8>,
    aps_buffer: Vec<u8>,
}

impl Dissector {
    /// A dissector that starts with `keys`.
    pub const fn new(keys: KeyRing) -> Self {
        Self {
            keys,
            addresses: BTreeMap::new(),
            transports: BTreeMap::new(),
            reassembler: Reassembler::new(),
            nwk_buffer: Vec::new(),
            aps_buffer: Vec::new(),
        }
    }

    /// The keys, with those learned.
    pub const fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// The keys, to add some.
    pub const fn keys_mut(&mut self) -> &mut KeyRing {
        &mut self.keys
    }

    /// The EUI-64 behind a short address of a PAN, when it is known.
    pub fn eui_of(&self, pan_id: u16, short: u16) -> Option<Eui64> {
        self.addresses.get(&(pan_id, short)).copied()
    }

    /// Decodes one frame, FCS included.
    pub fn dissect(&mut self, octets: &[u8]) -> Dissection {
        let mut out = Dissection::default();
        if let Err(stopped) = self.mac(octets, &mut out) {
            out.stopped = Some(stopped);
        }
        out
    }

    fn mac(&mut self, octets: &[u8], out: &mut Dissection) -> Result<(), Stopped> {
        let frame = MacFrame::parse(octets).map_err(|error| match error {
            MacError::Fcs { found, expected } => {
                Stopped { layer: Layer::Mac, reason: StopReason::BadFcs { found, expected } }
            }
            MacError::Malformed(malformed) => stop_malformed(malformed),
        })?;
        let header = frame.header;
        out.mac = Some(header);
        let pan_id = header.destination_pan.or(header.source_pan).unwrap_or(mac::BROADCAST);
        out.source = self.resolve(pan_id, header.source);
        out.destination = self.resolve(pan_id, header.destination);
        if header.security {
            return Err(Stopped { layer: Layer::Mac, reason: StopReason::MacSecured });
        }
        match header.frame_type {
            FrameType::Ack => Ok(()),
            FrameType::Beacon => {
                out.mac_content = Some(MacContent::Beacon(Beacon::parse(frame.payload).map_err(stop_malformed)?));
                Ok(())
            }
            FrameType::Command => {
                let command = MacCommand::parse(frame.payload).map_err(stop_malformed)?;
                if let (MacCommand::AssociationResponse { short, .. }, Address::Extended(eui)) =
                    (command, header.destination)
                {
                    self.learn_unproven(pan_id, short, eui);
                }
                out.mac_content = Some(MacContent::Command(command));
                Ok(())
            }
            FrameType::Data => self.nwk(pan_id, &header, frame.payload, out),
        }
    }

    fn nwk(&mut self, pan_id: u16, mac: &MacHeader, octets: &[u8], out: &mut Dissection) -> Result<(), Stopped> {
        let frame = NwkFrame::parse(octets).map_err(stop_malformed)?;
        let header = frame.header;
        let mut part = NwkPart { header, security: None, command: None };
        out.source = header.source_eui.or_else(|| self.eui_of(pan_id, header.source));
        out.destination = header.destination_eui.or_else(|| self.eui_of(pan_id, header.destination));
        let mut buffer = core::mem::take(&mut self.nwk_buffer);
        buffer.clear();
        let opened = if header.security {
            self.open_nwk(&frame, octets, &mut part, &mut buffer)
        } else {
            buffer.extend_from_slice(octets);
            Ok(frame.header_len)
        };
        if opened.is_ok()
            && let Some(aux) = part.security
        {
            self.learn_from_nwk(pan_id, mac, &header, &aux, out);
        }
        out.nwk = Some(part);
        let outcome = opened.and_then(|payload_at| {
            let payload = buffer.get(payload_at..).unwrap_or_default();
            match header.frame_type {
                NwkFrameType::Command => {
                    let command = NwkCommand::parse(payload).map_err(stop_malformed)?;
                    out.nwk = Some(NwkPart { command: Some(command), ..part });
                    Ok(())
                }
                NwkFrameType::Data => self.aps(pan_id, payload, out),
            }
        });
        self.nwk_buffer = buffer;
        outcome
    }

    /// Learns who is behind which short address from a frame that a message integrity code has proven.
    fn learn_from_nwk(
        &mut self,
        pan_id: u16,
        mac: &MacHeader,
        header: &NwkHeader,
        aux: &AuxHeader,
        out: &mut Dissection,
    ) {
        // A relayed frame is secured by its relay, not by its NWK source.
        if let Some(eui) = aux.source
            && mac.source == Address::Short(header.source)
        {
            self.addresses.insert((pan_id, header.source), eui);
            out.source = Some(eui);
        }
        for (short, eui) in [(header.source, header.source_eui), (header.destination, header.destination_eui)] {
            if let Some(eui) = eui {
                self.addresses.insert((pan_id, short), eui);
            }
        }
    }

    /// Decrypts a NWK frame into `buffer`; says where in it the payload starts.
    fn open_nwk(
        &self,
        frame: &NwkFrame<'_>,
        octets: &[u8],
        part: &mut NwkPart,
        buffer: &mut Vec<u8>,
    ) -> Result<usize, Stopped> {
        let stop = |reason| Stopped { layer: Layer::Nwk, reason };
        let aux = AuxHeader::parse(Layer::Nwk, frame.payload)
            .map_err(|e| stop_malformed(Malformed { offset: e.offset + frame.header_len, ..e }))?;
        part.security = Some(aux);
        let source = aux.source.ok_or(stop(StopReason::UnknownSource))?;
        let place =
            SecuredFrame { header_at: 0, aux_at: frame.header_len, payload_at: frame.header_len + aux.octets() };
        let mut reason = StopReason::NoKey;
        for key in self.keys.network_keys_for(aux.key_sequence) {
            buffer.clear();
            buffer.extend_from_slice(octets);
            match place.open(key, &aux, source, buffer) {
                Ok(()) => return Ok(place.payload_at),
                Err(OpenError::BadMic | OpenError::TooShort) => reason = StopReason::BadMic,
            }
        }
        Err(stop(reason))
    }

    fn aps(&mut self, pan_id: u16, octets: &[u8], out: &mut Dissection) -> Result<(), Stopped> {
        let frame = ApsFrame::parse(octets).map_err(stop_malformed)?;
        let header = frame.header;
        let part = out.aps.insert(ApsPart { header, security: None, command: None });
        let mut buffer = core::mem::take(&mut self.aps_buffer);
        buffer.clear();
        let payload = if header.security {
            self.open_aps(&frame, octets, (out.source, out.destination), part, &mut buffer)
                .map(|at| buffer.get(at..).unwrap_or_default())
        } else {
            Ok(frame.payload)
        };
        let command = payload.and_then(|payload| {
            match header.kind {
                ApsKind::Ack(_) => {}
                ApsKind::Command => part.command = Some(ApsCommand::parse(payload).map_err(stop_malformed)?),
                ApsKind::Data(_) => out.payload.extend_from_slice(payload),
            }
            Ok(part.command)
        });
        self.aps_buffer = buffer;
        if let Some(command) = command? {
            self.learn_from_command(pan_id, &command, out);
        }
        if let ApsKind::Data(addressing) = &header.kind {
            self.data(pan_id, addressing, &header, out);
        }
        Ok(())
    }

    /// Decrypts an APS frame into `buffer`; says where in it the payload starts.
    fn open_aps(
        &self,
        frame: &ApsFrame<'_>,
        octets: &[u8],
        (source, destination): (Option<Eui64>, Option<Eui64>),
        part: &mut ApsPart,
        buffer: &mut Vec<u8>,
    ) -> Result<usize, Stopped> {
        let stop = |reason| Stopped { layer: Layer::Aps, reason };
        let aux = AuxHeader::parse(Layer::Aps, frame.payload)
            .map_err(|e| stop_malformed(Malformed { offset: e.offset + frame.header_len, ..e }))?;
        part.security = Some(aux);
        let source = aux.source.or(source).ok_or(stop(StopReason::UnknownSource))?;
        let place =
            SecuredFrame { header_at: 0, aux_at: frame.header_len, payload_at: frame.header_len + aux.octets() };
        let mut reason = StopReason::NoKey;
        for key in self.keys.aps_keys_for(&aux, source, destination) {
            buffer.clear();
            buffer.extend_from_slice(octets);
            match place.open(key, &aux, source, buffer) {
                Ok(()) => return Ok(place.payload_at),
                Err(OpenError::BadMic | OpenError::TooShort) => reason = StopReason::BadMic,
            }
        }
        Err(stop(reason))
    }

    fn learn_from_command(&mut self, pan_id: u16, command: &ApsCommand, out: &mut Dissection) {
        let ApsCommand::TransportKey(TransportedKey::Network { key, sequence, destination, source }) = command else {
            return;
        };
        out.source = Some(*source);
        out.destination = Some(*destination);
        // What travels in the clear, as only a forger sends it, is not taken up; a replay proves no addresses.
        let (Some(nwk), Some(aux)) = (out.nwk, out.aps.and_then(|aps| aps.security)) else { return };
        self.keys.add_network_key(*key, Some(*sequence));
        if self.transports.get(source).is_some_and(|last| aux.frame_counter <= *last) {
            return;
        }
        self.transports.insert(*source, aux.frame_counter);
        self.addresses.insert((pan_id, nwk.header.destination), *destination);
        self.addresses.insert((pan_id, nwk.header.source), *source);
        // The device starts afresh, and so may its counters.
        self.reassembler.forget(pan_id, nwk.header.destination);
    }

    fn data(&mut self, pan_id: u16, addressing: &Addressing, header: &ApsHeader, out: &mut Dissection) {
        let Some(nwk) = out.nwk else { return };
        let secured = nwk.security.is_some();
        if addressing.profile == zdp::PROFILE
            && addressing.cluster == zdp::cluster::DEVICE_ANNCE
            && secured
            && let Ok((_, ZdpMessage::DeviceAnnce { short, eui, .. })) =
                ZdpMessage::parse(addressing.cluster, &out.payload)
        {
            self.addresses.insert((pan_id, short), eui);
        }
        if header.fragment != Fragment::None {
            let id = MessageId {
                pan_id,
                source: nwk.header.source,
                destination: nwk.header.destination,
                counter: header.counter,
                nwk_secured: secured,
                aps_secured: header.security,
            };
            let frame_counter = nwk.security.map_or(0, |aux| aux.frame_counter);
            out.reassembled = self.reassembler.add(id, header.fragment, frame_counter, &out.payload);
        }
    }

    fn resolve(&self, pan_id: u16, address: Address) -> Option<Eui64> {
        match address {
            Address::None => None,
            Address::Short(short) => self.eui_of(pan_id, short),
            Address::Extended(eui) => Some(eui),
        }
    }

    fn learn_unproven(&mut self, pan_id: u16, short: u16, eui: Eui64) {
        if self.addresses.len() < MAX_UNPROVEN && short < 0xFFF8 {
            self.addresses.entry((pan_id, short)).or_insert(eui);
        }
    }
}

const fn stop_malformed(malformed: Malformed) -> Stopped {
    Stopped { layer: malformed.layer, reason: StopReason::Malformed(malformed) }
}
