//! A served DCC, clients, and servers of Users.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use hanrig::bench::Bench;
use hanrig::world::{Making, Release};
use hanrig_dcc::data::DccData;
use hanrig_dcc::duis::{
    self, DccAlertMessage, DuisMessage, Request, RequestId, Response, ResponseBody, ServiceRequest, UpdateFirmware,
};
use hanrig_wire::types::{Eui64, FirmwareVersion};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const DCC: Eui64 = Eui64(0x0A48_5247_F100_0001);
pub(crate) const IMPORT: Eui64 = Eui64(0x0A48_5247_F000_0001);
pub(crate) const GAS: Eui64 = Eui64(0x0A48_5247_F000_0002);
pub(crate) const OTHER: Eui64 = Eui64(0x0A48_5247_F000_0003);
/// The PPMID of the built-in bench, in the premises of Import and Gas Supplier.
pub(crate) const PPMID: Eui64 = Eui64(0x0A48_5247_0100_0005);
/// A PPMID of the other Supplier.
pub(crate) const FOREIGN: Eui64 = Eui64(0x0A48_5247_0200_0005);

pub(crate) const VERSION: FirmwareVersion = FirmwareVersion(0x20);

pub(crate) const IMPORT_TOKEN: &str = "import-supplier-0123456789abcdef";
pub(crate) const GAS_TOKEN: &str = "gas-supplier-0123456789abcdef0123";
pub(crate) const OTHER_TOKEN: &str = "other-supplier-0123456789abcdef01";
pub(crate) const DESK_TOKEN: &str = "service-desk-0123456789abcdef0123";
pub(crate) const OUTSIDER_TOKEN: &str = "outsider-0123456789abcdef01234567";

/// The access file of all tests; `gas` is where the Gas Supplier's messages are posted.
pub(crate) fn access(gas: Option<&str>) -> String {
    let notify = gas.map(|url| format!("notify = \"{url}\"")).unwrap_or_default();
    format!(
        "[[user]]\nid = \"{IMPORT}\"\nname = \"Import Supplier\"\ntoken = \"{IMPORT_TOKEN}\"\ndzir = true\n\
         [[user]]\nid = \"{GAS}\"\nname = \"Gas Supplier\"\ntoken = \"{GAS_TOKEN}\"\n{notify}\n\
         [[user]]\nid = \"{OTHER}\"\nname = \"<b>Other</b>\"\ntoken = \"{OTHER_TOKEN}\"\n\
         [[service_desk]]\nname = \"DCC Service Desk\"\ntoken = \"{DESK_TOKEN}\"\n\
         [[reader]]\nname = \"outsider\"\ntoken = \"{OUTSIDER_TOKEN}\"\n"
    )
}

/// New firmware for the PPMIDs of the built-in bench, and the bench's data with its CPL entry.
pub(crate) fn release(size: usize) -> (Release, DccData) {
    let bench = Bench::built_in().unwrap();
    let ppmid = bench.on_han().next().unwrap();
    let release = Release::new(&bench, ppmid, VERSION, Making::of_size(size)).unwrap();
    let mut data = bench.data.clone();
    let entry = release.cpl_entry(&data, ppmid.hardware_version);
    data.cpl.entries.push(entry);
    (release, data)
}

/// The data of [`release`] with `count` premises more, each with a hub, both meters and a PPMID.
pub(crate) fn fleet(size: usize, count: u32) -> (Release, String, Vec<Eui64>) {
    let (release, data) = release(size);
    let mut toml = data.to_toml().unwrap();
    let mut ppmids = Vec::new();
    for number in 0..count {
        let id = |kind: u64| Eui64(0x0A48_5247_1000_0000 | u64::from(number) << 4 | kind);
        let (hub, esme, gsme, ppmid) = (id(1), id(3), id(4), id(5));
        let mut device = |id: Eui64, kind: &str, model: &str, hardware: &str| {
            writeln!(
                toml,
                "[[device]]\nid = \"{id}\"\ntype = \"{kind}\"\nmanufacturer = \"12A7\"\nmodel = \"{model}\"\n\
                 hardware_version = \"{hardware}\"\nfirmware_version = \"00:00:00:10\"\nstatus = \"Commissioned\"\n\
                 hub = \"{hub}\"\n"
            )
            .unwrap();
        };
        device(esme, "ESME", "1001", "0100");
        device(gsme, "GSME", "2001", "0100");
        device(ppmid, "PPMID", "5001", "0102");
        writeln!(
            toml,
            "[[hub]]\nid = \"{hub}\"\nregion = \"South\"\n[[premises]]\nhub = \"{hub}\"\n\
             import_supplier = \"{IMPORT}\"\ngas_supplier = \"{GAS}\"\ndevices = [\"{esme}\", \"{gsme}\", \"{ppmid}\"]\n"
        )
        .unwrap();
        ppmids.push(ppmid);
    }
    (release, toml, ppmids)
}

/// SRV 11.4 of the Import Supplier.
pub(crate) fn update(release: &Release, counter: u64, devices: &[Eui64]) -> String {
    let body = UpdateFirmware {
        firmware_image: release.octets().to_vec(),
        firmware_version: VERSION,
        device_id_list: devices.to_vec(),
    };
    let request_id = RequestId { originator: IMPORT, target: DCC, counter };
    Request::new(request_id, ServiceRequest::UpdatePpmidFirmware(body)).to_xml()
}

/// A DUIS response.
pub(crate) fn response(xml: &str) -> Response {
    match duis::parse(xml).unwrap() {
        DuisMessage::Response(response) => response,
        DuisMessage::Request(_) => panic!("a request where a response belongs"),
    }
}

/// The Response Code of a DUIS response.
pub(crate) fn code(xml: &str) -> String {
    response(xml).response_code.as_str().to_owned()
}

/// The DCC Alert in a DUIS response.
pub(crate) fn alert(xml: &str) -> DccAlertMessage {
    match response(xml).body {
        ResponseBody::DccAlertMessage(alert) => alert,
        body => panic!("no DCC Alert: {body:?}"),
    }
}

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A connection that requests are sent on, one after the other.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream: BufReader::new(stream) })
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let mut message = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            write!(message, "{name}: {value}\r\n").unwrap();
        }
        write!(message, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
        self.stream.get_mut().write_all(&[message.as_bytes(), body].concat())?;
        let (start, headers, body) = read_message(&mut self.stream)?;
        let status = start.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status in {start:?}")))?;
        Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

/// Sends one request on a connection of its own.
pub(crate) fn http(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    Connection::open(address)?.send(method, path, headers, body)
}

type Message = (String, BTreeMap<String, String>, Vec<u8>);

/// The start line, headers and body of a message with a Content-Length, or without a body.
fn read_message(stream: &mut BufReader<TcpStream>) -> io::Result<Message> {
    let mut line = || {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Ok(line.trim_end().to_owned())
    };
    let start = line()?;
    let mut headers = BTreeMap::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((start, headers, body))
}

/// A DCC that is served.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Served {
    /// Serves in `folder` with these arguments, beside a free port and the access file `access.toml`.
    pub(crate) fn start(folder: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("hanrig"));
        command.args(["serve", "dcc", "--listen", "127.0.0.1:0", "--access", "access.toml"]).args(args);
        let err = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("err.log")).unwrap();
        let mut child = command.current_dir(folder).stdout(Stdio::piped()).stderr(err).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("serving the DCC on http://");
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            let said = std::fs::read_to_string(folder.join("err.log")).unwrap();
            panic!("not served: {line:?} {said}");
        };
        Self { child, address }
    }

    /// Sends a request with a token.
    pub(crate) fn send(&self, token: &str, method: &str, path: &str, body: &[u8]) -> Answer {
        let token = format!("Bearer {token}");
        http(self.address, method, path, &[("Authorization", &token)], body).unwrap()
    }

    /// Posts a Service Request of the Import Supplier, and gives its Response Code.
    pub(crate) fn post(&self, xml: &str) -> String {
        let answer = self.send(IMPORT_TOKEN, "POST", "/duis/non-device", xml.as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
        code(&answer.body)
    }

    /// Lets virtual time pass.
    pub(crate) fn advance(&self, duration: &str) {
        let body = format!("{{\"advance\": \"{duration}\"}}");
        let answer = self.send(IMPORT_TOKEN, "POST", "/clock", body.as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Takes all messages that wait for a User.
    pub(crate) fn messages(&self, token: &str) -> Vec<String> {
        let mut messages = Vec::new();
        loop {
            let answer = self.send(token, "GET", "/duis/messages", b"");
            if answer.status == 204 {
                return messages;
            }
            assert_eq!(answer.status, 200, "{answer:?}");
            let number = &answer.headers["hanrig-message"];
            assert_eq!(self.send(token, "DELETE", &format!("/duis/messages/{number}"), b"").status, 204);
            messages.push(answer.body);
        }
    }

    /// The status that SSI shows of a Device.
    pub(crate) fn status(&self, token: &str, device: Eui64) -> Answer {
        self.send(token, "GET", &format!("/api/ssi/devices/{device}/firmware-update-status"), b"")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills it, as a cut in power would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it in good order.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.child.wait().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A folder with the access file and what else is given.
pub(crate) fn folder(gas: Option<&str>, data: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("access.toml"), access(gas)).unwrap();
    std::fs::write(folder.path().join("data.toml"), data).unwrap();
    folder
}

/// A message that was posted to a User.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) user: String,
    pub(crate) number: u64,
    pub(crate) xml: String,
}

/// A User's server, which takes messages and refuses every `refuse`th.
pub(crate) struct Mailbox {
    pub(crate) address: SocketAddr,
    taken: Arc<Mutex<Vec<Posted>>>,
}

impl Mailbox {
    pub(crate) fn start(refuse: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let its = Arc::clone(&taken);
        thread::spawn(move || {
            let mut calls = 0;
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let mut answers = stream.try_clone().unwrap();
                let mut stream = BufReader::new(stream);
                while let Ok((_, headers, body)) = read_message(&mut stream) {
                    calls += 1;
                    let status = if refuse > 0 && calls % refuse == 0 {
                        "503 Service Unavailable"
                    } else {
                        its.lock().unwrap().push(Posted {
                            user: headers["hanrig-user"].clone(),
                            number: headers["hanrig-message"].parse().unwrap(),
                            xml: String::from_utf8(body).unwrap(),
                        });
                        "204 No Content"
                    };
                    if write!(answers, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").is_err() {
                        break;
                    }
                }
            }
        });
        Self { address, taken }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/duis", self.address)
    }

    /// What it has taken, once `enough` says so.
    pub(crate) fn wait(&self, enough: impl Fn(&[Posted]) -> bool) -> Vec<Posted> {
        let began = Instant::now();
        loop {
            let taken = self.taken.lock().unwrap().clone();
            if enough(&taken) {
                return taken;
            }
            assert!(began.elapsed() < PATIENCE, "{} messages came", taken.len());
            thread::sleep(Duration::from_millis(20));
        }
    }
}
