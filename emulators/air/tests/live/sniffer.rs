//! Virtual sniffers.

use crate::bench::{CHANNEL, PAN, air, data, open, wait_for};
use hanrig_air::live::{LiveAir, LiveConfig, MacSettings, NoticeKind, Pace};
use hanrig_wire::spinel::host::TransmitRequest;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

struct Reader {
    port: File,
    text: String,
}

impl Reader {
    fn start(path: &std::path::Path, commands: &str) -> Self {
        let mut port = open(path);
        port.write_all(commands.as_bytes()).unwrap();
        Self { port, text: String::new() }
    }

    fn line(&mut self) -> String {
        wait_for("a line", || {
            let mut chunk = [0; 512];
            if let Ok(n) = self.port.read(&mut chunk) {
                self.text.push_str(std::str::from_utf8(&chunk[..n]).unwrap());
            }
            let (line, rest) = self.text.split_once("\r\n")?;
            let line = line.to_owned();
            self.text = rest.to_owned();
            Some(line)
        })
    }
}

/// The octets and the numbers of a line.
fn parse(line: &str) -> (Vec<u8>, i32, u32, u32) {
    let words: Vec<_> = line.split(' ').collect();
    let ["received:", octets, "power:", power, "lqi:", lqi, "time:", time] = words[..] else { panic!("{line}") };
    let octets = octets.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let octets = octets.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    (octets, power.parse().unwrap(), lqi.parse().unwrap(), time.parse().unwrap())
}

fn mac(channel: u8, short_address: u16) -> MacSettings {
    MacSettings { channel, pan_id: PAN, short_address, ..MacSettings::default() }
}

#[test]
fn a_program_reads_what_is_on_the_air() {
    let air = air(Pace::Airtime);
    let endpoint = air.sniffer_on_pty("sniffer", None).unwrap();
    let (a, mut a_events) = air.radio("a", mac(CHANNEL, 1)).unwrap();
    let (_b, _b_events) = air.radio("b", mac(CHANNEL, 2)).unwrap();
    let mut reader = Reader::start(endpoint.path().unwrap(), "sleep\r\nchannel 15\r\nreceive\r\n");
    // The commands are on their way: frames are sent until they have arrived.
    let mut sequence = 0;
    wait_for("the first line", || {
        a.transmit(TransmitRequest::new(data(sequence, 1, 2, b"hello"), CHANNEL));
        sequence = sequence.wrapping_add(1);
        a_events.blocking_recv();
        (endpoint.stats().told > 0).then_some(())
    });
    let (frame, power, lqi, time) = parse(&reader.line());
    let (acknowledgement, _, _, later) = parse(&reader.line());
    assert_eq!(frame, data(frame[2], 1, 2, b"hello"));
    assert_eq!((power, lqi), (-50, 255));
    assert_eq!((acknowledgement.len(), acknowledgement[2]), (5, frame[2]));
    assert_eq!(later - time, 192 + 352, "from the end of the frame to that of its acknowledgement, in microseconds");
    assert!(u64::from(later) <= air.clock().now().as_micros());
}

#[test]
fn what_is_on_its_way_is_counted_and_can_be_delayed() {
    const COMMANDS: &str = "sleep\r\nchannel 15\r\nreceive\r\n";
    const LATENCY: Duration = Duration::from_millis(300);
    let air = air(Pace::Unthrottled);
    let endpoint = air.sniffer_on_pty("sniffer", None).unwrap();
    let (a, mut a_events) = air.radio("a", mac(CHANNEL, 1)).unwrap();
    assert_eq!(endpoint.carried(), Some((0, 0)), "nothing was said yet");
    let mut reader = Reader::start(endpoint.path().unwrap(), COMMANDS);
    wait_for("the commands", || (endpoint.carried()?.1 == COMMANDS.len() as u64).then_some(()));
    // The medium has done by its answer what its ports had handed over.
    endpoint.stats();
    endpoint.set_latency(LATENCY);
    let sent = Instant::now();
    a.transmit(TransmitRequest::new(data(1, 1, 0xFFFF, b"hello"), CHANNEL));
    a_events.blocking_recv();
    wait_for("the line to be told", || (endpoint.stats().told > 0).then_some(()));
    let carried = endpoint.carried();
    if sent.elapsed() < LATENCY {
        assert_eq!(carried, None, "it waits to be written");
    }
    let line = reader.line();
    assert!(sent.elapsed() >= LATENCY);
    wait_for("all to be carried", || {
        (endpoint.carried() == Some((line.len() as u64 + 2, COMMANDS.len() as u64))).then_some(())
    });
}

#[test]
fn a_sniffer_unplugged_mid_run() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("sniffer");
    let air = air(Pace::Unthrottled);
    let mut endpoint = air.sniffer_on_pty("sniffer", Some(&link)).unwrap();
    let (a, mut a_events) = air.radio("a", mac(11, 1)).unwrap();
    let mut send = || {
        a.transmit(TransmitRequest::new(data(1, 1, 0xFFFF, b""), 11));
        a_events.blocking_recv();
    };
    let mut reader = Reader::start(&link, "receive\n");
    wait_for("a line", || {
        send();
        (endpoint.stats().told > 0).then_some(())
    });
    reader.line();
    endpoint.unplug();
    send();
    wait_for("the hang-up", || match reader.port.read(&mut [0; 512]) {
        Ok(0) => Some(()),
        Ok(_) => None,
        Err(error) => (error.kind() != std::io::ErrorKind::WouldBlock).then_some(()),
    });
    endpoint.plug().unwrap();
    let mut reader = Reader::start(&link, "receive\n");
    let told = endpoint.stats().told;
    wait_for("a line", || {
        send();
        (endpoint.stats().told > told).then_some(())
    });
    assert_eq!(parse(&reader.line()).0, data(1, 1, 0xFFFF, b""));
}

#[test]
fn a_reader_that_is_too_slow_loses_whole_lines_and_holds_nobody_up() {
    let config = LiveConfig { pace: Pace::Unthrottled, port_queue: 4096, ..LiveConfig::default() };
    let air = LiveAir::start(config).unwrap();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let endpoint = air.sniffer_on_stream("sniffer", theirs).unwrap();
    let (a, mut a_events) = air.radio("a", mac(11, 1)).unwrap();
    ours.write_all(b"receive\n").unwrap();
    let mut sequence = 0u8;
    wait_for("the first drop", || {
        for _ in 0..100 {
            sequence = sequence.wrapping_add(1);
            a.transmit(TransmitRequest::new(data(sequence, 1, 0xFFFF, &[0; 80]), 11));
            a_events.blocking_recv().unwrap();
        }
        (endpoint.stats().dropped > 0).then_some(())
    });
    let notices = air.take_notices();
    assert_eq!(notices.iter().filter(|notice| notice.kind == NoticeKind::Dropping).count(), 1);
    let stats = endpoint.stats();
    // All that was not dropped arrives whole.
    let mut text = String::new();
    let mut chunk = vec![0; 4096];
    let mut lines = 0;
    while lines < stats.told {
        let n = ours.read(&mut chunk).unwrap();
        text.push_str(std::str::from_utf8(&chunk[..n]).unwrap());
        while let Some((line, rest)) = text.split_once("\r\n") {
            let (octets, ..) = parse(line);
            assert_eq!(octets, data(octets[2], 1, 0xFFFF, &[0; 80]));
            text = rest.to_owned();
            lines += 1;
        }
    }
}
