//! Certificates as the SMKI has them for organisations: parsed once, with what is needed of them.

use super::error::CertificateError;
use hanrig_wire::gbcs::{SIGNATURE_LENGTH, VerifyingKey};
use hanrig_wire::time::Utc;
use hanrig_wire::types::Eui64;
use serde::{Serialize, Serializer};
use std::fmt;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{AnyRef, Decode as _, Reader as _, SliceReader, pem};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, KeyUsage, SubjectKeyIdentifier,
};
use x509_cert::name::Name;

/// id-at-organizationalUnitName.
pub(super) const ORGANIZATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
/// id-at-x500UniqueIdentifier.
pub(super) const UNIQUE_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.45");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ID_EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// The remote party role of a certificate's subject, as GBCS and the SMKI number it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RemotePartyRole {
    /// 00: the root of the SMKI.
    Root,
    /// 02: signs Commands, Pre-Commands and images.
    Supplier,
    /// 04: protects messages between DCC and Devices.
    AccessControlBroker,
    /// 07: issues certificates.
    IssuingAuthority,
    /// 87: a User, who signs Service Requests.
    XmlSign,
    /// 89: the DCC, which signs Service Responses and Alerts.
    DspXmlSign,
    /// Any other.
    Other(u8),
}

impl RemotePartyRole {
    /// The role with a number.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0x00 => Self::Root,
            0x02 => Self::Supplier,
            0x04 => Self::AccessControlBroker,
            0x07 => Self::IssuingAuthority,
            0x87 => Self::XmlSign,
            0x89 => Self::DspXmlSign,
            other => Self::Other(other),
        }
    }

    /// Its number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Root => 0x00,
            Self::Supplier => 0x02,
            Self::AccessControlBroker => 0x04,
            Self::IssuingAuthority => 0x07,
            Self::XmlSign => 0x87,
            Self::DspXmlSign => 0x89,
            Self::Other(code) => code,
        }
    }

    /// From the text of an organizational unit: two hexadecimal digits, or, as one published certificate has it, three
    /// decimal ones.
    fn from_text(text: &str) -> Option<Self> {
        let code = match text.len() {
            2 => u8::from_str_radix(text, 16).ok().filter(|_| text.bytes().all(|b| b.is_ascii_hexdigit())),
            3 => text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit())),
            _ => None,
        };
        code.map(Self::from_code)
    }
}

impl fmt::Display for RemotePartyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Root => "root",
            Self::Supplier => "supplier",
            Self::AccessControlBroker => "accessControlBroker",
            Self::IssuingAuthority => "issuingAuthority",
            Self::XmlSign => "xmlSign",
            Self::DspXmlSign => "dSPXmlSign",
            Self::Other(_) => "remote party role",
        };
        write!(f, "{name} ({:02X})", self.code())
    }
}

/// What tells a certificate from all others: issuer and serial number, as `X509IssuerSerial` has them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateId {
    issuer: String,
    serial: String,
}

impl CertificateId {
    /// From the texts of `X509IssuerName` (RFC 4514, with or without space around its commas) and `X509SerialNumber`
    /// (decimal).
    pub fn new(issuer: &str, serial: &str) -> Self {
        let serial = serial.trim();
        let digits = serial.trim_start_matches('0');
        Self {
            issuer: normalised(issuer),
            serial: if digits.is_empty() && !serial.is_empty() { "0" } else { digits }.to_owned(),
        }
    }

    /// The issuer's distinguished name, such as `CN=Z1,OU=07`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The serial number in decimal.
    pub fn serial(&self) -> &str {
        &self.serial
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.serial, self.issuer)
    }
}

impl Serialize for CertificateId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A distinguished name without space around its commas and with attribute types in capitals.
fn normalised(name: &str) -> String {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in name.chars() {
        match (c, escaped) {
            (',', false) => parts.push(String::new()),
            _ => {
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
        escaped = c == '\\' && !escaped;
    }
    let parts = parts.iter().map(|part| match part.trim().split_once('=') {
        Some((kind, value)) => format!("{}={}", kind.trim_end().to_ascii_uppercase(), value.trim_start()),
        None => part.trim().to_owned(),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// From when until when a certificate is valid, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub not_before: Utc,
    /// The last moment. X.509 has whole seconds.
    pub not_after: Utc,
}

/// An X.509 certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    /// The part of `der` that is signed.
    signed: Vec<u8>,
    signature: [u8; SIGNATURE_LENGTH],
    id: CertificateId,
    subject: String,
    role_text: Option<String>,
    entity: Option<Eui64>,
    period: Period,
    key: VerifyingKey,
    key_usage: Option<KeyUsage>,
    is_authority: bool,
    /// A critical extension that is not known here.
    unknown_extension: Option<ObjectIdentifier>,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Malformed`] for everything but an X.509 certificate with a key on P-256, signed with ECDSA and
    /// SHA-256.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let wrong = |e: &dyn fmt::Display| CertificateError::Malformed(e.to_string());
        let parsed = x509_cert::Certificate::from_der(der).map_err(|e| wrong(&e))?;
        let signed = signed_part(der).map_err(|e| wrong(&e))?;
        if parsed.signature_algorithm().oid != ECDSA_WITH_SHA256 {
            return Err(wrong(&format_args!("signature algorithm {}", parsed.signature_algorithm().oid)));
        }
        let signature = parsed.signature().as_bytes().unwrap_or_default();
        let signature =
            p256::ecdsa::Signature::from_der(signature).map_err(|_| wrong(&"its signature is no ECDSA one"))?;
        let content = parsed.tbs_certificate();
        let key = content.subject_public_key_info();
        let curve = key.algorithm.parameters.as_ref().and_then(|p| p.decode_as::<ObjectIdentifier>().ok());
        if key.algorithm.oid != ID_EC_PUBLIC_KEY || curve != Some(SECP256R1) {
            return Err(wrong(&"its key is not on P-256"));
        }
        let key =
            VerifyingKey::from_sec1(key.subject_public_key.as_bytes().unwrap_or_default()).map_err(|e| wrong(&e))?;
        let extension = |e: x509_cert::der::Error| CertificateError::Malformed(format!("an extension: {e}"));
        let known = [
            KeyUsage::OID,
            BasicConstraints::OID,
            CertificatePolicies::OID,
            SubjectKeyIdentifier::OID,
            AuthorityKeyIdentifier::OID,
        ];
        let extensions = content.extensions().into_iter().flatten();
        let unknown = extensions.filter(|e| e.critical && !known.contains(&e.extn_id)).map(|e| e.extn_id).next();
        let time =
            |time: x509_cert::time::Time| Utc(i64::try_from(time.to_unix_duration().as_millis()).unwrap_or(i64::MAX));
        Ok(Self {
            der: der.to_vec(),
            signed,
            signature: signature.to_bytes().into(),
            id: CertificateId::new(&content.issuer().to_string(), &decimal(content.serial_number().as_bytes())),
            subject: normalised(&content.subject().to_string()),
            role_text: role_text(content.subject()),
            entity: entity(content.subject()),
            period: Period {
                not_before: time(content.validity().not_before),
                not_after: time(content.validity().not_after),
            },
            key,
            key_usage: content.get_extension::<KeyUsage>().map_err(extension)?.map(|(_, usage)| usage),
            is_authority: content
                .get_extension::<BasicConstraints>()
                .map_err(extension)?
                .is_some_and(|(_, constraints)| constraints.ca),
            unknown_extension: unknown,
        })
    }

    /// Reads the certificates of a PEM file, in their order. What else the file holds, such as private keys, is passed over.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Malformed`] for what holds no certificate, or one that is no PEM or of another kind.
    pub fn from_pem(text: &str) -> Result<Vec<Self>, CertificateError> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        let wrong = |e: &dyn fmt::Display| CertificateError::Malformed(format!("PEM: {e}"));
        let mut certificates = Vec::new();
        let mut rest = text;
        while let Some(begin) = rest.find(BEGIN) {
            let block = rest.get(begin..).unwrap_or_default();
            let end = block.find(END).map(|end| end + END.len()).ok_or_else(|| wrong(&"no end of the certificate"))?;
            let (block, after) = block.split_at(end);
            let (_, der) = pem::decode_vec(block.as_bytes()).map_err(|e| wrong(&e))?;
            certificates.push(Self::from_der(&der)?);
            rest = after;
        }
        if certificates.is_empty() { Err(wrong(&"no certificate in it")) } else { Ok(certificates) }
    }

    /// The certificate in PEM.
    pub fn to_pem(&self) -> String {
        // Fails for a label that is none, or more octets than memory has.
        pem::encode_string("CERTIFICATE", pem::LineEnding::LF, &self.der).unwrap_or_default()
    }

    /// The certificate in DER.
    pub fn to_der(&self) -> &[u8] {
        &self.der
    }

    /// Issuer and serial number.
    pub const fn id(&self) -> &CertificateId {
        &self.id
    }

    /// The subject's distinguished name.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The remote party role of its subject, where the subject has one.
    pub fn role(&self) -> Option<RemotePartyRole> {
        self.role_text.as_deref().and_then(RemotePartyRole::from_text)
    }

    /// The EUI-64 of its subject, where the subject has one.
    pub const fn entity(&self) -> Option<Eui64> {
        self.entity
    }

    /// When it is valid.
    pub const fn period(&self) -> Period {
        self.period
    }

    /// The subject's public key.
    pub const fn key(&self) -> &VerifyingKey {
        &self.key
    }

    pub(super) fn may_sign_messages(&self) -> Result<(), CertificateError> {
        let wrong = || CertificateError::KeyUsage { certificate: self.id.clone(), usage: "digital signatures" };
        self.key_usage.filter(KeyUsage::digital_signature).map(drop).ok_or_else(wrong)
    }

    pub(super) fn is_issued_by(&self, issuer: &Self) -> Result<(), CertificateError> {
        let name = || self.id.issuer.clone();
        if !issuer.is_authority {
            return Err(CertificateError::IssuerNoAuthority { certificate: self.id.clone(), issuer: name() });
        }
        if !issuer.key_usage.is_some_and(|usage| usage.key_cert_sign()) {
            return Err(CertificateError::KeyUsage { certificate: issuer.id.clone(), usage: "signing certificates" });
        }
        let verified = issuer.key.verify(&self.signed, &self.signature);
        verified.map_err(|_| CertificateError::Signature { certificate: self.id.clone(), issuer: name() })
    }

    pub(super) fn is_valid_at(&self, now: Utc) -> Result<(), CertificateError> {
        let certificate = || self.id.clone();
        let Period { not_before, not_after } = self.period;
        if now < not_before {
            return Err(CertificateError::NotYetValid { certificate: certificate(), not_before, now });
        }
        // The second that the period ends with belongs to it.
        if now.0.div_euclid(1000) > not_after.0.div_euclid(1000) {
            return Err(CertificateError::Expired { certificate: certificate(), not_after, now });
        }
        Ok(())
    }

    pub(super) fn is_for(&self, expected: RemotePartyRole) -> Result<(), CertificateError> {
        if self.role() == Some(expected) {
            return Ok(());
        }
        let found = match (self.role(), &self.role_text) {
            (Some(role), _) => role.to_string(),
            (None, Some(text)) => format!("the organizational unit {:?}", crate::excerpt(text)),
            (None, None) => "no remote party role".to_owned(),
        };
        Err(CertificateError::Role { certificate: self.id.clone(), found, expected })
    }

    pub(super) fn is_understood(&self) -> Result<(), CertificateError> {
        let wrong = |oid: ObjectIdentifier| CertificateError::CriticalExtension {
            certificate: self.id.clone(),
            extension: oid.to_string(),
        };
        self.unknown_extension.map_or(Ok(()), |oid| Err(wrong(oid)))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("id", &self.id).field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// The octets of `tbsCertificate`, as they were signed.
fn signed_part(der: &[u8]) -> x509_cert::der::Result<Vec<u8>> {
    let outer = AnyRef::from_der(der)?;
    SliceReader::new(outer.value())?.tlv_bytes().map(<[u8]>::to_vec)
}

/// The text of the subject's organizational unit.
fn role_text(subject: &Name) -> Option<String> {
    let attribute = subject.iter().find(|attribute| attribute.oid == ORGANIZATIONAL_UNIT)?;
    std::str::from_utf8(attribute.value.value()).ok().map(str::to_owned)
}

/// The EUI-64 in the subject's unique identifier, a BIT STRING.
fn entity(subject: &Name) -> Option<Eui64> {
    let attribute = subject.iter().find(|attribute| attribute.oid == UNIQUE_IDENTIFIER)?;
    let bits = attribute.value.decode_as::<x509_cert::der::asn1::BitString>().ok()?;
    bits.as_bytes()?.try_into().ok().map(|octets| Eui64(u64::from_be_bytes(octets)))
}

/// A big-endian number in decimal.
fn decimal(octets: &[u8]) -> String {
    // Least significant digit first.
    let mut digits = vec![0_u8];
    for octet in octets {
        let mut carry = u32::from(*octet);
        for digit in &mut digits {
            carry += u32::from(*digit) * 256;
            *digit = u8::try_from(carry % 10).unwrap_or(0);
            carry /= 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap_or(0));
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}
