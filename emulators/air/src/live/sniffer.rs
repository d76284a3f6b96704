//! A virtual sniffer: the text protocol of the nRF Sniffer for 802.15.4.
//!
//! The host sends `sleep`, `channel 11` and `receive`, a line each. While it receives, the sniffer sends a line for each
//! frame on its channel whose frame check sequence is right:
//! `received: <hexadecimal, frame check sequence included> power: <dBm> lqi: <LQI> time: <µs>`, where the time is that of
//! the frame's last symbol on the sniffer's own clock, in 32 bits.

use super::outbox::Outbox;
use crate::frame::SniffedFrame;
use hanrig_wire::time::Instant;
use std::fmt::Write as _;

/// The longest line that is looked at.
const MAX_LINE: usize = 64;

#[derive(Debug)]
pub(super) struct Sniffer {
    channel: u8,
    receiving: bool,
    line: Vec<u8>,
    /// Lines that are no command.
    malformed: u64,
    /// A spell of dropping has begun.
    pub(super) overflowed: bool,
}

impl Sniffer {
    pub(super) const fn new() -> Self {
        Self { channel: 11, receiving: false, line: Vec::new(), malformed: 0, overflowed: false }
    }

    pub(super) const fn errors(&self) -> u64 {
        self.malformed
    }

    /// Back to how it starts.
    pub(super) fn boot(&mut self) {
        self.channel = 11;
        self.receiving = false;
        self.line.clear();
    }

    pub(super) fn on_octets(&mut self, octets: &[u8]) {
        for octet in octets {
            match octet {
                b'\r' | b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    self.command(&line);
                }
                // One more than is looked at: that it is too long stays known.
                octet if self.line.len() <= MAX_LINE => self.line.push(*octet),
                _ => {}
            }
        }
    }

    fn command(&mut self, line: &[u8]) {
        let words = std::str::from_utf8(line).unwrap_or("?");
        let mut words = words.split_ascii_whitespace();
        match (words.next(), words.next(), words.next()) {
            _ if line.len() > MAX_LINE => self.malformed += 1,
            (None, ..) => {}
            (Some("sleep"), None, None) => self.receiving = false,
            (Some("receive"), None, None) => self.receiving = true,
            (Some("channel"), Some(number), None) => match number.parse() {
                Ok(channel @ 11..=26) => self.channel = channel,
                _ => self.malformed += 1,
            },
            _ => self.malformed += 1,
        }
    }

    /// `end` is when the frame's last symbol arrived.
    pub(super) fn on_frame(&mut self, frame: &SniffedFrame, end: Instant, out: &mut Outbox) {
        if !self.receiving || (frame.page, frame.channel) != (0, self.channel) || !frame.fcs_ok {
            return;
        }
        let mut line = String::with_capacity(2 * frame.psdu.len() + 64);
        line.push_str("received: ");
        for octet in frame.psdu.iter() {
            // Writing to a text does not fail.
            let _ = write!(line, "{octet:02x}");
        }
        let time = end.as_micros() & u64::from(u32::MAX);
        let _ = write!(line, " power: {} lqi: {} time: {time}\r\n", frame.rssi, frame.lqi);
        self.overflowed |= out.push(line.into_bytes(), false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(channel: u8, fcs_ok: bool) -> SniffedFrame {
        let psdu = [0x02, 0x00, 0x2A, 0x0B, 0x5C][..].into();
        SniffedFrame { at: Instant(100), page: 0, channel, psdu, rssi: -63, lqi: 120, fcs_ok }
    }

    #[test]
    fn tells_frames_of_its_channel_while_it_receives() {
        let (mut sniffer, mut out) = (Sniffer::new(), Outbox::new(1000));
        let mut hear = |sniffer: &mut Sniffer, channel, fcs_ok| {
            sniffer.on_frame(&frame(channel, fcs_ok), Instant(0x1_0000_01C4), &mut out);
            out.pop(std::time::Instant::now()).map(|line| String::from_utf8(line).unwrap())
        };
        assert_eq!(hear(&mut sniffer, 11, true), None, "asleep at first");
        sniffer.on_octets(b"channel 12\r\nrece");
        sniffer.on_octets(b"ive\n");
        assert_eq!(hear(&mut sniffer, 11, true), None, "another channel");
        assert_eq!(hear(&mut sniffer, 12, false), None, "damaged");
        insta::assert_snapshot!(hear(&mut sniffer, 12, true).unwrap().trim(), @"received: 02002a0b5c power: -63 lqi: 120 time: 452");
        sniffer.on_octets(b"sleep\n");
        assert_eq!(hear(&mut sniffer, 12, true), None);
        assert_eq!(sniffer.errors(), 0);
    }

    #[test]
    fn passes_over_what_is_no_command() {
        let mut sniffer = Sniffer::new();
        sniffer.on_octets(b"channel 10\nchannel 27\nchannel x\nreceive now\n\xFF\xFE\nhello\n");
        sniffer.on_octets(&[b'a'; 10_000]);
        sniffer.on_octets(b"\nreceive\n");
        assert_eq!((sniffer.errors(), sniffer.receiving, sniffer.channel), (7, true, 11));
    }
}
