//! Outgoing frame counters that survive a power loss.

/// How far ahead a counter is reserved.
const STEP: u32 = 1024;

/// An outgoing frame counter. Its values are reserved in steps, and the reserved end is what is stored; the next step is
/// reserved when half of one is left, so that there is time to store it.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutgoingCounter {
    next: u32,
    reserved: u32,
}

impl OutgoingCounter {
    /// A counter that starts at what was stored.
    pub(super) const fn new(stored: u32) -> Self {
        Self { next: stored, reserved: stored.saturating_add(STEP) }
    }

    /// What is to be stored.
    pub(super) const fn reserved(&self) -> u32 {
        self.reserved
    }

    /// The next value, and whether what is stored must be renewed. None when the counter is used up (4.3.1.1): only a new
    /// key helps then.
    pub(super) const fn take(&mut self) -> Option<(u32, bool)> {
        if self.next == u32::MAX {
            return None;
        }
        let value = self.next;
        self.next += 1;
        let renew = self.reserved < u32::MAX && self.next.saturating_add(STEP / 2) >= self.reserved;
        if renew {
            self.reserved = self.reserved.saturating_add(STEP);
        }
        Some((value, renew))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_counter_is_above_all_that_was_used() {
        let mut counter = OutgoingCounter::new(0);
        let mut stored = counter.reserved();
        for _ in 0..5000 {
            let (value, renew) = counter.take().unwrap();
            assert!(value < stored);
            if renew {
                stored = counter.reserved();
            }
        }
        assert_eq!(OutgoingCounter::new(stored).take().unwrap().0, stored);
    }

    #[test]
    fn a_used_up_counter_gives_nothing() {
        let mut counter = OutgoingCounter::new(u32::MAX - 1);
        assert_eq!(counter.take(), Some((u32::MAX - 1, false)));
        assert_eq!(counter.take(), None);
    }
}
