//! What the FIR says of the order of upgrades, as a Supplier goes by it (PATH-01).

use super::faults::Fault;
use super::{PreparedImage, Supplier};
use crate::data::{DccData, SmiDevice};
use crate::panel::pathway::{self, Order};
use hanrig_wire::types::Eui64;

/// Why a Supplier does not send an image to a Device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathwayRefusal {
    /// The Device is not in the SMI.
    #[error("PATH-01: {0} is not in the SMI")]
    UnknownDevice(Eui64),
    /// None of the image's CPL entries has the Device's entry as a baseline.
    #[error("PATH-01: the image is not next for {device}: {}", said(.order))]
    Order {
        /// The Device.
        device: Eui64,
        /// What the FIR says of the image's CPL entry for the Device Model.
        order: Order,
    },
}

fn said(order: &Order) -> String {
    match order {
        Order::InOrder => "it is in order".to_owned(),
        Order::OutOfOrder { pathway: Some(pathway) } => {
            let entries: Vec<String> = pathway.iter().map(u32::to_string).collect();
            format!("the way there is by the CPL entries {}", entries.join(", "))
        }
        Order::OutOfOrder { pathway: None } => "no pathway leads there".to_owned(),
        Order::Ambiguous { entries } => {
            let entries: Vec<String> = entries.iter().map(u32::to_string).collect();
            format!("it may run any of the CPL entries {}, and not all are baselines", entries.join(", "))
        }
        Order::UnknownBaseline => "the version that it runs is on no CPL entry of its Device Model".to_owned(),
        Order::NotInFir => "the FIR has nothing on the image".to_owned(),
    }
}

impl Supplier {
    /// Checks that an image is next for a Device, by the FIR.
    ///
    /// # Errors
    ///
    /// That it is not; nothing is to be sent then.
    pub fn check_pathway(&self, image: &PreparedImage, data: &DccData, device: Eui64) -> Result<(), PathwayRefusal> {
        let found = data.smi.devices.get(&device).ok_or(PathwayRefusal::UnknownDevice(device))?;
        let order = pathway::order(data, found, entry_for(image, data, found));
        if order == Order::InOrder || self.faults.has(Fault::OrderUnchecked) {
            return Ok(());
        }
        Err(PathwayRefusal::Order { device, order })
    }

    /// The CPL entries through which a Device gets to a wanted one, in order and with the last. `None` where there is no
    /// pathway.
    pub fn plan_upgrades(&self, data: &DccData, device: Eui64, wanted: u32) -> Option<Vec<u32>> {
        let device = data.smi.devices.get(&device)?;
        if self.faults.has(Fault::SkipsUpgrades) {
            return Some(vec![wanted]);
        }
        let current = pathway::current_entries(data, device);
        current.filter_map(|entry| pathway::pathway(data, entry.number, wanted)).min_by_key(Vec::len)
    }
}

/// The image's CPL entry for a Device's model; any of its entries where none is.
fn entry_for(image: &PreparedImage, data: &DccData, device: &SmiDevice) -> u32 {
    let entries = image.cpl_entries();
    let fits =
        |number: &&u32| data.cpl.numbered(**number).is_some_and(|entry| entry.device_model() == device.device_model());
    entries.iter().find(fits).or_else(|| entries.first()).copied().unwrap_or(0)
}
