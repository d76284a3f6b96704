//! The debug port in front of a machine that is only memory and a few registers.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::dap::Dap;
use super::machine::Machine;
use super::scs;
use super::target::{CoreState, Target};
use super::wire::{SwdCommand, SwdResponse};
use crate::gdb::{GdbError, StopReason};
use crate::memory_map::{CODE, SRAM};

/// Memory at code and data addresses, a program counter, and a record of what was asked for.
#[derive(Debug, Default)]
struct Fake {
    memory: BTreeMap<u32, u8>,
    registers: BTreeMap<String, u32>,
    running: bool,
    /// The next interruption finds the machine at a breakpoint.
    hits: bool,
    gone: bool,
    asked: Vec<String>,
}

impl Fake {
    fn with_firmware() -> Self {
        let registers = [("pc", 0x100), ("sp", 0x2000_1000), ("xpsr", 0x0100_0000)];
        let registers = registers.map(|(name, value)| (name.to_owned(), value)).into();
        Self { registers, ..Self::default() }
    }

    fn ask(&mut self, what: String) -> Result<(), GdbError> {
        self.asked.push(what);
        if self.gone { Err(GdbError::Closed) } else { Ok(()) }
    }

    fn decode(&self, address: u32) -> Result<(), GdbError> {
        if CODE.contains(&address) || SRAM.contains(&address) || (scs::VTOR..scs::VTOR + 4).contains(&address) {
            return Ok(());
        }
        Err(GdbError::Refused { command: "m".to_owned(), code: 0x14 })
    }
}

impl Machine for Fake {
    fn is_running(&self) -> bool {
        self.running
    }

    fn resume(&mut self) -> Result<(), GdbError> {
        if !self.running {
            self.ask("resume".to_owned())?;
            self.running = true;
        }
        Ok(())
    }

    fn interrupt(&mut self) -> Result<Option<StopReason>, GdbError> {
        self.ask("interrupt".to_owned())?;
        self.running = false;
        let hit = std::mem::take(&mut self.hits);
        Ok(Some(if hit { StopReason::Trap } else { StopReason::Interrupt }))
    }

    fn poll_stop(&mut self) -> Result<Option<StopReason>, GdbError> {
        if self.gone { Err(GdbError::Closed) } else { Ok(None) }
    }

    fn step(&mut self, _: Duration) -> Result<(), GdbError> {
        self.ask("step".to_owned())?;
        *self.registers.entry("pc".to_owned()).or_default() += 2;
        Ok(())
    }

    fn system_reset(&mut self) -> Result<(), GdbError> {
        assert!(!self.running, "a reset stops the machine first");
        self.ask("reset".to_owned())
    }

    fn peek(&self, _: u32, _: &mut [u8]) -> bool {
        false
    }

    fn read_memory(&mut self, address: u32, data: &mut [u8]) -> Result<(), GdbError> {
        assert!(!self.running, "memory is read while the machine is stopped");
        self.ask(format!("read {address:x} {}", data.len()))?;
        for (at, octet) in (address..).zip(data) {
            self.decode(at)?;
            *octet = self.memory.get(&at).copied().unwrap_or(0);
        }
        Ok(())
    }

    fn write_memory(&mut self, address: u32, data: &[u8]) -> Result<(), GdbError> {
        assert!(!self.running, "memory is written while the machine is stopped");
        self.ask(format!("write {address:x} {}", data.len()))?;
        self.memory.extend((address..).zip(data.iter().copied()));
        Ok(())
    }

    fn write_device(&mut self, address: u32, data: &[u8]) -> Result<(), GdbError> {
        self.ask(format!("device {address:x} {}", data.len()))
    }

    fn read_register(&mut self, name: &str) -> Result<Vec<u8>, GdbError> {
        Ok(self.registers.get(name).copied().unwrap_or(0).to_le_bytes().to_vec())
    }

    fn write_register(&mut self, name: &str, value: &[u8]) -> Result<(), GdbError> {
        let value = u32::from_le_bytes(value.try_into().unwrap());
        self.registers.insert(name.to_owned(), value);
        Ok(())
    }

    fn set_breakpoint(&mut self, address: u32) -> Result<(), GdbError> {
        self.ask(format!("set {address:x}"))
    }

    fn clear_breakpoint(&mut self, address: u32) -> Result<(), GdbError> {
        self.ask(format!("clear {address:x}"))
    }
}

const SELECT: u8 = 8;
const ABORT: u8 = 0;
const RDBUFF: u8 = 12;
const TAR: u8 = 4;
const DRW: u8 = 12;
const WORDS_IN_A_ROW: u32 = 0x2300_0012;
const OCTETS_IN_A_ROW: u32 = 0x2300_0010;

fn dp_read(address: u8) -> SwdCommand {
    SwdCommand::Read { ap: false, address }
}

fn dp_write(address: u8, value: u32) -> SwdCommand {
    SwdCommand::Write { ap: false, address, value }
}

fn ap_read(address: u8) -> SwdCommand {
    SwdCommand::Read { ap: true, address }
}

fn ap_write(address: u8, value: u32) -> SwdCommand {
    SwdCommand::Write { ap: true, address, value }
}

/// A powered board with its debug port up.
fn dap(fake: Fake) -> Dap<Fake> {
    let mut dap = Dap::new(Target::new(fake));
    dap.target.power_on().unwrap();
    assert_eq!(run(&mut dap, &[dp_write(4, 0x5000_0000)]), [SwdResponse::Ok]);
    dap.target.machine_mut().asked.clear();
    dap
}

fn run(dap: &mut Dap<Fake>, commands: &[SwdCommand]) -> Vec<SwdResponse> {
    let mut responses = Vec::new();
    dap.execute(commands, &mut responses).unwrap();
    responses
}

/// Reads a word through the access port, as probe-rs does.
fn read_word(dap: &mut Dap<Fake>, address: u32) -> u32 {
    assert_eq!(run(dap, &[ap_write(0, WORDS_IN_A_ROW), ap_write(TAR, address)]), [SwdResponse::Ok; 2]);
    match run(dap, &[ap_read(DRW), dp_read(RDBUFF)])[..] {
        [SwdResponse::Data(_), SwdResponse::Data(value)] => value,
        ref other => panic!("{other:?}"),
    }
}

fn write_word(dap: &mut Dap<Fake>, address: u32, value: u32) {
    let commands = [ap_write(0, WORDS_IN_A_ROW), ap_write(TAR, address), ap_write(DRW, value)];
    assert_eq!(run(dap, &commands), [SwdResponse::Ok; 3]);
}

fn asked(dap: &mut Dap<Fake>) -> Vec<String> {
    std::mem::take(&mut dap.target.machine_mut().asked)
}

#[test]
fn the_port_says_what_it_is() {
    let mut dap = dap(Fake::with_firmware());
    assert_eq!(run(&mut dap, &[dp_read(0)]), [SwdResponse::Data(0x2BA0_1477)]);
    assert_eq!(run(&mut dap, &[dp_read(4)]), [SwdResponse::Data(0xF000_0000)], "power is granted");
    run(&mut dap, &[dp_write(SELECT, 0xF0)]);
    let identity = [ap_read(12), dp_read(RDBUFF)];
    assert_eq!(run(&mut dap, &identity)[1], SwdResponse::Data(0x2477_0011));
    run(&mut dap, &[dp_write(SELECT, 0x0100_00F0)]);
    assert_eq!(run(&mut dap, &identity)[1], SwdResponse::Data(0), "there is one access port");
}

#[test]
fn words_in_a_row_are_one_access_to_memory() {
    let mut dap = dap(Fake::with_firmware());
    let mut commands = vec![ap_write(0, WORDS_IN_A_ROW), ap_write(TAR, SRAM.start + 0x3F8)];
    commands.extend((0..4).map(|value| ap_write(DRW, value)));
    assert_eq!(run(&mut dap, &commands), [SwdResponse::Ok; 6]);
    assert_eq!(
        asked(&mut dap),
        ["interrupt", "write 200003f8 8", "write 20000000 8", "resume"],
        "TAR counts within a kibibyte"
    );

    run(&mut dap, &[ap_write(TAR, SRAM.start + 0x3F8)]);
    let read = run(&mut dap, &[ap_read(DRW), ap_read(DRW), dp_read(RDBUFF)]);
    assert_eq!(read[1..], [SwdResponse::Data(0), SwdResponse::Data(1)], "reads are posted");
    assert_eq!(asked(&mut dap), ["interrupt", "read 200003f8 8", "resume"]);
}

#[test]
fn octets_go_through_their_lanes() {
    let mut dap = dap(Fake::with_firmware());
    let mut commands = vec![ap_write(0, OCTETS_IN_A_ROW), ap_write(TAR, SRAM.start + 1)];
    commands.extend((1..=4).map(|index: u32| ap_write(DRW, (0x10 + index) << (index % 4 * 8))));
    run(&mut dap, &commands);
    assert_eq!(read_word(&mut dap, SRAM.start), 0x1312_1100);
    assert_eq!(read_word(&mut dap, SRAM.start + 4), 0x14);
}

#[test]
fn a_failed_access_is_a_fault_until_abort_clears_it() {
    let mut dap = dap(Fake::with_firmware());
    run(&mut dap, &[ap_write(0, WORDS_IN_A_ROW), ap_write(TAR, 0x6000_0000)]);
    let responses = run(&mut dap, &[ap_read(DRW), ap_read(DRW), dp_read(RDBUFF)]);
    assert!(matches!(responses[..], [SwdResponse::Data(_), SwdResponse::Fault]), "{responses:?}");
    for command in [dp_read(RDBUFF), dp_write(SELECT, 0), ap_write(TAR, 0), ap_read(DRW)] {
        assert_eq!(run(&mut dap, &[command, command]), [SwdResponse::Fault], "and nothing after it");
    }
    assert!(matches!(run(&mut dap, &[dp_read(4)])[..], [SwdResponse::Data(status)] if status & 0x20 != 0));
    assert_eq!(run(&mut dap, &[dp_write(ABORT, 0x4), dp_write(SELECT, 0)]), [SwdResponse::Ok; 2]);

    run(&mut dap, &[ap_write(TAR, 0x6000_0000)]);
    assert_eq!(run(&mut dap, &[ap_write(DRW, 1), ap_write(DRW, 2)]), [SwdResponse::Fault]);
    run(
        &mut dap,
        &[SwdCommand::Sequence { len: 32, bits: u32::MAX }, SwdCommand::Sequence { len: 18, bits: u32::MAX }],
    );
    assert_eq!(run(&mut dap, &[dp_write(SELECT, 0)]), [SwdResponse::Ok], "a line reset clears it as well");
}

#[test]
fn an_access_port_without_debug_power_faults() {
    let mut dap = dap(Fake::with_firmware());
    run(&mut dap, &[dp_write(4, 0)]);
    assert_eq!(run(&mut dap, &[ap_read(DRW)]), [SwdResponse::Fault]);
}

#[test]
fn a_board_without_power_does_not_answer() {
    let mut dap = dap(Fake::with_firmware());
    dap.target.power_off().unwrap();
    assert_eq!(run(&mut dap, &[dp_read(0), dp_read(4)]), [SwdResponse::Error]);
    dap.target.power_on().unwrap();
    assert_eq!(run(&mut dap, &[dp_read(0)]), [SwdResponse::Data(0x2BA0_1477)]);
}

#[test]
fn the_core_is_halted_stepped_and_let_run() {
    let mut dap = dap(Fake::with_firmware());
    assert_eq!(read_word(&mut dap, scs::DHCSR) & scs::DHCSR_S_HALT, 0);
    write_word(&mut dap, scs::DHCSR, 0xA05F_0003);
    let status = read_word(&mut dap, scs::DHCSR);
    assert_eq!(status & 0x0003_0003, 0x0003_0003, "halted, ready, C_HALT, C_DEBUGEN: {status:#x}");
    assert_eq!(read_word(&mut dap, scs::DFSR), 1);
    write_word(&mut dap, scs::DFSR, 1);
    assert_eq!(read_word(&mut dap, scs::DFSR), 0);

    write_word(&mut dap, scs::DCRSR, 15);
    assert_eq!(read_word(&mut dap, scs::DCRDR), 0x100);
    write_word(&mut dap, scs::DCRDR, 0x200);
    write_word(&mut dap, scs::DCRSR, 15 | scs::DCRSR_REGWNR);
    write_word(&mut dap, scs::DHCSR, 0xA05F_0005);
    write_word(&mut dap, scs::DCRSR, 15);
    assert_eq!(read_word(&mut dap, scs::DCRDR), 0x202);
    asked(&mut dap);
    write_word(&mut dap, scs::DHCSR, 0x0000_0001);
    assert!(asked(&mut dap).is_empty(), "a write without the key is ignored");
    write_word(&mut dap, scs::DHCSR, 0xA05F_0001);
    assert_eq!(asked(&mut dap).last().map(String::as_str), Some("resume"));
}

#[test]
fn a_breakpoint_that_is_found_by_an_access_halts_the_core() {
    let mut dap = dap(Fake::with_firmware());
    write_word(&mut dap, 0xE000_2008, 0x4000_0101);
    write_word(&mut dap, 0xE000_2000, 3);
    assert_eq!(asked(&mut dap), ["interrupt", "set 100", "resume"]);
    dap.target.machine_mut().hits = true;
    read_word(&mut dap, SRAM.start);
    assert_eq!(dap.target.core_state().unwrap(), Some(CoreState::Halted));
    assert_eq!(read_word(&mut dap, scs::DFSR), scs::DFSR_BKPT);
    write_word(&mut dap, 0xE000_2000, 2);
    assert_eq!(asked(&mut dap).last().map(String::as_str), Some("clear 100"));
}

#[test]
fn a_reset_is_caught_when_that_was_asked_for() {
    let mut dap = dap(Fake::with_firmware());
    write_word(&mut dap, scs::DEMCR, scs::DEMCR_VC_CORERESET);
    write_word(&mut dap, scs::AIRCR, 0x05FA_0004);
    assert_eq!(dap.target.core_state().unwrap(), Some(CoreState::Halted));
    assert_ne!(read_word(&mut dap, scs::DHCSR) & scs::DHCSR_S_RESET_ST, 0);
    assert_eq!(read_word(&mut dap, scs::DHCSR) & scs::DHCSR_S_RESET_ST, 0, "reading clears it");
    write_word(&mut dap, scs::DHCSR, 0xA05F_0001);
    assert_eq!(dap.target.core_state().unwrap(), Some(CoreState::Halted), "enabling debug does not let it run");
    write_word(&mut dap, scs::DEMCR, 0);
    write_word(&mut dap, scs::AIRCR, 0x0000_0004);
    assert_eq!(dap.target.core_state().unwrap(), Some(CoreState::Halted), "no key, no reset");
    write_word(&mut dap, scs::AIRCR, 0x05FA_0004);
    assert_eq!(dap.target.core_state().unwrap(), Some(CoreState::Running));
}

#[test]
fn a_core_without_firmware_locks_up_and_is_never_let_run() {
    let mut dap = dap(Fake::default());
    assert_eq!(dap.target.core_state().unwrap(), Some(CoreState::LockedUp));
    assert_ne!(read_word(&mut dap, scs::DHCSR) & scs::DHCSR_S_LOCKUP, 0);
    write_word(&mut dap, scs::DHCSR, 0xA05F_0003);
    assert_eq!(dap.target.core_state().unwrap(), Some(CoreState::Halted));
    for run_or_step in [0xA05F_0001, 0xA05F_0005] {
        write_word(&mut dap, scs::DHCSR, 0xA05F_0003);
        write_word(&mut dap, scs::DHCSR, run_or_step);
        assert_eq!(dap.target.core_state().unwrap(), Some(CoreState::LockedUp));
    }
    assert!(!asked(&mut dap).iter().any(|what| what == "resume" || what == "step"));
}

#[test]
fn a_core_held_in_reset_has_memory_and_does_not_run() {
    let mut dap = dap(Fake::with_firmware());
    dap.target.assert_reset().unwrap();
    assert_eq!(asked(&mut dap), ["interrupt", "reset"]);
    write_word(&mut dap, SRAM.start, 7);
    write_word(&mut dap, scs::DHCSR, 0xA05F_0001);
    assert_eq!(read_word(&mut dap, SRAM.start), 7);
    assert_ne!(read_word(&mut dap, scs::DHCSR) & scs::DHCSR_S_RESET_ST, 0);
    assert!(!asked(&mut dap).contains(&"resume".to_owned()));
    dap.target.clear_reset().unwrap();
    assert_eq!(dap.target.core_state().unwrap(), Some(CoreState::Running));
}

#[test]
fn a_lost_machine_is_an_error_response() {
    let mut dap = dap(Fake::with_firmware());
    dap.target.machine_mut().gone = true;
    let mut responses = Vec::new();
    let commands = [ap_write(0, WORDS_IN_A_ROW), ap_write(TAR, SRAM.start), ap_read(DRW), dp_read(RDBUFF)];
    assert!(dap.execute(&commands, &mut responses).is_err());
    assert_eq!(responses, [SwdResponse::Ok, SwdResponse::Ok, SwdResponse::Error]);
}

#[test]
fn peripherals_are_written_as_devices() {
    let mut dap = dap(Fake::with_firmware());
    write_word(&mut dap, 0x4000_4010, 16);
    assert_eq!(asked(&mut dap), ["interrupt", "device 40004010 4", "resume"]);
}

fn command() -> impl Strategy<Value = SwdCommand> {
    let address = prop::sample::select(vec![0u8, 4, 8, 12]);
    let value = prop_oneof![
        any::<u32>(),
        Just(0x5000_0000),
        Just(WORDS_IN_A_ROW),
        Just(scs::DHCSR),
        Just(scs::DHCSR_KEY << 16 | 3),
        Just(scs::DHCSR_KEY << 16 | 5),
        Just(0x05FA_0004),
        Just(scs::AIRCR),
        SRAM,
    ];
    prop_oneof![
        (any::<bool>(), address.clone()).prop_map(|(ap, address)| SwdCommand::Read { ap, address }),
        (any::<bool>(), address, value).prop_map(|(ap, address, value)| SwdCommand::Write { ap, address, value }),
        (1..=32u8, any::<u32>()).prop_map(|(len, bits)| SwdCommand::Sequence { len, bits }),
    ]
}

proptest! {
    /// Whatever is sent, every transfer is answered once, up to the first that is not OK.
    #[test]
    fn every_transfer_is_answered_in_turn(packets: Vec<u8>, commands in prop::collection::vec(command(), 0..60)) {
        let mut dap = dap(Fake::with_firmware());
        for packet in commands.chunks(1 + packets.len() % 7) {
            let responses = run(&mut dap, packet);
            let transfers: Vec<_> =
                packet.iter().filter(|command| !matches!(command, SwdCommand::Sequence { .. })).collect();
            let good = |response: &&SwdResponse| matches!(response, SwdResponse::Ok | SwdResponse::Data(_));
            prop_assert!(responses.len() <= transfers.len());
            if responses.iter().all(|response| good(&response)) {
                prop_assert_eq!(responses.len(), transfers.len());
            } else {
                prop_assert_eq!(responses.iter().filter(|response| !good(response)).count(), 1);
            }
            for (transfer, response) in transfers.iter().zip(&responses) {
                let reads = matches!(transfer, SwdCommand::Read { .. });
                prop_assert!(!matches!((reads, response), (true, SwdResponse::Ok) | (false, SwdResponse::Data(_))));
            }
        }
    }
}
