//! Making and checking the enveloped signature of a DUIS message.

use super::certificate::{Certificate, CertificateId, RemotePartyRole};
use super::error::{CertificateError, ProtectionError, SignError};
use super::pki::Identity;
use super::store::TrustStore;
use crate::duis::{self, DuisMessage, Request, Signature, XML_SIGNATURE};
use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::NodeSet;
use hanrig_wire::gbcs::VerifyingKey;
use hanrig_wire::time::Utc;
use sha2::{Digest as _, Sha256};
use uppsala::{Document, NodeId};

/// No namespace prefix is treated as inclusive.
const NO_PREFIXES: [&str; 0] = [];

/// A message whose signature and certificate hold.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The message, as it was signed.
    pub message: DuisMessage,
    /// The signer's certificate.
    pub signer: Certificate,
}

/// Signs a DUIS message that has no signature yet. The signature becomes the last child of the root; all else stays as it is.
///
/// # Errors
///
/// A document that is no DUIS message or is signed already.
pub fn sign(document: &str, identity: &Identity) -> Result<String, SignError> {
    if duis::parse(document)?.signature().is_some() {
        return Err(SignError::AlreadySigned);
    }
    let read = uppsala::parse(document).map_err(|e| canonical_error(&e))?;
    let signature = signature_over(&canonical_form(&read)?, identity);
    let root = read.document_element().and_then(|root| read.node_range(root));
    let end = root.and_then(|root| document.get(root.clone()).map(|text| (root.start, text)));
    let end = end.and_then(|(start, text)| text.rfind("</").map(|at| start + at));
    enclosing(document, end, &signature)
}

/// [`sign`], to the same octets and many times as fast, for a document that [`Request::to_xml`] or
/// [`Response::to_xml`](duis::Response::to_xml) wrote and that has no signature. Neither is checked: the signature of
/// another document would not hold.
///
/// # Errors
///
/// None for a document so written.
pub fn sign_written(document: &str, identity: &Identity) -> Result<String, SignError> {
    enclosing(document, document.rfind("</"), &signature_over_written(document, identity)?)
}

/// The request with its sender's signature, which takes the place of any that it had. It holds for what
/// [`Request::to_xml`] then writes.
///
/// # Errors
///
/// None that a request can cause; that of the canonical form is passed on.
pub fn sign_request(mut request: Request, identity: &Identity) -> Result<Request, SignError> {
    request.signature = None;
    request.signature = Some(signature_over_written(&request.to_xml(), identity)?);
    Ok(request)
}

fn canonical_error(error: &dyn std::fmt::Display) -> SignError {
    SignError::Canonical(error.to_string())
}

/// The document with a signature where its root ends.
fn enclosing(document: &str, end: Option<usize>, signature: &Signature) -> Result<String, SignError> {
    let (head, tail) = end
        .and_then(|end| document.split_at_checked(end))
        .ok_or_else(|| canonical_error(&"the end of its root is not to be found"))?;
    Ok([head, &duis::signature_element(signature), tail].concat())
}

fn canonical_form(document: &Document<'_>) -> Result<Vec<u8>, SignError> {
    canonicalize_doc(document, C14nMode::Inclusive, None, &NO_PREFIXES).map_err(|e| canonical_error(&e))
}

/// The signature over a document of our own, most of which are canonical as they are written: making the canonical form of
/// each of 100,000 Alerts would take longer than all else.
fn signature_over_written(document: &str, identity: &Identity) -> Result<Signature, SignError> {
    if let Some(canonical) = duis::canonical(document) {
        return Ok(signature_over(canonical.as_bytes(), identity));
    }
    let read = uppsala::parse(document).map_err(|e| canonical_error(&e))?;
    Ok(signature_over(&canonical_form(&read)?, identity))
}

/// The signature over the canonical form of a document.
fn signature_over(canonical: &[u8], identity: &Identity) -> Signature {
    let id = identity.certificate().id();
    let digest_value = Sha256::digest(canonical).to_vec();
    let signature_value = identity.key().sign(duis::canonical_signed_info(&digest_value).as_bytes()).to_vec();
    let (issuer_name, serial_number) = (id.issuer().to_owned(), id.serial().to_owned());
    Signature { digest_value, signature_value, issuer_name, serial_number }
}

/// Reads a DUIS message and checks its signature: that it is that of a certificate in `store` which holds at `now` for
/// `role`. The message that it gives is what was signed.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify(
    document: &[u8],
    store: &TrustStore,
    role: RemotePartyRole,
    now: Utc,
) -> Result<Verified, ProtectionError> {
    let message = duis::parse_bytes(document)?;
    let signer = verify_read(document, &message, store, role, now)?;
    Ok(Verified { message, signer })
}

/// [`verify`], for a message that was read from `document` already. Gives the signer's certificate.
pub(crate) fn verify_read(
    document: &[u8],
    message: &DuisMessage,
    store: &TrustStore,
    role: RemotePartyRole,
    now: Utc,
) -> Result<Certificate, ProtectionError> {
    let id = signer_of(message)?;
    let certificate = store.find(&id).ok_or_else(|| CertificateError::Unknown(id.clone()))?;
    check(document, message, certificate.key())?;
    Ok(store.signer(&id, role, now)?.clone())
}

/// Reads a DUIS message and checks its signature against a public key that is known otherwise: nothing is said about
/// the certificate that the message names. The message that it gives is what was signed.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_with_key(document: &[u8], key: &VerifyingKey) -> Result<DuisMessage, ProtectionError> {
    let message = duis::parse_bytes(document)?;
    check(document, &message, key)?;
    Ok(message)
}

/// The certificate that a message says it was signed with.
fn signer_of(message: &DuisMessage) -> Result<CertificateId, ProtectionError> {
    let signature = message.signature().ok_or(ProtectionError::Unsigned)?;
    Ok(CertificateId::new(&signature.issuer_name, &signature.serial_number))
}

/// Checks that `message`, read from `document`, is what was signed with `key`.
fn check(document: &[u8], message: &DuisMessage, key: &VerifyingKey) -> Result<(), ProtectionError> {
    let signature = message.signature().ok_or(ProtectionError::Unsigned)?;
    let text = std::str::from_utf8(document).map_err(|e| ProtectionError::Canonical(e.to_string()))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut read = uppsala::parse(text).map_err(|e| ProtectionError::Canonical(e.to_string()))?;
    let element = signature_of(&read)?;
    check_signed_info(&read, element, message, signature, key)?;
    read.detach(element);
    let canonical = canonicalize_doc(&read, C14nMode::Inclusive, None, &NO_PREFIXES)
        .map_err(|e| ProtectionError::Canonical(e.to_string()))?;
    if Sha256::digest(&canonical).as_slice() != signature.digest_value {
        return Err(ProtectionError::Digest);
    }
    let mut signed = duis::parse_bytes(&canonical).map_err(|e| ProtectionError::Differs(e.to_string()))?;
    *signed.signature_mut() = Some(signature.clone());
    if signed == *message { Ok(()) } else { Err(ProtectionError::Differs("other content".to_owned())) }
}

/// The one `ds:Signature` of a document, which must be the last child of its root.
fn signature_of(document: &Document<'_>) -> Result<NodeId, ProtectionError> {
    let all = document.get_elements_by_tag_name_ns(XML_SIGNATURE, "Signature");
    let root = document.document_element();
    match *all.as_slice() {
        [only] if document.parent(only) == root => Ok(only),
        _ => Err(ProtectionError::Differs("not exactly one signature, in the root".to_owned())),
    }
}

/// Checks the signature over `SignedInfo`, and that what was signed there is what was read of it.
fn check_signed_info(
    document: &Document<'_>,
    element: NodeId,
    message: &DuisMessage,
    read: &Signature,
    key: &VerifyingKey,
) -> Result<(), ProtectionError> {
    let canonical = canonical_signed_info(document, element)
        .ok_or_else(|| ProtectionError::Differs("no SignedInfo, or none with a canonical form".to_owned()))?;
    let verified = match read.signature_value.as_slice().try_into() {
        Ok(value) => key.verify(&canonical, &value).is_ok(),
        Err(_) => false,
    };
    if !verified {
        return Err(ProtectionError::Signature(signer_of(message)?));
    }
    let text = std::str::from_utf8(&canonical).map_err(|e| ProtectionError::Canonical(e.to_string()))?;
    let digest = duis::signed_digest(text).map_err(|e| ProtectionError::Differs(e.to_string()))?;
    if digest == read.digest_value { Ok(()) } else { Err(ProtectionError::Differs("another digest".to_owned())) }
}

/// The exclusive canonical form of the `SignedInfo` in the `Signature` that `element` is.
fn canonical_signed_info(document: &Document<'_>, element: NodeId) -> Option<Vec<u8>> {
    let signed_info = document.first_child_element_by_name_ns(element, XML_SIGNATURE, "SignedInfo")?;
    let nodes = NodeSet::tree_without_comments(signed_info, document);
    canonicalize_doc(document, C14nMode::Exclusive, Some(&nodes), &NO_PREFIXES).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_signed_is_the_canonical_form_of_what_is_written(
            digest_value in any::<[u8; 32]>(),
            value in any::<[u8; 32]>(),
            issuer_name in "[ -~\u{e9}\r\n]{1,20}",
        ) {
            let (digest_value, signature_value) = (digest_value.to_vec(), value.to_vec());
            let serial_number = "1".to_owned();
            let signature = Signature { digest_value, signature_value, issuer_name, serial_number };
            let written = duis::signature_element(&signature);
            let read = uppsala::parse(&written).unwrap();
            let canonical = canonical_signed_info(&read, read.document_element().unwrap()).unwrap();
            let ours = duis::canonical_signed_info(&signature.digest_value);
            prop_assert_eq!(ours, String::from_utf8(canonical).unwrap());
        }
    }
}
