//! A probe on a thread of its own: asked from anywhere, also from asynchronous code, and telling its log by itself.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::event::{PortEventKind, PortSender};
use super::probe::{Firmware, Probe, ProbeError, ProbeInfo, ProbeRs, ProbeSettings};
use super::thread::{OwnedThread, Stop};

/// How often the log is read while the firmware writes to it, and while it does not: each time keeps the machine busy that
/// emulates a board.
const LOG_PERIOD: Duration = Duration::from_millis(20);
const LONGEST_LOG_PERIOD: Duration = Duration::from_millis(160);
/// How many reads of the log in a row may fail before the chip is taken to be gone. A chip in the middle of a reset of
/// its own does not answer for a moment.
const FAILURES: u32 = 5;

type Job = Box<dyn FnOnce(&mut dyn Probe) + Send>;

/// A probe on its thread. The lines of its log arrive as [`PortEventKind::Log`], and that it no longer answers as
/// [`PortEventKind::Fault`], once until it answers again. When this is dropped, the probe is closed; the chip goes on.
pub struct ProbeHandle {
    name: String,
    info: Arc<OnceLock<ProbeInfo>>,
    // Before the thread, which ends when nobody can ask it any more.
    jobs: Option<Sender<Job>>,
    thread: OwnedThread,
}

impl fmt::Debug for ProbeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeHandle").field("name", &self.name).field("thread", &self.thread).finish_non_exhaustive()
    }
}

/// What a probe is going to answer. The probe was asked already; dropping this does not call it back.
#[derive(Debug)]
#[must_use = "whether the probe did it is in the answer"]
pub struct Reply<T> {
    probe: String,
    answer: oneshot::Receiver<Result<T, ProbeError>>,
}

impl<T> Future for Reply<T> {
    type Output = Result<T, ProbeError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context).map(|answer| match answer {
            Ok(answer) => answer,
            Err(_) => Err(ProbeError::Closed { probe: self.probe.clone() }),
        })
    }
}

impl<T> Reply<T> {
    /// Waits no longer than `limit`, on a runtime of tokio with its timer.
    ///
    /// # Errors
    ///
    /// What the probe answers, or [`ProbeError::Hangs`].
    pub async fn within(self, limit: Duration) -> Result<T, ProbeError> {
        let probe = self.probe.clone();
        match tokio::time::timeout(limit, self).await {
            Ok(answer) => answer,
            Err(_) => Err(ProbeError::Hangs { probe, seconds: limit.as_secs() }),
        }
    }

    /// Waits on this thread, which must not be one of a runtime.
    ///
    /// # Errors
    ///
    /// What the probe answers.
    pub fn wait(self) -> Result<T, ProbeError> {
        match self.answer.blocking_recv() {
            Ok(answer) => answer,
            Err(_) => Err(ProbeError::Closed { probe: self.probe }),
        }
    }
}

impl ProbeHandle {
    /// Opens a probe of probe-rs on a thread of its own. What is asked of it waits until it is open, and fails if it
    /// cannot be opened; the answer here tells which.
    ///
    /// # Errors
    ///
    /// When there can be no thread. Whatever is wrong with the probe is in the answer.
    pub fn open(settings: ProbeSettings, events: PortSender) -> std::io::Result<(Self, Reply<ProbeInfo>)> {
        let name = settings.probe.clone();
        Self::start(name, events, move || Ok(Box::new(ProbeRs::open(&settings)?) as Box<dyn Probe>))
    }

    /// As [`open`](Self::open), for a probe that `open` opens on the thread; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// When there can be no thread.
    pub fn start(
        name: impl Into<String>,
        events: PortSender,
        open: impl FnOnce() -> Result<Box<dyn Probe>, ProbeError> + Send + 'static,
    ) -> std::io::Result<(Self, Reply<ProbeInfo>)> {
        let name = name.into();
        let (jobs, queue) = mpsc::channel::<Job>();
        let (opened, answer) = oneshot::channel();
        let info = Arc::new(OnceLock::new());
        let its_info = Arc::clone(&info);
        let its_name = name.clone();
        let thread = OwnedThread::start(&format!("probe {}", events.name()), move |stop| {
            let mut probe = match guarded(&its_name, open) {
                Ok(probe) => probe,
                Err(error) => return drop(opened.send(Err(error))),
            };
            its_info.get_or_init(|| probe.info().clone());
            drop(opened.send(Ok(probe.info().clone())));
            serve(probe.as_mut(), &its_name, &queue, &events, stop);
        })?;
        let reply = Reply { probe: name.clone(), answer };
        Ok((Self { name, info, jobs: Some(jobs), thread }, reply))
    }

    /// What is known of the probe, once it is open.
    pub fn info(&self) -> Option<&ProbeInfo> {
        self.info.get()
    }

    /// Does `work` with the probe, after what was asked before.
    pub fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Probe) -> Result<T, ProbeError> + Send + 'static,
    ) -> Reply<T> {
        let (sender, answer) = oneshot::channel();
        let name = self.name.clone();
        let job: Job = Box::new(move |probe| drop(sender.send(guarded(&name, || work(probe)))));
        if let Some(jobs) = &self.jobs {
            // A probe that is closed drops the job, and with it what would answer.
            drop(jobs.send(job));
        }
        Reply { probe: self.name.clone(), answer }
    }

    /// [`Probe::load`].
    pub fn load(&self, firmware: Arc<Firmware>) -> Reply<()> {
        self.call(move |probe| probe.load(&firmware))
    }

    /// [`Probe::verify`].
    pub fn verify(&self, firmware: Arc<Firmware>) -> Reply<()> {
        self.call(move |probe| probe.verify(&firmware))
    }

    /// [`Probe::assume`].
    pub fn assume(&self, firmware: Arc<Firmware>) -> Reply<()> {
        self.call(move |probe| {
            probe.assume(&firmware);
            Ok(())
        })
    }

    /// [`Probe::reset`].
    pub fn reset(&self) -> Reply<()> {
        self.call(|probe| probe.reset())
    }

    /// [`Probe::reset_and_halt`].
    pub fn reset_and_halt(&self) -> Reply<()> {
        self.call(|probe| probe.reset_and_halt())
    }

    /// [`Probe::hold_in_reset`].
    pub fn hold_in_reset(&self) -> Reply<()> {
        self.call(|probe| probe.hold_in_reset())
    }

    /// [`Probe::release`].
    pub fn release(&self) -> Reply<()> {
        self.call(|probe| probe.release())
    }

    /// [`Probe::run`].
    pub fn run(&self) -> Reply<()> {
        self.call(|probe| probe.run())
    }

    /// [`Probe::halt`].
    pub fn halt(&self) -> Reply<()> {
        self.call(|probe| probe.halt())
    }

    /// [`Probe::read`] of `length` octets.
    pub fn read(&self, address: u64, length: usize) -> Reply<Vec<u8>> {
        self.call(move |probe| {
            let mut octets = vec![0; length];
            probe.read(address, &mut octets)?;
            Ok(octets)
        })
    }

    /// [`Probe::write`].
    pub fn write(&self, address: u64, octets: Vec<u8>) -> Reply<()> {
        self.call(move |probe| probe.write(address, &octets))
    }
}

impl Drop for ProbeHandle {
    fn drop(&mut self) {
        self.thread.tell();
        self.jobs = None;
    }
}

/// Does `work`, and takes it for an error when the driver panics, so that the answer is not lost.
fn guarded<T>(probe: &str, work: impl FnOnce() -> Result<T, ProbeError>) -> Result<T, ProbeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(ProbeError::Driver { probe: probe.to_owned(), message: panic_message(panic.as_ref()) })
    })
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked").to_owned()
}

/// Does the jobs, and reads the log between them.
fn serve(probe: &mut dyn Probe, name: &str, jobs: &Receiver<Job>, events: &PortSender, stop: &Stop) {
    let mut failures = 0;
    let mut next_log = Instant::now();
    let mut period = LOG_PERIOD;
    while !stop.is_set() {
        match jobs.recv_timeout(next_log.saturating_duration_since(Instant::now())) {
            Ok(job) => job(probe),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if Instant::now() < next_log {
            continue;
        }
        match guarded(name, || probe.rtt_read()) {
            Ok(lines) => {
                failures = 0;
                period = if lines.is_empty() { (period * 2).min(LONGEST_LOG_PERIOD) } else { LOG_PERIOD };
                tell(lines, events);
            }
            Err(error) => {
                period = LOG_PERIOD;
                if failures < FAILURES {
                    failures += 1;
                    if failures == FAILURES {
                        events.fault(&error);
                    }
                }
            }
        }
        // A chip that is gone is asked less often: each time may take a while.
        next_log = Instant::now() + if failures < FAILURES { period } else { 50 * LOG_PERIOD };
    }
    // The last words of a firmware are often the ones that matter.
    if failures == 0 {
        tell(guarded(name, || probe.rtt_read()).unwrap_or_default(), events);
    }
}

fn tell(lines: Vec<String>, events: &PortSender) {
    for line in lines {
        events.send(PortEventKind::Log { device: Arc::clone(events.name()), line });
    }
}
