//! The driver of a bench with boards, in real time.
//!
//! Boards run their firmware; roles that software plays run here, each over a radio of its own; the DCC's side runs here
//! too. What the sniffer hears and what goes over the WAN and DUIS interfaces passes through the same
//! [taps](super::taps) as in virtual time, and nothing else decides verdicts.
//!
//! Where every player lets the rig move its clock on, long waits are jumped over: when nothing happens, all clocks move
//! on together, to the time at which the first participant has something to do. Firmware that does not tell when that is
//! has to be quiet for longer, and its clock is moved a little at first and more as long as nothing happens. A bench with
//! a player that has no such clock waits in real time, and what would need longer than [`LiveSetup::patience`] is not
//! applicable there.

mod board;
pub mod emulation;
pub mod provisioning;
mod setup;
mod software;

pub use setup::{BoardSetup, LiveSetup, PlayerSetup};

use super::dcc_side::DccSide;
use super::driver::{Cannot, Driver, FlashContent, Pending};
use super::observe::{Observations, WanDirection};
use super::participants::{hub_config, ppmid_config};
use super::software::SoftwareDevice;
use super::taps::Taps;
use crate::bench::Bench;
use crate::ports::{Events, NrfSniffer, PortEvent, PortEventKind, PortEvents, Sniffer as _, WanLink as _, WanPort};
use crate::runner::{BenchFault, EndOfScenario, ScenarioContext};
use board::{Board, BoardFailure};
use emulation::Emulation;
use futures::future::try_join_all;
use hanrig_air::live::{Endpoint, LiveRadio};
use hanrig_air::{SniffedFrame, fcs_is_good};
use hanrig_dcc::data::DccData;
use hanrig_provisioning::Faults;
use hanrig_wire::spinel::host::TransmitRequest;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use software::{Said, SoftwarePlayer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long nothing must have happened before a wait is jumped over: where every participant tells that it is idle, where
/// the emulation tells besides what is on its way, and where neither. A machine may be so busy that a board or a port is
/// late by more, so boards are asked, too: see [`LiveBench::is_settled`].
const SETTLED: Duration = Duration::from_millis(300);
const SETTLED_EMULATED: Duration = Duration::from_millis(40);
const QUIET: Duration = Duration::from_millis(2500);
/// How often the rig looks for what a board has not taken until it goes on without: firmware that hangs takes nothing any
/// more. And how often for what it has not read itself, until the machine is too busy for it. Looks are counted, some fifty a
/// second, and no time is taken: where the machine itself stands still, nobody could have taken anything meanwhile.
const UNTAKEN: u32 = 500;
const UNREAD: u32 = 3000;
/// How long the rig listens on, after a wait is over, for what happened before its end and is not read yet, and how often it
/// looks for that at the least.
const LATE: Duration = Duration::from_secs(5);
const LATE_LOOKS: u32 = 250;
/// How long before the end of a wait the rig begins to read what came until then.
const LEAD: Duration = Duration::from_millis(500);
/// How long participants get to react to a jump before the next one, where not all of them tell when they are idle.
const BETWEEN_JUMPS: Duration = Duration::from_millis(150);
/// The first jump after something happened, and the longest.
const FIRST_JUMP: Duration = Duration::from_secs(30);
const LONGEST_JUMP: Duration = Duration::from_secs(600);
/// How many octets of a frame with a block of an image are not the block's, at the least.
const AROUND_A_BLOCK: usize = 60;
/// A wait that is over sooner than this is waited for.
const WORTH_A_JUMP: Duration = Duration::from_secs(1);
/// How many events are taken before the software participants get their turn.
const EVENTS_AT_ONCE: usize = 4096;
/// How long the driver sleeps at the most before it looks around.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Who plays a Device.
#[derive(Debug)]
enum Player {
    Board(Box<Board>),
    Software(Box<SoftwarePlayer>),
}

/// A Device in its place on the bench.
#[derive(Debug)]
struct Seat {
    /// What its log and its ports are called.
    name: Arc<str>,
    eui: Eui64,
    /// Whether the scenario is about it.
    is_subject: bool,
    player: Player,
}

/// Where the hub sits.
const HUB: usize = 0;

/// The bench in motion.
#[derive(Debug)]
pub struct LiveBench {
    started: std::time::Instant,
    /// How far all clocks were moved on, and since when that holds.
    jumps: Vec<(std::time::Instant, Duration)>,
    next_jump: Duration,
    last_jump: std::time::Instant,
    last_event: std::time::Instant,
    /// How often since then something was found to be on its way.
    looks: u32,
    patience: Duration,
    events: PortEvents,
    /// The hub first.
    seats: Vec<Seat>,
    /// The link to a hub that is a board.
    wan: Option<WanPort>,
    /// Whether that link is there.
    wan_port_up: bool,
    /// Whether a step has cut the WAN.
    wan_cut: bool,
    dcc: DccSide,
    taps: Taps,
    sniffer: NrfSniffer,
    channel: u8,
    garbled: u64,
    fault: Option<BenchFault>,
    /// What emulates the bench's hardware, if something does: it goes when the bench goes.
    emulation: Option<Emulation>,
    /// The radio of the Device that hears no more of its transfer until the rig says so.
    holding: Option<Arc<Endpoint>>,
    /// The radio of somebody who is no part of the premises.
    attacker: Option<LiveRadio>,
}

/// What a board's failure is for the scenario: firmware that hangs fails the scenario that is about it, and no other.
fn stopped(failure: BoardFailure, is_subject: bool) -> Cannot {
    match failure {
        BoardFailure::Hangs(what) if is_subject => Cannot::DeviceStopped(what),
        BoardFailure::Hangs(what) => BenchFault::new(what).into(),
        BoardFailure::Fault(fault) => fault.into(),
    }
}

fn too_busy(what: &str) -> BenchFault {
    BenchFault::new(format!("{what}: this machine may be too busy"))
}

/// Waits until something is read that only a machine that is too busy keeps from it.
async fn until_read(is_read: impl Fn() -> bool, what: &str) -> Result<(), BenchFault> {
    for _ in 0..UNREAD {
        if is_read() {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(too_busy(what))
}

impl LiveBench {
    /// Starts every player of `bench` on the hardware of `setup`.
    ///
    /// # Errors
    /// When a part of the bench does not work: the message says which and what to do.
    pub async fn start(bench: &Bench, setup: LiveSetup, context: &ScenarioContext) -> Result<Self, BenchFault> {
        let seed = context.seed;
        let taps = Taps::new(bench, context)?;
        let dcc = DccSide::new(bench)?;
        let (ends, mut events) = Events::channel();
        // What ports tell while others are still on their way up.
        let mut early = Vec::new();
        let channel = bench.network.channel;
        // The sniffer first: what the boards say on their way up is to be heard.
        let sniffer = NrfSniffer::open(&setup.sniffer, channel, ends.port("sniffer"))
            .map_err(|error| BenchFault::from_error(&error))?;
        if let Some(emulation) = &setup.emulation {
            let is_read = || emulation.is_sniffer_read(sniffer.carried());
            until_read(is_read, "the emulated sniffer takes no command").await?;
        }
        let mut seats = Vec::new();
        let mut wan = None;
        let occasion = provisioning::new_occasion();
        let name: Arc<str> = "hub".into();
        let player = match setup.hub {
            PlayerSetup::Board(board) => {
                let target = setup.wan.ok_or_else(|| BenchFault::new("the hub's board has no WAN link"))?;
                let port = WanPort::open(target, ends.port("hub")).map_err(|error| BenchFault::from_error(&error))?;
                wan = Some(port);
                let config = hub_config(bench, seed);
                let block = board
                    .provision
                    .then(|| provisioning::hub_block(bench, &config, occasion, Faults::default()))
                    .transpose()?;
                Player::Board(Box::new(Board::start("hub", board, block, ends.port("hub")).await?))
            }
            PlayerSetup::Software { rcp } => {
                let hub = SoftwareDevice::hub(bench, seed, true);
                let sender = ends.port(Arc::clone(&name));
                let player = SoftwarePlayer::open(hub, channel, &rcp, sender, &mut events, &mut early).await?;
                Player::Software(Box::new(player))
            }
        };
        let is_subject = |what: &str| context.tags.iter().any(|tag| tag == what);
        seats.push(Seat { name, eui: bench.hub.eui, is_subject: is_subject("subject-ch"), player });
        for (ppmid, player) in bench.ppmids.iter().zip(setup.ppmids) {
            let name: Arc<str> = ppmid.name.to_lowercase().replace(' ', "-").into();
            let sender = ends.port(Arc::clone(&name));
            let player = match player {
                PlayerSetup::Board(board) => {
                    let config = ppmid_config(bench, ppmid, seed)?;
                    let block = board
                        .provision
                        .then(|| provisioning::ppmid_block(&config, occasion, Faults::default()))
                        .transpose()?;
                    Player::Board(Box::new(Board::start(&name, board, block, sender).await?))
                }
                PlayerSetup::Software { rcp } => {
                    let device = SoftwareDevice::ppmid(bench, ppmid, seed, true)?;
                    let player = SoftwarePlayer::open(device, channel, &rcp, sender, &mut events, &mut early).await?;
                    Player::Software(Box::new(player))
                }
            };
            seats.push(Seat { name, eui: ppmid.eui, is_subject: is_subject("subject-ppmid"), player });
        }
        for (device, rcp) in bench.devices.iter().zip(&setup.devices) {
            let name: Arc<str> = device.name.to_lowercase().replace(' ', "-").into();
            let sender = ends.port(Arc::clone(&name));
            let software = SoftwareDevice::device(bench, device, seed, true)?;
            let player = SoftwarePlayer::open(software, channel, rcp, sender, &mut events, &mut early).await?;
            let player = Player::Software(Box::new(player));
            seats.push(Seat { name, eui: device.eui, is_subject: false, player });
        }
        let now = std::time::Instant::now();
        let mut live = Self {
            started: now,
            jumps: vec![(now, Duration::ZERO)],
            next_jump: FIRST_JUMP,
            last_jump: now,
            last_event: now,
            looks: 0,
            patience: setup.patience,
            events,
            seats,
            wan,
            wan_port_up: false,
            wan_cut: false,
            dcc,
            taps,
            sniffer,
            channel,
            garbled: 0,
            fault: None,
            emulation: setup.emulation,
            holding: None,
            attacker: setup.attacker,
        };
        live.switch_on(bench)?;
        for event in early {
            live.on_event(event);
        }
        Ok(live)
    }

    fn switch_on(&mut self, bench: &Bench) -> Result<(), BenchFault> {
        let now = self.now();
        self.dcc.provision(now, bench);
        for seat in &mut self.seats {
            if let Player::Software(player) = &mut seat.player {
                player.set_power(now, true)?;
            }
        }
        self.link_changed();
        self.settle();
        Ok(())
    }

    /// Tells the software at both ends of the WAN link whether it is there. A board finds out by itself.
    fn link_changed(&mut self) {
        let now = self.now();
        let up = match self.seats.get_mut(HUB).map(|seat| &mut seat.player) {
            Some(Player::Board(board)) => self.wan_port_up && !self.wan_cut && board.is_on(),
            Some(Player::Software(player)) => {
                let up = !self.wan_cut;
                player.on().map(|hub| hub.on_wan_link(now, up)).is_some() && up
            }
            None => false,
        };
        self.dcc.set_link(now, up);
    }

    fn bench_time(&self, at: std::time::Instant) -> Instant {
        let jumped =
            self.jumps.iter().rev().find(|(since, _)| *since <= at).map_or(Duration::ZERO, |(_, jumped)| *jumped);
        Instant::ZERO + (at.saturating_duration_since(self.started) + jumped)
    }

    fn something_happened(&mut self) {
        self.last_event = std::time::Instant::now();
        self.looks = 0;
    }

    /// Takes what the ports have told; not without end, should one of them never stop.
    fn take_events(&mut self) {
        for _ in 0..EVENTS_AT_ONCE {
            let Ok(event) = self.events.try_recv() else { return };
            self.on_event(event);
        }
    }

    fn on_event(&mut self, event: PortEvent) {
        let at = self.bench_time(event.at);
        let now = self.now();
        // A log is no sign of life on the interfaces: firmware logs the jumps themselves.
        if !matches!(event.kind, PortEventKind::Log { .. } | PortEventKind::Garbled { .. }) {
            self.something_happened();
            self.next_jump = FIRST_JUMP;
        }
        match event.kind {
            PortEventKind::Frame { octets, rssi, lqi, .. } => {
                let fcs_ok = fcs_is_good(&octets);
                self.taps.frame(&SniffedFrame {
                    at,
                    page: 0,
                    channel: self.channel,
                    psdu: octets.into(),
                    rssi,
                    lqi,
                    fcs_ok,
                });
            }
            PortEventKind::Garbled { line, total } => {
                self.garbled = total;
                self.taps.log("bench", at, &format!("{} told what cannot be understood: {line}", event.port));
            }
            PortEventKind::Log { device, line } => self.taps.log(&device, at, &line),
            PortEventKind::Wan { octets } => {
                self.taps.wan(at, WanDirection::FromHub, &octets);
                self.dcc.on_hub_octets(now, &octets);
            }
            PortEventKind::WanLink { up } => {
                self.taps.log("bench", at, if up { "WAN link up" } else { "WAN link down" });
                self.wan_port_up = up;
                self.link_changed();
            }
            PortEventKind::Radio(radio) => {
                if let Some(seat) = self.seats.iter_mut().find(|seat| seat.name == event.port)
                    && let Player::Software(player) = &mut seat.player
                {
                    player.on_radio(now, radio);
                }
            }
            PortEventKind::Fault(fault) => {
                let fault = BenchFault::new(format!("{}: {fault}", event.port));
                self.taps.log("bench", at, &fault.to_string());
                self.fault.get_or_insert(fault);
            }
        }
        self.settle();
    }

    /// Takes and delivers what the software participants have to say, until all are silent.
    fn settle(&mut self) {
        let now = self.now();
        loop {
            let mut quiet = true;
            let mut sent = false;
            for seat in &mut self.seats {
                let Player::Software(player) = &mut seat.player else { continue };
                while let Some(said) = player.take_said() {
                    quiet = false;
                    match said {
                        Said::Wan(octets) => {
                            self.taps.wan(now, WanDirection::FromHub, &octets);
                            self.dcc.on_hub_octets(now, &octets);
                        }
                        Said::Log(line) => self.taps.log(&seat.name, now, &line),
                    }
                }
                sent |= player.take_has_sent();
            }
            for octets in self.dcc.settle(now, &mut self.taps) {
                quiet = false;
                sent = true;
                match self.seats.get_mut(HUB).map(|seat| &mut seat.player) {
                    Some(Player::Board(_)) => self.wan.iter().for_each(|wan| wan.send(octets.clone())),
                    Some(Player::Software(player)) => {
                        if let Some(hub) = player.on() {
                            hub.on_wan_octets(now, &octets);
                        }
                    }
                    None => {}
                }
            }
            if sent {
                // What was sent is on its way to somebody who looks idle still.
                self.something_happened();
            }
            if quiet {
                return;
            }
        }
    }

    /// When a software participant next has something to do.
    fn next_due(&self) -> Option<Instant> {
        let now = self.now();
        let devices = self.seats.iter().filter_map(|seat| match &seat.player {
            Player::Software(player) => player.poll_at(now),
            Player::Board(_) => None,
        });
        devices.chain(self.dcc.poll_at()).min()
    }

    /// Does what is due of the software participants.
    fn poll(&mut self) {
        let now = self.now();
        for seat in &mut self.seats {
            if let Player::Software(player) = &mut seat.player {
                player.poll(now);
            }
        }
        if self.dcc.poll_at().is_some_and(|at| at <= now) {
            self.dcc.poll(now);
        }
        self.settle();
    }

    /// The boards, and whether the scenario is about them.
    fn boards(&mut self) -> impl Iterator<Item = (&mut Board, bool)> {
        self.seats.iter_mut().filter_map(|seat| match &mut seat.player {
            Player::Board(board) => Some((board.as_mut(), seat.is_subject)),
            Player::Software(_) => None,
        })
    }

    fn seat_of(&mut self, device: Eui64) -> Result<(usize, &mut Seat), Cannot> {
        let seat = self.seats.iter_mut().enumerate().find(|(_, seat)| seat.eui == device);
        seat.ok_or_else(|| Cannot::NotOnThisBench(format!("{device} is not a Device of this bench")))
    }

    async fn switch(&mut self, device: Eui64, on: bool) -> Result<(), Cannot> {
        let now = self.now();
        let (index, seat) = self.seat_of(device)?;
        match &mut seat.player {
            Player::Board(board) => board.set_power(on).await?,
            Player::Software(player) => player.set_power(now, on)?,
        }
        let line = format!("{} switched {}", seat.name, if on { "on" } else { "off" });
        self.full_speed();
        self.taps.log("bench", now, &line);
        if index == HUB {
            self.link_changed();
        }
        self.settle();
        Ok(())
    }

    /// Ends what [`Driver::slow_down`] and [`Driver::run_until_fetched`] do to radios.
    fn full_speed(&mut self) {
        self.emulation.iter().for_each(Emulation::full_speed);
        self.hold_no_more();
    }

    fn hold_no_more(&mut self) {
        if let Some(radio) = self.holding.take() {
            radio.let_all_through();
        }
    }

    fn is_holding(&self) -> bool {
        self.holding.as_ref().is_some_and(|radio| radio.is_holding())
    }

    fn is_sniffer_read(&self) -> bool {
        self.emulation.as_ref().is_none_or(|emulation| emulation.is_sniffer_read(self.sniffer.carried()))
    }

    /// Lets block by block through to a Device, as many as are known to be missing: what the sniffer has told is read first
    /// whenever the Device waits.
    async fn fetch(
        &mut self,
        radio: Arc<Endpoint>,
        deadline: Instant,
        (octets, block_size): (usize, usize),
        covered: &dyn Fn(&Observations) -> usize,
    ) -> Result<bool, Cannot> {
        let is_there = |seen: &Observations| covered(seen) >= octets;
        let long = block_size + AROUND_A_BLOCK;
        radio.let_through(0, long);
        self.holding = Some(Arc::clone(&radio));
        loop {
            if !self.advance(deadline, &mut |seen| is_there(seen) || radio.is_holding()).await? {
                self.hold_no_more();
                return Ok(false);
            }
            until_read(|| self.is_sniffer_read(), "what the emulated sniffer tells is not read").await?;
            self.take_events();
            self.poll();
            let missing = octets.saturating_sub(covered(self.taps.seen()));
            radio.let_through(missing.div_ceil(block_size), long);
            if missing == 0 {
                return Ok(true);
            }
        }
    }

    async fn restart(&mut self, device: Eui64) -> Result<(), Cannot> {
        let now = self.now();
        let (_, seat) = self.seat_of(device)?;
        let line = format!("{} reset", seat.name);
        if let Player::Board(board) = &mut seat.player {
            board.reset().await?;
            self.full_speed();
            self.taps.log("bench", now, &line);
            return Ok(());
        }
        self.switch(device, false).await?;
        self.switch(device, true).await
    }

    /// A player whose clock the rig cannot move on.
    fn without_jumps(&mut self) -> Option<String> {
        self.boards().find(|(board, _)| !board.can_jump()).map(|(board, _)| board.name().to_owned())
    }

    /// Whether nothing is on its way any more: nothing has happened for a while, and no board has anything to say when
    /// it has gone once through all that it was told. A board answers late where the machine that emulates it is busy, so
    /// this takes as long as what is on its way may take.
    async fn is_settled(&mut self) -> Result<bool, Cannot> {
        let before = self.last_event;
        if before.elapsed() < self.settled() {
            return Ok(false);
        }
        if !self.is_drained() {
            self.looks = self.looks.saturating_add(1);
            if self.looks > UNREAD && !self.is_read() {
                return Err(too_busy("what the emulated radios or the WAN link tell is not read").into());
            }
            return Ok(false);
        }
        self.move_clocks(Duration::ZERO).await?;
        // In this order: what was taken from a port is told by then.
        let drained = self.is_drained();
        self.take_events();
        self.poll();
        Ok(drained && self.last_event == before)
    }

    const fn settled(&self) -> Duration {
        if self.emulation.is_some() { SETTLED_EMULATED } else { SETTLED }
    }

    /// Whether nothing is on its way any more, as far as can be seen from here.
    fn is_drained(&self) -> bool {
        self.is_read() && (self.is_taken() || self.looks > UNTAKEN)
    }

    /// Whether the rig, and the emulation where there is one, have read all that was told.
    fn is_read(&self) -> bool {
        let ports = self.seats.iter().filter_map(|seat| match &seat.player {
            Player::Software(player) => Some((seat.eui, player.carried())),
            Player::Board(_) => None,
        });
        self.wan.as_ref().is_none_or(WanPort::is_read)
            && self.emulation.as_ref().is_none_or(|emulation| emulation.is_read(self.sniffer.carried(), ports))
    }

    /// Whether the boards have taken what they were told, and the WAN link to one of them is up where it should be.
    fn is_taken(&self) -> bool {
        let hub_is_on = matches!(self.seats.get(HUB), Some(Seat { player: Player::Board(board), .. }) if board.is_on());
        let connecting = self.wan.is_some() && hub_is_on && !self.wan_cut && !self.wan_port_up;
        !connecting
            && self.wan.as_ref().is_none_or(WanPort::is_written)
            && self.emulation.as_ref().is_none_or(Emulation::is_told)
    }

    /// For how long no participant has anything to do by itself, where all of them tell.
    async fn idle(&mut self) -> Result<Option<Duration>, BenchFault> {
        let due = self.next_due().map_or(Duration::MAX, |due| due.saturating_since(self.now()));
        let boards = try_join_all(self.boards().map(|(board, _)| board.idle())).await?;
        Ok(boards.into_iter().try_fold(due, |idle, board| board.map(|board| board.min(idle))))
    }

    /// How far all clocks can be moved on now, of `left`.
    async fn jump_for(&mut self, left: Duration) -> Result<Option<Duration>, Cannot> {
        let (quiet, since_jump) = (self.last_event.elapsed(), self.last_jump.elapsed());
        if left <= WORTH_A_JUMP || quiet.min(since_jump) < self.settled() {
            return Ok(None);
        }
        let told = self.idle().await?.is_some_and(|idle| idle > WORTH_A_JUMP);
        if !(told || quiet >= QUIET && since_jump >= BETWEEN_JUMPS) || !self.is_settled().await? {
            return Ok(None);
        }
        if told {
            // What they have gone through since may have given them something to do.
            return Ok(self.idle().await?.filter(|idle| *idle > WORTH_A_JUMP).map(|idle| idle.min(left)));
        }
        // Not past what software has to do next: it is to be done in time.
        let now = self.now();
        let due = self.next_due().map_or(Duration::MAX, |due| due.saturating_since(now));
        let by = self.next_jump.min(left).min(due.max(Duration::from_millis(100)));
        self.next_jump = (self.next_jump * 2).min(LONGEST_JUMP);
        Ok(Some(by))
    }

    /// Moves the boards' clocks on, and waits until each has gone through what the new time brings and all that it was told.
    async fn move_clocks(&mut self, by: Duration) -> Result<(), Cannot> {
        try_join_all(self.boards().map(|(board, _)| board.move_clock(by))).await?;
        let set = self.boards().map(|(board, is_subject)| async move {
            board.clock_is_set().await.map_err(|failure| stopped(failure, is_subject))
        });
        try_join_all(set).await.map(drop)
    }

    /// Moves all clocks on. What boards say while the last of them is still to be told is of the time after.
    async fn jump(&mut self, by: Duration) -> Result<(), Cannot> {
        let began = std::time::Instant::now();
        self.move_clocks(by).await?;
        let before = self.jumps.last().map_or(Duration::ZERO, |(_, jumped)| *jumped);
        self.jumps.push((began, before + by));
        self.last_jump = std::time::Instant::now();
        Ok(())
    }

    async fn advance(
        &mut self,
        deadline: Instant,
        done: &mut dyn FnMut(&Observations) -> bool,
    ) -> Result<bool, Cannot> {
        let mut looked_at = None;
        let began = std::time::Instant::now();
        let is_short = deadline.saturating_since(self.now()) < WORTH_A_JUMP;
        let mut over = None;
        let stuck = self.without_jumps();
        loop {
            self.take_events();
            self.poll();
            if let Some(fault) = self.fault.take() {
                return Err(fault.into());
            }
            let revision = self.taps.seen().revision;
            if looked_at != Some(revision) || self.is_holding() {
                looked_at = Some(revision);
                if done(self.taps.seen()) {
                    return Ok(true);
                }
            }
            let now = self.now();
            let left = deadline.saturating_since(now);
            if left.is_zero() {
                let (since, looks) = over.get_or_insert_with(|| (std::time::Instant::now(), 0));
                *looks += 1;
                let is_late = since.elapsed() > LATE && *looks > LATE_LOOKS && self.is_read();
                if is_short || is_late || self.is_settled().await? {
                    return Ok(false);
                }
            } else if let Some(player) = &stuck {
                if began.elapsed() > self.patience {
                    return Err(Cannot::CannotWait(format!(
                        "not observed within {} s; the window is longer, and the rig cannot move the clock of {player} on",
                        self.patience.as_secs()
                    )));
                }
            } else if let Some(by) = self.jump_for(left).await? {
                self.jump(by).await?;
                continue;
            }
            let due = self.next_due().map_or(LOOK_EVERY, |due| due.saturating_since(now));
            let left = if left.is_zero() { LOOK_EVERY } else { left };
            // No longer than until it may be quiet enough for a jump.
            let quiet = self.settled().saturating_sub(self.last_event.elapsed());
            let look = if quiet.is_zero() { LOOK_EVERY } else { quiet.min(LOOK_EVERY) };
            let wait = due.min(left).min(look).max(Duration::from_micros(100));
            match tokio::time::timeout(wait, self.events.recv()).await {
                Ok(Some(event)) => self.on_event(event),
                Ok(None) | Err(_) => self.taps.flush(),
            }
        }
    }
}

impl Driver for LiveBench {
    fn now(&self) -> Instant {
        self.bench_time(std::time::Instant::now())
    }

    fn observations(&self) -> &Observations {
        self.taps.seen()
    }

    fn has_jumped_since(&self, since: Instant) -> bool {
        self.jumps.iter().skip(1).any(|(at, _)| self.bench_time(*at) >= since)
    }

    fn run_until<'a>(
        &'a mut self,
        deadline: Instant,
        done: &'a mut dyn FnMut(&Observations) -> bool,
    ) -> Pending<'a, Result<bool, Cannot>> {
        self.hold_no_more();
        Box::pin(self.advance(deadline, done))
    }

    fn let_pass(&mut self, duration: Duration) -> Pending<'_, Result<(), Cannot>> {
        self.hold_no_more();
        Box::pin(async move {
            if duration > self.patience
                && let Some(player) = self.without_jumps()
            {
                return Err(Cannot::NotOnThisBench(format!(
                    "needs a time jump of {} s, and the rig cannot move the clock of {player} on",
                    duration.as_secs()
                )));
            }
            let deadline = self.now() + duration;
            if duration > WORTH_A_JUMP {
                // What is not read yet is read before the end: a step may want the bench at that very time.
                let nearly = self.now() + duration.saturating_sub(LEAD);
                self.advance(nearly, &mut |_| false).await?;
            }
            self.advance(deadline, &mut |_| false).await.map(drop)
        })
    }

    fn send_document(&mut self, user: Eui64, xml: &str) -> Result<(), Cannot> {
        self.dcc.on_document(self.now(), user, xml, &mut self.taps);
        self.settle();
        Ok(())
    }

    fn edit_dcc(&mut self, edit: &mut dyn FnMut(&mut DccData)) -> Result<(), Cannot> {
        edit(self.dcc.data_mut());
        Ok(())
    }

    fn operate_dcc(&mut self, act: &mut dyn FnMut(Instant, &mut DccSide, &mut Taps)) -> Result<(), Cannot> {
        let now = self.now();
        act(now, &mut self.dcc, &mut self.taps);
        self.settle();
        Ok(())
    }

    fn update_hub(&mut self, _: FirmwareVersion) -> Result<(), Cannot> {
        Err(Cannot::NotOnThisBench("the rig cannot install other firmware on the hub of this bench".to_owned()))
    }

    fn update_locally<'a>(&'a mut self, device: Eui64, image: &'a [u8]) -> Pending<'a, Result<(), Cannot>> {
        Box::pin(async move {
            let now = self.now();
            let (_, seat) = self.seat_of(device)?;
            let installed = match &mut seat.player {
                Player::Board(board) => {
                    let is_subject = seat.is_subject;
                    board.update_locally(image).await.map_err(|failure| stopped(failure, is_subject))?
                }
                Player::Software(player) => player
                    .on()
                    .ok_or_else(|| BenchFault::new(format!("{} is switched off", seat.name)))?
                    .update_locally(now, image)
                    .transpose()
                    .map_err(|error| BenchFault::new(format!("the local update failed: {error}")))?,
            };
            installed.ok_or_else(|| {
                Cannot::NotOnThisBench(format!("the firmware of {} has no local update that the rig knows", seat.name))
            })?;
            self.settle();
            Ok(())
        })
    }

    fn set_power(&mut self, device: Eui64, on: bool) -> Pending<'_, Result<(), Cannot>> {
        Box::pin(self.switch(device, on))
    }

    fn reset(&mut self, device: Eui64) -> Pending<'_, Result<(), Cannot>> {
        Box::pin(self.restart(device))
    }

    fn set_wan(&mut self, up: bool) -> Result<(), Cannot> {
        self.wan_cut = !up;
        self.taps.log("bench", self.now(), if up { "WAN restored" } else { "WAN cut" });
        if let Some(wan) = &self.wan {
            wan.set_cut(self.wan_cut);
        }
        self.link_changed();
        self.full_speed();
        self.settle();
        Ok(())
    }

    fn set_in_range(&mut self, device: Eui64, in_range: bool) -> Result<(), Cannot> {
        let Some(emulation) = &self.emulation else {
            return Err(Cannot::NotOnThisBench("the rig cannot take a Device out of range on this bench".to_owned()));
        };
        emulation.set_in_range(device, in_range)?;
        if in_range {
            emulation.full_speed();
        }
        self.hold_no_more();
        let state = if in_range { "in range" } else { "out of range" };
        self.taps.log("bench", self.now(), &format!("{device} {state}"));
        Ok(())
    }

    fn eavesdrop(&mut self) -> Result<(), Cannot> {
        if self.attacker.is_none() {
            return Err(Cannot::NotOnThisBench("no radio of this bench can put forged frames on the air".to_owned()));
        }
        self.taps.eavesdrop();
        Ok(())
    }

    fn inject(&mut self, octets: Vec<u8>, csma: bool) -> Result<(), Cannot> {
        let now = self.now();
        let Some(attacker) = &self.attacker else {
            return Err(Cannot::NotOnThisBench("no radio of this bench can put forged frames on the air".to_owned()));
        };
        self.taps.injecting(now, &octets);
        attacker.transmit(TransmitRequest { csma, max_frame_retries: 0, ..TransmitRequest::new(octets, self.channel) });
        Ok(())
    }

    fn hide(&mut self, device: Eui64, other: Eui64) -> Result<(), Cannot> {
        let Some(emulation) = &self.emulation else {
            let what = "the rig cannot take Devices out of each other's range on this bench";
            return Err(Cannot::NotOnThisBench(what.to_owned()));
        };
        emulation.hide(device, other)?;
        self.taps.log("bench", self.now(), &format!("{device} and {other} do not hear each other"));
        Ok(())
    }

    fn run_until_fetched<'a>(
        &'a mut self,
        device: Eui64,
        deadline: Instant,
        (octets, block_size): (usize, u8),
        covered: &'a dyn Fn(&Observations) -> usize,
    ) -> Pending<'a, Result<bool, Cannot>> {
        Box::pin(async move {
            let Some(emulation) = &self.emulation else {
                return self.advance(deadline, &mut |seen| covered(seen) >= octets).await;
            };
            let radio = Arc::clone(emulation.radio_of(device)?);
            self.fetch(radio, deadline, (octets, usize::from(block_size.max(1))), covered).await
        })
    }

    fn slow_down(&mut self, device: Eui64, latency: Duration) -> Result<(), Cannot> {
        let Some(emulation) = &self.emulation else { return Ok(()) };
        Ok(emulation.set_latency(device, latency)?)
    }

    fn send_to_hub(&mut self, octets: Vec<u8>) -> Result<(), Cannot> {
        self.dcc.send_to_hub(self.now(), octets);
        self.settle();
        Ok(())
    }

    fn damage_flash(&mut self, device: Eui64, content: FlashContent) -> Pending<'_, Result<(), Cannot>> {
        Box::pin(async move {
            let now = self.now();
            let seat = self.seats.iter_mut().find(|seat| seat.eui == device);
            match seat.map(|seat| &mut seat.player) {
                Some(Player::Software(player)) => player.damage_flash(now, content)?,
                _ => {
                    let what = format!("the flash of {device} is out of the rig's reach");
                    return Err(Cannot::NotOnThisBench(what));
                }
            }
            self.settle();
            Ok(())
        })
    }

    fn stop(&mut self) -> EndOfScenario {
        // Boards say their last words when their probes are closed.
        self.seats.clear();
        self.wan = None;
        self.take_events();
        let heard = self.sniffer.counters();
        let mut counters = BTreeMap::from([
            ("frames heard by the sniffer".to_owned(), heard.frames),
            ("lines of the sniffer not understood".to_owned(), self.garbled),
        ]);
        if let Some(emulation) = &self.emulation {
            let [told, dropped, malformed] = emulation.sniffer_counts();
            counters.insert("lines told by the emulated sniffer".to_owned(), told);
            counters.insert("lines dropped by the emulated sniffer".to_owned(), dropped);
            counters.insert("commands not understood by the emulated sniffer".to_owned(), malformed);
        }
        let mut end = self.taps.finish(counters);
        end.fault = end.fault.or_else(|| self.fault.take());
        self.attacker = None;
        self.emulation = None;
        end
    }
}
