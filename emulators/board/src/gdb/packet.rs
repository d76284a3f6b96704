//! Packets of the GDB remote serial protocol: framing, checksum, and the escapes of a reply.
//!
//! Only what QEMU's stub uses: `$data#checksum`, `}` escapes and `*` run lengths in replies. A packet is at most
//! [`MAX_PACKET`] octets, so that a peer that is no gdbstub cannot make the reader keep everything it sends.

/// The longest packet that is accepted, in octets.
pub(crate) const MAX_PACKET: usize = 1 << 20;

/// Wraps a command as a packet.
pub(crate) fn encode(command: &[u8]) -> Vec<u8> {
    let sum = command.iter().fold(0u8, |sum, octet| sum.wrapping_add(*octet));
    let mut packet = Vec::with_capacity(command.len() + 4);
    packet.push(b'$');
    packet.extend_from_slice(command);
    packet.push(b'#');
    packet.extend_from_slice(&hex_octet(sum));
    packet
}

/// Takes the first whole packet out of `buffer`, or `None` when there is none yet.
///
/// What precedes a packet (acknowledgements, noise) is dropped. `Some(Err(()))` is a packet with a wrong checksum or one
/// that is too long; it is dropped too.
pub(crate) fn take(buffer: &mut Vec<u8>) -> Option<Result<Vec<u8>, ()>> {
    let Some(start) = buffer.iter().position(|octet| *octet == b'$') else {
        buffer.clear();
        return None;
    };
    buffer.drain(..start);
    let Some(end) = buffer.iter().position(|octet| *octet == b'#') else {
        if buffer.len() > MAX_PACKET {
            buffer.clear();
            return Some(Err(()));
        }
        return None;
    };
    let [high, low] = [*buffer.get(end + 1)?, *buffer.get(end + 2)?];
    let body = buffer.get(1..end).unwrap_or_default();
    let sum = body.iter().fold(0u8, |sum, octet| sum.wrapping_add(*octet));
    let packet =
        if hex_octet(sum) == [high.to_ascii_lowercase(), low.to_ascii_lowercase()] { expand(body) } else { None };
    buffer.drain(..end + 3);
    Some(packet.ok_or(()))
}

/// Undoes escapes and run lengths. `None` when they make no sense, or too much.
fn expand(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut octets = body.iter().copied();
    while let Some(octet) = octets.next() {
        match octet {
            b'}' => out.push(octets.next()? ^ 0x20),
            b'*' => {
                let count = octets.next()?.checked_sub(29)?;
                let last = *out.last()?;
                out.extend(std::iter::repeat_n(last, count.into()));
            }
            _ => out.push(octet),
        }
        if out.len() > MAX_PACKET {
            return None;
        }
    }
    Some(out)
}

/// Lower-case hexadecimal of `data`.
pub(crate) fn to_hex(data: &[u8]) -> Vec<u8> {
    data.iter().flat_map(|octet| hex_octet(*octet)).collect()
}

/// Octets of a hexadecimal text, or `None` when it is not one.
pub(crate) fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some((nibble(*high)? << 4) | nibble(*low)?)).collect()
}

fn hex_octet(octet: u8) -> [u8; 2] {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    [digit(octet >> 4), digit(octet & 0x0F)]
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{encode, from_hex, take, to_hex};

    #[test]
    fn a_packet_has_its_checksum() {
        assert_eq!(encode(b"m0,4"), b"$m0,4#fd");
    }

    #[test]
    fn acknowledgements_before_a_packet_are_dropped() {
        let mut buffer = b"+++$OK#9a$T".to_vec();
        assert_eq!(take(&mut buffer), Some(Ok(b"OK".to_vec())));
        assert_eq!(take(&mut buffer), None);
        assert_eq!(buffer, b"$T");
    }

    #[test]
    fn a_wrong_checksum_is_told() {
        assert_eq!(take(&mut b"$OK#00".to_vec()), Some(Err(())));
    }

    #[test]
    fn run_lengths_and_escapes_are_undone() {
        let mut buffer = encode(b"0* x}\x03");
        assert_eq!(take(&mut buffer), Some(Ok(b"0000x#".to_vec())));
    }

    proptest! {
        #[test]
        fn hexadecimal_round_trips(data: Vec<u8>) {
            prop_assert_eq!(from_hex(&to_hex(&data)), Some(data));
        }

        #[test]
        fn random_octets_do_no_harm(mut data: Vec<u8>) {
            while take(&mut data).is_some() {}
        }
    }
}
