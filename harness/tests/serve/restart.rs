//! Nothing that was acknowledged is lost over a kill -9 and a restart.

use crate::support::{
    GAS, GAS_TOKEN, IMPORT_TOKEN, Mailbox, PPMID, Served, alert, fleet, folder, http, release, update,
};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Requests that are sent at once.
const CLIENTS: usize = 8;
/// After how many answers the server is killed.
const KILLED_AFTER: usize = 40;

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let (release, data, ppmids) = fleet(2_000, 120);
    let mailbox = Mailbox::start(5);
    let folder = folder(Some(&mailbox.url()), &data);
    let args = ["--data", "data.toml", "--hubs", "none", "--state", "state.sqlite"];
    let served = Served::start(folder.path(), &args);
    let (next, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let acknowledged = Mutex::new(BTreeSet::new());
    let token = format!("Bearer {IMPORT_TOKEN}");
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(ppmid) = ppmids.get(index) else { return };
                    let xml = update(&release, 1000 + index as u64, &[*ppmid]);
                    let headers = [("Authorization", token.as_str())];
                    let answer = http(served.address, "POST", "/duis/non-device", &headers, xml.as_bytes());
                    // Killed, and so not acknowledged.
                    let Ok(answer) = answer else { return };
                    assert_eq!((answer.status, crate::support::code(&answer.body).as_str()), (200, "I0"));
                    acknowledged.lock().unwrap().insert((1000 + index as u64, *ppmid));
                    if answered.fetch_add(1, Ordering::Relaxed) + 1 == KILLED_AFTER {
                        served.signal(rustix::process::Signal::KILL);
                    }
                }
            });
        }
    });
    served.kill();
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!((KILLED_AFTER..ppmids.len()).contains(&acknowledged.len()), "{}", acknowledged.len());

    let served = Served::start(folder.path(), &args);
    for (counter, ppmid) in &acknowledged {
        let status = served.status(IMPORT_TOKEN, *ppmid).json();
        assert_eq!(status["status"], "APPROVED_FOR_DISTRIBUTION", "{status}");
        assert_eq!(served.post(&update(&release, *counter, &[*ppmid])), "E101");
    }
    // Every N59 comes, in order; one that came twice says so by its number.
    let of_devices = |posted: &[crate::support::Posted]| -> BTreeSet<_> {
        posted.iter().flat_map(|posted| alert(&posted.xml).alert.devices()).collect()
    };
    let wanted: BTreeSet<_> = acknowledged.iter().map(|(_, ppmid)| *ppmid).collect();
    let posted = mailbox.wait(|posted| of_devices(posted).is_superset(&wanted));
    let mut last = 0;
    let mut texts = std::collections::BTreeMap::new();
    for message in &posted {
        assert_eq!(message.user, GAS.to_string());
        assert!(message.number <= last + 1, "{} after {last}", message.number);
        last = last.max(message.number);
        assert_eq!(texts.entry(message.number).or_insert(&message.xml), &&message.xml);
    }
    assert_eq!(served.end().code(), Some(0));
}

#[test]
fn messages_wait_over_restarts_and_are_not_sent_again_once_taken() {
    let (release, data) = release(200_000);
    let folder = folder(None, &data.to_toml().unwrap());
    let args = ["--clock", "virtual", "--data", "data.toml", "--state", "state.sqlite"];
    let served = Served::start(folder.path(), &args);
    served.advance("1h");
    assert_eq!(served.post(&update(&release, 1000, &[PPMID])), "I0");
    // The hub has the image, and the Device is going to have it.
    while served.status(GAS_TOKEN, PPMID).json()["status"] == "APPROVED_FOR_DISTRIBUTION" {
        served.advance("1s");
    }
    assert_eq!(served.status(GAS_TOKEN, PPMID).json()["status"], "SUCCESSFUL_CH_TRANSFER");
    let clock = served.send(GAS_TOKEN, "GET", "/clock", b"").body;
    assert_eq!(served.messages(GAS_TOKEN).len(), 1);
    let first = served.send(IMPORT_TOKEN, "GET", "/duis/messages", b"");
    assert_eq!(served.end().code(), Some(0));

    let served = Served::start(folder.path(), &args);
    assert_eq!(served.send(GAS_TOKEN, "GET", "/clock", b"").body, clock);
    assert_eq!(served.messages(GAS_TOKEN), Vec::<String>::new());
    let again = served.send(IMPORT_TOKEN, "GET", "/duis/messages", b"");
    assert_eq!((&again.body, &again.headers["hanrig-message"]), (&first.body, &first.headers["hanrig-message"]));
    // What was under way goes on, through the hub and the Device.
    served.kill();
    let served = Served::start(folder.path(), &args);
    served.advance("2days");
    assert_eq!(served.status(GAS_TOKEN, PPMID).json()["status"], "FIRMWARE_ACTIVATED");
}
