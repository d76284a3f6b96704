//! The protocol that probe-rs speaks to a Glasgow Interface Explorer with the `probe-rs` applet.
//!
//! Packets are COBS frames that end in a zero octet. The first octet of a packet names the target (root or SWD), the
//! rest is appended to that target's stream of commands; answers go the same way back. Each command has a fixed length,
//! so a stream is cut without knowing what the commands mean.

/// Target number of the probe itself.
pub(crate) const ROOT: u8 = 0;
/// Target number of the SWD port.
pub(crate) const SWD: u8 = 1;

/// The longest packet that is taken, encoded. probe-rs sends 1 KiB of memory at most, which is 1280 octets of commands.
const MAX_FRAME: usize = 1 << 20;

/// A command to the probe itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RootCommand {
    Identify,
    GetReferenceClock,
    GetDivisor,
    SetDivisor(u16),
    AssertReset,
    ClearReset,
}

/// A command to the SWD port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SwdCommand {
    /// Drives `len` bits, lowest first.
    Sequence { len: u8, bits: u32 },
    /// Reads a register; `address` is 0, 4, 8 or 12.
    Read { ap: bool, address: u8 },
    /// Writes a register.
    Write { ap: bool, address: u8, value: u32 },
}

/// What the SWD port answers to a transfer. A sequence is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SwdResponse {
    /// A value that was read.
    Data(u32),
    /// A write that was taken.
    Ok,
    /// The debug port answered FAULT.
    Fault,
    /// No valid acknowledgement: nothing answers on the wire.
    Error,
}

impl SwdResponse {
    /// Appends the response as it goes over the wire.
    pub(crate) fn emit(self, out: &mut Vec<u8>) {
        match self {
            Self::Data(value) => {
                out.push(0x01);
                out.extend(value.to_le_bytes());
            }
            Self::Ok => out.push(0x11),
            Self::Fault => out.push(0x14),
            Self::Error => out.push(0x20),
        }
    }
}

/// The stream cannot be understood any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    #[error("a frame of more than {MAX_FRAME} octets")]
    FrameTooLong,
    #[error("a frame that is not COBS")]
    NotCobs,
    #[error("a packet for target {0}, expected 0 (root) or 1 (SWD)")]
    Target(u8),
    #[error("an empty packet")]
    Empty,
    #[error("command {0:#04x} to the probe, expected one of applet probe-rs,v01")]
    RootCommand(u8),
}

/// Takes the first whole packet out of `input`: target and content.
pub(crate) fn take_packet(input: &mut Vec<u8>) -> Result<Option<(u8, Vec<u8>)>, WireError> {
    let Some(end) = input.iter().position(|octet| *octet == 0) else {
        return if input.len() > MAX_FRAME { Err(WireError::FrameTooLong) } else { Ok(None) };
    };
    let frame: Vec<u8> = input.drain(..=end).collect();
    let packet = cobs::decode_vec(frame.get(..end).unwrap_or_default()).map_err(|_| WireError::NotCobs)?;
    match packet.split_first() {
        None => Err(WireError::Empty),
        Some((target @ (&ROOT | &SWD), content)) => Ok(Some((*target, content.to_vec()))),
        Some((target, _)) => Err(WireError::Target(*target)),
    }
}

/// Appends a packet to `target` with `content` to `out`, unless there is nothing to say.
pub(crate) fn emit_packet(target: u8, content: &[u8], out: &mut Vec<u8>) {
    if !content.is_empty() {
        let mut packet = Vec::with_capacity(content.len() + 1);
        packet.push(target);
        packet.extend_from_slice(content);
        out.extend(cobs::encode_vec(&packet));
        out.push(0);
    }
}

/// Takes the first whole command to the probe itself out of `stream`.
pub(crate) fn take_root(stream: &mut Vec<u8>) -> Result<Option<RootCommand>, WireError> {
    let (command, length) = match stream.as_slice() {
        [] | [0x12] | [0x12, _] => return Ok(None),
        [0x00, ..] => (RootCommand::Identify, 1),
        [0x10, ..] => (RootCommand::GetReferenceClock, 1),
        [0x11, ..] => (RootCommand::GetDivisor, 1),
        [0x12, low, high, ..] => (RootCommand::SetDivisor(u16::from_le_bytes([*low, *high])), 3),
        [0x20, ..] => (RootCommand::AssertReset, 1),
        [0x21, ..] => (RootCommand::ClearReset, 1),
        [other, ..] => return Err(WireError::RootCommand(*other)),
    };
    stream.drain(..length);
    Ok(Some(command))
}

/// Takes all whole commands to the SWD port out of `stream`; the rest stays.
pub(crate) fn take_swd(stream: &mut Vec<u8>) -> Vec<SwdCommand> {
    let mut commands = Vec::new();
    let mut rest = stream.as_slice();
    loop {
        let (command, after) = match rest {
            [head, a, b, c, d, after @ ..] if head & 0x20 != 0 => {
                let len = if head & 0x1F == 0 { 32 } else { head & 0x1F };
                (SwdCommand::Sequence { len, bits: u32::from_le_bytes([*a, *b, *c, *d]) }, after)
            }
            [head, after @ ..] if head & 0x22 == 0x02 => {
                (SwdCommand::Read { ap: head & 1 != 0, address: head & 0x0C }, after)
            }
            [head, a, b, c, d, after @ ..] if head & 0x22 == 0 => {
                let value = u32::from_le_bytes([*a, *b, *c, *d]);
                (SwdCommand::Write { ap: head & 1 != 0, address: head & 0x0C, value }, after)
            }
            _ => break,
        };
        commands.push(command);
        rest = after;
    }
    let used = stream.len() - rest.len();
    stream.drain(..used);
    commands
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        ROOT, RootCommand, SWD, SwdCommand, SwdResponse, WireError, emit_packet, take_packet, take_root, take_swd,
    };

    #[test]
    fn commands_are_cut_at_their_lengths() {
        // Read DP 0, write AP 4, 19 bits, and the first two octets of another write.
        let mut stream = vec![0x02, 0x05, 0x78, 0x56, 0x34, 0x12, 0x33, 0xFF, 0xFF, 0x07, 0x00, 0x0D, 0x01];
        assert_eq!(
            take_swd(&mut stream),
            [
                SwdCommand::Read { ap: false, address: 0 },
                SwdCommand::Write { ap: true, address: 4, value: 0x1234_5678 },
                SwdCommand::Sequence { len: 19, bits: 0x0007_FFFF },
            ]
        );
        assert_eq!(stream, [0x0D, 0x01]);
    }

    #[test]
    fn a_length_of_zero_is_32_bits() {
        let mut stream = vec![0x20, 1, 2, 3, 4];
        assert_eq!(take_swd(&mut stream), [SwdCommand::Sequence { len: 32, bits: 0x0403_0201 }]);
    }

    #[test]
    fn a_divisor_in_two_packets_is_one_command() {
        let mut stream = vec![0x12, 0x0B];
        assert_eq!(take_root(&mut stream), Ok(None));
        stream.extend([0x00, 0x11]);
        assert_eq!(take_root(&mut stream), Ok(Some(RootCommand::SetDivisor(11))));
        assert_eq!(take_root(&mut stream), Ok(Some(RootCommand::GetDivisor)));
        assert_eq!(take_root(&mut vec![0x99]), Err(WireError::RootCommand(0x99)));
    }

    #[test]
    fn responses_have_the_applet_s_layout() {
        let mut out = Vec::new();
        for response in [SwdResponse::Data(0x0403_0201), SwdResponse::Ok, SwdResponse::Fault, SwdResponse::Error] {
            response.emit(&mut out);
        }
        assert_eq!(out, [0x01, 1, 2, 3, 4, 0x11, 0x14, 0x20]);
    }

    proptest! {
        #[test]
        fn packets_round_trip(target in ROOT..=SWD, content in prop::collection::vec(any::<u8>(), 1..700)) {
            let mut wire = Vec::new();
            emit_packet(target, &content, &mut wire);
            prop_assert_eq!(take_packet(&mut wire), Ok(Some((target, content))));
            prop_assert!(wire.is_empty());
        }

        #[test]
        fn random_octets_do_no_harm(mut data: Vec<u8>) {
            while let Ok(Some((_, mut content))) = take_packet(&mut data) {
                take_swd(&mut content);
                while let Ok(Some(_)) = take_root(&mut content) {}
            }
        }
    }
}
