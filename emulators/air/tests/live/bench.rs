//! What the tests share: ports, and hosts of RCPs on them.

use hanrig_air::live::{LiveAir, LiveClock, LiveConfig, Pace};
use hanrig_wire::mac::{self, Address, FrameType, MacHeader};
use hanrig_wire::spinel::host::{
    HostConfig, HostEvent, RadioSettings, RcpHost, Reception, TransmitOutcome, TransmitRequest,
};
use hanrig_wire::types::Eui64;
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// After this a test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const PAN: u16 = 0x1A62;
pub(crate) const CHANNEL: u8 = 15;

pub(crate) fn air(pace: Pace) -> LiveAir {
    LiveAir::start(LiveConfig { pace, ..LiveConfig::default() }).unwrap()
}

/// Opens a serial port as any program would.
pub(crate) fn open(path: &Path) -> File {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    File::options().read(true).write(true).custom_flags(flags).open(path).unwrap()
}

/// Tries until it gives something.
pub(crate) fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(result) = attempt() {
            return result;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// A data frame in the PAN; to 0xFFFF without acknowledgement request.
pub(crate) fn data(sequence: u8, from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let (to, from) = (Address::Short(to), Address::Short(from));
    let mut psdu = Vec::new();
    MacHeader::within(FrameType::Data, sequence, PAN, to, from).emit(&mut psdu);
    psdu.extend_from_slice(payload);
    mac::append_fcs(&mut psdu);
    psdu
}

pub(crate) fn settings(short_address: u16) -> RadioSettings {
    RadioSettings {
        channel: CHANNEL,
        pan_id: PAN,
        short_address,
        long_address: Eui64(0x00DB_0000_0000_0000 + u64::from(short_address)),
        ..RadioSettings::default()
    }
}

/// A host of an RCP with its serial port.
pub(crate) struct Host {
    pub(crate) rcp: RcpHost,
    /// What is open for reading and writing: a terminal or a socket.
    pub(crate) port: Box<dyn Port>,
    clock: LiveClock,
    unwritten: Vec<u8>,
    pub(crate) events: Vec<HostEvent>,
    /// The port was hung up.
    pub(crate) gone: bool,
}

pub(crate) trait Port: Read + Write {}

impl<T: Read + Write> Port for T {}

impl Host {
    /// Starts a host and waits until its RCP is ready.
    pub(crate) fn start(air: &LiveAir, port: impl Port + 'static, settings: RadioSettings) -> Self {
        let mut host = Self {
            rcp: RcpHost::new(HostConfig::new(settings)),
            port: Box::new(port),
            clock: air.clock(),
            unwritten: Vec::new(),
            events: Vec::new(),
            gone: false,
        };
        host.restart();
        host
    }

    /// As after the port was opened anew.
    pub(crate) fn restart(&mut self) {
        self.gone = false;
        self.unwritten.clear();
        self.rcp.start(self.clock.now());
        self.ready();
    }

    pub(crate) fn ready(&mut self) {
        wait_for("the RCP", || {
            self.turn();
            self.rcp.is_ready().then_some(())
        });
    }

    /// Does once what there is to do.
    pub(crate) fn turn(&mut self) {
        let mut chunk = [0; 4096];
        match self.port.read(&mut chunk) {
            Ok(0) => self.gone = true,
            Ok(n) => self.rcp.on_octets(self.clock.now(), &chunk[..n]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.gone = true,
        }
        self.rcp.poll(self.clock.now());
        while let Some(octets) = self.rcp.take_output() {
            self.unwritten.extend(octets);
        }
        if let Ok(n) = self.port.write(&self.unwritten) {
            self.unwritten.drain(..n);
        }
        self.events.extend(std::iter::from_fn(|| self.rcp.take_event()));
    }

    /// Sends a frame and waits for what becomes of it.
    pub(crate) fn send(&mut self, psdu: Vec<u8>) -> TransmitOutcome {
        let id = self.rcp.transmit(self.clock.now(), TransmitRequest::new(psdu, CHANNEL));
        wait_for("the end of a transmission", || {
            self.turn();
            self.take(|event| match event {
                HostEvent::TransmitDone { id: done, outcome } if *done == id => Some(*outcome),
                _ => None,
            })
        })
    }

    /// Waits for a frame.
    pub(crate) fn receive(&mut self) -> Reception {
        wait_for("a frame", || {
            self.turn();
            self.take(|event| match event {
                HostEvent::Received(reception) => Some(reception.clone()),
                _ => None,
            })
        })
    }

    /// The first event that `pick` picks, which is removed.
    pub(crate) fn take<T>(&mut self, pick: impl Fn(&HostEvent) -> Option<T>) -> Option<T> {
        let (at, picked) = self.events.iter().enumerate().find_map(|(at, event)| Some((at, pick(event)?)))?;
        self.events.remove(at);
        Some(picked)
    }
}
