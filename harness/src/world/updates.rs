//! Several updates in one scenario: which Device gets which image of whom, and what became of each on its way to the hub.

use super::{Making, Release, RigScenario, Role};
use crate::bench::{Device, OnHan, Ppmid};
use crate::runner::StepError;
use cucumber::Parameter;
use hanrig_dcc::data::{Code, SmiDevice};
use hanrig_dcc::duis::RequestId;
use hanrig_wire::security::InstallCode;
use hanrig_wire::time::Instant;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion};
use std::fmt;
use std::str::FromStr;

/// One of several Devices of a type: `ESME`, `second ESME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parameter)]
#[param(name = "unit", regex = "(?:(?:second|third|fourth|fifth) )?(?:PPMID|HCALCS|ESME|GSME)")]
pub struct Unit {
    /// Its type.
    pub device_type: DeviceType,
    /// Its place among the Devices of its type, from 0.
    pub place: usize,
}

/// What scenarios call the places after the first.
const ORDINALS: [&str; 4] = ["second", "third", "fourth", "fifth"];

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (place, name) = match text.split_once(' ') {
            None => (0, text),
            Some((ordinal, name)) => {
                let place = ORDINALS.iter().position(|known| *known == ordinal);
                (place.ok_or_else(|| format!("{ordinal:?} is no place: second to fifth"))? + 1, name)
            }
        };
        let named: super::Named = name.parse()?;
        Ok(Self { device_type: named.0, place })
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ordinal) = self.place.checked_sub(1).and_then(|place| ORDINALS.get(place)) {
            write!(f, "{ordinal} ")?;
        }
        self.device_type.fmt(f)
    }
}

/// An image on its way to a Device.
#[derive(Clone, Debug)]
pub struct Update {
    /// What the scenario calls the Device.
    pub unit: Unit,
    /// The Device.
    pub device: Eui64,
    /// The Supplier who sends it.
    pub sender: Role,
    /// The image.
    pub release: Release,
    /// The Service Requests that have asked for it.
    pub requests: Vec<RequestId>,
    /// When it was last sent.
    pub sent: Option<Instant>,
    /// When the hub said that it has the whole image, if it did.
    pub taken: Option<Instant>,
}

impl RigScenario {
    /// The Device that scenarios call so, if it is on the HAN.
    pub(crate) fn unit(&self, unit: Unit) -> Result<OnHan<'_>, StepError> {
        let mut of_type = self.bench()?.on_han().filter(|device| device.device_type == unit.device_type);
        let found = of_type.nth(unit.place);
        found.ok_or_else(|| StepError::bench_fault(format!("no step before this one has put the {unit} on the HAN")))
    }

    /// Puts a Device on the HAN that is not there yet: one that the bench has in reserve, or one like the first of its
    /// type with a serial number of its own.
    pub(crate) fn bring(&mut self, unit: Unit) -> Result<(), StepError> {
        let of_type = |device: &OnHan<'_>| device.device_type == unit.device_type;
        while self.bench()?.on_han().filter(of_type).count() <= unit.place {
            let bench = self.bench_before_start()?;
            let reserve = bench.reserve.iter().position(|device| device.kind.device_type() == unit.device_type);
            if let Some(place) = reserve {
                let device = bench.reserve.remove(place);
                bench.devices.push(device);
            } else {
                self.duplicate(unit.device_type)?;
            }
        }
        Ok(())
    }

    /// Another Device of the model of the first of this type.
    fn duplicate(&mut self, device_type: DeviceType) -> Result<(), StepError> {
        let bench = self.bench()?;
        let count = bench.on_han().filter(|device| device.device_type == device_type).count();
        let first = bench.on_han().find(|device| device.device_type == device_type).map(|device| device.eui);
        let first = first.ok_or_else(|| StepError::not_applicable(format!("the bench has no {device_type}")))?;
        if bench.needs_hardware() {
            return Err(StepError::not_applicable(format!("the bench has no more than {count} {device_type}")));
        }
        let devices = &bench.data.smi.devices;
        let like = devices.get(&first).ok_or_else(|| StepError::bench_fault(format!("{first} is not in the SMI")))?;
        let free = (1..=u64::from(u8::MAX)).map(|n| Eui64(first.0 ^ (n << 8))).find(|eui| !devices.contains_key(eui));
        let eui = free.ok_or_else(|| StepError::bench_fault("the SMI has no identifier left for another Device"))?;
        let entry = SmiDevice { id: eui, ..like.clone() };
        let code = eui.0.to_be_bytes().repeat(2);
        let install_code = [code.as_slice(), &InstallCode::crc(&code)].concat();
        let install_code = InstallCode::new(&install_code)
            .map_err(|error| StepError::bench_fault(format!("install code: {error}")))?;
        let name = Unit { device_type, place: count }.to_string();
        let bench = self.bench_before_start()?;
        if device_type == DeviceType::Ppmid {
            let copy = bench.ppmids.first().cloned();
            bench.ppmids.extend(copy.map(|copy| Ppmid { name, eui, install_code, ..copy }));
        } else {
            let copy = bench.devices.iter().find(|device| device.eui == first).cloned();
            bench.devices.extend(copy.map(|copy| Device { name, eui, install_code, ..copy }));
        }
        self.edit_dcc(&mut |data| {
            data.smi.devices.insert(entry.id, entry.clone());
        })
    }

    /// Has the manufacturer release an image for a Device, and notes that `sender` is to send it.
    pub(crate) fn plan(
        &mut self,
        unit: Unit,
        version: FirmwareVersion,
        making: Making,
        sender: Role,
    ) -> Result<(), StepError> {
        let device = self.unit(unit)?;
        let (eui, hardware_version) = (device.eui, device.hardware_version);
        let release = self.new_release(device, version, making)?;
        let mut entry = release.cpl_entry(&self.bench()?.data, hardware_version);
        entry.hardware_version =
            self.bench()?.data.smi.devices.get(&eui).map_or(Code(hardware_version), |known| known.hardware_version);
        self.edit_dcc(&mut |data| data.cpl.entries.push(entry.clone()))?;
        self.updates.push(Update { unit, device: eui, sender, release, requests: Vec::new(), sent: None, taken: None });
        Ok(())
    }

    /// The place of the image that scenarios call by its Device (`the PPMID`), or by its version (`version 00000021`).
    pub(crate) fn update_called(&self, name: &str) -> Result<usize, StepError> {
        let found = if let Some(version) = name.strip_prefix("version ") {
            let version: super::Version = version.parse().map_err(StepError::bench_fault)?;
            self.updates.iter().position(|update| update.release.image.file_version == version.0)
        } else {
            let unit: Unit = name.strip_prefix("the ").unwrap_or(name).parse().map_err(StepError::bench_fault)?;
            self.updates.iter().position(|update| update.unit == unit)
        };
        found.ok_or_else(|| StepError::bench_fault(format!("no step before this one has released firmware {name:?}")))
    }

    /// An update, by its place.
    pub(crate) fn update(&self, place: usize) -> Result<&Update, StepError> {
        self.updates.get(place).ok_or_else(|| StepError::bench_fault("the scenario has no such image"))
    }
}
