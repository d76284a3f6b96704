//! What went over the WAN link between a CSP and a hub, decoded from its octets.

use super::{ImageSeen, Observations, Sighting};
use hanrig_reports::Observation;
use hanrig_wire::gbcs::Envelope;
use hanrig_wire::hdlc::Decoder;
use hanrig_wire::time::Instant;
use hanrig_wire::wan::{MAXIMUM_FRAME_LENGTH, WanFrame, WanMessage};

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WanDirection {
    /// From the CSP to the hub.
    ToHub,
    /// From the hub to the CSP.
    FromHub,
}

/// One frame on the WAN link. Acknowledgements and repeated frames are in the transcript, not here.
#[derive(Clone, Debug)]
pub struct WanSighting {
    /// When it was sent.
    pub at: Instant,
    /// Which way.
    pub direction: WanDirection,
    /// Its line in the transcript, from 1.
    pub line: u64,
    /// What it said. The octets of ImageData are left out: see [`Observations::delivered`].
    pub message: WanMessage,
    /// The GBCS message that it carried.
    pub gbcs: Option<Box<Envelope>>,
}

impl Sighting for WanSighting {
    fn at(&self) -> Instant {
        self.at
    }

    fn observation(&self) -> Observation {
        let direction = match self.direction {
            WanDirection::ToHub => "CSP -> hub",
            WanDirection::FromHub => "hub -> CSP",
        };
        let what = match &self.gbcs {
            Some(envelope) => envelope.message().to_string(),
            None => self.message.to_string(),
        };
        Observation {
            at_us: self.at.as_micros(),
            link: "wan".to_owned(),
            summary: format!("{direction}: {what}"),
            reference: Some(format!("wan.jsonl line {}", self.line)),
        }
    }
}

/// A frame as it was decoded on the link.
#[derive(Debug)]
pub struct Decoded {
    /// The frame's octets between its flags, unescaped; empty where there was no frame.
    pub octets: Vec<u8>,
    /// What it is, for a person.
    pub summary: String,
}

/// Decodes one direction of the link.
#[derive(Debug)]
pub struct WanObserver {
    direction: WanDirection,
    decoder: Decoder,
    last: Option<u16>,
}

impl WanObserver {
    /// An observer of one direction.
    pub const fn new(direction: WanDirection) -> Self {
        Self { direction, decoder: Decoder::new(MAXIMUM_FRAME_LENGTH), last: None }
    }

    /// Takes octets as they were sent, and calls `transcribe` for each frame: it says which line of the transcript that is.
    pub fn on_octets(
        &mut self,
        at: Instant,
        octets: &[u8],
        seen: &mut Observations,
        mut transcribe: impl FnMut(WanDirection, &Decoded) -> u64,
    ) {
        for octet in octets {
            let Some(frame) = self.decoder.push(*octet) else { continue };
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => {
                    let line = transcribe(self.direction, &Decoded { octets: Vec::new(), summary: error.to_string() });
                    seen.undecoded.note(|| format!("wan.jsonl line {line}, {error}"));
                    continue;
                }
            };
            match WanFrame::parse(&frame) {
                Ok(parsed) => {
                    let summary = parsed.to_string();
                    let line = transcribe(self.direction, &Decoded { octets: frame, summary });
                    self.on_frame(at, line, parsed, seen);
                }
                Err(error) => {
                    let line = transcribe(self.direction, &Decoded { octets: frame, summary: error.to_string() });
                    seen.undecoded.note(|| format!("wan.jsonl line {line}, {error}"));
                }
            }
        }
    }

    fn on_frame(&mut self, at: Instant, line: u64, frame: WanFrame, seen: &mut Observations) {
        if matches!(frame.message, WanMessage::Ack { .. }) || self.last.replace(frame.sequence) == Some(frame.sequence)
        {
            return;
        }
        let mut message = frame.message;
        let mut gbcs = None;
        match &mut message {
            WanMessage::ImageBegin { transfer, size, .. } => {
                let name = format!("transfer {transfer}");
                seen.delivered.entry(*transfer).or_insert_with(|| ImageSeen::new(name, *size));
            }
            WanMessage::ImageData { transfer, offset, octets } => {
                if let Some(image) = seen.delivered.get_mut(transfer) {
                    image.add(*offset, octets);
                }
                octets.clear();
            }
            WanMessage::Gbcs { octets } => gbcs = Envelope::parse(octets).ok().map(Box::new),
            _ => {}
        }
        seen.wan.push(WanSighting { at, direction: self.direction, line, message, gbcs });
        seen.revision += 1;
    }
}
