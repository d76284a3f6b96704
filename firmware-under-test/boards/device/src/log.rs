//! The log: lines of text on RTT's up channel 0, each with the board's time.
//!
//! A line is `SECONDS.MICROS message`. Writing never waits for a reader: what does not fit the buffer is left out, and a
//! line says how much once there is room again.

use crate::clock::device_time;
use alloc::format;
use core::cell::RefCell;
use core::fmt::{self, Write as _};
use critical_section::Mutex;
use hanrig_wire::time::Instant;
use rtt_target::UpChannel;

struct Log {
    channel: UpChannel,
    uptime: fn() -> Instant,
    left_out: u32,
}

static LOG: Mutex<RefCell<Option<Log>>> = Mutex::new(RefCell::new(None));

/// Logs to `channel` from now on, with the time that `uptime` and the rig's offset make.
pub fn start(channel: UpChannel, uptime: fn() -> Instant) {
    critical_section::with(|cs| LOG.replace(cs, Some(Log { channel, uptime, left_out: 0 })));
}

/// Writes one line.
pub fn line(text: fmt::Arguments<'_>) {
    critical_section::with(|cs| {
        if let Some(log) = LOG.borrow_ref_mut(cs).as_mut() {
            log.put(text);
        }
    });
}

impl Log {
    fn put(&mut self, text: fmt::Arguments<'_>) {
        let now = device_time((self.uptime)());
        if self.left_out > 0 {
            let told = format!("{now} log: {} lines left out\n", self.left_out);
            if self.channel.write(told.as_bytes()) == told.len() {
                self.left_out = 0;
            }
        }
        let line = format!("{now} {text}\n");
        if self.channel.write(line.as_bytes()) < line.len() {
            self.left_out += 1;
        }
    }
}

/// Writes the last line of a firmware that cannot go on, to the log and to `also`. Nothing is allocated, and a log that is
/// being written to at this moment is left alone.
pub fn last_words(what: fmt::Arguments<'_>, also: impl FnMut(&str)) {
    struct Words<'a, A>(Option<&'a mut Log>, A);
    impl<A: FnMut(&str)> fmt::Write for Words<'_, A> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            (self.1)(text);
            if let Some(log) = &mut self.0 {
                log.channel.write(text.as_bytes());
            }
            Ok(())
        }
    }
    critical_section::with(|cs| {
        let mut log = LOG.borrow(cs).try_borrow_mut().ok();
        let log = log.as_mut().and_then(|log| log.as_mut());
        let now = log.as_ref().map_or(Instant::ZERO, |log| device_time((log.uptime)()));
        // Neither of the two places refuses.
        let _ = writeln!(Words(log, also), "{now} {what}");
    });
}

/// Writes one line to the log, as `format!` makes it.
#[macro_export]
macro_rules! log {
    ($($arguments:tt)*) => {
        $crate::log::line(core::format_args!($($arguments)*))
    };
}
