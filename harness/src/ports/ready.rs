//! Waiting for files, pipes and ports, never longer than a limit.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Waits until `file` is ready for `flags`, or has failed or ended, which whoever reads or writes learns; `false` when
/// neither came within `limit`.
pub(super) fn ready(file: &impl AsFd, flags: PollFlags, limit: Duration) -> io::Result<bool> {
    let limit = Timespec { tv_sec: limit.as_secs().cast_signed(), tv_nsec: limit.subsec_nanos().into() };
    match poll(&mut [PollFd::new(file, flags)], Some(&limit)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
