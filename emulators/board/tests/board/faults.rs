//! What goes wrong on a bench: power, reset, a probe that is pulled, a second client, QEMU that ends.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{PATIENCE, attach, blank_board, board, firmware, folder, open, wait_for, wait_for_change};
use hanrig_board::memory_map::{POWER_LOSS_FILL, PSRAM, SRAM};
use hanrig_board::{BoardConfig, BoardError, BoardState, QemuBoard};
use probe_rs::MemoryInterface;
use probe_rs::probe::glasgow::GlasgowFactory;
use probe_rs::probe::list::Lister;
use probe_rs::probe::{DebugProbeSelector, ProbeFactory};

const BOOTS: u64 = PSRAM.start as u64;

#[test]
fn a_board_held_in_reset_does_nothing_and_starts_again_with_its_psram() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "held", firmware);
    let counter = firmware.symbol("COUNTER");
    let mut session = attach(&board);
    wait_for_change(&mut session, counter);

    const NRESET: u32 = 0x80;
    session.get_arm_interface().unwrap().swj_pins(0, NRESET, 0).unwrap();
    {
        let mut core = session.core(0).unwrap();
        let before = core.read_word_32(counter).unwrap();
        assert_eq!(board.state(), BoardState::HeldInReset);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(core.read_word_32(counter).unwrap(), before, "no instruction is executed");
        assert_eq!(core.read_word_32(BOOTS).unwrap(), 1);
    }
    session.get_arm_interface().unwrap().swj_pins(NRESET, NRESET, 0).unwrap();
    wait_for_change(&mut session, counter);
    assert_eq!(board.state(), BoardState::Running);
    assert_eq!(session.core(0).unwrap().read_word_32(BOOTS).unwrap(), 2);
    drop(session);

    // The same from a probe that is not attached to the chip. It does not wait for the line to be pulled.
    open(&board).target_reset_assert().unwrap();
    wait_for("reset", || (board.state() == BoardState::HeldInReset).then_some(()));
    open(&board).target_reset_deassert().unwrap();
    wait_for("a start", || (board.state() == BoardState::Running).then_some(()));
    let mut session = attach(&board);
    wait_for_change(&mut session, counter);
    assert_eq!(session.core(0).unwrap().read_word_32(BOOTS).unwrap(), 3);
}

#[test]
fn power_off_takes_data_memory_and_leaves_psram_and_code() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "power", firmware);
    let counter = firmware.symbol("COUNTER");
    wait_for_change(&mut attach(&board), counter);

    board.hold_off().unwrap();
    assert_eq!(board.state(), BoardState::Off);
    let selector: DebugProbeSelector = board.selector().parse().unwrap();
    let probe = Lister::new().open(selector).unwrap();
    let registry = hanrig_board::registry().unwrap();
    let refused = probe.attach_with_registry(hanrig_board::CHIP, Default::default(), &registry);
    assert!(refused.is_err(), "a chip without power does not answer");

    board.power_on().unwrap();
    let mut session = attach(&board);
    wait_for_change(&mut session, counter);
    let mut core = session.core(0).unwrap();
    assert_eq!(core.read_word_32(BOOTS).unwrap(), 2);
    let unused = u64::from(SRAM.start) + 0x10_0000;
    assert_eq!(core.read_word_8(unused).unwrap(), POWER_LOSS_FILL);
}

#[test]
fn firmware_that_resets_itself_starts_again() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "self", firmware);
    let mut session = attach(&board);
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
    let mut core = session.core(0).unwrap();
    core.write_word_32(firmware.symbol("COMMAND"), 2).unwrap();
    wait_for("a second boot", || (core.read_word_32(BOOTS).unwrap() == 2).then_some(()));
    assert_eq!(board.state(), BoardState::Running);
}

#[test]
fn firmware_that_locks_up_ends_qemu_and_the_exit_says_so() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "lock", firmware);
    let mut session = attach(&board);
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
    session.core(0).unwrap().write_word_32(firmware.symbol("COMMAND"), 3).unwrap();
    let exit = wait_for("QEMU to end", || board.exit());
    assert!(exit.is_lockup(), "{exit}");
}

#[test]
fn a_killed_qemu_is_an_error_to_probe_and_board_and_not_a_hang() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "killed", firmware);
    let mut session = attach(&board);
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
    board.kill();

    let outcome = session.core(0).map(drop);
    assert!(format!("{outcome:?}").contains("Protocol"), "{outcome:?}");
    drop(session);
    assert!(matches!(board.state(), BoardState::Ended(_)));
    let error = board.power_on().and_then(|()| board.hold_off()).unwrap_err();
    assert!(matches!(error, BoardError::Ended { .. }), "{error}");
    assert_eq!(error.to_string(), "board killed: QEMU was ended by signal 9");
}

#[test]
fn a_qemu_that_hangs_is_an_error_and_not_a_hang() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let config = BoardConfig {
        elf: Some(firmware.elf.clone()),
        timeout: Duration::from_secs(3),
        ..BoardConfig::new("stuck", folder.path())
    };
    let board = QemuBoard::start(config).unwrap();
    let mut session = attach(&board);
    assert!(Command::new("kill").args(["-STOP", &board.pid().to_string()]).status().unwrap().success());
    let outcome = session.core(0).unwrap().halt(Duration::from_secs(1));
    assert!(outcome.is_err(), "{outcome:?}");
    let state = board.state();
    assert!(matches!(&state, BoardState::Lost(why) if why.contains("did not answer")), "{state:?}");
}

#[test]
fn a_client_that_talks_nonsense_is_hung_up_on() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "noise", firmware);
    for nonsense in [&b"\x00"[..], b"\xFF\x01\x00", b"\x03\x05\x05\x00", b"\x01\x02\x77\x00"] {
        let mut client = UnixStream::connect(board.selector().rsplit_once(':').unwrap().1).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(nonsense).unwrap();
        // An end, or a reset when not all of it was read; but no answer, and no silence.
        match client.read(&mut [0; 16]) {
            Ok(count) => assert_eq!(count, 0, "an answer to {nonsense:?}"),
            Err(error) => assert_ne!(error.kind(), ErrorKind::WouldBlock, "silence to {nonsense:?}"),
        }
    }
    wait_for_change(&mut attach(&board), firmware.symbol("COUNTER"));
}

#[test]
fn a_pulled_probe_is_an_error_and_can_be_plugged_in_again() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "pulled", firmware);
    let mut session = attach(&board);
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
    board.unplug_probe();
    assert!(session.core(0).is_err());
    drop(session);
    let selector: DebugProbeSelector = board.selector().parse().unwrap();
    assert!(Lister::new().open(selector).is_err());
    assert_eq!(board.state(), BoardState::Running, "the board does not care");

    board.plug_probe().unwrap();
    wait_for_change(&mut attach(&board), firmware.symbol("COUNTER"));
}

#[test]
fn a_second_client_is_told_that_the_probe_is_in_use() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "second", firmware);
    let mut session = attach(&board);
    let selector: DebugProbeSelector = board.selector().parse().unwrap();
    // Not through the lister: where there is no USB, it shows that as the error instead.
    let refused = GlasgowFactory.open(&selector).map(drop).unwrap_err();
    assert!(format!("{refused:?}").contains("probe in use"), "{refused:?}");
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
    drop(session);
    open(&board);
}

#[test]
fn two_boards_run_side_by_side() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let boards = [board(&folder, "one", firmware), board(&folder, "two", firmware)];
    let mut sessions = boards.each_ref().map(attach);
    for session in &mut sessions {
        wait_for_change(session, firmware.symbol("COUNTER"));
    }
    let [first, second] = &mut sessions;
    let free = u64::from(PSRAM.start) + 64;
    first.core(0).unwrap().write_word_32(free, 1).unwrap();
    second.core(0).unwrap().write_word_32(free, 2).unwrap();
    assert_eq!(first.core(0).unwrap().read_word_32(free).unwrap(), 1);
}

#[test]
fn psram_outlives_qemu() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    for boot in 1..=2 {
        let board = board(&folder, "flash", firmware);
        let mut session = attach(&board);
        wait_for_change(&mut session, firmware.symbol("COUNTER"));
        assert_eq!(session.core(0).unwrap().read_word_32(BOOTS).unwrap(), boot);
        board.kill();
    }
}

#[test]
fn nothing_is_left_behind() {
    let Some(_) = firmware() else { return };
    let folder = folder();
    let board = blank_board(&folder, "clean");
    let process = format!("/proc/{}", board.pid());
    assert!(std::fs::metadata(&process).is_ok());
    drop(board);
    assert!(std::fs::metadata(&process).is_err(), "QEMU is gone, and no zombie");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["clean-psram.bin"]);
}

/// Not a test: the process that the next test kills.
#[test]
fn rig_to_be_killed() {
    let Some(folder) = std::env::var_os("HANRIG_BOARD_TEST_RIG") else { return };
    let board = QemuBoard::start(BoardConfig::new("rig", &folder)).unwrap();
    std::fs::write(std::path::Path::new(&folder).join("pid"), board.pid().to_string()).unwrap();
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn qemu_does_not_outlive_a_killed_rig() {
    let Some(_) = firmware() else { return };
    if Command::new("setpriv").arg("--version").output().is_err() {
        eprintln!("not run: setpriv is not installed");
        return;
    }
    let folder = folder();
    let mut rig = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::rig_to_be_killed"])
        .env("HANRIG_BOARD_TEST_RIG", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let file = folder.path().join("pid");
    let pid: u32 = wait_for("the rig's QEMU", || std::fs::read_to_string(&file).ok()?.parse().ok());
    rig.kill().unwrap();
    rig.wait().unwrap();
    // An orphan's zombie, where nobody reaps it, is as good as gone.
    wait_for("QEMU to end", || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(_) => Some(()),
        Ok(stat) => stat.contains(") Z ").then_some(()),
    });
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let folder = folder();
    let start = |config: BoardConfig| QemuBoard::start(config).unwrap_err().to_string();
    let config = || BoardConfig::new("x", folder.path());
    assert_eq!(
        start(BoardConfig { qemu: "qemu-system-nonsense".into(), ..config() }),
        "board x: qemu-system-nonsense is not installed \
         (Debian: apt-get install --no-install-recommends qemu-system-arm)"
    );
    assert_eq!(start(BoardConfig { uarts: 6, ..config() }), "board x: 6 UARTs were asked for, the board has 5");
    assert_eq!(
        start(BoardConfig { name: "a,b".into(), ..config() }),
        "board a,b: \"a,b\" is no board name, expected letters, digits, - and _"
    );
    let Some(_) = firmware() else { return };
    let long = folder.path().join("x".repeat(100));
    assert!(start(BoardConfig { work_dir: long, ..config() }).contains("use a shorter work folder"));
    let text = folder.path().join("text");
    std::fs::write(&text, "no ELF").unwrap();
    assert!(start(BoardConfig { elf: Some(text), ..config() }).contains("firmware"));
}
