//! Frames that are none, and messages that no specification has.

use super::blocks::covered;
use super::hostile::{
    How, REQUESTS, answer_requests, attacker, block, forge, free_sequence, is_through, send, were_taken,
};
use crate::rig::observe::Observations;
use crate::rig::participants::seed_for;
use crate::runner::{StepError, StepResult};
use crate::world::{Named, Node, RigScenario};
use cucumber::{Parameter, when};
use hanrig_wire::mac::{self, Address, AssociationStatus, FrameType, MacCommand, MacHeader};
use hanrig_wire::time::Duration;
use hanrig_wire::types::FirmwareVersion;
use hanrig_wire::zcl::Status;
use hanrig_wire::zcl::ota::{ImageBlockRequest, ImageId, OtaCommand, QueryNextImageRequest, UpgradeEndRequest};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use std::str::FromStr;

/// The pause after a frame: hub and Devices go on with what they do meanwhile.
const PAUSE: Duration = Duration::from_millis(25);
/// The fewest octets that a radio sends.
const SHORTEST: usize = 3;

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(
    name = "oddity",
    regex = "octets at random|cut short|damaged|as long as a frame can be|of kinds that nobody knows|MAC commands and acknowledgements that nobody waits for"
)]
pub(super) enum Oddity {
    /// Random octets under a right frame check sequence.
    Random,
    /// What was heard, up to some octet, under a right frame check sequence.
    CutShort,
    /// What was heard with some octets changed: the frame check sequence is right, or not.
    Damaged,
    /// 127 octets, of which the headers are right.
    Longest,
    /// Reserved frame types, addressing modes and versions.
    Unknown,
    /// Acknowledgements, association responses, beacons.
    Unasked,
}

impl FromStr for Oddity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "octets at random" => Ok(Self::Random),
            "cut short" => Ok(Self::CutShort),
            "damaged" => Ok(Self::Damaged),
            "as long as a frame can be" => Ok(Self::Longest),
            "of kinds that nobody knows" => Ok(Self::Unknown),
            "MAC commands and acknowledgements that nobody waits for" => Ok(Self::Unasked),
            _ => Err(format!("{text:?} is nothing that can be wrong with a frame")),
        }
    }
}

fn rng(world: &RigScenario) -> Result<ChaCha8Rng, StepError> {
    Ok(ChaCha8Rng::from_seed(seed_for(world.seed()?, "attacker")))
}

/// A number from 0 to `below`, less than it.
fn draw(rng: &mut ChaCha8Rng, below: usize) -> usize {
    rng.next_u32() as usize % below.max(1)
}

fn octets(rng: &mut ChaCha8Rng, count: usize) -> Vec<u8> {
    let mut octets = vec![0; count];
    rng.fill_bytes(&mut octets);
    octets
}

/// The next odd frame for the node with this short address in this PAN; `heard` are frames that were on the air.
fn odd(rng: &mut ChaCha8Rng, oddity: Oddity, (pan_id, to): (u16, u16), heard: &[u8]) -> Vec<u8> {
    let sequence = rng.next_u32() as u8;
    let header = |frame_type, source| MacHeader::within(frame_type, sequence, pan_id, Address::Short(to), source);
    let mut frame = Vec::new();
    match oddity {
        Oddity::Random => {
            let length = draw(rng, mac::MAX_FRAME - mac::FCS_LEN) + 1;
            frame = octets(rng, length);
        }
        Oddity::CutShort => frame.extend_from_slice(&heard[..draw(rng, heard.len().saturating_sub(2)).max(1)]),
        Oddity::Damaged => {
            frame.extend_from_slice(heard);
            // Before the frame check sequence, or the sniffer could not tell it from the frame that it is a copy of.
            let content = frame.len().saturating_sub(mac::FCS_LEN);
            let mut places: Vec<_> = (0..=draw(rng, 4)).map(|_| draw(rng, content)).collect();
            places.sort_unstable();
            places.dedup();
            for place in places {
                if let Some(octet) = frame.get_mut(place) {
                    *octet ^= rng.next_u32() as u8 | 1;
                }
            }
            if rng.next_u32() & 1 == 0 {
                // As it would come off a bad air: the frame check sequence tells.
                return frame;
            }
            frame.truncate(frame.len().saturating_sub(mac::FCS_LEN));
        }
        Oddity::Longest => {
            header(FrameType::Data, Address::Short(0)).emit(&mut frame);
            let rest = mac::MAX_FRAME - mac::FCS_LEN - frame.len();
            frame.extend(octets(rng, rest));
        }
        Oddity::Unknown => {
            header(FrameType::Data, Address::Short(0)).emit(&mut frame);
            // Frame types 4 to 7 and addressing mode 1 are reserved, versions 2 and 3 of later standards.
            let control = [frame[0] | 0x04, frame[0] & !7 | 0x05][draw(rng, 2)];
            frame[0] = if rng.next_u32() & 1 == 0 { control } else { frame[0] };
            frame[1] = rng.next_u32() as u8;
            let rest = draw(rng, 60);
            frame.extend(octets(rng, rest));
        }
        Oddity::Unasked => match draw(rng, 3) {
            0 => MacHeader::ack(sequence, true).emit(&mut frame),
            1 => {
                header(FrameType::Command, Address::Short(0)).emit(&mut frame);
                let short = rng.next_u32() as u16;
                MacCommand::AssociationResponse { short, status: AssociationStatus::Success }.emit(&mut frame);
            }
            _ => {
                let beacon = MacHeader {
                    destination_pan: None,
                    pan_id_compression: false,
                    ack_request: false,
                    ..header(FrameType::Beacon, Address::Short(0))
                };
                MacHeader { destination: Address::None, ..beacon }.emit(&mut frame);
                let rest = draw(rng, 30);
                frame.extend(octets(rng, rest));
            }
        },
    }
    frame.truncate(mac::MAX_FRAME - mac::FCS_LEN);
    mac::append_fcs(&mut frame);
    frame
}

#[when(expr = "somebody sends the {node} {int} frames: {oddity}")]
async fn odd_frames(world: &mut RigScenario, node: Node, count: usize, oddity: Oddity) -> StepResult {
    let eui = super::disturbance::eui_of(world, node)?;
    let mut rng = rng(world)?;
    let pan_id = world.bench()?.network.pan_id;
    for _ in 0..count {
        let known = attacker(world)?;
        let short = known.short_of(eui);
        world.attacker = Some(known);
        let short = short.ok_or_else(|| StepError::inconclusive(format!("{eui} was never heard")))?;
        let overheard = &world.seen()?.overheard;
        let heard = overheard.get(draw(&mut rng, overheard.len())).map(|frame| frame.octets.to_vec());
        let frame = odd(&mut rng, oddity, (pan_id, short), &heard.unwrap_or_default());
        if frame.len() >= SHORTEST {
            world.in_motion()?.inject(frame, true)?;
        }
        world.let_pass(PAUSE).await?;
    }
    Ok(())
}

/// What is wrong with a ZCL frame that is secured as it ought to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(name = "odd_zcl", regex = "cut short|at random|longer than it says")]
pub(super) enum OddZcl {
    CutShort,
    Random,
    TooLong,
}

impl FromStr for OddZcl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cut short" => Ok(Self::CutShort),
            "at random" => Ok(Self::Random),
            "longer than it says" => Ok(Self::TooLong),
            _ => Err(format!("{text:?} is nothing that can be wrong with a ZCL frame")),
        }
    }
}

#[when(
    expr = "somebody answers {int} Image Block Requests of the {device} with the right keys and ZCL that is {odd_zcl}"
)]
async fn odd_answers(world: &mut RigScenario, count: usize, named: Named, what: OddZcl) -> StepResult {
    let rng = core::cell::RefCell::new(rng(world)?);
    let image = world.release()?.octets().to_vec();
    answer_requests(world, (How::RIGHT_KEYS, named, count), |sequence, request| {
        let rng = &mut *rng.borrow_mut();
        let data = octets(rng, usize::from(request.maximum_data_size));
        let mut zcl = block(sequence, request.image, request.offset, &data);
        match what {
            OddZcl::CutShort => zcl.truncate(draw(rng, zcl.len())),
            OddZcl::Random => {
                let length = draw(rng, zcl.len()) + 1;
                zcl = octets(rng, length);
            }
            OddZcl::TooLong => {
                // Octets of the image, fewer than were asked for, as a server may send; and more behind them. A Device
                // may take such a block or leave it, so what it has to say must be right.
                let start = usize::try_from(request.offset).unwrap_or(usize::MAX);
                let length = usize::from(request.maximum_data_size / 2);
                let right: Vec<u8> = image.iter().skip(start).take(length).copied().collect();
                zcl = block(sequence, request.image, request.offset, &right);
                let more = draw(rng, length) + 1;
                zcl.extend(octets(rng, more));
            }
        }
        zcl
    })
    .await?;
    were_taken(world).await
}

/// The octets of a ZCL header that names no manufacturer.
const ZCL_HEADER: usize = 3;

/// A request of a Device's that runs `runs` and fetches `image`, and what is wrong with it.
fn odd_request(
    rng: &mut ChaCha8Rng,
    what: OddZcl,
    (turn, sequence): (usize, u8),
    (runs, image): (FirmwareVersion, ImageId),
) -> Vec<u8> {
    let current = ImageId { file_version: runs, ..image };
    let query = OtaCommand::QueryNextImageRequest(QueryNextImageRequest { current, hardware_version: None });
    let block = OtaCommand::ImageBlockRequest(ImageBlockRequest {
        image,
        offset: 0,
        maximum_data_size: 48,
        node_address: None,
        minimum_block_period: None,
    });
    let end = OtaCommand::UpgradeEndRequest(UpgradeEndRequest { status: Status::SUCCESS, image });
    match what {
        OddZcl::CutShort => {
            let mut zcl = [end, query, block][turn % 3].frame(sequence);
            // The status at least is there: a server must not take that for the end of the transfer.
            let rest = zcl.len() - ZCL_HEADER - 1;
            zcl.truncate(ZCL_HEADER + 1 + draw(rng, rest));
            zcl
        }
        OddZcl::Random => {
            let length = draw(rng, block.frame(sequence).len()) + 1;
            octets(rng, length)
        }
        OddZcl::TooLong => {
            // A server may take these all the same; the end of a transfer is not among them for that.
            let mut zcl = [query, block][turn % 2].frame(sequence);
            let more = draw(rng, 20) + 1;
            zcl.extend(octets(rng, more));
            zcl
        }
    }
}

#[when(
    expr = "somebody sends the hub {int} OTA requests in the {device}'s name with the right keys and ZCL that is {odd_zcl}"
)]
async fn odd_requests(world: &mut RigScenario, count: usize, named: Named, what: OddZcl) -> StepResult {
    let image = world.release()?.image;
    let (device, runs) = (world.device(named)?.eui, world.device(named)?.firmware_version);
    let block_size = world.device(named)?.block_size;
    let mut rng = rng(world)?;
    for turn in 0..count {
        // After an answer: what is forged takes up the counter of the Device's next request, which comes again later.
        let fetched = |seen: &Observations| covered(seen, device, image);
        let next = fetched(world.seen()?) + 1;
        let driver = world.in_motion()?;
        if !driver.run_until_fetched(device, driver.now() + REQUESTS, (next, block_size), &fetched).await? {
            if is_through(world, device)? {
                return Err(StepError::inconclusive(format!(
                    "the {named} had the whole image after {turn} of {count} such requests"
                )));
            }
            return Err(StepError::fail(format!(
                "expected the hub to serve the {named} on, observed that it has served no more after {turn} such requests"
            )));
        }
        // What is sent before the Device has acknowledged the answer costs both.
        world.let_pass(PAUSE).await?;
        let sequence = free_sequence(world, device)?;
        let zcl = odd_request(&mut rng, what, (turn, sequence), (runs, image));
        let frame = forge(world, How::RIGHT_KEYS, device, true, &zcl)?;
        send(world, frame, true).await?;
    }
    were_taken(world).await
}
