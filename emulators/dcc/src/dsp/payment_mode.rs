//! SRV 1.6 'Update Payment Mode' to an ESME or a GSME: a Critical Command like SRV 11.3, whose second step it shares.

use super::Dsp;
use super::codes::{Outcome, Refusal};
use crate::duis::{RequestId, ResponsePayload, ServiceRequest};
use hanrig_wire::gbcs::{Content, Cra, Message, PaymentMode};
use hanrig_wire::types::Eui64;

impl Dsp {
    /// First step: the Pre-Command, to be carried out at once.
    pub(super) fn update_payment_mode(
        &mut self,
        sender: Eui64,
        request_id: RequestId,
        mode: PaymentMode,
    ) -> Result<(Outcome, ResponsePayload), Refusal> {
        let (device, _) = self.command_target(sender, request_id.target, &ServiceRequest::UpdatePaymentMode(mode))?;
        let (gbcs_version, device_type) = (self.gbcs_version(device), device.device_type);
        let counter = request_id.counter;
        let content = Content::set_payment_mode(device_type, counter, self.utc(self.now), self.transformed_mode(mode));
        let message = Message {
            cra: Cra::Command,
            counter,
            originator: sender,
            recipient: request_id.target,
            date_time: None,
            message_code: mode.message_code(device_type),
            supplementary: None,
            content: content.encode(),
            signature: None,
        };
        Ok(self.pre_command(request_id, gbcs_version, message))
    }
}
