//! Threads that end with their handle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

/// How long a thread that was told to end may take. One that takes longer hangs in a call of the operating system or of a
/// library; waiting for it would hang the rig too.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether a thread is to end.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A thread that is told to end and waited for when this is dropped.
pub(super) struct OwnedThread {
    stop: Stop,
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl OwnedThread {
    /// Starts a thread that is called `name`. `run` must look at its [`Stop`] every few milliseconds.
    pub(super) fn start(name: &str, run: impl FnOnce(&Stop) + Send + 'static) -> io::Result<Self> {
        let stop = Stop::default();
        let (end, ended) = mpsc::sync_channel(0);
        let its_stop = stop.clone();
        // Linux cuts names of threads at 15 octets.
        let name: String = name.chars().filter(|c| *c != '\0').collect();
        let thread = thread::Builder::new().name(name).spawn(move || {
            // Dropped when the thread ends, also when it panics.
            let _end: SyncSender<()> = end;
            run(&its_stop);
        })?;
        Ok(Self { stop, ended, thread: Some(thread) })
    }

    /// Tells the thread to end without waiting for it.
    pub(super) fn tell(&self) {
        self.stop.set();
    }

    /// Whether the thread has ended.
    pub(super) fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for OwnedThread {
    fn drop(&mut self) {
        self.stop.set();
        let Some(thread) = self.thread.take() else { return };
        if matches!(self.ended.recv_timeout(PATIENCE), Err(RecvTimeoutError::Timeout)) {
            return;
        }
        // That it panicked was told by the panic itself.
        drop(thread.join());
    }
}

impl fmt::Debug for OwnedThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedThread").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}
