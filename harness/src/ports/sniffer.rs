//! A radio that tells what it hears: the nRF Sniffer for 802.15.4 on an nRF52840 dongle or DK.
//!
//! It speaks text on a serial port. The rig sends `sleep`, `channel N` and `receive`; the sniffer tells each frame in a line:
//! `received: <octets with FCS in hexadecimal> power: <dBm> lqi: <number> time: <microseconds>`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::alignment::Alignment;
use super::event::{PortEventKind, PortSender};
use super::lines::Lines;
use super::serial::{self, Carried, Read, Serial, SerialError, SerialSettings, SerialWriter};
use super::thread::{OwnedThread, Stop};

/// The longest frame of IEEE 802.15.4 with its FCS, in octets, and the shortest: an acknowledgement.
const FRAME_LENGTHS: std::ops::RangeInclusive<usize> = 3..=127;
/// The command that ends listening.
const SLEEP: &[u8] = b"sleep\r\n";
/// For how long a sniffer that was put to sleep must have been silent, and how long that is waited for.
const QUIET: Duration = Duration::from_millis(60);
const LONGEST_DISCARD: Duration = Duration::from_secs(1);
/// How much of a garbled line is told, in characters.
const TOLD: usize = 120;

/// A sniffer. What it hears arrives as [`PortEventKind::Frame`], what cannot be understood as [`PortEventKind::Garbled`],
/// and that it is gone as [`PortEventKind::Fault`]. When the handle is dropped, it is put to sleep and closed.
pub trait Sniffer: Send {
    /// Goes on on another channel, 11 to 26.
    ///
    /// # Errors
    ///
    /// When the sniffer is gone.
    fn set_channel(&mut self, channel: u8) -> Result<(), SerialError>;

    /// What was counted.
    fn counters(&self) -> SnifferCounters;
}

/// What a sniffer counted since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnifferCounters {
    /// Frames heard.
    pub frames: u64,
    /// Lines that could not be understood.
    pub garbled: u64,
}

/// An nRF Sniffer for 802.15.4.
#[derive(Debug)]
pub struct NrfSniffer {
    writer: SerialWriter,
    counted: Arc<Counted>,
    carried: Arc<Carried>,
    thread: OwnedThread,
}

#[derive(Debug, Default)]
struct Counted {
    frames: AtomicU64,
    garbled: AtomicU64,
}

impl NrfSniffer {
    /// Opens the port and listens on `channel`, 11 to 26.
    ///
    /// # Errors
    ///
    /// When the port cannot be had or written to.
    pub fn open(settings: &SerialSettings, channel: u8, events: PortSender) -> Result<Self, SerialError> {
        let mut serial = Serial::open(settings)?;
        let mut writer = serial.writer()?;
        // What it heard for a rig that was killed waits in it still, and was not heard now.
        writer.write(SLEEP)?;
        serial.discard(QUIET, LONGEST_DISCARD)?;
        listen(&mut writer, channel)?;
        let counted = Arc::new(Counted::default());
        let its_counted = Arc::clone(&counted);
        let carried = serial.carried();
        let path = settings.path.clone();
        let thread = OwnedThread::start(&serial::thread_name("sniffer", &path), move |stop| {
            read_lines(serial, &events, &its_counted, stop);
        });
        let thread = thread.map_err(|source| SerialError::Thread { path, source })?;
        Ok(Self { writer, counted, carried, thread })
    }

    /// What has gone over its port.
    pub fn carried(&self) -> &Carried {
        &self.carried
    }
}

impl Sniffer for NrfSniffer {
    fn set_channel(&mut self, channel: u8) -> Result<(), SerialError> {
        self.writer.write(SLEEP)?;
        listen(&mut self.writer, channel)
    }

    fn counters(&self) -> SnifferCounters {
        SnifferCounters {
            frames: self.counted.frames.load(Ordering::Relaxed),
            garbled: self.counted.garbled.load(Ordering::Relaxed),
        }
    }
}

impl Drop for NrfSniffer {
    fn drop(&mut self) {
        if !self.thread.is_finished() {
            // One that is gone is quiet too.
            drop(self.writer.write(SLEEP));
        }
    }
}

/// Has a sniffer that sleeps listen.
fn listen(writer: &mut SerialWriter, channel: u8) -> Result<(), SerialError> {
    // One write for each: the sniffer takes a line at a time.
    writer.write(format!("channel {channel}\r\n").as_bytes())?;
    writer.write(b"receive\r\n")
}

fn read_lines(mut serial: Serial, events: &PortSender, counted: &Counted, stop: &Stop) {
    let mut buffer = [0; 4096];
    let mut lines = Lines::default();
    let mut clock = DeviceClock::default();
    let mut alignment = Alignment::new(Instant::now());
    while !stop.is_set() {
        match serial.read(&mut buffer) {
            Read::Nothing => {}
            Read::End(error) => return events.fault(&serial.gone(error)),
            Read::Octets(octets) => {
                let now = Instant::now();
                for line in lines.push(octets) {
                    take_line(&line, &mut |time| alignment.place(clock.unwrap(time), now), events, counted);
                }
            }
        }
    }
}

/// Takes a line; `place` tells when it was what the sniffer's clock shows.
fn take_line(line: &str, place: &mut dyn FnMut(u64) -> Instant, events: &PortSender, counted: &Counted) {
    match parse(line) {
        Line::Heard { octets, rssi, lqi, time } => {
            counted.frames.fetch_add(1, Ordering::Relaxed);
            events.send_at(place(time), PortEventKind::Frame { octets, rssi, lqi });
        }
        Line::Echo => {}
        Line::Garbled => {
            let total = counted.garbled.fetch_add(1, Ordering::Relaxed) + 1;
            events.send(PortEventKind::Garbled { line: line.chars().take(TOLD).collect(), total });
        }
    }
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Heard {
        octets: Vec<u8>,
        rssi: i8,
        lqi: u8,
        time: u64,
    },
    /// A command that the sniffer's shell repeats, or its prompt.
    Echo,
    Garbled,
}

fn parse(line: &str) -> Line {
    let words: Vec<_> = line.split_whitespace().collect();
    match words.as_slice() {
        ["received:", octets, "power:", power, "lqi:", lqi, "time:", time] => {
            let octets = hex::decode(octets).ok().filter(|octets| FRAME_LENGTHS.contains(&octets.len()));
            match (octets, power.parse(), lqi.parse(), time.parse()) {
                (Some(octets), Ok(rssi), Ok(lqi), Ok(time)) => Line::Heard { octets, rssi, lqi, time },
                _ => Line::Garbled,
            }
        }
        // With the prompt of a shell before them, or alone.
        [] | [.., "sleep" | "receive"] | [.., "channel", _] => Line::Echo,
        [prompt] if prompt.ends_with(['$', '>', '#']) => Line::Echo,
        _ => Line::Garbled,
    }
}

/// The sniffer counts microseconds in 32 bits, which are over after 71 minutes.
#[derive(Debug, Default)]
struct DeviceClock {
    last: u64,
    turns: u64,
}

impl DeviceClock {
    fn unwrap(&mut self, time: u64) -> u64 {
        const TURN: u64 = 1 << 32;
        if time < TURN && self.last > time && self.last - time > TURN / 2 {
            self.turns += 1;
        }
        self.last = time;
        time.saturating_add(self.turns.saturating_mul(TURN))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_frame_is_read() {
        let line = "received: 0200a55a1c power: -42 lqi: 220 time: 4294967295";
        let octets = vec![0x02, 0x00, 0xA5, 0x5A, 0x1C];
        assert_eq!(parse(line), Line::Heard { octets, rssi: -42, lqi: 220, time: 0xFFFF_FFFF });
    }

    #[rstest]
    #[case::two_octets("received: 0200 power: -42 lqi: 220 time: 1")]
    #[case::half_an_octet("received: 0200a power: -42 lqi: 220 time: 1")]
    #[case::no_time("received: 0200a5 power: -42 lqi: 220 time:")]
    #[case::power("received: 0200a5 power: -420 lqi: 220 time: 1")]
    #[case::cut("eived: 0200a5 power: -42 lqi: 220 time: 1")]
    #[case::two_at_once("received: 0200a5 power: -42 lqi: 220 time: 1received: 0200a5 power: -42 lqi: 220 time: 1")]
    fn garbled(#[case] line: &str) {
        assert_eq!(parse(line), Line::Garbled);
    }

    #[rstest]
    #[case("")]
    #[case("sleep")]
    #[case("uart:~$ channel 15")]
    #[case("receive")]
    #[case("uart:~$")]
    fn echoes(#[case] line: &str) {
        assert_eq!(parse(line), Line::Echo);
    }

    #[test]
    fn the_clock_goes_on_after_32_bits() {
        let mut clock = DeviceClock::default();
        let times = [5, 0xFFFF_FFF0, 3, 4, 0xFFFF_FFFF, 0];
        let unwrapped: Vec<_> = times.into_iter().map(|time| clock.unwrap(time)).collect();
        assert_eq!(unwrapped, [5, 0xFFFF_FFF0, 0x1_0000_0003, 0x1_0000_0004, 0x1_FFFF_FFFF, 0x2_0000_0000]);
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(line in "\\PC*|received: [0-9a-f]{0,300} power: -?[0-9]{1,4} lqi: [0-9]{1,4} time: [0-9]{0,22}") {
            drop(parse(&line));
        }

        #[test]
        fn no_time_makes_the_clock_panic(times: Vec<u64>) {
            let mut clock = DeviceClock::default();
            for time in times {
                let _ = clock.unwrap(time);
            }
        }
    }
}
