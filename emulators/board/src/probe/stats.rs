//! What the virtual probe did, for measurements.

use std::time::Duration;

/// Counters since the board was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProbeStats {
    /// SWD transfers that were answered.
    pub transfers: u64,
    /// Reads from memory of a running core that did not stop it.
    pub peeks: u64,
    /// Times that a running core was stopped for an access.
    pub stops: u64,
    /// How long a running core was stopped for accesses, in all. The machine's timers stand still meanwhile.
    pub stopped: Duration,
}
