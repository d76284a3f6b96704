//! What a PPMID remembers through a loss of power.

use alloc::collections::VecDeque;
use hanrig_wire::gbcs::ActivationOutcome;
use hanrig_wire::time::Utc;
use hanrig_wire::types::FirmwareVersion;
use hanrig_wire::zcl::ota::ImageId;
use hanrig_zigbee::PersistentState;
use hanrig_zigbee::ota::client::Transfer;
use hanrig_zigbee::ota::parts::Part;
use serde::{Deserialize, Serialize};

/// An image that is stored and verified, and not activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) image: ImageId,
    pub(crate) part: Part,
}

/// An activation that is still to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ActivationReport {
    pub(crate) version: FirmwareVersion,
    pub(crate) succeeded: bool,
}

impl ActivationReport {
    pub(crate) const fn outcome(self) -> ActivationOutcome {
        if self.succeeded { ActivationOutcome::Success } else { ActivationOutcome::Failure }
    }
}

/// The whole of it, as one record: an activation changes the version and notes its Alert in one write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) node: Option<PersistentState>,
    pub(crate) running: FirmwareVersion,
    /// The last part of split firmware that was activated and did not complete it (BR 4.2).
    pub(crate) stored_part: Option<Part>,
    pub(crate) transfer: Option<Transfer>,
    pub(crate) held: Option<Held>,
    /// When the last unprompted query was.
    pub(crate) last_query: Option<Utc>,
    /// The last GBCS counter used as originator.
    pub(crate) counter: u64,
    /// The highest GBCS counter taken from the Access Control Broker.
    pub(crate) broker_counter: Option<u64>,
    pub(crate) reports: VecDeque<ActivationReport>,
}

impl State {
    pub(crate) const fn new(running: FirmwareVersion) -> Self {
        Self {
            node: None,
            running,
            stored_part: None,
            transfer: None,
            held: None,
            last_query: None,
            counter: 0,
            broker_counter: None,
            reports: VecDeque::new(),
        }
    }
}
