//! What hardware a live bench is on.

use super::emulation::{Emulated, Emulation, emulate};
use crate::bench::{Bench, Player};
use crate::ports::{Power, ProbeSettings, SerialSettings, WanTarget};
use crate::runner::BenchFault;
use hanrig_air::live::LiveRadio;
use hanrig_wire::time::Duration;
use std::path::PathBuf;

/// The hardware of a bench.
#[derive(Debug)]
pub struct LiveSetup {
    /// Who plays the hub.
    pub hub: PlayerSetup,
    /// The WAN link to a hub that is a board.
    pub wan: Option<WanTarget>,
    /// Who plays each PPMID, in the order of the bench.
    pub ppmids: Vec<PlayerSetup>,
    /// The radio co-processor of each ESME, GSME and HCALCS, in the order of the bench: only software plays them.
    pub devices: Vec<SerialSettings>,
    /// The sniffer's port.
    pub sniffer: SerialSettings,
    /// How long the rig waits in real time for what it cannot jump to.
    pub patience: Duration,
    /// What emulates this hardware, if something does: it is kept as long as the bench is in motion.
    pub emulation: Option<Emulation>,
    /// A radio for somebody who is no part of the premises, where the rig has the air.
    pub attacker: Option<LiveRadio>,
}

/// Who plays a role.
#[derive(Debug)]
pub enum PlayerSetup {
    /// Software, over a radio co-processor on this port.
    Software {
        /// The port.
        rcp: SerialSettings,
    },
    /// A board.
    Board(BoardSetup),
}

/// A board and what runs on it.
#[derive(Debug)]
pub struct BoardSetup {
    /// The debug probe and the chip behind it.
    pub probe: ProbeSettings,
    /// The firmware.
    pub firmware: PathBuf,
    /// Where firmware that is octets alone begins.
    pub base: Option<u64>,
    /// Whether the firmware takes what it is from the rig.
    pub provision: bool,
    /// The symbol with which its clock is moved on, where it has one.
    pub clock_offset: Option<String>,
    /// A switch in its supply, for a board that is not off while its reset line is held.
    pub power: Option<Box<dyn Power>>,
}

impl LiveSetup {
    /// The hardware that `bench` names, or the emulation of it that it asks for, which is started here.
    ///
    /// # Errors
    /// When the emulation does not start, or the bench lacks a part that it needs.
    pub fn of(bench: &Bench, seed: u64) -> Result<Self, BenchFault> {
        if let Some(emulation) = bench.emulation {
            let hub = emulated(&bench.hub.player)?;
            let ppmids = bench.ppmids.iter().map(|ppmid| emulated(&ppmid.player)).collect::<Result<Vec<_>, _>>()?;
            let setup = emulate(bench, seed, emulation.throttled, &hub, &ppmids)?;
            return Ok(Self { patience: bench.patience, ..setup });
        }
        let sniffer = bench.sniffer.clone().ok_or_else(|| BenchFault::new("the bench names no sniffer"))?;
        Ok(Self {
            hub: real("the hub", &bench.hub.player)?,
            wan: bench.hub.wan.clone(),
            ppmids: bench.ppmids.iter().map(|ppmid| real(&ppmid.name, &ppmid.player)).collect::<Result<Vec<_>, _>>()?,
            devices: bench.devices.iter().map(|device| rcp(&device.name, &device.player)).collect::<Result<_, _>>()?,
            sniffer,
            patience: bench.patience,
            emulation: None,
            attacker: None,
        })
    }
}

fn emulated(player: &Player) -> Result<Emulated, BenchFault> {
    match player {
        Player::Software { .. } => Ok(Emulated { firmware: None }),
        Player::Qemu(board) => Ok(Emulated { firmware: Some(board.firmware.clone()) }),
        Player::Board(_) => Err(BenchFault::new("a bench whose air is emulated cannot have a real board")),
    }
}

fn rcp(name: &str, player: &Player) -> Result<SerialSettings, BenchFault> {
    match player {
        Player::Software { radio: Some(rcp) } => Ok(rcp.clone()),
        Player::Software { radio: None } => Err(BenchFault::new(format!("{name} is software and has no radio"))),
        Player::Board(_) | Player::Qemu(_) => Err(BenchFault::new(format!("no board can play {name} yet"))),
    }
}

fn real(name: &str, player: &Player) -> Result<PlayerSetup, BenchFault> {
    match player {
        Player::Software { .. } => Ok(PlayerSetup::Software { rcp: rcp(name, player)? }),
        Player::Board(board) => Ok(PlayerSetup::Board(BoardSetup {
            probe: board.probe.clone(),
            firmware: board.firmware.clone(),
            base: board.base_address,
            provision: board.provisioning,
            clock_offset: board.clock_offset.clone(),
            power: board.power.clone().map(|hooks| Box::new(hooks) as Box<dyn Power>),
        })),
        Player::Qemu(_) => Err(BenchFault::new(format!("{name} is an emulated board on a bench without emulation"))),
    }
}
