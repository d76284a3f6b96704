//! What the sniffer heard, dissected with the bench's keys.

use super::{ApsAcknowledgement, ImageSeen, Observations, Sighting};
use hanrig_air::SniffedFrame;
use hanrig_reports::Observation;
use hanrig_wire::aps::ApsKind;
use hanrig_wire::dissect::{Dissection, Dissector, KeyRing};
use hanrig_wire::gbcs::Envelope;
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;
use hanrig_wire::zcl::ota::{
    ImageBlockRequest, ImageBlockResponse, ImageId, ImageNotify, OtaCommand, QueryNextImageRequest,
    QueryNextImageResponse, UpgradeEndRequest, UpgradeEndResponse,
};
use hanrig_wire::zcl::tunneling::TunnelCommand;
use hanrig_wire::zcl::{DefaultResponse, FrameType, Status, ZclHeader, global, ota, tunneling};
use std::collections::BTreeMap;
use std::fmt;

/// Something a node said on the air.
#[derive(Clone, Debug)]
pub struct AirSighting {
    /// When the frame that brought it began.
    pub at: Instant,
    /// Number of that frame in the capture, from 1.
    pub frame: u64,
    /// Who sent it, as the frame's authenticated security header says.
    pub source: Eui64,
    /// Who it was for.
    pub destination: Option<Eui64>,
    /// Whether it was secured with the link key of the two.
    pub link_key: bool,
    /// What it said.
    pub heard: Heard,
}

/// What a node said.
#[derive(Clone, Debug)]
pub enum Heard {
    /// A command of the OTA Upgrade Cluster, with its transaction sequence number.
    Ota(u8, OtaHeard),
    /// A Default Response on the OTA Upgrade Cluster.
    OtaDefaultResponse(DefaultResponse),
    /// A GBCS message in a tunnel.
    Gbcs(Box<Envelope>),
    /// The tunnel for GBCS messages is open.
    TunnelOpen,
    /// Octets in a tunnel or on a cluster that do not decode.
    Garbled(String),
}

/// A command of the OTA Upgrade Cluster. Block data is not kept here: see [`Observations::fetched`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtaHeard {
    /// Image Notify.
    ImageNotify(ImageNotify),
    /// Query Next Image Request.
    Query(QueryNextImageRequest),
    /// Query Next Image Response.
    QueryResponse(QueryNextImageResponse),
    /// Image Block Request.
    BlockRequest(ImageBlockRequest),
    /// Image Page Request.
    PageRequest,
    /// Image Block Response with data.
    Block {
        /// The image.
        image: ImageId,
        /// Where in it.
        offset: u32,
        /// How many octets.
        octets: u8,
    },
    /// Image Block Response without data.
    NoBlock(Status),
    /// Upgrade End Request.
    EndRequest(UpgradeEndRequest),
    /// Upgrade End Response.
    EndResponse(UpgradeEndResponse),
}

impl OtaHeard {
    fn of(command: &OtaCommand<'_>) -> Self {
        match *command {
            OtaCommand::ImageNotify(notify) => Self::ImageNotify(notify),
            OtaCommand::QueryNextImageRequest(query) => Self::Query(query),
            OtaCommand::QueryNextImageResponse(response) => Self::QueryResponse(response),
            OtaCommand::ImageBlockRequest(request) => Self::BlockRequest(request),
            OtaCommand::ImagePageRequest(_) => Self::PageRequest,
            OtaCommand::ImageBlockResponse(ImageBlockResponse::Block { image, offset, data }) => {
                Self::Block { image, offset, octets: u8::try_from(data.len()).unwrap_or(u8::MAX) }
            }
            OtaCommand::ImageBlockResponse(ImageBlockResponse::WaitForData { .. }) => {
                Self::NoBlock(Status::WAIT_FOR_DATA)
            }
            OtaCommand::ImageBlockResponse(ImageBlockResponse::Refused(status)) => Self::NoBlock(status),
            OtaCommand::UpgradeEndRequest(request) => Self::EndRequest(request),
            OtaCommand::UpgradeEndResponse(response) => Self::EndResponse(response),
        }
    }
}

impl fmt::Display for OtaHeard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ImageNotify(notify) => OtaCommand::ImageNotify(notify).fmt(f),
            Self::Query(query) => OtaCommand::QueryNextImageRequest(query).fmt(f),
            Self::QueryResponse(response) => OtaCommand::QueryNextImageResponse(response).fmt(f),
            Self::BlockRequest(request) => OtaCommand::ImageBlockRequest(request).fmt(f),
            Self::PageRequest => f.write_str("Image Page Request"),
            Self::Block { image, offset, octets } => {
                write!(f, "Image Block Response: {image}, offset {offset}, {octets} octets")
            }
            Self::NoBlock(status) => write!(f, "Image Block Response: {status}"),
            Self::EndRequest(request) => OtaCommand::UpgradeEndRequest(request).fmt(f),
            Self::EndResponse(response) => OtaCommand::UpgradeEndResponse(response).fmt(f),
        }
    }
}

impl Sighting for AirSighting {
    fn at(&self) -> Instant {
        self.at
    }

    fn observation(&self) -> Observation {
        let what = match &self.heard {
            Heard::Ota(_, command) => command.to_string(),
            Heard::OtaDefaultResponse(response) => {
                format!("Default Response to OTA command {:#04x}: {}", response.command, response.status)
            }
            Heard::Gbcs(envelope) => envelope.message().to_string(),
            Heard::TunnelOpen => "tunnel open".to_owned(),
            Heard::Garbled(why) => why.clone(),
        };
        let destination = self.destination.map_or_else(|| "everyone".to_owned(), |eui| eui.to_string());
        Observation {
            at_us: self.at.as_micros(),
            link: "air".to_owned(),
            summary: format!("{} -> {destination}: {what}", self.source),
            reference: Some(format!("air.pcapng frame {}", self.frame)),
        }
    }
}

/// Turns captured frames into sightings.
#[derive(Debug)]
pub struct AirObserver {
    dissector: Dissector,
    /// The last NWK frame counter of each sender: a frame that the MAC repeats is one sighting, not two.
    counters: BTreeMap<Eui64, u32>,
}

impl AirObserver {
    /// An observer that decrypts with `keys`.
    pub const fn new(keys: KeyRing) -> Self {
        Self { dissector: Dissector::new(keys), counters: BTreeMap::new() }
    }

    /// Takes the next frame that the sniffer heard.
    pub fn on_frame(&mut self, frame: &SniffedFrame, seen: &mut Observations) {
        seen.frames += 1;
        let dissection = self.dissector.dissect(&frame.psdu);
        if let Some(stopped) = dissection.stopped {
            let frame = seen.frames;
            seen.undecoded.note(|| format!("air.pcapng frame {frame}, {stopped}"));
            seen.revision += 1;
            return;
        }
        if let (Some(aps), Some(from)) = (&dissection.aps, dissection.source)
            && matches!(aps.header.kind, ApsKind::Ack(_))
        {
            seen.acknowledgements.push(ApsAcknowledgement { from, counter: aps.header.counter });
        }
        if let Some(sighting) = self.sighting(frame, &dissection, seen) {
            seen.air.push(sighting);
            seen.revision += 1;
        }
    }

    fn sighting(
        &mut self,
        frame: &SniffedFrame,
        dissection: &Dissection,
        seen: &mut Observations,
    ) -> Option<AirSighting> {
        let (addressing, asdu) = dissection.message()?;
        let counter = dissection.nwk.as_ref()?.security.as_ref()?.frame_counter;
        let source = dissection.source?;
        if self.counters.insert(source, counter).is_some_and(|last| counter <= last) {
            return None;
        }
        let heard = match addressing.cluster {
            ota::CLUSTER => Self::ota(source, dissection.destination, asdu, seen),
            tunneling::CLUSTER => Self::tunnel(asdu)?,
            _ => return None,
        };
        Some(AirSighting {
            at: frame.at,
            frame: seen.frames,
            source,
            destination: dissection.destination,
            link_key: dissection.aps.as_ref().is_some_and(|aps| aps.security.is_some()),
            heard,
        })
    }

    fn ota(source: Eui64, destination: Option<Eui64>, asdu: &[u8], seen: &mut Observations) -> Heard {
        let (header, payload) = match ZclHeader::parse(asdu) {
            Ok(parsed) => parsed,
            Err(error) => return Heard::Garbled(error.to_string()),
        };
        if header.frame_type == FrameType::Global {
            return match header.command {
                global::DEFAULT_RESPONSE => match DefaultResponse::parse(payload) {
                    Ok(response) => Heard::OtaDefaultResponse(response),
                    Err(error) => Heard::Garbled(error.to_string()),
                },
                other => Heard::Garbled(format!("global command {other:#04x} on the OTA Upgrade Cluster")),
            };
        }
        match OtaCommand::parse(header.command, payload) {
            Ok(command) => {
                if let Some(device) = destination {
                    note_image(device, &command, seen);
                }
                if command.direction() == header.direction {
                    Heard::Ota(header.sequence, OtaHeard::of(&command))
                } else {
                    Heard::Garbled(format!("{} of {source} in the wrong direction", command.name()))
                }
            }
            Err(error) => Heard::Garbled(error.to_string()),
        }
    }

    fn tunnel(asdu: &[u8]) -> Option<Heard> {
        let parsed = ZclHeader::parse(asdu).and_then(|(header, payload)| TunnelCommand::parse(&header, payload));
        match parsed {
            Ok(TunnelCommand::TransferData { data, .. }) => Some(match Envelope::parse(data) {
                Ok(envelope) => Heard::Gbcs(Box::new(envelope)),
                Err(error) => Heard::Garbled(error.to_string()),
            }),
            Ok(TunnelCommand::RequestTunnelResponse { status: tunneling::TunnelStatus::Success, .. }) => {
                Some(Heard::TunnelOpen)
            }
            Ok(_) => None,
            Err(error) => Some(Heard::Garbled(error.to_string())),
        }
    }
}

/// Puts together the image that `device` fetches.
fn note_image(device: Eui64, command: &OtaCommand<'_>, seen: &mut Observations) {
    match *command {
        OtaCommand::QueryNextImageResponse(QueryNextImageResponse::Offer { image, size }) => {
            let images = seen.fetched.entry(device).or_default();
            let name = image.to_string();
            // An offer repeated while the transfer goes on is the same transfer.
            if images.last().is_none_or(|last| last.name != name || last.size != size || last.is_whole()) {
                images.push(ImageSeen::new(name, size));
            }
        }
        OtaCommand::ImageBlockResponse(ImageBlockResponse::Block { image, offset, data }) => {
            let images = seen.fetched.entry(device).or_default();
            let name = image.to_string();
            if let Some(fetched) = images.iter_mut().rev().find(|fetched| fetched.name == name) {
                fetched.add(offset, data);
            }
        }
        _ => {}
    }
}

impl AirSighting {
    /// Whether it is a block of an image.
    pub const fn is_block(&self) -> bool {
        matches!(self.heard, Heard::Ota(_, OtaHeard::Block { .. }))
    }

    /// Whether it tells that a tunnel is open.
    pub const fn is_tunnel_open(&self) -> bool {
        matches!(self.heard, Heard::TunnelOpen)
    }
}
