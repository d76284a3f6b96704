//! Many clients at once.

use crate::support::{
    Connection, DCC, GAS_TOKEN, IMPORT, IMPORT_TOKEN, Mailbox, Posted, Served, alert, code, fleet, folder, http, update,
};
use hanrig_dcc::duis::{Request, RequestId, ServiceRequest};
use hanrig_wire::types::Eui64;
use std::collections::BTreeSet;
use std::sync::Barrier;
use std::time::{Duration, Instant};

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
                    assert_eq!(status.json()["status"], "APPROVED_FOR_DISTRIBUTION");
                }
            });
        }
    });
    has_all(&mailbox.wait(|posted| posted.len() >= ppmids.len()), &ppmids);
}

/// Says that each Device's N59 came, once and in the order of the numbers.
fn has_all(posted: &[Posted], ppmids: &[Eui64]) {
    let numbers: Vec<u64> = posted.iter().map(|posted| posted.number).collect();
    assert_eq!(numbers, (1..=ppmids.len() as u64).collect::<Vec<_>>());
    let devices: BTreeSet<_> = posted.iter().flat_map(|posted| alert(&posted.xml).alert.devices()).collect();
    assert_eq!(devices, ppmids.iter().copied().collect());
}

#[test]
#[ignore = "takes a minute: a figure to be measured by hand, in release"]
fn two_hundred_clients_for_a_minute() {
    const MINUTE: Duration = Duration::from_secs(60);
    let (release, data, ppmids) = fleet(2_000, u32::try_from(CLIENTS * REQUESTS).unwrap());
    let mailbox = Mailbox::start(97);
    let folder = folder(Some(&mailbox.url()), &data);
    let served = Served::start(folder.path(), &["--data", "data.toml", "--hubs", "none", "--state", "state.sqlite"]);
    let token = format!("Bearer {IMPORT_TOKEN}");
    let headers = [("Authorization", token.as_str())];
    let began = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let clients = ppmids.chunks(REQUESTS).enumerate().map(|(client, own)| {
            let (served, release, headers) = (&served, &release, &headers);
            scope.spawn(move || {
                let mut connection = Connection::open(served.address).unwrap();
                let mut times = Vec::new();
                let mut left = own.iter();
                while began.elapsed() < MINUTE || left.len() > 0 {
                    let counter = (1 + client as u64) * 1_000_000 + times.len() as u64;
                    let request_id = RequestId { originator: IMPORT, target: DCC, counter };
                    let next = own.len() - left.len();
                    let due = MINUTE * u32::try_from(next).unwrap() / u32::try_from(own.len()).unwrap();
                    let xml = match left.as_slice().first().filter(|_| began.elapsed() >= due) {
                        Some(ppmid) => {
                            left.next();
                            update(release, counter, &[*ppmid])
                        }
                        None => {
                            let device_id = own.first().copied().unwrap();
                            Request::new(request_id, ServiceRequest::ReadInventory { device_id }).to_xml()
                        }
                    };
                    let sent = Instant::now();
                    let answer = connection.send("POST", "/duis/non-device", headers, xml.as_bytes()).unwrap();
                    times.push(sent.elapsed());
                    assert_eq!((answer.status, code(&answer.body).as_str()), (200, "I0"));
                }
                times
            })
        });
        let clients: Vec<_> = clients.collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    has_all(&mailbox.wait(|posted| posted.len() >= ppmids.len()), &ppmids);
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let (count, seconds) = (times.len(), began.elapsed().as_secs_f64());
    println!(
        "{count} requests in {seconds:.1} s, each on the disc before its answer; half within {:?}, 99 % within {:?}, all within {:?}; {} Alerts, none lost",
        at(50),
        at(99),
        at(100),
        ppmids.len()
    );
}
