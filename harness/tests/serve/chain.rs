//! From a request to the last Alert, in virtual time, through hubs and Devices in software.

use hanrig_dcc::security::{Certificate, Identity, RemotePartyRole, TrustStore, sign, verify};
use hanrig_wire::gbcs::SigningKey;
use hanrig_wire::time::Utc;

use crate::support::{
    DESK_TOKEN, GAS, GAS_TOKEN, IMPORT, IMPORT_TOKEN, Mailbox, PPMID, Served, alert, code, folder, release, update,
};

#[test]
fn a_ppmid_is_updated_and_everybody_is_told() {
    let (release, data) = release(20_000);
    let mailbox = Mailbox::start(0);
    let folder = folder(Some(&mailbox.url()), &data.to_toml().unwrap());
    let served = Served::start(folder.path(), &["--clock", "virtual", "--data", "data.toml"]);
    // A while for the Devices to join.
    served.advance("1h");
    assert_eq!(served.post(&update(&release, 1000, &[PPMID])), "I0");
    assert_eq!(served.status(IMPORT_TOKEN, PPMID).json()["status"], "APPROVED_FOR_DISTRIBUTION");
    // The next one is refused as long as the first is under way.
    assert_eq!(served.post(&update(&release, 1001, &[PPMID])), "W110401");
    served.advance("2days");
    let status = served.status(GAS_TOKEN, PPMID).json();
    assert_eq!(status["status"], "FIRMWARE_ACTIVATED", "{status}");
    assert_eq!(status["in_progress"], false);
    let codes = |messages: &[String]| messages.iter().map(|xml| alert(xml).code.to_string()).collect::<Vec<_>>();
    let own = served.messages(IMPORT_TOKEN);
    assert_eq!(codes(&own), ["N61", "N62", "N39"]);
    // The other Responsible Supplier has them posted.
    let posted = mailbox.wait(|posted| posted.len() >= 2);
    assert_eq!(posted.iter().map(|posted| posted.number).collect::<Vec<_>>(), [1, 2]);
    assert!(posted.iter().all(|posted| posted.user == GAS.to_string()), "{posted:?}");
    assert_eq!(codes(&posted.into_iter().map(|posted| posted.xml).collect::<Vec<_>>()), ["N59", "N39"]);
    assert_eq!(served.end().code(), Some(0));
}

#[test]
fn five_days_later_an_image_that_no_hub_took_is_told_of() {
    let (release, data) = release(20_000);
    let folder = folder(None, &data.to_toml().unwrap());
    let served = Served::start(folder.path(), &["--clock", "virtual", "--data", "data.toml", "--hubs", "none"]);
    assert_eq!(served.post(&update(&release, 1000, &[PPMID])), "I0");
    served.advance("3days 23h");
    assert_eq!(served.messages(IMPORT_TOKEN), Vec::<String>::new());
    served.advance("1day 2h");
    let messages = served.messages(IMPORT_TOKEN);
    assert_eq!(messages.iter().map(|xml| alert(xml).code.to_string()).collect::<Vec<_>>(), ["N60"]);
    // The DCC Service Desk releases the Device, and a new request is taken.
    assert_eq!(served.status(IMPORT_TOKEN, PPMID).json()["status"], "FAILED_CH_TRANSFER");
}

#[test]
fn the_service_desk_releases_a_device() {
    let (release, data) = release(20_000);
    let folder = folder(None, &data.to_toml().unwrap());
    let served = Served::start(folder.path(), &["--clock", "virtual", "--data", "data.toml", "--hubs", "none"]);
    let reset = |token| served.send(token, "POST", &format!("/api/ssi/devices/{PPMID}/reset"), b"").status;
    assert_eq!(reset(DESK_TOKEN), 404);
    assert_eq!(served.post(&update(&release, 1000, &[PPMID])), "I0");
    assert_eq!(reset(IMPORT_TOKEN), 403);
    assert_eq!(served.post(&update(&release, 1001, &[PPMID])), "W110401");
    assert_eq!(reset(DESK_TOKEN), 204);
    assert_eq!(served.status(IMPORT_TOKEN, PPMID).json()["status"], "RESET_BY_DCC");
    assert_eq!(served.post(&update(&release, 1002, &[PPMID])), "I0");
}

#[test]
fn a_user_that_asks_to_wait_gets_what_comes() {
    let (release, data) = release(20_000);
    let folder = folder(None, &data.to_toml().unwrap());
    let served = Served::start(folder.path(), &["--clock", "virtual", "--data", "data.toml", "--hubs", "none"]);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| served.send(GAS_TOKEN, "GET", "/duis/messages?wait=60", b""));
        assert_eq!(served.post(&update(&release, 1000, &[PPMID])), "I0");
        let answer = waiting.join().unwrap();
        assert_eq!((answer.status, answer.headers["hanrig-messages-waiting"].as_str()), (200, "1"));
        assert_eq!((code(&answer.body).as_str(), alert(&answer.body).code.to_string().as_str()), ("I0", "N59"));
    });
}

#[test]
fn requests_are_signed_and_answers_are_where_there_are_certificates() {
    let (release, data) = release(2_000);
    let folder = folder(None, &data.to_toml().unwrap());
    let args = ["--clock", "virtual", "--data", "data.toml", "--hubs", "none", "--certificates", "pem"];
    let served = Served::start(folder.path(), &args);
    let read = |name: &str| std::fs::read_to_string(folder.path().join("pem").join(name)).unwrap();
    let certificate = |name: &str| Certificate::from_pem(&read(&format!("{name}.pem"))).unwrap().remove(0);
    let xml = update(&release, 1000, &[PPMID]);
    assert_eq!(served.post(&xml), "E104");
    // The key as a client reads it.
    let mut openssl = std::process::Command::new("openssl");
    let key = folder.path().join(format!("pem/{IMPORT}.key"));
    let Ok(key) = openssl.args(["ec", "-noout", "-text", "-in"]).arg(key).output() else {
        assert!(std::env::var_os("HANRIG_REQUIRE_TOOLS").is_none(), "openssl is not there");
        println!("not run: signed requests, openssl is not there");
        return;
    };
    let text = String::from_utf8(key.stdout).unwrap();
    let private = text.split("priv:").nth(1).unwrap().split("pub:").next().unwrap();
    let private: String = private.chars().filter(char::is_ascii_hexdigit).collect();
    let private = hex::decode(private).unwrap();
    let key = SigningKey::from_scalar(&private[private.len() - 32..]).unwrap();
    let own = Identity::new(certificate(&IMPORT.to_string()), key).unwrap();
    let signed = sign(&xml, &own).unwrap();
    let answer = served.send(IMPORT_TOKEN, "POST", "/duis/non-device", signed.as_bytes());
    assert_eq!(code(&answer.body), "I0");
    let trust = TrustStore::new([certificate("root")], [certificate("issuing"), certificate("dcc")]).unwrap();
    let now = Utc::from_unix_seconds(1_767_603_600);
    verify(answer.body.as_bytes(), &trust, RemotePartyRole::DspXmlSign, now).unwrap();
    for message in served.messages(GAS_TOKEN) {
        verify(message.as_bytes(), &trust, RemotePartyRole::DspXmlSign, now).unwrap();
    }
    // Signed by one User, and sent by another.
    let answer = served.send(GAS_TOKEN, "POST", "/duis/non-device", signed.as_bytes());
    assert_ne!(code(&answer.body), "I0");
}
