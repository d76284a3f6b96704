//! What types cannot say of a bench: identities are unique, keys are keys, and what is referred to exists.

use std::collections::BTreeMap;
use std::ops::Range;

use hanrig_dcc::data::{Code, DccData};
use hanrig_dcc::settings::Settings;
use hanrig_devices::Kind;
use hanrig_wire::gbcs::{SecretKey, SigningKey};
use hanrig_wire::security::InstallCode;
use hanrig_wire::time::Utc;
use hanrig_wire::types::{DeviceType, Eui64};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toml::Spanned;
use toml::value::Datetime;

use super::file::{BenchFile, DeviceTable, Files, PpmidTable, Text};
use super::player_tables::PlayerName;
use super::{
    Band, Bands, Bench, BenchError, Certificates, Device, Hub, Keys, Manufacturer, Medium, Network, Party, Player,
    Ppmid, Problem, SubGhz, Supplier,
};

/// Devices that a scenario lists in one request at most.
const DEVICES_OF_A_REQUEST: usize = 7;

/// Collects what is wrong with a bench file.
pub(super) struct Checker<'a> {
    text: &'a Text,
    pub(super) files: &'a dyn Files,
    problems: Vec<Problem>,
    /// Entity identifier to the line and field where it was met first.
    identities: BTreeMap<Eui64, String>,
    names: BTreeMap<String, ()>,
    /// Probes and ports that somebody has already, and who.
    pub(super) taken: BTreeMap<String, String>,
}

/// Makes a bench of a bench file, or tells all that is wrong with it.
pub(super) fn check(text: &Text, file: BenchFile, files: &dyn Files) -> Result<Bench, BenchError> {
    let mut checker = Checker {
        text,
        files,
        problems: Vec::new(),
        identities: BTreeMap::new(),
        names: BTreeMap::new(),
        taken: BTreeMap::new(),
    };
    let bench = checker.bench(file);
    let mut problems = checker.problems;
    problems.sort();
    match bench {
        Some(bench) if problems.is_empty() => Ok(bench),
        _ => Err(BenchError { problems }),
    }
}

/// At 2.4 GHz where nothing is said.
fn band_of(band: Option<&Spanned<Band>>) -> Band {
    band.map(|band| *band.get_ref()).unwrap_or_default()
}

impl Checker<'_> {
    pub(super) fn wrong(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.problems.push(self.text.problem(span, message));
    }

    /// The bench; `None` only after something wrong was noted.
    fn bench(&mut self, file: BenchFile) -> Option<Bench> {
        if file.name.get_ref().trim().is_empty() {
            self.wrong(file.name.span(), "an empty name; expected what the run log is to call this bench");
        }
        let epoch = self.epoch(&file.epoch);
        let network = Network {
            channel: self.within(&file.network.channel, 11, 26, "a channel of IEEE 802.15.4 at 2.4 GHz"),
            sub_ghz: file.network.sub_ghz.as_ref().map(|table| SubGhz {
                page: self.within(&table.page, 28, 31, "a channel page below 1 GHz"),
                channel: self.within(&table.channel, 0, 26, "a channel of that page"),
            }),
            pan_id: self.within(&file.network.pan_id, 0, 0xFFFE, "a PAN identifier"),
            extended_pan_id: self
                .within(&file.network.extended_pan_id, Eui64(1), Eui64(u64::MAX - 1), "an extended PAN identifier")
                .0,
            network_key: file.network.network_key,
        };
        let medium = Medium { loss: self.within(&file.medium.loss, 0.0, 1.0, "a probability") };
        let hub = &file.hub;
        self.identity(&hub.eui);
        let hub_keys = self.keys(&hub.ds_private, &hub.ka_private);
        let profile = self.hub_profile(&hub.profile);
        let hub_profiles = file.hub_profile.iter().map(|table| self.named_profile(table, &profile)).collect();
        self.bands(&file, profile.bands);
        let makers: Vec<_> = file.manufacturer.iter().map(|maker| *maker.code.get_ref()).collect();
        let data = self.data(&file);
        let settings = self.settings(&file);
        let players = self.players(&file);
        let ppmids: Vec<_> = file.ppmid.iter().map(|table| self.ppmid(table, &makers)).collect();
        let devices: Vec<_> = file.devices().map(|(kind, _, table)| self.device(kind, table, &makers)).collect();
        if ppmids.is_empty() {
            self.problems.push(Problem::with_file(&self.text.name, "no PPMID; expected at least one [[ppmid]]"));
        }
        let broker = &file.access_control_broker;
        self.identity(&broker.eui);
        let broker_keys = self.keys(&broker.ds_private, &broker.ka_private);
        let suppliers: Vec<_> = file
            .supplier
            .iter()
            .map(|table| {
                self.name(&table.name);
                self.identity(&table.eui);
                let keys = self.keys(&table.ds_private, &table.ka_private);
                let eui = *table.eui.get_ref();
                let role = data.as_ref()?.users.get(&eui)?.role;
                Some(Supplier { name: table.name.get_ref().clone(), role, eui, keys: keys? })
            })
            .collect();
        if suppliers.is_empty() {
            self.problems.push(Problem::with_file(&self.text.name, "no Supplier; expected at least one [[supplier]]"));
        }
        let mut codes = BTreeMap::new();
        let manufacturers: Vec<_> = file
            .manufacturer
            .iter()
            .map(|table| {
                self.name(&table.name);
                let code = *table.code.get_ref();
                if codes.insert(code, ()).is_some() {
                    self.wrong(table.code.span(), format!("manufacturer code {code} is used twice"));
                }
                let signing_key = self.signing_key(&table.ds_private)?;
                Some(Manufacturer { name: table.name.get_ref().clone(), code: code.0, signing_key })
            })
            .collect();
        let players = players?;
        let certificates = self.certificates(&file, epoch, data.as_ref());
        let ppmids = ppmids.into_iter().zip(players.ppmids).map(|(ppmid, player)| Some(Ppmid { player, ..ppmid? }));
        let devices =
            devices.into_iter().zip(players.devices).map(|(device, player)| Some(Device { player, ..device? }));
        let devices = devices.collect::<Option<_>>()?;
        Some(Bench {
            name: file.name.into_inner(),
            description: file.description,
            epoch: epoch?,
            network,
            medium,
            sniffer: players.sniffer,
            emulation: players.emulation,
            patience: players.patience,
            hub: Hub {
                player: players.hub,
                wan: players.wan,
                eui: *hub.eui.get_ref(),
                region: data.as_ref()?.hubs.get(hub.eui.get_ref())?.region,
                manufacturer_code: hub.manufacturer_code.0,
                firmware_version: hub.firmware_version,
                profile,
                keys: hub_keys?,
            },
            ppmids: ppmids.collect::<Option<_>>()?,
            devices: Vec::new(),
            reserve: devices,
            access_control_broker: Party { eui: *broker.eui.get_ref(), keys: broker_keys? },
            suppliers: suppliers.into_iter().collect::<Option<_>>()?,
            manufacturers: manufacturers.into_iter().collect::<Option<_>>()?,
            certificates: certificates?,
            data: data?,
            settings: settings?,
            hub_profiles,
            #[cfg(feature = "planted-faults")]
            planted: Vec::new(),
        })
    }

    /// The settings of the DCC's side: those of the file that the bench names, or the usual ones.
    fn settings(&mut self, file: &BenchFile) -> Option<Settings> {
        let Some(path) = &file.data.settings else { return Some(Settings::default()) };
        let text = match self.files.data(path.get_ref()) {
            Ok(text) => text,
            Err(message) => {
                self.wrong(path.span(), message);
                return None;
            }
        };
        match Settings::from_toml(&text.text) {
            Ok(settings) => {
                self.capacity(&text.name, &settings);
                Some(settings)
            }
            Err(error) => {
                self.problems.push(Problem::at(&text.name, &text.text, error.span(), error.message().trim()));
                None
            }
        }
    }

    /// Notes what would not take the requests of scenarios.
    fn capacity(&mut self, file: &str, settings: &Settings) {
        let (north, south_and_central) = (settings.csp.north, settings.csp.south_and_central);
        for (name, devices) in [
            ("maximum_devices", settings.maximum_devices),
            ("csp.north.jobs times csp.north.devices_per_job", north.jobs.saturating_mul(north.devices_per_job)),
            ("csp.south_and_central.devices", south_and_central.devices),
        ] {
            if devices < DEVICES_OF_A_REQUEST {
                let message = format!(
                    "{name} is {devices}; expected {DEVICES_OF_A_REQUEST} or more, for scenarios send requests for so many \
                     Devices"
                );
                self.problems.push(Problem::with_file(file, message));
            }
        }
    }

    /// What the DCC and its Users sign with.
    fn certificates(&mut self, file: &BenchFile, epoch: Option<Utc>, data: Option<&DccData>) -> Option<Certificates> {
        let (name, dcc) = (file.name.get_ref(), *file.access_control_broker.eui.get_ref());
        let made = Certificates::generate(name, epoch?, dcc, data?.users.keys().copied());
        made.map_err(|error| self.wrong(file.epoch.span(), format!("no certificates can be issued then: {error}"))).ok()
    }

    /// The DCC's data, when it can be read; notes where the bench does not fit to it.
    fn data(&mut self, file: &BenchFile) -> Option<DccData> {
        let mut texts = Vec::new();
        let mut missing = false;
        for path in [&file.data.smi, &file.data.cpl, &file.data.registration] {
            match self.files.data(path.get_ref()) {
                Ok(text) => texts.push(text),
                Err(message) => {
                    missing = true;
                    self.wrong(path.span(), message);
                }
            }
        }
        if missing {
            return None;
        }
        let named: Vec<_> = texts.iter().map(|text| (text.name.as_str(), text.text.as_str())).collect();
        match DccData::read(&named) {
            Ok(data) => {
                self.fits(file, &data);
                Some(data)
            }
            Err(error) => {
                let field = error.field.unwrap_or_default();
                let place = Some((error.line, None));
                self.problems.push(Problem { file: error.file, place, field, message: error.message });
                None
            }
        }
    }

    /// Notes Devices and parties of the bench that the DCC's data does not have, or has otherwise.
    fn fits(&mut self, file: &BenchFile, data: &DccData) {
        let hub = *file.hub.eui.get_ref();
        if !data.hubs.contains_key(&hub) {
            self.wrong(file.hub.eui.span(), format!("no [[hub]] of the data files has the id {hub}"));
        } else if !data.registration.premises.iter().any(|premises| premises.hub == hub) {
            self.wrong(file.hub.eui.span(), format!("no [[premises]] of the data files has the hub {hub}"));
        }
        for supplier in &file.supplier {
            let eui = *supplier.eui.get_ref();
            if !data.users.contains_key(&eui) {
                self.wrong(supplier.eui.span(), format!("no [[user]] of the data files has the id {eui}"));
            }
        }
        for ppmid in &file.ppmid {
            let codes = [&ppmid.manufacturer_code, &ppmid.model, &ppmid.hardware_version];
            self.fits_smi(DeviceType::Ppmid, &ppmid.eui, codes, hub, data);
        }
        for (kind, _, device) in file.devices() {
            let codes = [&device.manufacturer_code, &device.model, &device.hardware_version];
            self.fits_smi(kind.device_type(), &device.eui, codes, hub, data);
        }
    }

    /// Notes where the SMI has a Device otherwise: `codes` are manufacturer, model and hardware version.
    fn fits_smi(
        &mut self,
        device_type: DeviceType,
        id: &Spanned<Eui64>,
        codes: [&Spanned<Code>; 3],
        hub: Eui64,
        data: &DccData,
    ) {
        let eui = *id.get_ref();
        let Some(device) = data.smi.devices.get(&eui) else {
            self.wrong(id.span(), format!("no [[device]] of the data files has the id {eui}"));
            return;
        };
        if device.device_type != device_type {
            let found = device.device_type;
            self.wrong(id.span(), format!("{eui} is of type {found} in the data files; expected {device_type}"));
        }
        if device.hub != Some(hub) {
            self.wrong(id.span(), format!("{eui} is not on the hub {hub} in the data files"));
        }
        for (code, other) in codes.into_iter().zip([device.manufacturer, device.model, device.hardware_version]) {
            if *code.get_ref() != other {
                let message = format!("{}; the data files have {other} for {eui}", code.get_ref());
                self.wrong(code.span(), message);
            }
        }
    }

    /// A Device below 1 GHz takes a hub with two bands, and its channel. The rig has that band where all is software.
    fn bands(&mut self, file: &BenchFile, hub: Bands) {
        let software = |player: &Spanned<PlayerName>, radio: bool| *player.get_ref() == PlayerName::Software && !radio;
        let simulated = file.emulation.is_none()
            && software(&file.hub.player, file.hub.radio.is_some())
            && file.ppmid.iter().all(|table| software(&table.player, table.radio.is_some()));
        if hub == Bands::Dual && simulated && file.network.sub_ghz.is_none() {
            self.problems.push(Problem::with_file(
                &self.text.name,
                "a hub with two bands, and no channel for the second; expected [network.sub_ghz]",
            ));
        }
        let bands = file.ppmid.iter().map(|table| &table.band).chain(file.devices().map(|(_, _, table)| &table.band));
        let below: Vec<_> = bands.flatten().filter(|band| *band.get_ref() == Band::SubGhz).collect();
        for band in below {
            if hub == Bands::Single {
                let why = "below 1 GHz, where a hub with one band does not reach it; expected [hub.profile] with bands = \"dual\"";
                self.wrong(band.span(), why);
            }
            if !simulated {
                self.wrong(
                    band.span(),
                    "below 1 GHz, and the rig has a radio for that band where all is software only",
                );
            }
        }
    }

    fn ppmid(&mut self, table: &PpmidTable, makers: &[Code]) -> Option<Ppmid> {
        self.name(&table.name);
        self.identity(&table.eui);
        self.maker(&table.manufacturer_code, makers);
        let install_code = self.install_code(&table.install_code);
        let declaration = self.ppmid_declaration(&table.declaration);
        let keys = self.keys(&table.ds_private, &table.ka_private);
        Some(Ppmid {
            name: table.name.get_ref().clone(),
            player: Player::Software { radio: None },
            eui: *table.eui.get_ref(),
            install_code: install_code?,
            manufacturer_code: table.manufacturer_code.get_ref().0,
            model: table.model.get_ref().0,
            hardware_version: table.hardware_version.get_ref().0,
            firmware_version: table.firmware_version,
            band: band_of(table.band.as_ref()),
            declaration,
            keys: keys?,
        })
    }

    fn device(&mut self, kind: Kind, table: &DeviceTable, makers: &[Code]) -> Option<Device> {
        self.name(&table.name);
        self.identity(&table.eui);
        self.maker(&table.manufacturer_code, makers);
        let install_code = self.install_code(&table.install_code);
        let declaration = self.device_declaration(kind, &table.declaration);
        let keys = self.keys(&table.ds_private, &table.ka_private);
        Some(Device {
            kind,
            name: table.name.get_ref().clone(),
            player: Player::Software { radio: None },
            eui: *table.eui.get_ref(),
            install_code: install_code?,
            manufacturer_code: table.manufacturer_code.get_ref().0,
            model: table.model.get_ref().0,
            hardware_version: table.hardware_version.get_ref().0,
            firmware_version: table.firmware_version,
            band: band_of(table.band.as_ref()),
            declaration,
            keys: keys?,
        })
    }

    /// Notes a Device whose images nobody could sign.
    fn maker(&mut self, code: &Spanned<Code>, makers: &[Code]) {
        if !makers.contains(code.get_ref()) {
            let code_text = code.get_ref();
            let message = format!("no [[manufacturer]] has the code {code_text}, so nobody could sign its images");
            self.wrong(code.span(), message);
        }
    }

    fn install_code(&mut self, text: &Spanned<String>) -> Option<InstallCode> {
        match text.get_ref().parse::<InstallCode>() {
            Ok(install_code) => Some(install_code),
            Err(error) => {
                self.wrong(text.span(), error.to_string());
                None
            }
        }
    }

    /// Notes names that two players share: steps name players.
    pub(super) fn name(&mut self, name: &Spanned<String>) {
        let text = name.get_ref();
        if text.trim().is_empty() {
            self.wrong(name.span(), "an empty name; expected what scenarios call it");
        } else if self.names.insert(text.clone(), ()).is_some() {
            self.wrong(name.span(), format!("the name {text:?} is used twice"));
        }
    }

    /// Notes identifiers that two players share.
    fn identity(&mut self, eui: &Spanned<Eui64>) {
        let problem = self.text.problem(eui.span(), "");
        let here = match problem.place {
            Some((line, _)) => format!("{} on line {line}", problem.field),
            None => problem.field,
        };
        if let Some(first) = self.identities.get(eui.get_ref()) {
            let message = format!("{} is also {first}; expected an identifier of its own", eui.get_ref());
            self.wrong(eui.span(), message);
        } else {
            self.identities.insert(*eui.get_ref(), here);
        }
    }

    pub(super) fn within<T: PartialOrd + Copy + std::fmt::Display>(
        &mut self,
        value: &Spanned<T>,
        from: T,
        to: T,
        what: &str,
    ) -> T {
        let number = *value.get_ref();
        // Also what is neither less nor more, as NaN is, is outside.
        if !(number >= from && number <= to) {
            self.wrong(value.span(), format!("{number} is out of range; expected {what}, {from} to {to}"));
        }
        number
    }

    fn epoch(&mut self, epoch: &Spanned<Datetime>) -> Option<Utc> {
        let parsed = OffsetDateTime::parse(&epoch.get_ref().to_string(), &Rfc3339).ok();
        let Some(time) = parsed else {
            self.wrong(epoch.span(), "expected a date and time with offset, such as 2026-01-05T09:00:00Z");
            return None;
        };
        Some(Utc(time.unix_timestamp().saturating_mul(1000).saturating_add(i64::from(time.millisecond()))))
    }

    fn keys(&mut self, ds: &Spanned<String>, ka: &Spanned<String>) -> Option<Keys> {
        let (ds, ka) = (self.signing_key(ds), self.scalar(ka, |octets| SecretKey::from_scalar(octets).ok()));
        Some(Keys { ds: ds?, ka: ka? })
    }

    fn signing_key(&mut self, text: &Spanned<String>) -> Option<SigningKey> {
        self.scalar(text, |octets| SigningKey::from_scalar(octets).ok())
    }

    fn scalar<T>(&mut self, text: &Spanned<String>, key: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let key = hex::decode(text.get_ref()).ok().and_then(|octets| key(&octets));
        if key.is_none() {
            self.wrong(
                text.span(),
                "expected a private scalar of P-256 in 64 hexadecimal digits, above zero and below the order",
            );
        }
        key
    }
}
