//! A probe on its thread: the order of what is asked, answers from asynchronous code, the log, and probes that break.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{next, next_fault};
use hanrig::ports::{Events, Firmware, PortEventKind, Probe, ProbeError, ProbeHandle, ProbeInfo, ProbeSettings};

/// What a probe of these tests does and has done.
#[derive(Debug, Default)]
struct State {
    done: Vec<String>,
    log: VecDeque<Result<Vec<String>, ProbeError>>,
    closed: bool,
}

struct Scripted {
    info: ProbeInfo,
    state: Arc<Mutex<State>>,
}

impl Scripted {
    fn does(&self, what: impl Into<String>) -> Result<(), ProbeError> {
        self.state.lock().unwrap().done.push(what.into());
        Ok(())
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).closed = true;
    }
}

fn unplugged() -> ProbeError {
    ProbeError::Access { probe: "1".to_owned(), doing: "read the RTT log".to_owned(), source: "unplugged".into() }
}

impl Probe for Scripted {
    fn info(&self) -> &ProbeInfo {
        &self.info
    }

    fn load(&mut self, firmware: &Firmware) -> Result<(), ProbeError> {
        self.does(format!("load {}", firmware.path().display()))
    }

    fn verify(&mut self, _: &Firmware) -> Result<(), ProbeError> {
        self.does("verify")
    }

    fn assume(&mut self, _: &Firmware) {}

    fn reset(&mut self) -> Result<(), ProbeError> {
        self.does("reset")
    }

    fn reset_and_halt(&mut self) -> Result<(), ProbeError> {
        self.does("reset and halt")
    }

    fn hold_in_reset(&mut self) -> Result<(), ProbeError> {
        self.does("hold")
    }

    fn release(&mut self) -> Result<(), ProbeError> {
        self.does("release")
    }

    fn run(&mut self) -> Result<(), ProbeError> {
        self.does("run")
    }

    fn halt(&mut self) -> Result<(), ProbeError> {
        panic!("a bug of the driver")
    }

    fn is_halted(&mut self) -> Result<bool, ProbeError> {
        Ok(false)
    }

    fn read(&mut self, address: u64, octets: &mut [u8]) -> Result<(), ProbeError> {
        octets.fill(0x5A);
        self.does(format!("read {} at {address:#x}", octets.len()))
    }

    fn write(&mut self, address: u64, octets: &[u8]) -> Result<(), ProbeError> {
        self.does(format!("write {octets:?} at {address:#x}"))
    }

    fn rtt_read(&mut self) -> Result<Vec<String>, ProbeError> {
        self.state.lock().unwrap().log.pop_front().unwrap_or(Ok(Vec::new()))
    }
}

fn scripted(state: &Arc<Mutex<State>>) -> Box<dyn Probe> {
    let info = ProbeInfo {
        selector: "1".to_owned(),
        name: "scripted".to_owned(),
        chip: "chip".to_owned(),
        core: "M4".to_owned(),
    };
    Box::new(Scripted { info, state: Arc::clone(state) })
}

#[test]
fn jobs_are_done_in_order_and_answered() {
    let state = Arc::new(Mutex::new(State::default()));
    let (events, _told) = Events::channel();
    let its = Arc::clone(&state);
    let (probe, opened) = ProbeHandle::start("1", events.port("hub"), move || Ok(scripted(&its))).unwrap();
    let firmware = Arc::new(Firmware::new("f.hex".as_ref(), b":00000001FF\n".to_vec(), None).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let octets = runtime.block_on(async {
        assert_eq!(opened.await.unwrap().chip, "chip");
        // Asked at once, also when nobody waits for the answer.
        let (load, run) = (probe.load(firmware), probe.run());
        drop(probe.write(0x10, vec![1, 2]));
        let octets = probe.read(0x20, 3).within(Duration::from_secs(30)).await.unwrap();
        run.await.unwrap();
        load.await.unwrap();
        octets
    });
    assert_eq!(octets, [0x5A; 3]);
    assert_eq!(state.lock().unwrap().done, ["load f.hex", "run", "write [1, 2] at 0x10", "read 3 at 0x20"]);
    assert_eq!(probe.info().unwrap().name, "scripted");
    drop(probe);
    assert!(state.lock().unwrap().closed, "closed when the handle is gone");
}

#[test]
fn the_log_is_told_line_by_line_and_to_its_end() {
    let state = Arc::new(Mutex::new(State::default()));
    let lines = |lines: &[&str]| Ok(lines.iter().map(ToString::to_string).collect());
    state.lock().unwrap().log.extend([lines(&["one", "two"]), lines(&[]), lines(&["three"])]);
    let (events, mut told) = Events::channel();
    let its = Arc::clone(&state);
    let (probe, opened) = ProbeHandle::start("1", events.port("hub"), move || Ok(scripted(&its))).unwrap();
    opened.wait().unwrap();
    for expected in ["one", "two", "three"] {
        let line = next(&mut told, |event| match &event.kind {
            PortEventKind::Log { device, line } if **device == *"hub" => Some(line.clone()),
            _ => None,
        });
        assert_eq!(line, expected);
    }
    drop(probe);
}

#[test]
fn a_chip_that_stops_answering_is_told_once_and_again_after_it_answered() {
    let state = Arc::new(Mutex::new(State::default()));
    let (events, mut told) = Events::channel();
    let its = Arc::clone(&state);
    let (_probe, opened) = ProbeHandle::start("1", events.port("hub"), move || Ok(scripted(&its))).unwrap();
    opened.wait().unwrap();
    for _ in 0..2 {
        // Less than what a chip in the middle of a reset does is passed over.
        state.lock().unwrap().log.extend((0..7).map(|_| Err(unplugged())));
        let fault = next_fault(&mut told);
        assert_eq!(
            fault,
            "probe 1 cannot read the RTT log; is the board powered and its cables in their place?: unplugged"
        );
        state.lock().unwrap().log.push_back(Ok(vec!["back".to_owned()]));
        next(&mut told, |event| match &event.kind {
            PortEventKind::Log { line, .. } => {
                assert_eq!(line, "back");
                Some(())
            }
            PortEventKind::Fault(fault) => panic!("told twice: {fault}"),
            _ => None,
        });
    }
}

#[test]
fn a_driver_that_panics_is_an_error_and_no_more() {
    let state = Arc::new(Mutex::new(State::default()));
    let (events, _told) = Events::channel();
    let its = Arc::clone(&state);
    let (probe, opened) = ProbeHandle::start("1", events.port("hub"), move || Ok(scripted(&its))).unwrap();
    opened.wait().unwrap();
    insta::assert_snapshot!(probe.halt().wait().unwrap_err(), @"the driver of probe 1 broke down: a bug of the driver");
    probe.run().wait().unwrap();
}

#[test]
fn what_is_asked_of_a_probe_that_did_not_open_is_refused() {
    let (events, _told) = Events::channel();
    let settings = ProbeSettings {
        probe: "no-such-probe".to_owned(),
        chip: "nRF52840_xxAA".to_owned(),
        chip_description: None,
        speed_khz: None,
        says_goodbye: false,
    };
    let (probe, opened) = ProbeHandle::open(settings.clone(), events.port("hub")).unwrap();
    let error = opened.wait().unwrap_err();
    assert!(matches!(error, ProbeError::NotFound { .. }), "{error}");
    assert!(error.to_string().starts_with("there is no probe no-such-probe; "), "{error}");
    insta::assert_snapshot!(probe.reset().wait().unwrap_err(), @"probe no-such-probe is closed");

    let settings = ProbeSettings { chip: "nRF52840_xxXX".to_owned(), ..settings };
    let (_probe, opened) = ProbeHandle::open(settings, events.port("hub")).unwrap();
    let error = opened.wait().unwrap_err().to_string();
    assert!(error.starts_with("chip nRF52840_xxXX is not known (known are nRF52805_xxAA"), "{error}");
}

#[test]
fn a_socket_that_closes_is_no_probe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("probe.sock");
    let settings = ProbeSettings {
        probe: format!("20b7:9db1:unix:{}", path.display()),
        chip: "nRF52840_xxAA".to_owned(),
        chip_description: None,
        speed_khz: None,
        says_goodbye: false,
    };
    let (events, _told) = Events::channel();
    let (_probe, opened) = ProbeHandle::open(settings.clone(), events.port("hub")).unwrap();
    let error = hanrig::exit::chain(&opened.wait().unwrap_err());
    assert!(error.contains("cannot be opened") && error.contains("no connection to unix:"), "{error}");

    // One that closes in the middle of a conversation: an end, where probe-rs would ask for ever.
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || drop(listener.accept()));
    let (_probe, opened) = ProbeHandle::open(settings, events.port("hub")).unwrap();
    let error = opened.wait().unwrap_err();
    assert!(matches!(error, ProbeError::Open { .. }), "{error}");
    server.join().unwrap();
}
