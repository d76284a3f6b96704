//! What can be wrong with a signature or a certificate.

use super::certificate::{CertificateId, RemotePartyRole};
use crate::duis::DuisError;
use hanrig_wire::time::Utc;

/// Why a certificate does not hold for what it is used for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The octets or the text are no certificate of the SMKI's kind.
    #[error("not a certificate for P-256 with ECDSA and SHA-256: {0}")]
    Malformed(String),
    /// The store has no such certificate.
    #[error("certificate {0} is not in the store")]
    Unknown(CertificateId),
    /// Two certificates have the same issuer and serial number.
    #[error("certificate {0} is in the store twice, with different contents")]
    Ambiguous(CertificateId),
    /// Its period has not begun.
    #[error("certificate {certificate} is valid from {not_before} on, and it is {now}")]
    NotYetValid {
        /// Which.
        certificate: CertificateId,
        /// When its period begins.
        not_before: Utc,
        /// When it was checked for.
        now: Utc,
    },
    /// Its period is over.
    #[error("certificate {certificate} was valid until {not_after}, and it is {now}")]
    Expired {
        /// Which.
        certificate: CertificateId,
        /// When its period ended.
        not_after: Utc,
        /// When it was checked for.
        now: Utc,
    },
    /// It is for another remote party role.
    #[error("certificate {certificate} is for {found}, expected {expected}")]
    Role {
        /// Which.
        certificate: CertificateId,
        /// What its subject says.
        found: String,
        /// What is needed.
        expected: RemotePartyRole,
    },
    /// Its subject has no EUI-64.
    #[error("certificate {0} names no EUI-64 as its subject's unique identifier")]
    NoIdentifier(CertificateId),
    /// Its key may not be used for this.
    #[error("the key of certificate {certificate} is not for {usage}")]
    KeyUsage {
        /// Which.
        certificate: CertificateId,
        /// What the key is needed for.
        usage: &'static str,
    },
    /// It has a critical extension that is not known here.
    #[error("certificate {certificate} has the critical extension {extension}, which is not known here")]
    CriticalExtension {
        /// Which.
        certificate: CertificateId,
        /// The extension's object identifier.
        extension: String,
    },
    /// Who issued it is not in the store.
    #[error("certificate {certificate} was issued by {issuer}, of whom no certificate is in the store")]
    IssuerUnknown {
        /// Which.
        certificate: CertificateId,
        /// Its issuer.
        issuer: String,
    },
    /// Who issued it is no certificate authority.
    #[error("certificate {certificate} was issued by {issuer}, who is no certificate authority")]
    IssuerNoAuthority {
        /// Which.
        certificate: CertificateId,
        /// Its issuer.
        issuer: String,
    },
    /// It was not signed by whom it names as issuer.
    #[error("the signature of certificate {certificate} is not that of its issuer {issuer}")]
    Signature {
        /// Which.
        certificate: CertificateId,
        /// Its issuer.
        issuer: String,
    },
    /// Its chain has too many certificates, or goes round in circles.
    #[error("the chain of certificate {0} does not end at a trusted root")]
    NoRoot(CertificateId),
}

/// Why the protection of a message does not verify.
#[derive(Debug, thiserror::Error)]
pub enum ProtectionError {
    /// It is no DUIS message.
    #[error(transparent)]
    NotDuis(#[from] DuisError),
    /// It has no signature.
    #[error("the message is not signed")]
    Unsigned,
    /// The certificate does not hold.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The message is not the one that was signed.
    #[error(
        "the digest of the message is not the one that was signed: the message was changed, or signed in another form"
    )]
    Digest,
    /// The signature was not made with the certificate's key.
    #[error("the signature was not made with the key of certificate {0}")]
    Signature(CertificateId),
    /// The canonical form says something else than the document.
    #[error("the signed form of the message reads differently: {0}")]
    Differs(String),
    /// The canonical form could not be made.
    #[error("the message has no canonical form: {0}")]
    Canonical(String),
    /// There is nothing to check it with.
    #[error("no certificates were given to check signatures with")]
    NoTrust,
    /// Who signed is not who sends.
    #[error("signed by {signer}, but {expected} is the originator")]
    Originator {
        /// Whose certificate it is.
        signer: hanrig_wire::types::Eui64,
        /// Who should have signed.
        expected: hanrig_wire::types::Eui64,
    },
}

/// Why a document cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It is no DUIS message.
    #[error(transparent)]
    NotDuis(#[from] DuisError),
    /// It has a signature.
    #[error("the message is signed already")]
    AlreadySigned,
    /// The canonical form could not be made.
    #[error("the message has no canonical form: {0}")]
    Canonical(String),
}

/// Why the test PKI cannot issue a certificate.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The period ends before it begins, or is out of what X.509 can say.
    #[error("{0} to {1} is no period that a certificate can have")]
    Period(Utc, Utc),
    /// The certificate could not be put together.
    #[error("the certificate cannot be made: {0}")]
    Build(#[from] x509_cert::builder::Error),
    /// What was put together is not what this project can read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A key could not be written.
    #[error("the key cannot be written: {0}")]
    Key(String),
}
