//! How fast things are. Prints figures and judges none: machines differ.
//!
//! `cargo test -p hanrig-board --test board -- --ignored --nocapture speed`

use std::time::{Duration, Instant};

use probe_rs::MemoryInterface;
use probe_rs::rtt::{Rtt, ScanRegion};

use crate::common::{attach, blank_board, board, firmware, flash, folder, wait_for, wait_for_change};

#[test]
#[ignore = "a measurement"]
fn load_and_boot() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let start = Instant::now();
    let board = blank_board(&folder, "speed");
    println!("start QEMU and probe: {:?}", start.elapsed());
    let start = Instant::now();
    let mut session = attach(&board);
    println!("attach: {:?}", start.elapsed());
    let start = Instant::now();
    flash(&mut session, firmware).unwrap();
    println!("load and verify 200 KiB: {:?}", start.elapsed());
    let start = Instant::now();
    session.core(0).unwrap().reset().unwrap();
    wait_for_change(&mut session, firmware.symbol("COUNTER"));
    println!("reset and run: {:?}", start.elapsed());
    let start = Instant::now();
    board.hold_off().unwrap();
    println!("power off: {:?}", start.elapsed());
    let start = Instant::now();
    board.power_on().unwrap();
    println!("power on: {:?}", start.elapsed());
}

#[test]
#[ignore = "a measurement"]
fn rtt_polling() {
    let Some(firmware) = firmware() else { return };
    let folder = folder();
    let board = board(&folder, "poll", firmware);
    let mut session = attach(&board);
    let mut core = session.core(0).unwrap();
    let mut rtt = wait_for("the RTT control block", || {
        Rtt::attach_region(&mut core, &ScanRegion::Exact(firmware.symbol("_SEGGER_RTT"))).ok()
    });
    drop(core);
    const SPAN: Duration = Duration::from_secs(3);
    for interval in [None, Some(100), Some(10), Some(1)] {
        let word = |session: &mut probe_rs::Session, symbol| {
            session.core(0).unwrap().read_word_32(firmware.symbol(symbol)).unwrap()
        };
        let (turns, ticks) = (word(&mut session, "COUNTER"), word(&mut session, "TICKS"));
        let (start, before) = (Instant::now(), board.stats());
        let mut polls = 0u32;
        let mut longest = Duration::ZERO;
        while start.elapsed() < SPAN {
            match interval {
                None => std::thread::sleep(SPAN),
                Some(interval) => {
                    std::thread::sleep(Duration::from_millis(interval));
                    let poll = Instant::now();
                    let mut core = session.core(0).unwrap();
                    let mut buffer = [0; 1024];
                    rtt.up_channel(0).unwrap().read(&mut core, &mut buffer).unwrap();
                    longest = longest.max(poll.elapsed());
                    polls += 1;
                }
            }
        }
        let took = start.elapsed().as_secs_f64();
        let after = board.stats();
        let turns = f64::from(word(&mut session, "COUNTER").wrapping_sub(turns)) / took;
        let ticks = f64::from(word(&mut session, "TICKS").wrapping_sub(ticks)) / took;
        println!(
            "poll every {interval:?} ms: {polls} polls, longest {longest:?}, {} peeks, {} stops, stopped {:?}; \
             firmware {turns:.0} turns and {ticks:.0} ticks a second",
            after.peeks - before.peeks,
            after.stops - before.stops,
            after.stopped - before.stopped,
        );
    }
}
