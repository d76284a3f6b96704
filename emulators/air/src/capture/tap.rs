//! The TAP header before a frame: link type 283 (LINKTYPE_IEEE802_15_4_TAP).
//!
//! Version, a reserved octet, the length of header and TLVs in 16 bits; then TLVs of type and length in 16 bits each and
//! the value, padded to a multiple of four octets. All little-endian.

/// FCS type: one octet.
const FCS_TYPE: u16 = 0;
/// Received signal strength: a 32-bit float, in dBm.
const RSS: u16 = 1;
/// Channel assignment: channel number in 16 bits, channel page in one octet.
const CHANNEL: u16 = 3;
/// Link quality indicator: one octet.
const LQI: u16 = 10;

/// What follows the frame's last octet of payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fcs {
    None,
    Crc16,
}

/// What is wrong with a header: (offset, what was expected there).
pub(super) type TapError = (usize, &'static str);

/// The fields of a TAP header that are made use of here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    pub(super) fcs: Fcs,
    pub(super) rssi: Option<i8>,
    /// Channel number and channel page.
    pub(super) channel: Option<(u8, u8)>,
    pub(super) lqi: Option<u8>,
}

impl Tap {
    pub(super) fn emit(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend([0, 0, 0, 0]);
        let mut tlv = |kind: u16, value: &[u8]| {
            out.extend(kind.to_le_bytes());
            out.extend((value.len() as u16).to_le_bytes());
            out.extend(value);
            let padded = (out.len() - start).next_multiple_of(4);
            out.resize(start + padded, 0);
        };
        tlv(FCS_TYPE, &[u8::from(self.fcs == Fcs::Crc16)]);
        if let Some(rssi) = self.rssi {
            tlv(RSS, &f32::from(rssi).to_le_bytes());
        }
        if let Some((channel, page)) = self.channel {
            tlv(CHANNEL, &[channel, 0, page]);
        }
        if let Some(lqi) = self.lqi {
            tlv(LQI, &[lqi]);
        }
        let length = ((out.len() - start) as u16).to_le_bytes();
        if let Some(field) = out.get_mut(start + 2..start + 4) {
            field.copy_from_slice(&length);
        }
    }

    /// The header and what follows it.
    pub(super) fn parse(packet: &[u8]) -> Result<(Self, &[u8]), TapError> {
        let Some(&[version, _, low, high]) = packet.first_chunk::<4>() else { return Err((0, "4 octets of header")) };
        if version != 0 {
            return Err((0, "version 0"));
        }
        let length = usize::from(u16::from_le_bytes([low, high]));
        let (Some(mut tlvs), Some(frame)) = (packet.get(4..length), packet.get(length..)) else {
            return Err((2, "a length of at least 4 and at most that of the packet"));
        };
        let mut tap = Self { fcs: Fcs::None, rssi: None, channel: None, lqi: None };
        while !tlvs.is_empty() {
            let offset = length - tlvs.len();
            let Some((&[t0, t1, l0, l1], rest)) = tlvs.split_first_chunk::<4>() else {
                return Err((offset, "4 octets of type and length"));
            };
            let octets = usize::from(u16::from_le_bytes([l0, l1]));
            let (Some(value), Some(next)) = (rest.get(..octets), rest.get(octets.next_multiple_of(4)..)) else {
                return Err((offset + 2, "a length that the header has room for"));
            };
            tap.take(u16::from_le_bytes([t0, t1]), value).map_err(|expected| (offset + 4, expected))?;
            tlvs = next;
        }
        Ok((tap, frame))
    }

    fn take(&mut self, kind: u16, value: &[u8]) -> Result<(), &'static str> {
        match kind {
            FCS_TYPE => {
                self.fcs = match value {
                    [0] => Fcs::None,
                    [1] => Fcs::Crc16,
                    _ => return Err("FCS type 0 (none) or 1 (16-bit)"),
                }
            }
            RSS => {
                let value = value.try_into().map_err(|_| "a signal strength of 4 octets")?;
                // The cast saturates, and makes zero of what is not a number.
                self.rssi = Some(f32::from_le_bytes(value).round() as i8);
            }
            CHANNEL => {
                let &[low, 0, page] = value else { return Err("a channel of 3 octets, numbered 0 to 255") };
                self.channel = Some((low, page));
            }
            LQI => {
                let &[lqi] = value else { return Err("an LQI of 1 octet") };
                self.lqi = Some(lqi);
            }
            _ => {}
        }
        Ok(())
    }
}
