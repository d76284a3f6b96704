//! Which scenario is run next.

use super::Case;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The tag of scenarios that wait for minutes where time is real, with little to do for the machine.
const SLOW: &str = "slow";

/// The scenarios that are still to be run, by their places.
#[derive(Debug)]
pub(super) struct Queue {
    /// The last first: what takes longest of all must not be what everyone waits for in the end.
    slow: Lane,
    others: Lane,
}

/// Scenarios that are taken one after the other.
#[derive(Debug, Default)]
struct Lane {
    places: Vec<usize>,
    taken: AtomicUsize,
}

impl Lane {
    fn take(&self) -> Option<usize> {
        self.places.get(self.taken.fetch_add(1, Ordering::Relaxed)).copied()
    }
}

impl Queue {
    /// All of `cases`. Where they are `mixed`, every other job begins with slow ones, so that the machine has something to do
    /// while they wait; otherwise they are taken in their order.
    pub(super) fn new(cases: &[Case], mixed: bool) -> Self {
        let is_slow = |case: &Case| mixed && case.tags.iter().any(|tag| tag == SLOW);
        let (mut slow, others): (Vec<_>, Vec<_>) =
            (0..cases.len()).partition(|place| cases.get(*place).is_some_and(is_slow));
        slow.reverse();
        let lane = |places| Lane { places, ..Lane::default() };
        Self { slow: lane(slow), others: lane(others) }
    }

    /// The next one for that job.
    pub(super) fn take(&self, job: usize) -> Option<usize> {
        let [first, then] = if job % 2 == 1 { [&self.slow, &self.others] } else { [&self.others, &self.slow] };
        first.take().or_else(|| then.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::feature;

    fn all(queue: &Queue, mut job: impl FnMut(usize) -> usize) -> Vec<usize> {
        (0..).map_while(|turn| queue.take(job(turn))).collect()
    }

    #[test]
    fn every_other_job_begins_with_slow_ones() {
        let cases = feature::embedded().unwrap();
        let is_slow = |place: &usize| cases[*place].tags.iter().any(|tag| tag == SLOW);
        let slow = (0..cases.len()).filter(is_slow).count();
        let taken = all(&Queue::new(&cases, true), |turn| turn);
        assert!(!is_slow(&taken[0]) && is_slow(&taken[1]) && !is_slow(&taken[2]) && is_slow(&taken[3]));
        assert_eq!(Some(taken[1]), (0..cases.len()).rfind(is_slow), "the last of them first");
        let one_job = all(&Queue::new(&cases, true), |_| 0);
        assert!(one_job[..cases.len() - slow].is_sorted() && one_job[cases.len() - slow..].iter().all(is_slow));
        for mut order in [taken, one_job] {
            order.sort_unstable();
            assert_eq!(order, (0..cases.len()).collect::<Vec<_>>(), "each once");
        }
    }

    #[test]
    fn in_order_where_they_are_not_mixed() {
        let cases = feature::embedded().unwrap();
        assert!(all(&Queue::new(&cases, false), |turn| turn % 3).is_sorted());
    }
}
