//! A bench's hardware, emulated: boards in QEMU behind virtual debug probes, on one air in real time.
//!
//! What comes of it is a [`LiveSetup`] like that of a bench of real hardware: probes that probe-rs opens, serial ports, a
//! socket for the WAN link. The driver cannot tell the difference.

use super::{BoardSetup, LiveSetup, PlayerSetup};
use crate::bench::{Bench, CLOCK_OFFSET};
use crate::ports::{Carried, Power, PowerError, ProbeSettings, SerialSettings, WanTarget};
use crate::rig::participants::seed_for;
use crate::runner::BenchFault;
use hanrig_air::live::{Endpoint, LiveAir, LiveConfig, MacSettings, Pace};
use hanrig_air::{Air, AirConfig};
use hanrig_board::{BoardConfig, CHIP, CHIP_DESCRIPTION, QemuBoard};
use hanrig_wire::spinel::Status;
use hanrig_wire::time::Duration;
use hanrig_wire::types::Eui64;
use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Instant;

/// Which UART of a board is what.
const RADIO_UART: usize = 1;
const WAN_UART: usize = 2;
/// How many UARTs a board has for the rig.
const UARTS: usize = 3;
/// How long QEMU may take until its sockets are there.
const SOCKETS: std::time::Duration = std::time::Duration::from_secs(10);
/// Octets that wait for a port's reader.
const PORT_QUEUE: usize = 16 * 1024 * 1024;
/// The same for every port, and of no meaning on a pseudo-terminal.
const BAUD: u32 = 115_200;

/// Firmware for an emulated board.
#[derive(Clone, Debug)]
pub struct Emulated {
    /// The firmware, or `None` where software plays the role over a virtual radio co-processor.
    pub firmware: Option<PathBuf>,
}

/// What is emulated. It all ends when this is dropped.
#[derive(Debug)]
pub struct Emulation {
    // In this order: the boards go before the air that they speak on.
    _boards: Vec<Arc<QemuBoard>>,
    sniffer: Endpoint,
    /// The radio co-processor of each Device.
    radios: BTreeMap<Eui64, Arc<Endpoint>>,
    air: LiveAir,
    /// The probability that a Device in range misses a frame.
    loss: f64,
    _folder: tempfile::TempDir,
}

impl Emulation {
    /// Whether all that was told on this side of the boards has been taken: by the sniffer and the radios, and by the rig at
    /// the other end of the sniffer and of the radios of the Devices that it plays, by what has gone over the `ports` at its
    /// end. Only a machine that is too busy keeps it from that for long.
    pub fn is_read<'a>(&self, sniffer: &Carried, ports: impl IntoIterator<Item = (Eui64, &'a Carried)>) -> bool {
        let ports: Vec<_> = ports.into_iter().collect();
        let is_read = || {
            let drained = |ours: &Carried, theirs: &Endpoint| theirs.carried() == Some((ours.read(), ours.written()));
            let is_at_rig = |(device, ours): &(Eui64, &Carried)| {
                self.radios.get(device).is_some_and(|theirs| drained(ours, theirs))
            };
            self.radios.values().all(|radio| radio.is_read()) && ports.iter().all(is_at_rig)
        };
        // The medium, which has answered in between, may have told something of what the radios had handed over.
        is_read() && self.is_sniffer_read(sniffer) && is_read()
    }

    /// Whether the boards have taken what their radios told them. What a board has taken and has not looked at is not seen
    /// here.
    pub fn is_told(&self) -> bool {
        self.radios.values().all(|radio| radio.carried().is_some())
    }

    /// Whether the rig has read all that the sniffer has told, and heard, by what has gone over the port at its end.
    pub fn is_sniffer_read(&self, sniffer: &Carried) -> bool {
        let is_read = || self.sniffer.carried() == Some((sniffer.read(), sniffer.written()));
        is_read() && {
            // The answer comes from the medium's thread, which has done by then what its ports had handed over.
            self.sniffer.stats();
            is_read()
        }
    }

    /// What was counted at the sniffer's port: lines that it has told, those dropped because nobody read them, and commands
    /// that it did not understand.
    pub fn sniffer_counts(&self) -> [u64; 3] {
        let counts = self.sniffer.stats();
        [counts.told, counts.dropped, counts.malformed]
    }

    /// Puts `device` out of range of all others, or back into range. The sniffer hears it all the same.
    ///
    /// # Errors
    /// When it has no radio here, or the air has ended.
    pub fn set_in_range(&self, device: Eui64, in_range: bool) -> Result<(), BenchFault> {
        let own = self.radio_of(device)?.radio_id();
        let others: Vec<_> = self.radios.values().map(|radio| radio.radio_id()).filter(|other| *other != own).collect();
        let loss = if in_range { self.loss } else { 1.0 };
        let set = move |air: &mut Air| {
            for other in others {
                air.set_loss(own, other, loss);
                air.set_loss(other, own, loss);
            }
        };
        self.air.with_air(set).map_err(|error| fault(&error))
    }

    /// Puts `device` and `other` out of each other's range: neither hears the other, nor that it sends.
    ///
    /// # Errors
    /// When one has no radio here, or the air has ended.
    pub fn hide(&self, device: Eui64, other: Eui64) -> Result<(), BenchFault> {
        let (one, two) = (self.radio_of(device)?.radio_id(), self.radio_of(other)?.radio_id());
        let set = move |air: &mut Air| {
            air.set_link(one, two, None);
            air.set_link(two, one, None);
        };
        self.air.with_air(set).map_err(|error| fault(&error))
    }

    /// Has what the radio of `device` hears and tells come to the Device later by `latency`.
    ///
    /// # Errors
    /// When it has no radio here.
    pub fn set_latency(&self, device: Eui64, latency: Duration) -> Result<(), BenchFault> {
        self.radio_of(device).map(|radio| radio.set_latency(latency))
    }

    /// Ends all of [`Self::set_latency`].
    pub fn full_speed(&self) {
        self.radios.values().for_each(|radio| radio.set_latency(Duration::ZERO));
    }

    /// The radio co-processor of `device`.
    ///
    /// # Errors
    /// When it has no radio here.
    pub fn radio_of(&self, device: Eui64) -> Result<&Arc<Endpoint>, BenchFault> {
        let radio = self.radios.get(&device);
        radio.ok_or_else(|| BenchFault::new(format!("{device} has no radio on the emulated air")))
    }
}

fn fault(error: &dyn core::error::Error) -> BenchFault {
    BenchFault::from_error(error)
}

/// Emulates the hardware of `bench`: its hub as `hub` says, each PPMID as its entry of `ppmids` says, and a radio
/// co-processor for each Device that only software plays.
///
/// # Errors
/// When QEMU or a port cannot be had.
pub fn emulate(
    bench: &Bench,
    seed: u64,
    throttled: bool,
    hub: &Emulated,
    ppmids: &[Emulated],
) -> Result<LiveSetup, BenchFault> {
    let folder = tempfile::Builder::new()
        .prefix("hanrig-")
        .tempdir()
        .map_err(|error| BenchFault::new(format!("cannot make a folder for the emulated boards: {error}")))?;
    let air_seed = u64::from_be_bytes(*seed_for(seed, "air").first_chunk().unwrap_or(&[0; 8]));
    let air = LiveAir::start(LiveConfig {
        air: AirConfig { seed: air_seed, default_loss: bench.medium.loss, ..AirConfig::default() },
        pace: if throttled { Pace::Airtime } else { Pace::Unthrottled },
        // Without airtime frames come in bursts, and the sniffer must not lose any while this machine is busy.
        port_queue: PORT_QUEUE,
        ..LiveConfig::default()
    })
    .map_err(|error| fault(&error))?;
    let description = folder.path().join("chip.yaml");
    std::fs::write(&description, CHIP_DESCRIPTION)
        .map_err(|error| BenchFault::new(format!("cannot write {}: {error}", description.display())))?;
    let sniffer = air.sniffer_on_pty("sniffer", None).map_err(|error| fault(&error))?;
    let sniffer_port = port_of(&sniffer)?;
    let mut rig = Parts { folder: folder.path(), description, air: &air, boards: Vec::new(), radios: BTreeMap::new() };
    let hub_player = rig.player("hub", bench.hub.eui, hub)?;
    let wan = rig.wan_of_last_board(hub)?;
    let mut players = Vec::new();
    for (ppmid, emulated) in bench.ppmids.iter().zip(ppmids) {
        players.push(rig.player(&ppmid.name, ppmid.eui, emulated)?);
    }
    let mut devices = Vec::new();
    for device in &bench.devices {
        devices.push(rig.rcp(&device.name, device.eui)?);
    }
    let Parts { boards, radios, .. } = rig;
    // The owner does all of its MAC: none of what it sends is repeated or waits for an acknowledgement.
    let raw = MacSettings { channel: bench.network.channel, raw: true, ..MacSettings::default() };
    let (attacker, _) = air.radio("attacker", raw).map_err(|error| fault(&error))?;
    Ok(LiveSetup {
        hub: hub_player,
        wan,
        ppmids: players,
        devices,
        sniffer: sniffer_port,
        patience: Duration::from_secs(600),
        emulation: Some(Emulation { _boards: boards, sniffer, air, radios, loss: bench.medium.loss, _folder: folder }),
        attacker: Some(attacker),
    })
}

fn port_of(endpoint: &Endpoint) -> Result<SerialSettings, BenchFault> {
    let path = endpoint.path().ok_or_else(|| BenchFault::new("an emulated port is not plugged in"))?;
    Ok(SerialSettings { path: path.to_owned(), baud: BAUD })
}

/// The parts as they are put together.
struct Parts<'a> {
    folder: &'a Path,
    description: PathBuf,
    air: &'a LiveAir,
    boards: Vec<Arc<QemuBoard>>,
    radios: BTreeMap<Eui64, Arc<Endpoint>>,
}

/// The supply of an emulated board and of the radio co-processor on it. It keeps neither alive: they go with the emulation.
#[derive(Debug)]
struct Supply {
    board: Weak<QemuBoard>,
    radio: Weak<Endpoint>,
}

impl Power for Supply {
    fn set(&mut self, on: bool) -> Result<(), PowerError> {
        // A co-processor that starts anew is deaf until its host has set it up.
        let (Some(board), Some(radio)) = (self.board.upgrade(), self.radio.upgrade()) else { return Ok(()) };
        radio.reset(Status::RESET_POWER_ON);
        let switched = if on { board.power_on() } else { board.hold_off() };
        switched.map_err(|source| PowerError::Switch { source: Box::new(source) })
    }
}

impl Parts<'_> {
    fn player(&mut self, name: &str, eui: Eui64, emulated: &Emulated) -> Result<PlayerSetup, BenchFault> {
        let Some(firmware) = &emulated.firmware else {
            return Ok(PlayerSetup::Software { rcp: self.rcp(name, eui)? });
        };
        let name = &name.to_lowercase().replace(' ', "-");
        let config = BoardConfig { uarts: UARTS, ..BoardConfig::new(name, self.folder.join(name)) };
        let board = Arc::new(QemuBoard::start(config).map_err(|error| fault(&error))?);
        let radio = connect(&board, RADIO_UART)?;
        let radio = Arc::new(self.air.rcp_on_stream(name, eui, radio).map_err(|error| fault(&error))?);
        let probe = ProbeSettings {
            probe: board.selector(),
            chip: CHIP.to_owned(),
            chip_description: Some(self.description.clone()),
            speed_khz: None,
            says_goodbye: true,
        };
        let supply = Supply { board: Arc::downgrade(&board), radio: Arc::downgrade(&radio) };
        self.boards.push(board);
        self.radios.insert(eui, radio);
        Ok(PlayerSetup::Board(BoardSetup {
            probe,
            firmware: firmware.clone(),
            base: None,
            provision: true,
            clock_offset: Some(CLOCK_OFFSET.to_owned()),
            power: Some(Box::new(supply)),
        }))
    }

    /// A radio co-processor for a Device that software plays.
    fn rcp(&mut self, name: &str, eui: Eui64) -> Result<SerialSettings, BenchFault> {
        let endpoint = self.air.rcp_on_pty(name, eui, None).map_err(|error| fault(&error))?;
        let rcp = port_of(&endpoint)?;
        self.radios.insert(eui, Arc::new(endpoint));
        Ok(rcp)
    }

    fn wan_of_last_board(&self, hub: &Emulated) -> Result<Option<WanTarget>, BenchFault> {
        let Some(board) = self.boards.last().filter(|_| hub.firmware.is_some()) else { return Ok(None) };
        let path = board.uart(WAN_UART).ok_or_else(|| BenchFault::new("the hub's board has no UART for the WAN"))?;
        Ok(Some(WanTarget::Unix(path.to_owned())))
    }
}

/// Connects to a UART of a board.
fn connect(board: &QemuBoard, uart: usize) -> Result<UnixStream, BenchFault> {
    let path = board.uart(uart).ok_or_else(|| BenchFault::new(format!("{} has no UART {uart}", board.name())))?;
    let started = Instant::now();
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => return Ok(stream),
            Err(error) if started.elapsed() > SOCKETS => {
                return Err(BenchFault::new(format!("cannot connect to UART {uart} of {}: {error}", board.name())));
            }
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    }
}
