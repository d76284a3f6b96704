//! Upgrade pathways: the order of upgrades that takes a Device Model from its current firmware to a wanted one, as the FIR
//! has it (PATH-01, PATH-02). CPL entries are named by number throughout.

use crate::data::{CplEntry, CplStatus, DccData, SmiDevice};
use std::collections::{BTreeMap, VecDeque};

/// One upgrade that a manufacturer declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The baseline.
    pub from: u32,
    /// The entry that it is upgraded to.
    pub to: u32,
}

/// Whether an image is next for a Device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Its baselines include what the Device runs.
    InOrder,
    /// They do not.
    OutOfOrder {
        /// The entries that come first, then the image's own; `None` where no pathway leads there.
        pathway: Option<Vec<u32>>,
    },
    /// The version that the Device runs is on several CPL entries, and the baselines include some of them only.
    Ambiguous {
        /// The entries.
        entries: Vec<u32>,
    },
    /// The version that the Device runs is on no CPL entry of its Device Model.
    UnknownBaseline,
    /// The FIR has nothing on the image.
    NotInFir,
}

/// Every upgrade that is declared and whose target stands on the CPL, in order.
pub fn declared_steps(data: &DccData) -> Vec<Step> {
    let stands = |number: u32| data.cpl.numbered(number).is_some_and(|entry| entry.status == CplStatus::Active);
    let records = data.fir.values().filter(|record| stands(record.entry));
    let mut steps: Vec<Step> = records
        .flat_map(|record| record.baselines.entries().iter().map(|from| Step { from: *from, to: record.entry }))
        .collect();
    steps.sort_unstable();
    steps
}

/// The shortest order of upgrades from one entry to another, without the first and with the last; the one with the lower
/// numbers where several are as short. Empty where both are the same, `None` where there is none.
pub fn pathway(data: &DccData, from: u32, to: u32) -> Option<Vec<u32>> {
    let mut next: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for step in declared_steps(data) {
        next.entry(step.from).or_default().push(step.to);
    }
    let mut before: BTreeMap<u32, u32> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        if at == to {
            let mut path = Vec::new();
            let mut at = to;
            while at != from {
                path.push(at);
                at = *before.get(&at)?;
            }
            path.reverse();
            return Some(path);
        }
        for step in next.get(&at).into_iter().flatten() {
            if *step != from && !before.contains_key(step) {
                before.insert(*step, at);
                queue.push_back(*step);
            }
        }
    }
    None
}

/// The CPL entries that a Device may be running: those of its Device Model with the version that the SMI has.
pub fn current_entries<'a>(data: &'a DccData, device: &SmiDevice) -> impl Iterator<Item = &'a CplEntry> {
    let (model, device_type, version) = (device.device_model(), device.device_type, device.firmware_version);
    data.cpl.entries.iter().filter(move |entry| {
        entry.device_model() == model && entry.device_type == device_type && entry.firmware_version == version
    })
}

/// Whether the image of a CPL entry is next for a Device.
pub fn order(data: &DccData, device: &SmiDevice, entry: u32) -> Order {
    let Some(record) = data.fir.get(&entry) else { return Order::NotInFir };
    let current: Vec<u32> = current_entries(data, device).map(|entry| entry.number).collect();
    let included = current.iter().filter(|number| record.baselines.entries().contains(number)).count();
    match (included, current.as_slice()) {
        (_, []) => Order::UnknownBaseline,
        (0, current) => {
            let pathways = current.iter().filter_map(|from| pathway(data, *from, entry));
            Order::OutOfOrder { pathway: pathways.min_by_key(Vec::len) }
        }
        (included, current) if included == current.len() => Order::InOrder,
        (_, current) => Order::Ambiguous { entries: current.to_vec() },
    }
}
