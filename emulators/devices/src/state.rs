//! What a Device remembers through a loss of power.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use hanrig_wire::gbcs::PaymentMode;
use hanrig_wire::time::Utc;
use hanrig_wire::types::FirmwareVersion;
use hanrig_wire::zcl::ota::ImageId;
use hanrig_zigbee::PersistentState;
use hanrig_zigbee::ota::client::Transfer;
use hanrig_zigbee::ota::parts::Part;
use serde::{Deserialize, Serialize};

/// The two slots of flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SlotName {
    A,
    B,
}

impl SlotName {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// The firmware that runs: where it is, and what it was when it was installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) version: FirmwareVersion,
    pub(crate) slot: SlotName,
    pub(crate) size: u32,
    pub(crate) digest: [u8; 32],
}

/// An image that is stored and verified, and not activated. It is in the slot that does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) image: ImageId,
    pub(crate) size: u32,
    pub(crate) part: Part,
    /// SHA-256 of the Manufacturer Image.
    pub(crate) hash: [u8; 32],
}

/// An Activate Firmware Command that waits for its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) at: Utc,
    pub(crate) hash: [u8; 32],
    /// The Command's originator counter.
    pub(crate) counter: u64,
}

/// Something that the Supplier has to be told, as soon as the time is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) alert_code: u16,
    /// The Hash of the image that it is about, in a Firmware Distribution Receipt Alert.
    pub(crate) hash: Option<[u8; 32]>,
}

/// The whole of it, as one record: an activation changes the running firmware and notes its Response in one write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) node: Option<PersistentState>,
    pub(crate) running: Running,
    /// The last part of split firmware that was activated and did not complete it.
    pub(crate) stored_part: Option<Part>,
    /// A download whose end the hub has not acknowledged.
    pub(crate) transfer: Option<Transfer>,
    pub(crate) held: Option<Held>,
    pub(crate) planned: Option<Planned>,
    /// When the last unprompted query was.
    pub(crate) last_query: Option<Utc>,
    /// The last GBCS counter used as originator.
    pub(crate) counter: u64,
    /// The highest GBCS counter taken from the Access Control Broker.
    pub(crate) broker_counter: Option<u64>,
    /// The highest GBCS counter taken from the Supplier.
    pub(crate) supplier_counter: Option<u64>,
    pub(crate) reports: VecDeque<Report>,
    /// GBCS messages that the hub has not acknowledged, oldest first.
    pub(crate) outbox: VecDeque<Vec<u8>>,
    /// How an ESME is paid for.
    pub(crate) payment_mode: PaymentMode,
}

impl State {
    pub(crate) const fn new(running: Running) -> Self {
        Self {
            node: None,
            running,
            stored_part: None,
            transfer: None,
            held: None,
            planned: None,
            last_query: None,
            counter: 0,
            broker_counter: None,
            supplier_counter: None,
            reports: VecDeque::new(),
            outbox: VecDeque::new(),
            payment_mode: PaymentMode::Credit,
        }
    }
}
