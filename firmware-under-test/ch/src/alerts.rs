//! The transfer Alerts of GBCS use case CCS08 (CH-16).

use crate::config::HubConfig;
use crate::faults::Faults;
use crate::state::{TransferAlert, TransferOutcome};
use alloc::vec::Vec;
use hanrig_wire::gbcs::{AlertCode, Cra, Message, ccs08};
use hanrig_wire::time::Utc;

/// The signed GBCS message that tells of `alert`, with the hub's `counter` as originator.
pub(crate) fn message(config: &HubConfig, faults: &Faults, alert: &TransferAlert, counter: u64, utc: Utc) -> Vec<u8> {
    let alert_code = match alert.outcome {
        TransferOutcome::Success => AlertCode::IMAGE_DELIVERY_SUCCESS,
        TransferOutcome::Discarded | TransferOutcome::HardwareVersionMismatch | TransferOutcome::Failure => {
            AlertCode::IMAGE_DELIVERY_FAILURE
        }
    };
    let content = ccs08::Alert {
        alert_code,
        time: faults.spoil_time(utc),
        target: alert.target,
        version: alert.version,
        transfer_response_code: alert.outcome.code(),
    };
    let mut message = Message {
        cra: Cra::Alert,
        counter,
        originator: config.eui64,
        recipient: config.access_control_broker,
        date_time: None,
        message_code: ccs08::MESSAGE_CODE,
        supplementary: None,
        content: content.encode(),
        signature: None,
    };
    faults.spoil_alert(&mut message, alert.target);
    message.sign(&config.signing_key);
    faults.spoil_signature(&mut message);
    message.emit()
}
