//! A hub that is elsewhere, over TCP: here the reference hub, on a thread of the test.

use crate::support::{IMPORT_TOKEN, PATIENCE, PPMID, Served, alert, folder, release, update};
use hanrig::bench::Bench;
use hanrig::rig::software::{Output, SoftwareDevice};
use hanrig_wire::time::{Duration, Instant};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;

/// Plays the hub of the built-in bench for one connection after the other. Its radio reaches nobody.
fn play_hub(listener: &TcpListener) {
    let bench = Bench::built_in().unwrap();
    let began = std::time::Instant::now();
    let now = || Instant(u64::try_from(began.elapsed().as_micros()).unwrap());
    let mut hub = SoftwareDevice::hub(&bench, 1, false);
    hub.set_power(now(), true).unwrap();
    let mut stream = listener.accept().unwrap().0;
    stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    hub.on().unwrap().on_wan_link(now(), true);
    let mut buffer = [0; 4096];
    loop {
        hub.poll(now());
        while let Some(output) = hub.on().unwrap().take_output() {
            if let Output::Wan(octets) = output
                && stream.write_all(&octets).is_err()
            {
                return;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => hub.on().unwrap().on_wan_octets(now(), &buffer[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
    }
}

#[test]
fn an_image_reaches_a_hub_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || play_hub(&listener));
    let (release, data) = release(4_000);
    let folder = folder(None, &data.to_toml().unwrap());
    let wan = format!("0A-48-52-47-01-00-00-01={address}");
    let args = ["--data", "data.toml", "--hubs", "none", "--state", "state.sqlite", "--wan", &wan];
    let served = Served::start(folder.path(), &args);
    assert_eq!(served.post(&update(&release, 1000, &[PPMID])), "I0");
    let answer = served.send(IMPORT_TOKEN, "GET", &format!("/duis/messages?wait={}", PATIENCE.as_secs()), b"");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(alert(&answer.body).code.to_string(), "N61");
    assert_eq!(served.end().code(), Some(0));
}
