//! What a hub remembers through a loss of power.

use crate::blocks::Blocks;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use hanrig_wire::gbcs::ccs08::TransferResponseCode;
use hanrig_wire::types::{DeviceType, Eui64, FirmwareVersion, Key128};
use hanrig_zigbee::PersistentState;
use serde::{Deserialize, Serialize};

/// One Device of the hub's Device Log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoggedDevice {
    pub(crate) eui: Eui64,
    pub(crate) device_type: DeviceType,
    pub(crate) link_key: Key128,
}

/// A transfer Alert that is due, before it is made into a GBCS message, for which the hub must know the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransferAlert {
    pub(crate) target: Eui64,
    pub(crate) version: FirmwareVersion,
    pub(crate) outcome: TransferOutcome,
}

/// How a transfer to one Device ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TransferOutcome {
    Success,
    Discarded,
    HardwareVersionMismatch,
    Failure,
}

impl TransferOutcome {
    /// The transferResponseCode of CCS08.
    pub(crate) const fn code(self) -> TransferResponseCode {
        match self {
            Self::Success => TransferResponseCode::Success,
            Self::Discarded => TransferResponseCode::ImageDiscarded,
            Self::HardwareVersionMismatch => TransferResponseCode::HardwareVersionMismatch,
            Self::Failure => TransferResponseCode::FileTransferFailure,
        }
    }
}

/// The whole of it, as one record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The ZigBee node's own.
    pub(crate) node: Option<PersistentState>,
    /// The Device Log.
    pub(crate) devices: Vec<LoggedDevice>,
    /// The two memory blocks.
    pub(crate) blocks: Blocks,
    /// The last GBCS counter used by the hub as originator.
    pub(crate) counter: u64,
    /// Alerts that wait for the hub to know the time.
    pub(crate) alerts: VecDeque<TransferAlert>,
    /// GBCS messages that the WAN has not yet acknowledged.
    pub(crate) outbox: VecDeque<Vec<u8>>,
}

impl State {
    /// The Device Log's entry of a Device.
    pub(crate) fn device(&self, eui: Eui64) -> Option<&LoggedDevice> {
        self.devices.iter().find(|device| device.eui == eui)
    }
}
