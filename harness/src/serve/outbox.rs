//! The messages that wait for their Users: numbered from 1 for each User, in order, and kept until the User has taken them.

use hanrig_wire::types::Eui64;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number among all messages for that User.
    pub number: u64,
    /// The message, DUIS XML.
    pub xml: Arc<str>,
}

#[derive(Debug, Default)]
struct Queue {
    /// The number of the last message there was.
    last: u64,
    /// The number of the last message that the User has taken.
    taken: u64,
    /// Those after it.
    messages: VecDeque<Arc<str>>,
}

/// The messages for all Users.
#[derive(Debug)]
pub struct Outbox {
    queues: Mutex<BTreeMap<Eui64, Queue>>,
    /// Changes with each message.
    changed: watch::Sender<u64>,
}

impl Outbox {
    /// An empty one, of Users who have taken that many messages already.
    pub fn new(taken: &BTreeMap<Eui64, u64>) -> Self {
        let queue = |(user, taken): (&Eui64, &u64)| (*user, Queue { taken: *taken, ..Queue::default() });
        Self { queues: Mutex::new(taken.iter().map(queue).collect()), changed: watch::Sender::new(0) }
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<Eui64, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the next message for a User; one that the User has taken before is passed over.
    pub fn push(&self, user: Eui64, xml: &str) {
        let mut queues = self.queues();
        let queue = queues.entry(user).or_default();
        queue.last += 1;
        if queue.last > queue.taken {
            queue.messages.push_back(xml.into());
            drop(queues);
            self.changed.send_modify(|revision| *revision = revision.wrapping_add(1));
        }
    }

    /// The oldest message that a User has not taken.
    pub fn first(&self, user: Eui64) -> Option<Waiting> {
        let queues = self.queues();
        let queue = queues.get(&user)?;
        Some(Waiting { number: queue.taken + 1, xml: Arc::clone(queue.messages.front()?) })
    }

    /// The numbers of the first and the last message that a User has not taken.
    pub fn waiting(&self, user: Eui64) -> Option<(u64, u64)> {
        let queues = self.queues();
        let queue = queues.get(&user).filter(|queue| !queue.messages.is_empty())?;
        Some((queue.taken + 1, queue.last))
    }

    /// A User has taken its messages up to `number`. Says up to which one it has, if there was such a message.
    pub fn take(&self, user: Eui64, number: u64) -> Option<u64> {
        let mut queues = self.queues();
        let queue = queues.get_mut(&user).filter(|queue| number <= queue.last)?;
        while queue.taken < number {
            queue.messages.pop_front();
            queue.taken += 1;
        }
        Some(queue.taken)
    }

    /// Tells of new messages.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Eui64 = Eui64(7);

    #[test]
    fn messages_are_in_order_and_stay_until_they_are_taken() {
        let outbox = Outbox::new(&BTreeMap::new());
        for text in ["one", "two", "three"] {
            outbox.push(USER, text);
        }
        assert_eq!(outbox.first(Eui64(8)), None);
        assert_eq!(outbox.first(USER), Some(Waiting { number: 1, xml: "one".into() }));
        assert_eq!(outbox.waiting(USER), Some((1, 3)));
        assert_eq!(outbox.take(USER, 4), None);
        assert_eq!(outbox.take(USER, 2), Some(2));
        // Once more, as by a client that did not hear the answer.
        assert_eq!(outbox.take(USER, 1), Some(2));
        assert_eq!(outbox.first(USER), Some(Waiting { number: 3, xml: "three".into() }));
    }

    #[test]
    fn what_was_taken_before_a_restart_does_not_come_again() {
        let outbox = Outbox::new(&BTreeMap::from([(USER, 2)]));
        for text in ["one", "two", "three"] {
            outbox.push(USER, text);
        }
        assert_eq!(outbox.first(USER), Some(Waiting { number: 3, xml: "three".into() }));
    }
}
