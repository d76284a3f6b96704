//! The files that a scenario leaves behind.
//!
//! | file | what it holds |
//! |---|---|
//! | `air.pcapng` | every frame that the sniffer heard; see `zigbee_pc_keys` |
//! | `zigbee_pc_keys` | the network and link keys, as Wireshark's settings file of that name |
//! | `duis/NNNN-....xml` | each message between a User and the DSP, as it was sent |
//! | `root.pem`, `certificates.pem` | the certificates that their signatures rest on |
//! | `gateway.jsonl` | each message between DSP and CSP, a JSON object a line |
//! | `wan.jsonl` | each frame between CSP and hub, a JSON object a line: time, direction, what it is, its octets |
//! | `NAME.log` | what a device logged (over RTT, on a board) |
//!
//! All of it is written as it happens. A run in real time flushes it whenever nothing else is to do, so that one that is
//! killed loses next to nothing of what it had seen.

use crate::runner::BenchFault;
use hanrig_air::SniffedFrame;
use hanrig_air::capture::{CaptureWriter, KEYS_FILE, keys_file};
use hanrig_reports::EvidenceFile;
use hanrig_wire::time::{Instant, Utc};
use hanrig_wire::types::Key128;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Writes a scenario's evidence, or counts it only when there is no folder to write to.
#[derive(Debug)]
pub struct Evidence {
    folder: Option<Folder>,
    duis: u64,
    lines: BTreeMap<&'static str, u64>,
    fault: Option<BenchFault>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    air: CaptureWriter<File>,
    /// Open line files, by name.
    lines: BTreeMap<String, BufWriter<File>>,
    /// Every file begun, with what it holds.
    files: Vec<(String, String)>,
}

/// One frame on the WAN link, as `wan.jsonl` holds it.
#[derive(Serialize)]
struct WanLine<'a> {
    at_us: u64,
    direction: &'a str,
    summary: &'a str,
    octets: String,
}

/// One message on the SM WAN Gateway, as `gateway.jsonl` holds it, or one screen, as `screens.jsonl` does.
#[derive(Serialize)]
struct GatewayLine<'a, T> {
    at_us: u64,
    from: &'a str,
    content: &'a T,
}

impl Evidence {
    /// Evidence in `folder`, or none.
    ///
    /// # Errors
    /// When the files cannot be made.
    pub fn new(folder: Option<&Path>, epoch: Utc, keys: &[(Key128, String)]) -> Result<Self, BenchFault> {
        let folder = folder.map(|path| Folder::new(path, epoch, keys)).transpose()?;
        Ok(Self { folder, duis: 0, lines: BTreeMap::new(), fault: None })
    }

    /// Keeps a frame that the sniffer heard.
    pub fn frame(&mut self, frame: &SniffedFrame) {
        if let Some(folder) = &mut self.folder
            && let Err(error) = folder.air.write(frame)
        {
            self.fault.get_or_insert(BenchFault::new(format!("cannot write air.pcapng: {error}")));
        }
    }

    /// Keeps a message on the DUIS interface and says in which file, relative to the scenario's folder.
    pub fn duis(&mut self, what: &str, xml: &str) -> String {
        self.duis += 1;
        let what: String = what
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let name = format!("duis/{:04}-{what}.xml", self.duis);
        if let Some(folder) = &mut self.folder {
            let path = folder.path.join(&name);
            folder.files.push((name.clone(), "message on the DUIS interface".to_owned()));
            self.note(fs::write(&path, xml), &name);
        }
        name
    }

    /// Keeps a text under a name.
    pub fn text(&mut self, name: &str, what: &str, text: &str) {
        if let Some(folder) = &mut self.folder {
            folder.files.push((name.to_owned(), what.to_owned()));
            let written = fs::write(folder.path.join(name), text);
            self.note(written, name);
        }
    }

    /// Keeps a frame on the WAN link and says on which line.
    pub fn wan(&mut self, at: Instant, direction: &str, summary: &str, octets: &[u8]) -> u64 {
        let line = WanLine { at_us: at.as_micros(), direction, summary, octets: hex_of(octets, self.folder.is_some()) };
        self.json_line("wan.jsonl", "frames on the WAN link between CSP and hub", &line)
    }

    /// Keeps a message on the SM WAN Gateway and says on which line.
    pub fn gateway<T: Serialize>(&mut self, at: Instant, from: &str, content: &T) -> u64 {
        let line = GatewayLine { at_us: at.as_micros(), from, content };
        self.json_line("gateway.jsonl", "messages between DSP and CSP", &line)
    }

    /// Keeps what somebody was shown on SSI or SSMI and says on which line.
    pub fn screen<T: Serialize>(&mut self, at: Instant, viewer: &str, content: &T) -> u64 {
        let line = GatewayLine { at_us: at.as_micros(), from: viewer, content };
        self.json_line("screens.jsonl", "what was shown on SSI and SSMI", &line)
    }

    /// Keeps a line that a device logged.
    pub fn log(&mut self, device: &str, at: Instant, line: &str) {
        let Some(folder) = &mut self.folder else { return };
        let name = format!("{device}.log");
        let written = folder.line_file(&name, "what the device logged").and_then(|file| writeln!(file, "{at} {line}"));
        self.note(written, &name);
    }

    fn json_line<T: Serialize>(&mut self, name: &'static str, description: &str, line: &T) -> u64 {
        let number = self.lines.entry(name).or_default();
        *number += 1;
        let number = *number;
        if let Some(folder) = &mut self.folder {
            let written = folder.line_file(name, description).and_then(|file| {
                serde_json::to_writer(&mut *file, line)?;
                file.write_all(b"\n")
            });
            self.note(written, name);
        }
        number
    }

    fn note(&mut self, written: io::Result<()>, name: &str) {
        if let Err(error) = written {
            self.fault.get_or_insert(BenchFault::new(format!("cannot write evidence file {name}: {error}")));
        }
    }

    /// Gets what was written so far to the files, so that a run that is killed loses none of it.
    pub fn flush(&mut self) {
        let Some(folder) = &mut self.folder else { return };
        let failed = folder.lines.iter_mut().find_map(|(name, file)| Some((name.clone(), file.flush().err()?)));
        if let Some((name, error)) = failed {
            self.note(Err(error), &name);
        }
    }

    /// Closes every file and describes them all.
    ///
    /// # Errors
    /// The first fault in writing any of them.
    pub fn finish(&mut self) -> Result<Vec<EvidenceFile>, BenchFault> {
        let files = self.folder.take().map(Folder::finish).transpose()?.unwrap_or_default();
        self.fault.take().map_or(Ok(files), Err)
    }
}

fn hex_of(octets: &[u8], wanted: bool) -> String {
    if wanted { hex::encode(octets) } else { String::new() }
}

impl Folder {
    fn new(path: &Path, epoch: Utc, keys: &[(Key128, String)]) -> Result<Self, BenchFault> {
        let begun = || -> Result<Self, Box<dyn core::error::Error>> {
            fs::create_dir_all(path.join("duis"))?;
            fs::write(path.join(KEYS_FILE), keys_file(keys))?;
            let air = CaptureWriter::new(File::create(path.join("air.pcapng"))?, epoch)?;
            let files = vec![
                ("air.pcapng".to_owned(), "every frame that the sniffer heard".to_owned()),
                (KEYS_FILE.to_owned(), "network and link keys for Wireshark".to_owned()),
            ];
            Ok(Self { path: path.to_owned(), air, lines: BTreeMap::new(), files })
        };
        begun().map_err(|error| BenchFault::new(format!("cannot write evidence to {}: {error}", path.display())))
    }

    fn line_file(&mut self, name: &str, description: &str) -> io::Result<&mut BufWriter<File>> {
        if !self.lines.contains_key(name) {
            self.lines.insert(name.to_owned(), BufWriter::new(File::create(self.path.join(name))?));
            self.files.push((name.to_owned(), description.to_owned()));
        }
        self.lines.get_mut(name).ok_or_else(|| io::Error::other("not open"))
    }

    fn finish(self) -> Result<Vec<EvidenceFile>, BenchFault> {
        let Self { path, air, lines, files } = self;
        let finished = || -> Result<Vec<EvidenceFile>, Box<dyn core::error::Error>> {
            air.finish()?;
            for file in lines.into_values() {
                file.into_inner().map_err(io::IntoInnerError::into_error)?;
            }
            Ok(files.into_iter().map(|(name, what)| describe(&path, name, what)).collect::<io::Result<_>>()?)
        };
        finished().map_err(|error| BenchFault::new(format!("cannot close the evidence files: {error}")))
    }
}

fn describe(folder: &Path, name: String, description: String) -> io::Result<EvidenceFile> {
    let mut file = File::open(folder.join(&name))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut octets = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(buffer.get(..count).unwrap_or_default());
        octets += count as u64;
    }
    Ok(EvidenceFile { path: name, description, sha256: hex::encode(hash.finalize()), octets })
}
