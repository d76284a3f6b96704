//! The cryptographic protection of what comes from Users and goes to them (SEC Appendix AB 6.1).

use super::faults::Fault;
use super::{Dsp, DspOutput};
use crate::duis::DuisMessage;
use crate::security::{CertificateError, ProtectionError, RemotePartyRole, sign_written, verify_read};
use crate::settings::UnsignedRequests;
use std::thread;

/// As many outputs are signed at a time, by all cores: an update of 50,000 Devices brings 100,000 Alerts.
const OUTPUTS_AT_A_TIME: usize = 4096;
/// For fewer it is not worth to start a thread.
const OUTPUTS_OF_A_THREAD: usize = 64;

impl Dsp {
    /// Whether a request's signature and certificate hold, and are its originator's.
    pub(super) fn check_protection(&self, xml: &[u8], message: &DuisMessage) -> Result<(), ProtectionError> {
        let DuisMessage::Request(request) = message else { return Ok(()) };
        let taken = self.config.settings.unsigned_requests == UnsignedRequests::Taken;
        if message.signature().is_none() && (taken || self.faulty(Fault::UnsignedTaken)) {
            return Ok(());
        }
        let Some(protection) = &self.config.protection else {
            return Err(ProtectionError::NoTrust);
        };
        let now = self.utc(self.now);
        let expected = request.request_id.originator;
        match verify_read(xml, message, &protection.trust, RemotePartyRole::XmlSign, now) {
            Ok(signer) if signer.entity() == Some(expected) || self.faulty(Fault::SignerUnchecked) => Ok(()),
            Ok(signer) => match signer.entity() {
                Some(signer) => Err(ProtectionError::Originator { signer, expected }),
                None => Err(CertificateError::NoIdentifier(signer.id().clone()).into()),
            },
            Err(error) if self.overlooks(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A message for a User as it goes out.
    pub(super) fn signed(&self, xml: String) -> String {
        let Some(protection) = &self.config.protection else { return xml };
        if self.faulty(Fault::SignsNothing) {
            return xml;
        }
        // What the DSP writes is a DUIS message, so there is nothing that could not be signed.
        sign_written(&xml, &protection.identity).unwrap_or(xml)
    }

    /// Signs the next outputs, in their order, and counts them as ready.
    pub(super) fn sign_outputs(&mut self) {
        if self.outputs.is_empty() {
            return;
        }
        let mut outputs: Vec<DspOutput> = self.outputs.drain(..self.outputs.len().min(OUTPUTS_AT_A_TIME)).collect();
        let this = &*self;
        let sign = |outputs: &mut [DspOutput]| {
            for output in outputs {
                if let DspOutput::ToUser { xml, .. } = output {
                    *xml = this.signed(std::mem::take(xml));
                }
            }
        };
        if outputs.len() <= OUTPUTS_OF_A_THREAD {
            sign(&mut outputs);
        } else {
            // Asking takes reading files of the system's: too long for what one thread does in no time.
            let threads = thread::available_parallelism().map_or(1, usize::from);
            let share = outputs.len().div_ceil(threads).max(OUTPUTS_OF_A_THREAD);
            thread::scope(|scope| {
                for outputs in outputs.chunks_mut(share) {
                    scope.spawn(|| sign(outputs));
                }
            });
        }
        self.ready = outputs.len();
        for output in outputs.into_iter().rev() {
            self.outputs.push_front(output);
        }
    }
}
