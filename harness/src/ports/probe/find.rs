//! Probes that are plugged in, and chips that are known.

use std::path::Path;

use hanrig_dcc::short_message;
use probe_rs::config::{Registry, RegistryError, Target};
use probe_rs::probe::DebugProbeSelector;
use probe_rs::probe::list::{Accessibility, Lister};

use super::{ProbeError, ProbeSettings};
use crate::input;
use crate::ports::lock::path_identity;

/// The largest chip description that is read, in octets.
const MAX_CHIP_DESCRIPTION: u64 = 8 << 20;

/// A probe that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundProbe {
    /// What kind of probe it is.
    pub name: String,
    /// USB vendor.
    pub vendor: u16,
    /// USB product.
    pub product: u16,
    /// Serial number.
    pub serial: Option<String>,
    /// What to write in a bench file.
    pub selector: String,
    /// Whether this user may use it.
    pub accessible: bool,
}

/// The probes that are plugged in.
pub fn found_probes() -> Vec<FoundProbe> {
    let mut found: Vec<FoundProbe> = Vec::new();
    for item in Lister::new().list_all_with_access() {
        let selector = DebugProbeSelector::from(&item.info).to_string();
        let probe = FoundProbe {
            name: item.info.identifier,
            vendor: item.info.vendor_id,
            product: item.info.product_id,
            serial: item.info.serial_number,
            selector,
            accessible: item.accessibility == Accessibility::Accessible,
        };
        if !found.contains(&probe) {
            found.push(probe);
        }
    }
    found.sort_by(|a, b| a.selector.cmp(&b.selector));
    found
}

/// The chip's description.
pub(super) fn target(settings: &ProbeSettings) -> Result<Target, ProbeError> {
    let mut registry = Registry::from_builtin_families();
    if let Some(path) = &settings.chip_description {
        let wrong = |message| ProbeError::ChipDescription { path: path.clone(), message };
        let text = input::read_text(path, MAX_CHIP_DESCRIPTION).map_err(|error| wrong(error.why()))?;
        registry
            .add_target_family_from_yaml(&text)
            .map_err(|error| wrong(short_message(&crate::exit::chain(&error))))?;
    }
    let chip = &settings.chip;
    registry.get_target_by_name(chip).map_err(|error| {
        let mut similar = match &error {
            RegistryError::ChipNotUnique(_, names) => names.split(", ").map(str::to_owned).collect(),
            // As much of the name as chips of one family have in common.
            _ => registry.search_chips(chip.get(..6.min(chip.len())).unwrap_or(chip)),
        };
        similar.truncate(8);
        ProbeError::UnknownChip { chip: chip.clone(), similar }
    })
}

/// The one probe that `text` means.
pub(super) fn select(text: &str) -> Result<DebugProbeSelector, ProbeError> {
    let lister = Lister::new();
    let all = lister.list_all();
    let by_serial: Vec<_> = all.iter().filter(|probe| probe.serial_number.as_deref() == Some(text)).collect();
    let listed;
    let fitting = match text.parse::<DebugProbeSelector>() {
        _ if !by_serial.is_empty() => by_serial,
        Ok(selector) => {
            listed = lister.list(Some(&selector));
            listed.iter().collect()
        }
        Err(_) => Vec::new(),
    };
    let mut selectors: Vec<_> = fitting.into_iter().map(DebugProbeSelector::from).collect();
    // A probe with several interfaces is listed once for each.
    selectors.dedup_by(|a, b| {
        (a.vendor_id, a.product_id, &a.serial_number) == (b.vendor_id, b.product_id, &b.serial_number)
    });
    match <[_; 1]>::try_from(selectors) {
        Ok([selector]) => Ok(selector),
        Err(selectors) if selectors.is_empty() => {
            let found =
                found_probes().into_iter().map(|probe| format!("{} ({})", probe.selector, probe.name)).collect();
            Err(ProbeError::NotFound { selector: text.to_owned(), found })
        }
        Err(selectors) => Err(ProbeError::Ambiguous {
            selector: text.to_owned(),
            found: selectors.iter().map(ToString::to_string).collect(),
        }),
    }
}

/// What kind of probe it is.
pub(super) fn kind(selector: &DebugProbeSelector) -> String {
    let listed = Lister::new().list(Some(selector));
    listed.first().map(|probe| probe.identifier.clone()).unwrap_or_default()
}

/// What stands for the probe, however it is named.
pub(super) fn identity(selector: &DebugProbeSelector) -> String {
    match selector.serial_number.as_deref().and_then(|serial| serial.strip_prefix("unix:")) {
        Some(path) => path_identity(Path::new(path)),
        None => format!("probe {selector}"),
    }
}
