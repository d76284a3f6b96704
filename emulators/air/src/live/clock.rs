use hanrig_wire::time::{Duration, Instant};

/// The wall clock as the bench's time line: microseconds since it was made. Copies tell the same time.
#[derive(Clone, Copy, Debug)]
pub struct LiveClock {
    origin: std::time::Instant,
}

impl LiveClock {
    /// A clock that says 0 now.
    pub fn new() -> Self {
        Self { origin: std::time::Instant::now() }
    }

    /// The time.
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.origin.elapsed()
    }

    /// How long it is until `at`; zero when that is past.
    pub fn until(&self, at: Instant) -> Duration {
        at.saturating_since(self.now())
    }
}

impl Default for LiveClock {
    fn default() -> Self {
        Self::new()
    }
}
