//! Nothing that comes off the air stops a node.

use crate::medium::*;
use hanrig_wire::mac;
use hanrig_wire::time::Duration;
use hanrig_zigbee::Node;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_octets_do_no_harm(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..130), 1..40)) {
        let mut medium = Medium::joined();
        for mut frame in frames {
            medium.inject(&frame);
            mac::append_fcs(&mut frame);
            medium.inject(&frame);
            medium.run(Duration::from_millis(1));
        }
        prop_assert_eq!(medium.send(P, message(HUB, vec![1])), Ok(()));
    }

    #[test]
    fn mutated_frames_of_a_joining_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..100),
    ) {
        let recorded = Medium::joined().captured;
        let mut medium = Medium::pair();
        for (which, at, value, cut) in changes {
            let mut frame = which.get(&recorded).1.clone();
            frame.truncate(frame.len() - 2);
            let at = at.index(frame.len());
            if cut == 0 {
                frame.truncate(at);
            } else {
                frame[at] ^= value;
            }
            mac::append_fcs(&mut frame);
            medium.inject(&frame);
            medium.run(Duration::from_millis(7));
        }
        medium.run_until(|m| m.node(P).is_joined());
        prop_assert_eq!(medium.send(P, message(HUB, vec![1])), Ok(()));
    }

    #[test]
    fn stored_state_of_any_kind_is_taken(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(state) = postcard::from_bytes(&octets) {
            let mut medium = Medium::new();
            medium.add(Node::new(hub_config(), Some(state)));
            medium.add(Node::new(ppmid_config(), postcard::from_bytes(&octets).ok()));
            medium.run(Duration::from_secs(10));
        }
    }
}
