//! Bench files as they are written, and how one becomes a [`Bench`].

use std::path::{Path, PathBuf};

use hanrig_dcc::data::{Code, CspRegion};
use hanrig_devices::Kind;
use hanrig_wire::types::{Eui64, FirmwareVersion, Key128};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::value::Datetime;

use super::player_tables::{BoardTable, EmulationTable, PlayerName, PortTable, QemuTable, WanTable};
use super::{Band, Bands, Bench, BenchError, MAX_BENCH_FILE, Problem, check};

/// A bench file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BenchFile {
    pub(super) name: Spanned<String>,
    pub(super) description: String,
    pub(super) epoch: Spanned<Datetime>,
    pub(super) network: NetworkTable,
    pub(super) medium: MediumTable,
    pub(super) sniffer: Option<PortTable>,
    pub(super) emulation: Option<Spanned<EmulationTable>>,
    pub(super) patience_seconds: Option<Spanned<u32>>,
    pub(super) hub: HubTable,
    #[serde(default)]
    pub(super) hub_profile: Vec<NamedHubProfileTable>,
    #[serde(default)]
    pub(super) ppmid: Vec<PpmidTable>,
    #[serde(default)]
    pub(super) hcalcs: Vec<DeviceTable>,
    #[serde(default)]
    pub(super) esme: Vec<DeviceTable>,
    #[serde(default)]
    pub(super) gsme: Vec<DeviceTable>,
    pub(super) access_control_broker: PartyTable,
    #[serde(default)]
    pub(super) supplier: Vec<SupplierTable>,
    #[serde(default)]
    pub(super) manufacturer: Vec<ManufacturerTable>,
    pub(super) data: DataTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkTable {
    pub(super) channel: Spanned<u8>,
    pub(super) sub_ghz: Option<SubGhzTable>,
    pub(super) pan_id: Spanned<u16>,
    pub(super) extended_pan_id: Spanned<Eui64>,
    pub(super) network_key: Key128,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubGhzTable {
    pub(super) page: Spanned<u8>,
    pub(super) channel: Spanned<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MediumTable {
    pub(super) loss: Spanned<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HubTable {
    pub(super) player: Spanned<PlayerName>,
    pub(super) board: Option<Spanned<BoardTable>>,
    pub(super) qemu: Option<Spanned<QemuTable>>,
    pub(super) radio: Option<PortTable>,
    pub(super) wan: Option<Spanned<WanTable>>,
    pub(super) eui: Spanned<Eui64>,
    pub(super) manufacturer_code: Code,
    pub(super) firmware_version: FirmwareVersion,
    pub(super) profile: HubProfileTable,
    pub(super) ds_private: Spanned<String>,
    pub(super) ka_private: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HubProfileTable {
    #[serde(default)]
    pub(super) maker: String,
    #[serde(default)]
    pub(super) bands: Bands,
    pub(super) retention_hours: Spanned<u32>,
    pub(super) stall_hours: Spanned<u32>,
    pub(super) notify_again_minutes: Spanned<u32>,
}

/// A hub as scenarios name it. What is left out is as the bench's own hub has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedHubProfileTable {
    pub(super) name: Spanned<String>,
    pub(super) region: CspRegion,
    pub(super) maker: String,
    pub(super) bands: Bands,
    pub(super) retention_hours: Option<Spanned<u32>>,
    pub(super) stall_hours: Option<Spanned<u32>>,
    pub(super) notify_again_minutes: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PpmidTable {
    pub(super) name: Spanned<String>,
    pub(super) player: Spanned<PlayerName>,
    pub(super) board: Option<Spanned<BoardTable>>,
    pub(super) qemu: Option<Spanned<QemuTable>>,
    pub(super) radio: Option<PortTable>,
    pub(super) eui: Spanned<Eui64>,
    pub(super) install_code: Spanned<String>,
    pub(super) manufacturer_code: Spanned<Code>,
    pub(super) model: Spanned<Code>,
    pub(super) hardware_version: Spanned<Code>,
    pub(super) firmware_version: FirmwareVersion,
    pub(super) ds_private: Spanned<String>,
    pub(super) ka_private: Spanned<String>,
    pub(super) band: Option<Spanned<Band>>,
    pub(super) declaration: DeclarationTable,
}

/// An ESME, a GSME or an HCALCS.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceTable {
    pub(super) name: Spanned<String>,
    pub(super) player: Spanned<PlayerName>,
    pub(super) radio: Option<PortTable>,
    pub(super) eui: Spanned<Eui64>,
    pub(super) install_code: Spanned<String>,
    pub(super) manufacturer_code: Spanned<Code>,
    pub(super) model: Spanned<Code>,
    pub(super) hardware_version: Spanned<Code>,
    pub(super) firmware_version: FirmwareVersion,
    pub(super) ds_private: Spanned<String>,
    pub(super) ka_private: Spanned<String>,
    pub(super) band: Option<Spanned<Band>>,
    #[serde(default)]
    pub(super) declaration: DeviceDeclarationTable,
}

/// What is left out is what is common for a Device of its type.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceDeclarationTable {
    pub(super) sends_hardware_version: Option<bool>,
    pub(super) block_size: Option<Spanned<u8>>,
    pub(super) block_pause_milliseconds: Option<Spanned<u32>>,
    pub(super) page_requests: Option<bool>,
    pub(super) answer_timeout_milliseconds: Option<Spanned<u32>>,
    pub(super) repeats: Option<Spanned<u8>>,
    pub(super) query_period_minutes: Option<Spanned<u32>>,
    pub(super) follows_notify: Option<Spanned<bool>>,
    pub(super) verification_seconds: Option<Spanned<u32>>,
    pub(super) receipt_alert: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeclarationTable {
    pub(super) sends_hardware_version: bool,
    pub(super) block_size: Spanned<u8>,
    pub(super) block_pause_milliseconds: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) page_requests: bool,
    pub(super) query_period_minutes: Spanned<u32>,
    pub(super) verification_seconds: Option<Spanned<u32>>,
    #[serde(default)]
    pub(super) predates_gbcs: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartyTable {
    pub(super) eui: Spanned<Eui64>,
    pub(super) ds_private: Spanned<String>,
    pub(super) ka_private: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SupplierTable {
    pub(super) name: Spanned<String>,
    pub(super) eui: Spanned<Eui64>,
    pub(super) ds_private: Spanned<String>,
    pub(super) ka_private: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManufacturerTable {
    pub(super) name: Spanned<String>,
    pub(super) code: Spanned<Code>,
    pub(super) ds_private: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataTable {
    pub(super) smi: Spanned<String>,
    pub(super) cpl: Spanned<String>,
    pub(super) registration: Spanned<String>,
    pub(super) settings: Option<Spanned<String>>,
}

impl BenchFile {
    /// The ESMEs, GSMEs and HCALCSs, in the order of the bench, and what their tables are called.
    pub(super) fn devices(&self) -> impl Iterator<Item = (Kind, &'static str, &DeviceTable)> {
        [(Kind::Hcalcs, "hcalcs", &self.hcalcs), (Kind::Esme, "esme", &self.esme), (Kind::Gsme, "gsme", &self.gsme)]
            .into_iter()
            .flat_map(|(kind, name, tables)| tables.iter().map(move |table| (kind, name, table)))
    }
}

/// A file's name as people know it, and its text.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) name: String,
    pub(super) text: String,
}

impl Text {
    /// A problem at `span` of this file.
    pub(super) fn problem(&self, span: std::ops::Range<usize>, message: impl Into<String>) -> Problem {
        Problem::at(&self.name, &self.text, Some(span), message)
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        toml::from_str(&self.text)
            .map_err(|error| Problem::at(&self.name, &self.text, error.span(), error.message().trim()))
    }
}

/// Where a bench's files are.
pub(super) trait Files {
    /// The bench file.
    fn bench(&self) -> Result<Text, Problem>;

    /// The data file that the bench file calls `path`.
    fn data(&self, path: &str) -> Result<Text, String>;

    /// Where the file that the bench file calls `path` is.
    fn path(&self, path: &Path) -> PathBuf;

    /// Whether there is a file at `path`, as [`path`](Self::path) gave it.
    fn is_file(&self, path: &Path) -> bool;
}

/// Files on disc.
pub(super) struct OnDisc {
    path: PathBuf,
}

impl OnDisc {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }
}

impl Files for OnDisc {
    fn bench(&self) -> Result<Text, Problem> {
        let name = self.path.display().to_string();
        match crate::input::read_text(&self.path, MAX_BENCH_FILE) {
            Ok(text) => Ok(Text { name, text }),
            Err(error) => Err(Problem::with_file(&name, error.why())),
        }
    }

    fn data(&self, path: &str) -> Result<Text, String> {
        let path = self.path(Path::new(path));
        let text = crate::input::read_text(&path, MAX_BENCH_FILE);
        text.map(|text| Text { name: path.display().to_string(), text }).map_err(|error| crate::exit::chain(&error))
    }

    fn path(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }
}

/// The files of the built-in bench, which the binary carries.
pub(super) struct BuiltIn;

macro_rules! built_in {
    ($name:literal) => {
        ($name, include_str!(concat!("../../benches/built-in/", $name)))
    };
}

/// Name and text of each.
const BUILT_IN: [(&str, &str); 4] =
    [built_in!("bench.toml"), built_in!("smi.toml"), built_in!("cpl.toml"), built_in!("registration.toml")];

impl Files for BuiltIn {
    fn bench(&self) -> Result<Text, Problem> {
        self.data("bench.toml").map_err(|message| Problem::with_file("built-in/bench.toml", message))
    }

    fn data(&self, path: &str) -> Result<Text, String> {
        let file = BUILT_IN.iter().find(|(name, _)| *name == path);
        file.map(|&(name, text)| Text { name: format!("built-in/{name}"), text: text.to_owned() })
            .ok_or_else(|| format!("the built-in bench has no file {path}"))
    }

    fn path(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    fn is_file(&self, _: &Path) -> bool {
        false
    }
}

/// Reads a bench and its data files.
pub(super) fn read(files: &dyn Files) -> Result<Bench, BenchError> {
    let one = |problem| BenchError { problems: vec![problem] };
    let text = files.bench().map_err(one)?;
    let file: BenchFile = text.parse().map_err(one)?;
    check::check(&text, file, files)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The built-in bench with one line of the bench file replaced.
    struct Edited {
        line: usize,
        text: String,
    }

    impl Files for Edited {
        fn bench(&self) -> Result<Text, Problem> {
            let bench = BuiltIn.bench()?;
            let mut lines: Vec<_> = bench.text.lines().collect();
            let index = self.line % lines.len();
            lines[index] = &self.text;
            Ok(Text { text: lines.join("\n"), ..bench })
        }

        fn data(&self, path: &str) -> Result<Text, String> {
            BuiltIn.data(path)
        }

        fn path(&self, path: &Path) -> PathBuf {
            path.to_owned()
        }

        fn is_file(&self, _: &Path) -> bool {
            true
        }
    }

    #[test]
    fn the_built_in_bench_is_whole() {
        let bench = read(&BuiltIn).unwrap();
        let premises = bench.data.registration.premises.iter().find(|premises| premises.hub == bench.hub.eui).unwrap();
        assert_ne!(premises.import_supplier, premises.gas_supplier, "a dual Supplier premises");
        assert_eq!(bench.data.responsible_suppliers(bench.hub.eui).len(), 2);
        assert!(bench.supplier("Import Supplier").is_some() && bench.supplier("Gas Supplier").is_some());
        assert_eq!(bench.ppmid("PPMID").map(|ppmid| ppmid.eui), bench.ppmids.first().map(|ppmid| ppmid.eui));
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(line in 0_usize..200, text in "\\PC{0,40}|[\\[\\]a-z_.]{0,12} ?= ?[\"0-9a-fA-F.:TZ-]{0,70}") {
            if let Err(error) = read(&(Edited { line, text })) {
                prop_assert!(!error.problems.is_empty());
                prop_assert!(error.to_string().contains("bench.toml"));
            }
        }
    }
}
