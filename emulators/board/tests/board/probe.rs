//! The virtual board through probe-rs, as it comes: load, verify, reset, run, halt, step, breakpoints, RTT, memory.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::common::{PATIENCE, attach, blank_board, board, firmware, flash, folder, open, wait_for, wait_for_change};
use hanrig_board::memory_map::{PSRAM, SRAM};
use hanrig_board::{BoardState, CHIP, registry};
use probe_rs::flashing::{FileDownloadError, FlashError};
use probe_rs::rtt::{Rtt, ScanRegion};
use probe_rs::{CoreStatus, HaltReason, MemoryInterface, Permissions, RegisterId};

#[test]
fn firmware_is_loaded_verified_and_runs() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = blank_board(&folder, "load");
    assert_eq!(board.state(), BoardState::LockedUp, "there is nothing to run yet");

    let mut session = attach(&board);
    flash(&mut session, firmware).unwrap_or_else(|error| panic!("{error:?}: {:?}", board.state()));
    session.core(0).unwrap().reset().unwrap();
    assert_eq!(board.state(), BoardState::Running);
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
}

#[test]
fn a_corrupted_write_is_seen_by_verify() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = blank_board(&folder, "worn");
    board.wear_out(Some(firmware.symbol("BALLAST") as u32 + 12345)).unwrap();
    let mut session = attach(&board);
    let outcome = flash(&mut session, firmware);
    assert!(matches!(outcome, Err(FileDownloadError::Flash(FlashError::Verify))), "{outcome:?}");

    board.wear_out(None).unwrap();
    flash(&mut session, firmware).unwrap();
}

#[test]
fn a_core_is_halted_looked_into_stepped_and_let_run() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "core", firmware);
    let mut session = attach(&board);
    let mut core = session.core(0).unwrap();
    assert_eq!(core.status().unwrap(), CoreStatus::Running);

    let halted = core.halt(PATIENCE).unwrap();
    assert_eq!(core.status().unwrap(), CoreStatus::Halted(HaltReason::Request));
    let counter = core.read_word_32(firmware.symbol("COUNTER")).unwrap();
    let pc: u32 = core.read_core_reg(core.program_counter()).unwrap();
    assert_eq!(u64::from(pc), halted.pc);
    let sp: u32 = core.read_core_reg(core.stack_pointer()).unwrap();
    assert!(SRAM.contains(&(sp - 1)), "{sp:#x}");
    let xpsr: u32 = core.read_core_reg(RegisterId(16)).unwrap();
    assert_ne!(xpsr & 1 << 24, 0, "Thumb state");

    core.write_core_reg(RegisterId(4), 0x1234_5678u32).unwrap();
    assert_eq!(core.read_core_reg::<u32>(RegisterId(4)).unwrap(), 0x1234_5678);
    for (register, value) in [(64 + 6, 0x3F80_0000u32), (64 + 7, 0x4000_0000)] {
        core.write_core_reg(RegisterId(register), value).unwrap();
    }
    assert_eq!(core.read_core_reg::<u32>(RegisterId(70)).unwrap(), 0x3F80_0000);
    assert_eq!(core.read_core_reg::<u32>(RegisterId(71)).unwrap(), 0x4000_0000);

    assert_ne!(core.step().unwrap().pc, halted.pc);
    assert_eq!(core.read_word_32(firmware.symbol("COUNTER")).unwrap() - counter, 0, "one instruction is no turn");
}

#[test]
fn a_breakpoint_halts_the_core_and_lets_it_go_on() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "break", firmware);
    let mut session = attach(&board);
    let (main, turn) = (firmware.symbol("main"), firmware.symbol("turn"));
    let mut core = session.core(0).unwrap();
    assert_eq!(core.available_breakpoint_units().unwrap(), 6);
    core.reset_and_halt(PATIENCE).unwrap();
    core.set_hw_breakpoint(main).unwrap();
    core.run().unwrap();
    core.wait_for_core_halted(PATIENCE).unwrap();
    let pc: u32 = core.read_core_reg(core.program_counter()).unwrap();
    assert_eq!(u64::from(pc), main);
    assert!(matches!(core.status().unwrap(), CoreStatus::Halted(HaltReason::Breakpoint(_))));

    core.clear_hw_breakpoint(main).unwrap();
    core.set_hw_breakpoint(turn).unwrap();
    for expected in 0..3 {
        core.run().unwrap();
        core.wait_for_core_halted(PATIENCE).unwrap();
        assert_eq!(core.read_word_32(firmware.symbol("COUNTER")).unwrap(), expected);
    }
    core.clear_all_hw_breakpoints().unwrap();
    core.run().unwrap();
    drop(core);
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
}

#[test]
fn rtt_is_read_at_its_symbol() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "rtt", firmware);
    let mut session = attach(&board);
    let mut core = session.core(0).unwrap();
    let mut rtt = wait_for("the RTT control block", || {
        Rtt::attach_region(&mut core, &ScanRegion::Exact(firmware.symbol("_SEGGER_RTT"))).ok()
    });
    let mut log = String::new();
    wait_for("two ticks", || {
        let mut buffer = [0; 256];
        let count = rtt.up_channel(0)?.read(&mut core, &mut buffer).unwrap();
        log.push_str(&String::from_utf8_lossy(&buffer[..count]));
        (log.matches("tick ").count() >= 2).then_some(())
    });
    assert!(log.starts_with("boot 1\n"), "{log}");
}

#[test]
fn memory_is_read_and_written_while_the_core_runs() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "memory", firmware);
    let mut session = attach(&board);
    {
        let mut core = session.core(0).unwrap();
        let free = u64::from(PSRAM.start) + 0x1000;
        let pattern: Vec<u8> = (0..5000u32).map(|index| (index * 7 + index / 251) as u8).collect();
        // From and to addresses that are not aligned, across the kibibyte at which TAR wraps.
        core.write(free + 3, &pattern).unwrap();
        let mut read = vec![0; pattern.len()];
        core.read(free + 3, &mut read).unwrap();
        assert_eq!(read, pattern);
        assert_eq!(core.read_word_8(free + 2).unwrap(), 0xFF, "erased");
        core.write_word_16(free + 2, 0xBEEF).unwrap();
        core.write_word_8(free + 1, 0x55).unwrap();
        assert_eq!(core.read_word_32(free).unwrap(), 0xBEEF_55FF);
        assert_eq!(core.read_word_16(free + 2).unwrap(), 0xBEEF);
        let file = std::fs::read(board.psram_file()).unwrap();
        assert_eq!(file[0x1000..0x1004], [0xFF, 0x55, 0xEF, 0xBE], "the file is the memory");
    }
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
    assert_eq!(board.state(), BoardState::Running);
}

#[test]
fn a_failed_access_faults_until_it_is_cleared_and_the_session_stays_in_step() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "fault", firmware);
    const NOWHERE: u64 = 0x6000_0000;
    let mut session = attach(&board);
    let mut core = session.core(0).unwrap();
    let mut words = [0; 16];
    for access in [
        core.read_32(NOWHERE, &mut words).map_err(|error| format!("{error:?}")),
        core.read_word_32(firmware.symbol("COUNTER")).map(drop).map_err(|error| format!("{error:?}")),
    ] {
        let error = access.unwrap_err();
        assert!(error.contains("FaultResponse"), "{error}");
    }
    drop(core);
    // A new session clears the sticky error.
    drop(session);
    let mut session = attach(&board);
    let outcome = session.core(0).unwrap().write_32(NOWHERE, &words);
    assert!(format!("{outcome:?}").contains("FaultResponse"), "{outcome:?}");
    drop(session);
    wait_for_change(&mut attach(&board), firmware.symbol("COUNTER"));
}

#[test]
fn a_board_is_attached_under_reset_before_its_first_instruction() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "under", firmware);
    let mut session =
        open(&board).attach_under_reset_with_registry(CHIP, Permissions::default(), &registry().unwrap()).unwrap();
    let mut core = session.core(0).unwrap();
    assert!(core.core_halted().unwrap());
    let pc: u32 = core.read_core_reg(core.program_counter()).unwrap();
    assert_eq!(u64::from(pc), firmware.symbol("Reset"));
    core.run().unwrap();
    drop(core);
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
}

#[test]
fn a_sleeping_core_is_halted_and_let_run() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "sleep", firmware);
    let mut session = attach(&board);
    {
        let mut core = session.core(0).unwrap();
        core.write_word_32(firmware.symbol("COMMAND"), 1).unwrap();
        for _ in 0..5 {
            core.halt(PATIENCE).unwrap();
            core.step().unwrap();
            core.run().unwrap();
            std::thread::sleep(Duration::from_millis(3));
        }
    }
    wait_for_change(&mut session, firmware.symbol("TICKS"));
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
}

#[test]
fn a_uart_is_a_socket() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "uart", firmware);
    let mut uart = UnixStream::connect(board.uart(1).unwrap()).unwrap();
    uart.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut session = attach(&board);
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
    let sent: Vec<u8> = (0..=255).collect();
    uart.write_all(&sent).unwrap();
    let mut echoed = vec![0; sent.len()];
    uart.read_exact(&mut echoed).unwrap();
    assert_eq!(echoed, sent);
    assert_eq!(board.uart(5), None);
}
