//! The probe against a board that QEMU emulates, through the unmodified probe-rs: what a rig does with real ones.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use hanrig::ports::{
    Events, Firmware, FirmwareError, PortEventKind, PortEvents, Probe, ProbeError, ProbeHandle, ProbeRs, ProbeSettings,
};
use hanrig_board::{BoardConfig, BoardState, CHIP, CHIP_DESCRIPTION, QemuBoard};
use rstest::rstest;
use tempfile::TempDir;

use crate::support::{next, next_fault, until};
use crate::{test_firmware, tools};

/// Firmware that says over RTT `boot N`, then `tick M` every 100 ms, with the symbols `COUNTER` and `BALLAST`; `None` when
/// the tools for it are missing, and a test is then not run.
fn firmware() -> Option<Arc<Firmware>> {
    static FIRMWARE: OnceLock<Option<Arc<Firmware>>> = OnceLock::new();
    FIRMWARE.get_or_init(build).clone()
}

fn build() -> Option<Arc<Firmware>> {
    if !tools::installed() {
        return None;
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../emulators/board/test-firmware/Cargo.toml");
    let elf = test_firmware::build_test_firmware(&manifest, env!("CARGO_TARGET_TMPDIR"));
    Some(Arc::new(Firmware::read(&elf, None).unwrap()))
}

/// A board without firmware.
struct Bench {
    board: QemuBoard,
    settings: ProbeSettings,
    _folder: TempDir,
}

impl Bench {
    fn start() -> Self {
        // Short, because it is part of the names of sockets.
        let folder = tempfile::Builder::new().prefix("hp").tempdir().unwrap();
        let board = QemuBoard::start(BoardConfig::new("board", folder.path())).unwrap();
        let description = folder.path().join("chip.yaml");
        std::fs::write(&description, CHIP_DESCRIPTION).unwrap();
        let settings = ProbeSettings {
            probe: board.selector(),
            chip: CHIP.to_owned(),
            chip_description: Some(description),
            speed_khz: None,
            says_goodbye: true,
        };
        Self { board, settings, _folder: folder }
    }

    fn open(&self) -> ProbeRs {
        ProbeRs::open(&self.settings).unwrap()
    }

    fn on_thread(&self) -> (ProbeHandle, PortEvents) {
        let (events, told) = Events::channel();
        let (probe, opened) = ProbeHandle::open(self.settings.clone(), events.port("board")).unwrap();
        opened.wait().unwrap();
        (probe, told)
    }
}

fn word(probe: &mut dyn Probe, address: u64) -> u32 {
    let mut octets = [0; 4];
    probe.read(address, &mut octets).unwrap();
    u32::from_le_bytes(octets)
}

/// The next line of the log that begins with `start`.
#[track_caller]
fn next_line(told: &mut PortEvents, start: &str) -> String {
    next(told, |event| match &event.kind {
        PortEventKind::Log { line, .. } if line.starts_with(start) => Some(line.clone()),
        _ => None,
    })
}

#[test]
fn firmware_is_written_verified_and_run() {
    let Some(firmware) = firmware() else { return };
    let bench = Bench::start();
    let mut probe = bench.open();
    assert_eq!((probe.info().chip.as_str(), probe.info().name.as_str()), ("mps2-an386", "Glasgow"));
    probe.load(&firmware).unwrap();
    assert!(probe.is_halted().unwrap());
    probe.verify(&firmware).unwrap();
    let counter = firmware.require("COUNTER").unwrap().address;
    probe.run().unwrap();
    until(|| word(&mut probe, counter) > 0);
    // Memory can be written while it runs.
    let command = firmware.require("COMMAND").unwrap().address;
    probe.write(command, &1_u32.to_le_bytes()).unwrap();
    assert_eq!(word(&mut probe, command), 1);
    assert!(!probe.is_halted().unwrap());
    probe.halt().unwrap();
    let halted = word(&mut probe, counter);
    assert_eq!(word(&mut probe, counter), halted);
}

#[test]
fn a_write_that_went_wrong_is_seen() {
    let Some(firmware) = firmware() else { return };
    let bench = Bench::start();
    let ballast = firmware.require("BALLAST").unwrap().address + 1000;
    let worn = u32::try_from(ballast).unwrap();
    bench.board.wear_out(Some(worn)).unwrap();
    let mut probe = bench.open();
    let error = probe.load(&firmware).unwrap_err();
    let ProbeError::Verify { address, found, expected, .. } = &error else { panic!("{error}") };
    assert_eq!(*address, ballast);
    assert_ne!(found, expected);
    let text = error.to_string();
    let told = format!("board-test-firmware: address {ballast:#010x} has {found:#04x}, expected {expected:#04x}");
    assert!(text.contains(&told), "{text}");
    bench.board.wear_out(None).unwrap();
    probe.load(&firmware).unwrap();
    // Somebody else's firmware.
    let octet = [!expected];
    probe.write(ballast, &octet).unwrap();
    assert!(matches!(probe.verify(&firmware), Err(ProbeError::Verify { .. })));
}

#[test]
fn the_log_is_read_over_resets() {
    let Some(firmware) = firmware() else { return };
    let bench = Bench::start();
    let (probe, mut told) = bench.on_thread();
    probe.load(firmware).wait().unwrap();
    probe.run().wait().unwrap();
    assert_eq!(next_line(&mut told, "boot"), "boot 1");
    next_line(&mut told, "tick");
    probe.reset().wait().unwrap();
    assert_eq!(next_line(&mut told, "boot"), "boot 2");
    next_line(&mut told, "tick");
    // A reset of the firmware's own.
    probe.reset_and_halt().wait().unwrap();
    probe.run().wait().unwrap();
    assert_eq!(next_line(&mut told, "boot"), "boot 3");
}

#[test]
fn a_chip_is_held_off_and_comes_back() {
    let Some(firmware) = firmware() else { return };
    let bench = Bench::start();
    let (probe, mut told) = bench.on_thread();
    probe.load(firmware).wait().unwrap();
    probe.run().wait().unwrap();
    next_line(&mut told, "boot 1");
    probe.hold_in_reset().wait().unwrap();
    until(|| bench.board.state() == BoardState::HeldInReset);
    let error = probe.read(0x2000_0000, 4).wait().unwrap_err();
    assert!(matches!(error, ProbeError::Held { .. }), "{error}");
    probe.release().wait().unwrap();
    assert_eq!(next_line(&mut told, "boot"), "boot 2");
    until(|| bench.board.state() == BoardState::Running);
}

#[rstest]
#[case::that_says_goodbye(true)]
#[case::that_a_relay_says_goodbye_for(false)]
fn a_probe_that_was_unplugged_is_told_and_taken_up_again(#[case] says_goodbye: bool) {
    let Some(firmware) = firmware() else { return };
    let mut bench = Bench::start();
    bench.settings.says_goodbye = says_goodbye;
    let (probe, mut told) = bench.on_thread();
    probe.load(firmware).wait().unwrap();
    probe.run().wait().unwrap();
    next_line(&mut told, "tick");
    bench.board.unplug_probe();
    let fault = next_fault(&mut told);
    assert!(fault.contains(&bench.board.selector()), "{fault}");
    assert!(probe.run().wait().is_err());
    bench.board.plug_probe().unwrap();
    // The firmware went on meanwhile.
    next_line(&mut told, "tick");
    until(|| probe.call(|probe| probe.is_halted()).wait().is_ok_and(|halted| !halted));
}

#[test]
fn a_board_that_died_is_told() {
    let Some(firmware) = firmware() else { return };
    let bench = Bench::start();
    let (probe, mut told) = bench.on_thread();
    probe.load(firmware).wait().unwrap();
    probe.run().wait().unwrap();
    next_line(&mut told, "tick");
    bench.board.kill();
    let fault = next_fault(&mut told);
    assert!(fault.contains("is the board powered"), "{fault}");
    drop(probe);
}

#[test]
fn one_probe_serves_one_rig() {
    if firmware().is_none() {
        return;
    }
    let bench = Bench::start();
    let first = bench.open();
    let error = ProbeRs::open(&bench.settings).unwrap_err();
    assert!(matches!(error, ProbeError::Lock(_)), "{error}");
    let told = format!("probe {} is in use by process {} (", bench.board.selector(), std::process::id());
    assert!(error.to_string().starts_with(&told), "{error}");
    drop(first);
    drop(bench.open());
}

#[test]
fn a_symbol_that_is_not_there_is_told() {
    let Some(firmware) = firmware() else { return };
    let error = firmware.require("HANRIG_PROVISIONING").unwrap_err();
    assert!(matches!(error, FirmwareError::NoSymbol { .. }));
    let file: PathBuf = firmware.path().to_owned();
    assert_eq!(error.to_string(), format!("firmware {} has no symbol HANRIG_PROVISIONING", file.display()));
}
