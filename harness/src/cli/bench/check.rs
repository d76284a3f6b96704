//! `hanrig bench check`: proves each part of a bench in turn.
//!
//! What cannot be tried because something before it failed is told as such, so that the first thing to mend stands out.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hanrig_provisioning::Faults;
use hanrig_wire::hdlc::Decoder;
use hanrig_wire::spinel::PromiscuousMode;
use hanrig_wire::spinel::host::{RadioSettings, TransmitRequest};
use hanrig_wire::types::Eui64;
use hanrig_wire::wan::{MAXIMUM_FRAME_LENGTH, WanFrame, WanMessage};

use super::parts::Parts;
use crate::bench::{Bench, Player};
use crate::cli::Failure;
use crate::exit::{ExitCode, chain};
use crate::ports::radio::RadioEvent;
use crate::ports::{
    Events, Firmware, NrfSniffer, PortEvent, PortEventKind, PortEvents, Power, ProbeHandle, Radio, RcpRadio,
    SerialSettings, Sniffer, WanPort,
};
use crate::rig::live::provisioning::{hub_block, new_occasion, ppmid_block};
use crate::rig::live::{BoardSetup, LiveSetup, PlayerSetup};
use crate::rig::participants::{hub_config, ppmid_config};

/// How long a probe may take to open, and a chip to be written.
const SLOW: Duration = Duration::from_secs(120);
/// How long a chip may take for anything else.
const QUICK: Duration = Duration::from_secs(10);
/// How long firmware may take until it says something, a radio until it is ready, and a hub until it says Hello.
const FIRST_WORD: Duration = Duration::from_secs(15);
/// How long the air may be silent while somebody is asked to speak.
const SILENCE: Duration = Duration::from_secs(10);
/// The symbol that takes what a firmware is.
const PROVISIONING: &str = hanrig_provisioning::SYMBOL;
/// Anybody who is a coordinator answers a beacon request: MAC command 7 to the broadcast address and PAN, from nobody
/// (IEEE 802.15.4-2006, 7.3.7). The radio puts the frame check sequence in the place of the zeros.
const BEACON_REQUEST: [u8; 10] = [0x03, 0x08, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00, 0x00];

/// Ports are called by what they belong to.
const SNIFFER: &str = "sniffer";
const WAN: &str = "WAN link";
/// That the sniffer hears somebody.
const HEARS: &str = "sniffer hears";

pub(super) fn run(file: &Path, as_json: bool) -> Result<ExitCode, Failure> {
    let mut parts = Parts::new(as_json);
    let bench = match Bench::load(file) {
        Ok(mut bench) => {
            // What a scenario may put on the hub's network needs its radio too.
            bench.devices.append(&mut bench.reserve);
            bench
        }
        Err(error) => {
            parts.fails("bench file", chain(&error))?;
            parts.finish()?;
            return Ok(ExitCode::Usage);
        }
    };
    parts.works("bench file", format!("{}: {}", bench.name, bench.description))?;
    let data = &bench.data;
    let (hubs, devices) = (data.hubs.len(), data.smi.devices.len());
    parts.works("data files", format!("{hubs} hubs and {devices} Devices in the SMI, {} Users", data.users.len()))?;
    if bench.is_live() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(Failure::rig)?;
        runtime.block_on(live(&bench, &mut parts))?;
    }
    parts.finish()?;
    Ok(if parts.all_work() { ExitCode::Passed } else { ExitCode::Unsettled })
}

/// Tries what a bench with boards is made of.
async fn live(bench: &Bench, parts: &mut Parts) -> Result<(), Failure> {
    let setup = match LiveSetup::of(bench, 0) {
        Ok(setup) => setup,
        Err(fault) => {
            return parts.fails(if bench.emulation.is_some() { "emulation" } else { "hardware" }, fault.to_string());
        }
    };
    if bench.emulation.is_some() {
        parts.works("emulation", "boards in QEMU, each behind a virtual debug probe, on one air")?;
    }
    let (ends, events) = Events::channel();
    let mut trial = Trial { bench, parts, ends, events: Heard { events, kept: Vec::new() } };
    let sniffer = trial.sniffer(&setup.sniffer)?;
    let wan = match setup.wan {
        Some(target) => trial.wan(target)?,
        None => None,
    };
    let mut boards = Vec::new();
    let mut radios = Vec::new();
    let players = [("hub".to_owned(), bench.hub.eui, &setup.hub, &bench.hub.player)].into_iter();
    let ppmids = bench.ppmids.iter().zip(&setup.ppmids);
    let players = players.chain(ppmids.map(|(ppmid, setup)| (ppmid.name.clone(), ppmid.eui, setup, &ppmid.player)));
    for (name, eui, setup, player) in players {
        match setup {
            PlayerSetup::Board(board) => {
                if let Player::Board(described) = player
                    && let Some(power) = &described.power
                {
                    trial.power(&name, power.clone())?;
                }
                let block = trial.block(&name, board)?;
                boards.extend(trial.board(&name, board, block).await?);
            }
            PlayerSetup::Software { rcp } => radios.extend(trial.radio(&name, eui, rcp).await?),
        }
    }
    for (device, rcp) in bench.devices.iter().zip(&setup.devices) {
        radios.extend(trial.radio(&device.name, device.eui, rcp).await?);
    }
    if wan.is_some() {
        trial.hello(boards.iter().any(|board: &Running| board.name == "hub")).await?;
    }
    if let Some(sniffer) = &sniffer {
        if boards.is_empty() && radios.is_empty() {
            trial.parts.not_tried(HEARS, "no board and no radio works that it could hear")?;
        } else {
            trial.hears(sniffer, &radios).await?;
        }
    }
    drop((wan, radios, boards, sniffer));
    drop(setup.emulation);
    Ok(())
}

/// A board whose firmware was started.
struct Running {
    name: String,
    _probe: ProbeHandle,
}

/// What the ports told, kept until somebody asks for it.
struct Heard {
    events: PortEvents,
    kept: Vec<PortEvent>,
}

impl Heard {
    /// What `wanted` makes of the first event that it makes something of, now or within `limit`.
    async fn wait<T>(&mut self, limit: Duration, mut wanted: impl FnMut(&PortEvent) -> Option<T>) -> Option<T> {
        if let Some(value) = self.kept.iter().find_map(&mut wanted) {
            return Some(value);
        }
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = tokio::time::timeout(left, self.events.recv()).await.ok()??;
            let value = wanted(&event);
            self.kept.push(event);
            if value.is_some() {
                return value;
            }
        }
    }

    /// The latest fault of `port`.
    fn fault_of(&self, port: &str) -> Option<String> {
        self.kept.iter().rev().filter(|event| *event.port == *port).find_map(|event| match &event.kind {
            PortEventKind::Fault(fault) => Some(fault.to_string()),
            _ => None,
        })
    }
}

struct Trial<'a> {
    bench: &'a Bench,
    parts: &'a mut Parts,
    ends: Events,
    events: Heard,
}

impl Trial<'_> {
    fn sniffer(&mut self, port: &SerialSettings) -> Result<Option<NrfSniffer>, Failure> {
        let channel = self.bench.network.channel;
        match NrfSniffer::open(port, channel, self.ends.port(SNIFFER)) {
            Ok(sniffer) => {
                self.parts.works(SNIFFER, format!("{port} takes commands, channel {channel}"))?;
                Ok(Some(sniffer))
            }
            Err(error) => {
                self.parts.fails(SNIFFER, chain(&error))?;
                Ok(None)
            }
        }
    }

    fn wan(&mut self, target: crate::ports::WanTarget) -> Result<Option<WanPort>, Failure> {
        match WanPort::open(target, self.ends.port(WAN)) {
            Ok(wan) => Ok(Some(wan)),
            Err(error) => {
                self.parts.fails(WAN, chain(&error))?;
                Ok(None)
            }
        }
    }

    fn power(&mut self, name: &str, mut power: impl Power) -> Result<(), Failure> {
        let part = format!("{name} power");
        match power.set(false).and_then(|()| power.set(true)) {
            Ok(()) => self.parts.works(&part, "switched off and on"),
            Err(error) => self.parts.fails(&part, chain(&error)),
        }
    }

    /// What the firmware of a board is told to be, where it takes that from the rig.
    fn block(&mut self, name: &str, board: &BoardSetup) -> Result<Option<Vec<u8>>, Failure> {
        if !board.provision {
            return Ok(None);
        }
        let block = match self.bench.ppmid(name) {
            Some(ppmid) => ppmid_config(self.bench, ppmid, 0)
                .and_then(|config| ppmid_block(&config, new_occasion(), Faults::default())),
            None => hub_block(self.bench, &hub_config(self.bench, 0), new_occasion(), Faults::default()),
        };
        block.map(Some).map_err(Failure::rig)
    }

    /// Tries a board, up to its firmware's first words.
    async fn board(
        &mut self,
        name: &str,
        setup: &BoardSetup,
        block: Option<Vec<u8>>,
    ) -> Result<Option<Running>, Failure> {
        let (probe_part, firmware_part, runs_part) =
            (format!("{name} probe"), format!("{name} firmware"), format!("{name} runs"));
        let (probe, opened) = ProbeHandle::open(setup.probe.clone(), self.ends.port(name)).map_err(Failure::rig)?;
        match opened.within(SLOW).await {
            Ok(info) => {
                let detail =
                    format!("{} {} opens, chip {} answers ({})", info.name, info.selector, info.chip, info.core);
                self.parts.works(&probe_part, detail)?;
            }
            Err(error) => {
                self.parts.fails(&probe_part, chain(&error))?;
                self.parts.not_tried(&firmware_part, "the probe does not work")?;
                self.parts.not_tried(&runs_part, "the probe does not work")?;
                return Ok(None);
            }
        }
        let written = self.write(&probe, setup, block).await;
        let firmware = match written {
            Ok(firmware) => firmware,
            Err(why) => {
                self.parts.fails(&firmware_part, why)?;
                self.parts.not_tried(&runs_part, "the firmware is not in the chip")?;
                return Ok(None);
            }
        };
        let can_jump = setup.clock_offset.is_some();
        let jumps = if can_jump { "" } else { "; the rig cannot move its clock on" };
        self.parts.works(&firmware_part, format!("{} written and verified{jumps}", setup.firmware.display()))?;
        match self.runs(name, &probe, &firmware).await {
            Ok(said) => self.parts.works(&runs_part, said)?,
            Err(why) => {
                self.parts.fails(&runs_part, why)?;
                return Ok(None);
            }
        }
        Ok(Some(Running { name: name.to_owned(), _probe: probe }))
    }

    /// Writes firmware and `block`, and lets the chip run.
    async fn write(
        &mut self,
        probe: &ProbeHandle,
        setup: &BoardSetup,
        block: Option<Vec<u8>>,
    ) -> Result<Firmware, String> {
        let firmware = Firmware::read(&setup.firmware, setup.base).map_err(|error| chain(&error))?;
        let block = block.map(|block| firmware.require(PROVISIONING).map(|symbol| (symbol, block)));
        let block = block.transpose().map_err(|error| chain(&error))?;
        if let Some(symbol) = &setup.clock_offset {
            firmware.require(symbol).map_err(|error| chain(&error))?;
        }
        let shared = Arc::new(firmware.clone());
        probe.load(Arc::clone(&shared)).within(SLOW).await.map_err(|error| chain(&error))?;
        probe.verify(shared).within(SLOW).await.map_err(|error| chain(&error))?;
        if let Some((symbol, block)) = block {
            probe.write(symbol.address, block).within(QUICK).await.map_err(|error| chain(&error))?;
        }
        probe.run().within(QUICK).await.map_err(|error| chain(&error))?;
        Ok(firmware)
    }

    /// The firmware's first words; where it has no log, that its core runs.
    async fn runs(&mut self, name: &str, probe: &ProbeHandle, firmware: &Firmware) -> Result<String, String> {
        if firmware.rtt().is_some() {
            let said = self.events.wait(FIRST_WORD, |event| match &event.kind {
                PortEventKind::Log { line, .. } if *event.port == *name => Some(format!("says {line:?}")),
                _ => None,
            });
            if let Some(said) = said.await {
                return Ok(said);
            }
            return Err(self.events.fault_of(name).unwrap_or_else(|| {
                let seconds = FIRST_WORD.as_secs();
                format!("nothing in its RTT log for {seconds} s; is it firmware for this board?")
            }));
        }
        match probe.call(|probe| probe.is_halted()).within(QUICK).await {
            Ok(false) => Ok("its core runs; it has no RTT log".to_owned()),
            Ok(true) => Err("its core has halted; is it firmware for this board?".to_owned()),
            Err(error) => Err(chain(&error)),
        }
    }

    async fn radio(&mut self, name: &str, eui: Eui64, port: &SerialSettings) -> Result<Option<RcpRadio>, Failure> {
        let part = format!("{name} radio");
        let settings = RadioSettings {
            channel: self.bench.network.channel,
            long_address: eui,
            promiscuous: PromiscuousMode::Off,
            ..RadioSettings::default()
        };
        let end: Arc<str> = part.as_str().into();
        let radio = match RcpRadio::open(port, settings, self.ends.port(Arc::clone(&end))) {
            Ok(radio) => radio,
            Err(error) => {
                self.parts.fails(&part, chain(&error))?;
                return Ok(None);
            }
        };
        let answer = self.events.wait(FIRST_WORD, |event| match &event.kind {
            _ if event.port != end => None,
            PortEventKind::Radio(RadioEvent::Ready(identity)) => Some(Ok(identity.version.clone())),
            PortEventKind::Radio(RadioEvent::Down(reason)) => Some(Err(reason.to_string())),
            PortEventKind::Fault(fault) => Some(Err(fault.to_string())),
            _ => None,
        });
        match answer.await {
            Some(Ok(version)) => self.parts.works(&part, format!("{port}: {version}"))?,
            Some(Err(why)) => {
                self.parts.fails(&part, format!("{port}: {why}; is it a dongle with RCP firmware?"))?;
                return Ok(None);
            }
            None => {
                self.parts.fails(&part, format!("{port} does not answer; is it a dongle with RCP firmware?"))?;
                return Ok(None);
            }
        }
        Ok(Some(radio))
    }

    /// Waits for the hub to say who it is.
    async fn hello(&mut self, hub_runs: bool) -> Result<(), Failure> {
        if !hub_runs {
            return self.parts.not_tried(WAN, "the hub does not run");
        }
        let mut decoder = Decoder::new(MAXIMUM_FRAME_LENGTH);
        let mut octets_heard = 0;
        let hello = self.events.wait(FIRST_WORD, |event| {
            let PortEventKind::Wan { octets } = &event.kind else { return None };
            octets_heard += octets.len();
            let frames: Vec<_> = decoder.push_all(octets).flatten().collect();
            frames.iter().find_map(|frame| match WanFrame::parse(frame).ok()?.message {
                WanMessage::Hello { hub, firmware_version } => Some((hub, firmware_version)),
                _ => None,
            })
        });
        let expected = self.bench.hub.eui;
        match hello.await {
            Some((hub, version)) if hub == expected => {
                self.parts.works(WAN, format!("Hello from {hub}, firmware {version}"))
            }
            Some((hub, _)) => {
                let message = format!("Hello from {hub}, and the bench file has the hub {expected}; which is right?");
                self.parts.fails(WAN, message)
            }
            None => {
                let why = self.events.fault_of(WAN).unwrap_or_else(|| {
                    let seconds = FIRST_WORD.as_secs();
                    match octets_heard {
                        0 => format!("nothing came from the hub for {seconds} s; is it the right port?"),
                        _ => format!("{octets_heard} octets and no Hello came in {seconds} s; is the baud rate right?"),
                    }
                });
                self.parts.fails(WAN, why)
            }
        }
    }

    /// Waits for the sniffer to hear something, and has the radios ask for it.
    async fn hears(&mut self, sniffer: &NrfSniffer, radios: &[RcpRadio]) -> Result<(), Failure> {
        let part = HEARS;
        let channel = self.bench.network.channel;
        for radio in radios {
            let mut request = TransmitRequest::new(BEACON_REQUEST.to_vec(), channel);
            request.max_frame_retries = 0;
            radio.transmit(request);
        }
        let heard = self.events.wait(SILENCE, |event| match &event.kind {
            PortEventKind::Frame { octets, rssi, .. } => Some(format!("{} octets at {rssi} dBm", octets.len())),
            _ => None,
        });
        if let Some(first) = heard.await {
            let frames = sniffer.counters().frames;
            return self.parts.works(part, format!("{frames} frames on channel {channel}, the first of {first}"));
        }
        if let Some(fault) = self.events.fault_of(SNIFFER) {
            return self.parts.fails(part, fault);
        }
        let garbled = sniffer.counters().garbled;
        if garbled > 0 {
            let why = format!(
                "{garbled} lines that are no frames; is it the nRF Sniffer for 802.15.4, and the baud rate right?"
            );
            return self.parts.fails(part, why);
        }
        let seconds = SILENCE.as_secs();
        self.parts.fails(
            part,
            format!("nothing on channel {channel} for {seconds} s; is it near the boards, and on its firmware?"),
        )
    }
}
