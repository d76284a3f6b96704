//! What captures tell of a hub with two bands.

use crate::suite::suite;
use hanrig_air::capture::read_capture;
use std::collections::BTreeMap;
use std::fs::File;

#[test]
fn a_device_below_1_ghz_is_served_on_its_own_channel_page() {
    let scenario = suite().scenario("A PPMID below 1 GHz and an ESME at 2.4 GHz");
    let capture = read_capture(File::open(suite().file(scenario, "air.pcapng")).unwrap()).unwrap();
    let mut frames = BTreeMap::<(u8, u8), usize>::new();
    for frame in capture {
        let frame = frame.unwrap();
        *frames.entry((frame.page, frame.channel)).or_default() += 1;
    }
    let channels: Vec<_> = frames.keys().copied().collect();
    assert_eq!(channels, [(0, 15), (28, 12)]);
    // An image of 20 KB in blocks of 50 octets, each a request and a response with an acknowledgement.
    assert!(frames[&(28, 12)] > 20 * 1024 / 50 * 4, "{frames:?}");
}
