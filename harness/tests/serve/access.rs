//! Who sees and may do what, and what hostile clients get.

use crate::support::{
    DESK_TOKEN, FOREIGN, GAS_TOKEN, IMPORT_TOKEN, OTHER_TOKEN, OUTSIDER_TOKEN, PATIENCE, PPMID, Served, folder, http,
    release, update,
};
use hanrig_dcc::data::{Baselines, Contact, DzirRecord, FirRecord};
use hanrig_wire::types::Eui64;
use rstest::rstest;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// A DCC with an update of the PPMID under way, and with FIR and DZIR.
fn served() -> (tempfile::TempDir, Served) {
    let (release, mut data) = release(2_000);
    let contact = Contact { email: "a@b".into(), telephone: "1".into(), address: "here".into() };
    let release_notes = "<script>alert(1)</script>".to_owned();
    let record = FirRecord { entry: 1, contact, release_notes, baselines: Baselines::NotApplicable };
    data.fir.insert(1, record);
    let record = DzirRecord { entry: 1, chipset_vendor: "vendor".into(), stack_version: "2".into(), band: None };
    data.dzir.insert(1, record);
    let folder = folder(None, &data.to_toml().unwrap());
    let served = Served::start(folder.path(), &["--clock", "virtual", "--data", "data.toml", "--hubs", "none"]);
    assert_eq!(served.post(&update(&release, 1000, &[PPMID])), "I0");
    (folder, served)
}

#[test]
fn others_devices_cannot_be_told_from_those_that_are_not_there() {
    let (_folder, served) = served();
    assert_eq!(served.status(IMPORT_TOKEN, PPMID).status, 200);
    let foreign = served.status(OTHER_TOKEN, PPMID);
    let missing = served.status(OTHER_TOKEN, Eui64(0x0A48_5247_0100_00FF));
    // Its own, but nothing is tracked of it.
    let own = served.status(OTHER_TOKEN, FOREIGN);
    assert_eq!(foreign.status, 404);
    let without_date = |mut answer: crate::support::Answer| {
        answer.headers.remove("date");
        (answer.status, answer.headers, answer.body)
    };
    let foreign = without_date(foreign);
    assert_eq!(foreign, without_date(missing));
    assert_eq!(foreign, without_date(own));
    assert_eq!(served.status(OUTSIDER_TOKEN, PPMID).status, 403);
    assert_eq!(served.status(DESK_TOKEN, PPMID).status, 200);
}

#[rstest]
#[case("/api/panel/fir/1", IMPORT_TOKEN, 200)]
#[case("/api/panel/fir/1", OUTSIDER_TOKEN, 403)]
#[case("/api/panel/fir/2", GAS_TOKEN, 404)]
#[case("/api/panel/fir/x", GAS_TOKEN, 400)]
#[case("/api/panel/dzir/1", IMPORT_TOKEN, 200)]
#[case("/api/panel/dzir/1", GAS_TOKEN, 403)]
#[case("/api/panel/dzir/1", OUTSIDER_TOKEN, 403)]
#[case("/api/ssmi/quarantine", IMPORT_TOKEN, 403)]
#[case("/api/ssmi/quarantine", DESK_TOKEN, 200)]
#[case("/api/ssi/reports/RSAT_004", GAS_TOKEN, 200)]
#[case("/api/ssi/reports/RSAT_004.csv", OUTSIDER_TOKEN, 403)]
#[case("/api/ssi/devices/%3Cscript%3E/firmware-update-status", IMPORT_TOKEN, 400)]
#[case("/api/ssi/devices/..%2F..%2Fetc/firmware-update-status", IMPORT_TOKEN, 400)]
#[case("/duis/messages/18446744073709551616", IMPORT_TOKEN, 400)]
#[case("/duis/messages?wait=for-ever", IMPORT_TOKEN, 400)]
#[case("/duis/messages", DESK_TOKEN, 403)]
#[case("/clock", "nobody-has-this-token-0123456789", 401)]
#[case("/nothing", IMPORT_TOKEN, 404)]
fn everybody_gets_what_is_theirs(#[case] path: &str, #[case] token: &str, #[case] status: u16) {
    let (_folder, served) = served();
    let method = if path.starts_with("/duis/messages/") { "DELETE" } else { "GET" };
    let answer = served.send(token, method, path, b"");
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.headers["content-security-policy"].starts_with("default-src 'none'"));
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[test]
fn what_is_no_request_is_answered() {
    let (_folder, served) = served();
    for body in [b"".as_slice(), b"<", &[0xFF; 1000]] {
        assert_eq!(served.post(&String::from_utf8_lossy(body)), "E100");
    }
    let clock = |body: &[u8]| served.send(IMPORT_TOKEN, "POST", "/clock", body).status;
    for body in [
        b"".as_slice(),
        b"{}",
        br#"{"advance": "10years"}"#,
        br#"{"advance": "soon"}"#,
        br#"{"until": "2020-01-01T00:00:00Z"}"#,
        br#"{"until": "9999-12-31T00:00:00Z"}"#,
    ] {
        assert_eq!(clock(body), 400, "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(clock(&[b' '; 5000]), 413);
    // Without a token nothing of the body is looked at.
    let answer = http(served.address, "POST", "/duis/non-device", &[], &[b'x'; 100_000]).unwrap();
    assert_eq!(answer.status, 401);
}

#[test]
fn a_hundred_megabytes_of_garbage_are_refused_in_little_memory() {
    let (_folder, served) = served();
    let answer = served.send(IMPORT_TOKEN, "POST", "/duis/non-device", &vec![b'<'; 100_000_000]);
    assert_eq!(answer.status, 413, "{answer:?}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 100_000, "{peak} kB");
}

#[test]
fn forms_of_other_pages_are_refused() {
    let (_folder, served) = served();
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let sign_in = |token: &str, headers: &[(&str, &str)]| {
        let headers = [&[form], headers].concat();
        http(served.address, "POST", "/sign-in", &headers, format!("token={token}").as_bytes()).unwrap()
    };
    assert_eq!(sign_in("nobody", &[]).status, 401);
    assert_eq!(sign_in(DESK_TOKEN, &[("Sec-Fetch-Site", "cross-site")]).status, 403);
    let signed_in = sign_in(DESK_TOKEN, &[]);
    assert_eq!(signed_in.status, 303, "{signed_in:?}");
    let cookie = &signed_in.headers["set-cookie"];
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = ("Cookie", cookie.split(';').next().unwrap());
    let reset = |form_token: &str| {
        let body = format!("id={PPMID}&form_token={form_token}");
        http(served.address, "POST", "/device/reset", &[form, cookie], body.as_bytes()).unwrap().status
    };
    assert_eq!(reset(""), 403);
    assert_eq!(reset(&"0".repeat(64)), 403);
    // The cookie alone opens no interface for programs.
    let api = http(served.address, "POST", &format!("/api/ssi/devices/{PPMID}/reset"), &[cookie], b"").unwrap();
    assert_eq!(api.status, 401);
    let get = |path: &str| http(served.address, "GET", path, &[cookie], b"").unwrap();
    let page = get(&format!("/device?id={PPMID}"));
    let token = page.body.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(reset(token), 303);
    let hostile = get("/device?id=%22%3E%3Cscript%3Ealert(1)%3C/script%3E");
    assert_eq!(hostile.status, 400);
    assert!(!hostile.body.contains("<script"), "{}", hostile.body);
    let notes = get("/repositories?entry=1");
    assert!(notes.body.contains("&lt;script&gt;alert(1)") && !notes.body.contains("<script"), "{}", notes.body);
}

#[test]
fn clients_that_never_end_their_requests_are_let_go() {
    let (_folder, served) = served();
    let begin = |text: &str| {
        let mut stream = TcpStream::connect(served.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let heads: Vec<_> = (0..20).map(|_| begin("POST /duis/non-device HTTP/1.1\r\nHost: x\r\n")).collect();
    let head = format!("POST /duis/non-device HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {IMPORT_TOKEN}\r\n");
    let bodies: Vec<_> = (0..40).map(|_| begin(&format!("{head}Content-Length: 1000000\r\n\r\n<"))).collect();
    // Those who do end theirs are served meanwhile.
    assert_eq!(served.status(IMPORT_TOKEN, PPMID).status, 200);
    let answer = |mut stream: TcpStream| {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    };
    for stream in bodies {
        assert_eq!(answer(stream), "HTTP/1.1 408 Request Timeout");
    }
    for stream in heads {
        assert_eq!(answer(stream), "");
    }
}
