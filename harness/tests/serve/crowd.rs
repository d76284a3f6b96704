//! Many clients at once.

use crate::support::{GAS_TOKEN, IMPORT_TOKEN, Mailbox, PATIENCE, Served, alert, code, fleet, folder, http, update};
use std::collections::BTreeSet;
use std::sync::Barrier;

const CLIENTS: usize = 200;
const REQUESTS: usize = 5;

#[test]
fn two_hundred_clients_at_once_lose_nothing() {
    let (release, data, ppmids) = fleet(2_000, u32::try_from(CLIENTS * REQUESTS).unwrap());
    let mailbox = Mailbox::start(97);
    let folder = folder(Some(&mailbox.url()), &data);
    let served = Served::start(folder.path(), &["--data", "data.toml", "--hubs", "none", "--state", "state.sqlite"]);
    let barrier = Barrier::new(CLIENTS);
    let token = format!("Bearer {IMPORT_TOKEN}");
    std::thread::scope(|scope| {
        for (client, own) in ppmids.chunks(REQUESTS).enumerate() {
            let (barrier, served, release, token) = (&barrier, &served, &release, &token);
            scope.spawn(move || {
                barrier.wait();
                for (index, ppmid) in own.iter().enumerate() {
                    let xml = update(release, (1000 + client * REQUESTS + index) as u64, &[*ppmid]);
                    let headers = [("Authorization", token.as_str())];
                    let answer = http(served.address, "POST", "/duis/non-device", &headers, xml.as_bytes()).unwrap();
                    assert_eq!((answer.status, code(&answer.body).as_str()), (200, "I0"));
                    let status = served.status(GAS_TOKEN, *ppmid);
                    assert_eq!(status.json()["status"], "APPROVED_FOR_DISTRIBUTION", "{PATIENCE:?}");
                }
            });
        }
    });
    let posted = mailbox.wait(|posted| posted.len() >= ppmids.len());
    assert_eq!(
        posted.iter().map(|posted| posted.number).collect::<Vec<_>>(),
        (1..=ppmids.len() as u64).collect::<Vec<_>>()
    );
    let devices: BTreeSet<_> = posted.iter().flat_map(|posted| alert(&posted.xml).alert.devices()).collect();
    assert_eq!(devices, ppmids.into_iter().collect());
}
