//! Every probe that the probe-rs library knows.

use std::io::Cursor;
use std::path::Path;
use std::thread;
use std::time::Duration;

use probe_rs::config::{Registry, Target};
use probe_rs::flashing::{
    BinLoader, BinOptions, BootInfo, DownloadOptions, ElfLoader, ElfOptions, FlashLoader, HexLoader,
};
use probe_rs::probe::list::Lister;
use probe_rs::probe::{DebugProbeError, DebugProbeSelector};
use probe_rs::rtt::{Error as RttError, Rtt};
use probe_rs::{Architecture, Core, MemoryInterface, Permissions, RegisterId, Session};

use super::find::{identity, kind, select, target};
use super::relay::Relay;
use super::{Cause, Firmware, FirmwareFormat, Probe, ProbeError, ProbeInfo, ProbeSettings};
use crate::ports::lines::Lines;
use crate::ports::lock::PortLock;

/// How long a core may take to halt.
const HALT_PATIENCE: Duration = Duration::from_secs(1);
/// How long a chip gets after its reset line was let go, before it is spoken to.
const AFTER_RESET: Duration = Duration::from_millis(20);
/// The nRESET line among the pins of a probe.
const NRESET: u32 = 1 << 7;
/// xPSR of a Cortex-M core, and the bit of it that says Thumb, without which nothing runs.
const XPSR: RegisterId = RegisterId(16);
const THUMB: u32 = 1 << 24;
/// How much of a log is read at once, in octets.
const LOG_BUFFER: usize = 4096;
/// How often the log is read before others have their turn: a firmware may well write faster than a probe reads.
const LOG_READS: usize = 16;

/// An open probe.
struct Link {
    // Before what it speaks through: it says goodbye to the chip.
    session: Session,
    _relay: Option<Relay>,
}

/// How a chip is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    ByLine,
    ByHalting,
}

/// A probe, opened and attached to its chip.
pub struct ProbeRs {
    info: ProbeInfo,
    settings: ProbeSettings,
    target: Target,
    selector: DebugProbeSelector,
    /// `None` after the probe was lost: it is then opened again as soon as something is asked of it.
    link: Option<Link>,
    held: Option<Held>,
    /// Where the loaded firmware has its vector table, when that is in RAM and not where a chip looks for it by itself.
    vectors_in_ram: Option<u64>,
    rtt_address: Option<u64>,
    rtt: Option<Rtt>,
    lines: Lines,
    /// Lines that were read before the chip was reset.
    kept_lines: Vec<String>,
    _lock: PortLock,
}

impl std::fmt::Debug for ProbeRs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProbeRs").field("info", &self.info).field("held", &self.held).finish_non_exhaustive()
    }
}

impl ProbeRs {
    /// Finds the probe, takes its lock, opens it and attaches it to the chip, which goes on with what it does.
    ///
    /// # Errors
    ///
    /// When there is no such probe or chip, another rig or program has the probe, or the chip does not answer.
    pub fn open(settings: &ProbeSettings) -> Result<Self, ProbeError> {
        let target = target(settings)?;
        let selector = select(&settings.probe)?;
        let probe = selector.to_string();
        let lock = PortLock::take(&format!("probe {probe}"), &identity(&selector))?;
        let link = attach(settings, &target, &selector, true)?;
        let core = link.session.list_cores().first().map(|(_, core)| format!("{core:?}")).unwrap_or_default();
        let info = ProbeInfo { selector: probe, name: kind(&selector), chip: target.name.clone(), core };
        Ok(Self {
            info,
            settings: settings.clone(),
            target,
            selector,
            link: Some(link),
            held: None,
            vectors_in_ram: None,
            rtt_address: None,
            rtt: None,
            lines: Lines::default(),
            kept_lines: Vec::new(),
            _lock: lock,
        })
    }

    /// The session, of a probe that is opened again when it was lost. A chip that goes on with what it does is not reset
    /// for that.
    fn session(&mut self) -> Result<&mut Session, ProbeError> {
        let link = match self.link.take() {
            Some(link) => link,
            None => {
                self.rtt = None;
                attach(&self.settings, &self.target, &self.selector, false)?
            }
        };
        Ok(&mut self.link.insert(link).session)
    }

    /// Why something was not done. A probe that is gone is noticed here.
    fn lost(&mut self, doing: impl Into<String>, source: impl Into<Cause>) -> ProbeError {
        let source = source.into();
        if is_of_probe(source.as_ref()) {
            self.link = None;
        }
        self.access(doing, source)
    }

    fn access(&self, doing: impl Into<String>, source: impl Into<Cause>) -> ProbeError {
        ProbeError::Access { probe: self.info.selector.clone(), doing: doing.into(), source: source.into() }
    }

    /// Does something with the first core. Nothing is done while the chip is held.
    fn core<T>(
        &mut self,
        doing: &str,
        work: impl FnOnce(&mut Core<'_>) -> Result<T, probe_rs::Error>,
    ) -> Result<T, ProbeError> {
        if self.held.is_some() {
            return Err(ProbeError::Held { probe: self.info.selector.clone(), doing: doing.to_owned() });
        }
        let done = self.session()?.core(0).and_then(|mut core| work(&mut core));
        done.map_err(|source| self.lost(doing, source))
    }

    /// Takes the chip from reset to where it starts, and halts it there.
    fn halt_at_start(&mut self) -> Result<(), ProbeError> {
        self.rtt = None;
        self.core("reset and halt the chip", |core| core.reset_and_halt(HALT_PATIENCE).map(drop))?;
        let Some(vectors) = self.vectors_in_ram else { return Ok(()) };
        let prepared = self.session()?.prepare_running_on_ram(vectors, 0);
        prepared.map_err(|source| self.lost("start firmware in RAM", source))?;
        if self.session()?.architecture() == Architecture::Arm {
            // The core took the bit from whatever stood in the vector table before.
            self.core("start firmware in RAM", |core| {
                let psr: u32 = core.read_core_reg(XPSR)?;
                core.write_core_reg(XPSR, psr | THUMB)
            })?;
        }
        Ok(())
    }

    /// Keeps what the firmware wrote to its log until now for whoever reads next, so that a reset loses nothing.
    fn keep_log(&mut self) {
        let mut octets = Vec::new();
        // A chip that does not answer has no log to keep; the reset that follows will tell.
        drop(self.read_log(&mut octets));
        let lines = self.lines.push(&octets);
        self.kept_lines.extend(lines);
        self.kept_lines.extend(self.lines.take());
    }

    fn reset_line(&mut self, high: bool) -> bool {
        let Ok(interface) = self.session().map(Session::get_arm_interface) else { return false };
        let Ok(interface) = interface else { return false };
        interface.swj_pins(if high { NRESET } else { 0 }, NRESET, 0).is_ok()
    }

    fn reattach(&mut self) -> Result<(), ProbeError> {
        // Closed first: a probe serves one at a time.
        self.link = None;
        self.session().map(drop)
    }

    fn flash_loader(&mut self, firmware: &Firmware) -> Result<FlashLoader, ProbeError> {
        let mut file = Cursor::new(firmware.octets());
        let session = self.session()?;
        let mut loader = session.target().flash_loader();
        let loaded = match firmware.format() {
            FirmwareFormat::Elf => loader.load_image(session, &mut file, ElfLoader(ElfOptions::default()), None),
            FirmwareFormat::Hex => loader.load_image(session, &mut file, HexLoader, None),
            FirmwareFormat::Bin { base } => {
                let options = BinOptions { base_address: Some(base), skip: 0 };
                loader.load_image(session, &mut file, BinLoader(options), None)
            }
        };
        loaded.map_err(|source| self.flash_error(firmware.path(), source))?;
        Ok(loader)
    }

    fn flash_error(&self, path: &Path, source: impl Into<Cause>) -> ProbeError {
        ProbeError::Flash {
            probe: self.info.selector.clone(),
            chip: self.info.chip.clone(),
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// Reads back what `loader` wrote.
    fn compare(&mut self, firmware: &Firmware, loader: &FlashLoader) -> Result<(), ProbeError> {
        let mut found = Vec::new();
        for (start, expected) in loader.data() {
            found.clear();
            found.resize(expected.len(), 0);
            self.read(start, &mut found)?;
            let differs = (start..).zip(found.iter().zip(expected)).find(|(_, (found, expected))| found != expected);
            if let Some((address, (&found, &expected))) = differs {
                return Err(ProbeError::Verify {
                    probe: self.info.selector.clone(),
                    chip: self.info.chip.clone(),
                    path: firmware.path().to_owned(),
                    address,
                    found,
                    expected,
                });
            }
        }
        Ok(())
    }

    fn read_log(&mut self, octets: &mut Vec<u8>) -> Result<(), ProbeError> {
        let Some(address) = self.rtt_address.filter(|_| self.held.is_none()) else { return Ok(()) };
        let doing = "read the RTT log";
        self.session()?;
        let (kept, Some(link)) = (self.rtt.take(), &mut self.link) else { return Ok(()) };
        let read = link.session.core(0).map_err(RttError::from).and_then(|mut core| {
            let mut rtt = match kept {
                Some(rtt) => rtt,
                None => Rtt::attach_at(&mut core, address)?,
            };
            if let Some(channel) = rtt.up_channels.iter_mut().find(|channel| channel.number() == 0) {
                let mut buffer = [0; LOG_BUFFER];
                for _ in 0..LOG_READS {
                    let length = channel.read(&mut core, &mut buffer)?;
                    octets.extend_from_slice(buffer.get(..length).unwrap_or_default());
                    if length == 0 {
                        break;
                    }
                }
            }
            Ok(rtt)
        });
        match read {
            Ok(rtt) => self.rtt = Some(rtt),
            Err(RttError::Probe(source)) => return Err(self.lost(doing, source)),
            // The firmware has not set up its log yet, or sets it up again after a reset: attached to anew next time.
            Err(_) => {}
        }
        Ok(())
    }
}

impl Probe for ProbeRs {
    fn info(&self) -> &ProbeInfo {
        &self.info
    }

    fn load(&mut self, firmware: &Firmware) -> Result<(), ProbeError> {
        if self.held.is_some() {
            self.release()?;
        }
        self.keep_log();
        self.core("halt the chip", |core| core.halt(HALT_PATIENCE).map(drop))?;
        (self.rtt, self.rtt_address, self.vectors_in_ram) = (None, None, None);
        let loader = self.flash_loader(firmware)?;
        let mut options = DownloadOptions::default();
        options.verify = false;
        let written = loader.commit(self.session()?, options);
        written.map_err(|source| self.flash_error(firmware.path(), source))?;
        self.compare(firmware, &loader)?;
        if let BootInfo::FromRam { vector_table_addr, .. } = loader.boot_info() {
            // At address 0 every Cortex-M looks by itself.
            self.vectors_in_ram = Some(vector_table_addr).filter(|address| *address != 0);
        }
        self.halt_at_start()?;
        self.rtt_address = firmware.rtt();
        Ok(())
    }

    fn verify(&mut self, firmware: &Firmware) -> Result<(), ProbeError> {
        let loader = self.flash_loader(firmware)?;
        self.compare(firmware, &loader)
    }

    fn assume(&mut self, firmware: &Firmware) {
        self.rtt = None;
        self.rtt_address = firmware.rtt();
    }

    fn reset(&mut self) -> Result<(), ProbeError> {
        if self.held.is_some() {
            return self.release();
        }
        self.keep_log();
        if self.vectors_in_ram.is_some() {
            self.halt_at_start()?;
            return self.run();
        }
        self.rtt = None;
        self.core("reset the chip", |core| core.reset())
    }

    fn reset_and_halt(&mut self) -> Result<(), ProbeError> {
        if self.held.is_some() {
            self.release()?;
        }
        self.keep_log();
        self.halt_at_start()
    }

    fn hold_in_reset(&mut self) -> Result<(), ProbeError> {
        if self.held.is_some() {
            return Ok(());
        }
        self.keep_log();
        self.rtt = None;
        self.held = Some(if self.reset_line(false) {
            Held::ByLine
        } else {
            self.core("halt the chip", |core| core.halt(HALT_PATIENCE).map(drop))?;
            Held::ByHalting
        });
        Ok(())
    }

    fn release(&mut self) -> Result<(), ProbeError> {
        match self.held {
            None => return self.reset(),
            Some(Held::ByHalting) => {
                self.held = None;
                return self.reset();
            }
            Some(Held::ByLine) => {}
        }
        if !self.reset_line(true) {
            self.reattach()?;
            if !self.reset_line(true) {
                return Err(self.access("let go of the reset line", "the probe does not answer"));
            }
        }
        self.held = None;
        thread::sleep(AFTER_RESET);
        // Some chips lose their debug port with a reset.
        if self.is_halted().is_err() {
            self.reattach()?;
        }
        if self.vectors_in_ram.is_some() {
            self.halt_at_start()?;
        }
        if self.is_halted()? { self.run() } else { Ok(()) }
    }

    fn run(&mut self) -> Result<(), ProbeError> {
        self.core("let the chip run", |core| core.run())
    }

    fn halt(&mut self) -> Result<(), ProbeError> {
        self.core("halt the chip", |core| core.halt(HALT_PATIENCE).map(drop))
    }

    fn is_halted(&mut self) -> Result<bool, ProbeError> {
        self.core("ask whether the chip runs", |core| core.core_halted())
    }

    fn read(&mut self, address: u64, octets: &mut [u8]) -> Result<(), ProbeError> {
        let doing = format!("read {} octets of memory at {address:#010x}", octets.len());
        self.core(&doing, |core| core.read(address, octets))
    }

    fn write(&mut self, address: u64, octets: &[u8]) -> Result<(), ProbeError> {
        let doing = format!("write {} octets of memory at {address:#010x}", octets.len());
        let memory = &self.target.memory_map;
        if !memory.iter().any(|region| region.is_nvm() && region.contains(address)) {
            return self.core(&doing, |core| core.write(address, octets));
        }
        let mut loader = self.target.flash_loader();
        let mut options = DownloadOptions::default();
        options.keep_unwritten_bytes = true;
        options.verify = true;
        let session = self.session()?;
        let written = loader.add_data(address, octets).and_then(|()| loader.commit(session, options));
        written.map_err(|source| self.lost(doing, source))?;
        // What wrote the flash ran on the core.
        self.halt_at_start()
    }

    fn rtt_read(&mut self) -> Result<Vec<String>, ProbeError> {
        let mut octets = Vec::new();
        let read = self.read_log(&mut octets);
        let mut lines = std::mem::take(&mut self.kept_lines);
        lines.extend(self.lines.push(&octets));
        // What was read before the chip stopped answering is told all the same; that it did, the next call tells.
        if lines.is_empty() { read.map(|()| lines) } else { Ok(lines) }
    }
}

/// Whether the probe, not the chip behind it, is what failed.
fn is_of_probe(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if matches!(
            error.downcast_ref(),
            Some(
                DebugProbeError::Usb(_)
                    | DebugProbeError::ProbeSpecific(_)
                    | DebugProbeError::ProbeCouldNotBeCreated(_)
            )
        ) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Opens the probe and attaches it to the chip; when the chip does not answer and `may_reset`, under reset.
fn attach(
    settings: &ProbeSettings,
    target: &Target,
    selector: &DebugProbeSelector,
    may_reset: bool,
) -> Result<Link, ProbeError> {
    let registry = Registry::from_builtin_families();
    let (probe, relay) = open(settings, selector)?;
    let refused = match probe.attach_with_registry(target.clone(), Permissions::default(), &registry) {
        Ok(session) => return Ok(Link { session, _relay: relay }),
        Err(refused) => refused,
    };
    drop(relay);
    if may_reset {
        let (probe, relay) = open(settings, selector)?;
        let attached = probe.attach_under_reset_with_registry(target.clone(), Permissions::default(), &registry);
        if let Ok(session) = attached {
            return Ok(Link { session, _relay: relay });
        }
    }
    // What was wrong without a reset is more to the point.
    Err(ProbeError::NoAnswer { probe: selector.to_string(), chip: settings.chip.clone(), source: refused.into() })
}

fn open(
    settings: &ProbeSettings,
    selector: &DebugProbeSelector,
) -> Result<(probe_rs::probe::Probe, Option<Relay>), ProbeError> {
    let relay = if settings.says_goodbye { Ok(None) } else { Relay::for_probe(selector) };
    let opened = relay.map_err(Cause::from).and_then(|relay| {
        let selector = relay.as_ref().map_or(selector, Relay::selector);
        let mut probe = Lister::new().open(selector.clone())?;
        if let Some(speed) = settings.speed_khz {
            probe.set_speed(speed)?;
        }
        Ok((probe, relay))
    });
    opened.map_err(|source| ProbeError::Open { probe: selector.to_string(), source })
}
