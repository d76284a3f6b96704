//! What protects DUIS messages: XML signatures, the certificates that they rest on, and a test PKI that issues them.
//!
//! [`sign`] adds the enveloped signature of DUIS to a message; [`verify`] checks one against a [`TrustStore`] and gives the
//! message that was signed. [`Pki`] makes a root, an issuing authority and, for each party, an [`Identity`]: a
//! certificate and its private key.
//!
//! # The signature
//!
//! DUIS has one way to sign: enveloped, one reference to the whole document, SHA-256, `SignedInfo` in exclusive canonical
//! form, ECDSA on P-256. The reference names no canonicalisation, so its digest is over the inclusive canonical form, as
//! XML Signature (4.4.3.2) has it. `KeyInfo` names the certificate by issuer and serial number and does not carry it.
//!
//! # What is verified is what is read
//!
//! [`verify`] and [`verify_with_key`] do not trust that two readers see the same in a document. What they give must be equal whether it
//! is read from the document or from the octets that were digested; the digest value is read from the octets
//! of `SignedInfo` that were verified. The reader takes exactly one `Signature`, as last child of the root, and refuses
//! document types, processing instructions and everything that DUIS does not have: nothing can be wrapped in.
//!
//! # Certificates
//!
//! As in the SMKI: P-256; the subject's organizational unit is the remote party role in two hexadecimal digits, and its
//! unique identifier the EUI-64. A User signs Service Requests as `xmlSign` (87), the DCC its responses and Alerts as
//! `dSPXmlSign` (89). The User Role (Import Supplier and so on) is no part of a certificate: the DCC's data on Users
//! have it.

mod certificate;
mod error;
mod pki;
mod signature;
mod store;

pub use certificate::{Certificate, CertificateId, Period, RemotePartyRole};
pub use error::{CertificateError, PkiError, ProtectionError, SignError};
pub use pki::{Identity, Pki};
pub(crate) use signature::verify_read;
pub use signature::{Verified, sign, sign_request, sign_written, verify, verify_with_key};
pub use store::TrustStore;

use std::sync::Arc;

/// What a party signs its messages with, and whose signatures it takes.
#[derive(Clone, Debug)]
pub struct Protection {
    /// The party's own.
    pub identity: Arc<Identity>,
    /// The certificates of the others.
    pub trust: Arc<TrustStore>,
}
