//! From TOML to the data and back, with errors that name file, line and field.

use super::{CplEntry, DccData, DzirRecord, FirRecord, Hub, Premises, Registration, SmiDevice, User};
use crate::{excerpt, short_message};
use hanrig_wire::types::{DeviceType, Eui64};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

/// Why a data file is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {}{message}", Field(field))]
pub struct DataError {
    /// Name of the file, as given.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// The field, where one is to blame.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
}

struct Field<'a>(&'a Option<String>);

impl std::fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |field| write!(f, "field {field}: "))
    }
}

/// One file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    hub: Vec<Spanned<Hub>>,
    #[serde(default)]
    user: Vec<Spanned<User>>,
    #[serde(default)]
    device: Vec<Spanned<SmiDevice>>,
    #[serde(default)]
    premises: Vec<Spanned<Premises>>,
    #[serde(default)]
    cpl: Vec<Spanned<CplEntry>>,
    #[serde(default)]
    fir: Vec<Spanned<FirRecord>>,
    #[serde(default)]
    dzir: Vec<Spanned<DzirRecord>>,
}

/// All data as one file.
#[derive(Serialize)]
struct Whole<'a> {
    hub: Vec<&'a Hub>,
    user: Vec<&'a User>,
    device: Vec<&'a SmiDevice>,
    premises: &'a [Premises],
    cpl: &'a [CplEntry],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fir: Vec<&'a FirRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dzir: Vec<&'a DzirRecord>,
}

pub(super) fn to_toml(data: &DccData) -> Result<String, toml::ser::Error> {
    toml::to_string(&Whole {
        hub: data.hubs.values().collect(),
        user: data.users.values().collect(),
        device: data.smi.devices.values().collect(),
        premises: &data.registration.premises,
        cpl: &data.cpl.entries,
        fir: data.fir.values().collect(),
        dzir: data.dzir.values().collect(),
    })
}

/// Where an entry stands.
#[derive(Clone)]
struct Place<'a> {
    file: &'a str,
    text: &'a str,
    span: Range<usize>,
}

impl Place<'_> {
    fn line(&self) -> usize {
        let before = self.text.as_bytes().get(..self.span.start).unwrap_or_default();
        1 + before.iter().filter(|b| **b == b'\n').count()
    }

    fn error(&self, field: &str, message: String) -> DataError {
        DataError { file: self.file.to_owned(), line: self.field_line(field), field: Some(field.to_owned()), message }
    }

    /// The line of the entry's field; the entry's first line where it has none.
    fn field_line(&self, field: &str) -> usize {
        let first = self.line();
        let lines = self.text.lines().enumerate().skip(first.saturating_sub(1));
        let within = |(index, line): &(usize, &str)| *index < first || !line.trim_start().starts_with("[[");
        lines.take_while(within).find(|(_, line)| key_of(line) == Some(field)).map_or(first, |(index, _)| index + 1)
    }
}

fn key_of(line: &str) -> Option<&str> {
    line.split_once('=').map(|(key, _)| key.trim())
}

pub(super) fn read(files: &[(&str, &str)]) -> Result<DccData, DataError> {
    let mut data = DccData::default();
    let mut devices = Vec::new();
    let mut premises = Vec::new();
    let mut references = Vec::new();
    for (name, text) in files {
        let file: File = toml::from_str(text).map_err(|e| toml_error(name, text, &e))?;
        let place = |span: Range<usize>| Place { file: name, text, span };
        for hub in file.hub {
            let place = place(hub.span());
            let hub = hub.into_inner();
            once(data.hubs.insert(hub.id, hub.clone()), &place, "id", hub.id)?;
        }
        for user in file.user {
            let place = place(user.span());
            let user = user.into_inner();
            once(data.users.insert(user.id, user.clone()), &place, "id", user.id)?;
        }
        for device in file.device {
            let place = place(device.span());
            let device = device.into_inner();
            once(data.smi.devices.insert(device.id, device.clone()), &place, "id", device.id)?;
            devices.push((place, device));
        }
        for entry in file.cpl {
            let place = place(entry.span());
            let entry = entry.into_inner();
            let earlier = data.cpl.entries.iter().find(|other| other.number == entry.number);
            once(earlier, &place, "number", entry.number)?;
            data.cpl.entries.push(entry);
        }
        for record in file.fir {
            let place = place(record.span());
            let record = record.into_inner();
            once(data.fir.insert(record.entry, record.clone()), &place, "entry", record.entry)?;
            let baselines = record.baselines.entries().to_vec();
            references.extend(baselines.into_iter().map(|number| (place.clone(), "baselines", number)));
            references.push((place, "entry", record.entry));
        }
        for record in file.dzir {
            let place = place(record.span());
            let record = record.into_inner();
            once(data.dzir.insert(record.entry, record.clone()), &place, "entry", record.entry)?;
            references.push((place, "entry", record.entry));
        }
        premises.extend(file.premises.into_iter().map(|p| (place(p.span()), p.into_inner())));
    }
    for (place, field, number) in references {
        if data.cpl.numbered(number).is_none() {
            return Err(place.error(field, format!("no [[cpl]] has the number {number}")));
        }
    }
    check_devices(&data.hubs, &devices)?;
    for (place, premises) in &premises {
        check_premises(&data, place, premises)?;
    }
    data.registration = Registration { premises: premises.into_iter().map(|(_, premises)| premises).collect() };
    Ok(data)
}

fn once<T>(earlier: Option<T>, place: &Place<'_>, field: &str, id: impl std::fmt::Display) -> Result<(), DataError> {
    match earlier {
        None => Ok(()),
        Some(_) => Err(place.error(field, format!("{id} occurs more than once"))),
    }
}

fn check_devices(hubs: &BTreeMap<Eui64, Hub>, devices: &[(Place<'_>, SmiDevice)]) -> Result<(), DataError> {
    for (place, device) in devices {
        if let Some(hub) = device.hub.filter(|hub| !hubs.contains_key(hub)) {
            return Err(place.error("hub", format!("no [[hub]] has the id {hub}")));
        }
        if device.device_type == DeviceType::Chf && !hubs.contains_key(&device.id) {
            return Err(place.error("id", format!("no [[hub]] has the id {} of this CHF", device.id)));
        }
    }
    Ok(())
}

fn check_premises(data: &DccData, place: &Place<'_>, premises: &Premises) -> Result<(), DataError> {
    if !data.hubs.contains_key(&premises.hub) {
        return Err(place.error("hub", format!("no [[hub]] has the id {}", premises.hub)));
    }
    for (field, supplier) in [("import_supplier", premises.import_supplier), ("gas_supplier", premises.gas_supplier)] {
        if let Some(supplier) = supplier.filter(|id| !data.users.contains_key(id)) {
            return Err(place.error(field, format!("no [[user]] has the id {supplier}")));
        }
    }
    for id in &premises.devices {
        match data.smi.devices.get(id) {
            None => return Err(place.error("devices", format!("no [[device]] has the id {id}"))),
            Some(device) if *id != premises.hub && device.hub != Some(premises.hub) => {
                let message = format!("device {id} is not on the hub {} of these premises", premises.hub);
                return Err(place.error("devices", message));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// TOML's error, with the field that its place tells.
fn toml_error(file: &str, text: &str, error: &toml::de::Error) -> DataError {
    let span = error.span().unwrap_or(0..0);
    let place = Place { file, text, span };
    let line = place.line();
    let field = text.lines().nth(line.saturating_sub(1)).and_then(key_of).filter(|key| !key.is_empty());
    DataError {
        file: file.to_owned(),
        line,
        field: field.map(excerpt),
        message: short_message(&error.message().replace('\n', ", ")),
    }
}
