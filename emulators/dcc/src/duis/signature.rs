//! The enveloped XML signature of DUIS: its element, read and written. What it says is checked in
//! [`security`](crate::security).

use super::error::DuisError;
use super::model::Signature;
use super::value;
use super::write::Document;
use super::xml::{Cursor, Name, ds};

/// Elements with an Algorithm attribute, and the one algorithm that DUIS has for each.
const CANONICALIZATION: (Name, &str) = (ds("CanonicalizationMethod"), "http://www.w3.org/2001/10/xml-exc-c14n#");
const SIGNATURE: (Name, &str) = (ds("SignatureMethod"), "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256");
const TRANSFORM: (Name, &str) = (ds("Transform"), "http://www.w3.org/2000/09/xmldsig#enveloped-signature");
const DIGEST: (Name, &str) = (ds("DigestMethod"), "http://www.w3.org/2001/04/xmlenc#sha256");
/// The declaration of the signature's namespace.
const NAMESPACE: (&str, &str) = ("xmlns:ds", super::xml::XML_SIGNATURE);

fn method(cursor: &mut Cursor<'_>, (name, algorithm): (Name, &str)) -> Result<(), DuisError> {
    let start = cursor.enter(name)?;
    let values = cursor.attributes(&start, &["Algorithm"])?;
    let found = values.first().map_or("", String::as_str);
    if found != algorithm {
        return Err(cursor.attribute_value(&start, "Algorithm", found, algorithm));
    }
    cursor.leave()
}

/// Reads `ds:SignedInfo`, the next child: all of it is fixed but for the digest.
pub(super) fn read_signed_info(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, DuisError> {
    cursor.enter_plain(ds("SignedInfo"))?;
    method(cursor, CANONICALIZATION)?;
    method(cursor, SIGNATURE)?;
    let start = cursor.enter(ds("Reference"))?;
    let uri = cursor.attributes(&start, &["URI"])?;
    if let Some(uri) = uri.first().filter(|uri| !uri.is_empty()) {
        return Err(cursor.attribute_value(&start, "URI", uri, "the empty text: the whole document is signed"));
    }
    cursor.enter_plain(ds("Transforms"))?;
    method(cursor, TRANSFORM)?;
    cursor.leave()?;
    method(cursor, DIGEST)?;
    let digest_value = cursor.required(ds("DigestValue"), value::base64)?;
    cursor.leave()?;
    cursor.leave()?;
    Ok(digest_value)
}

/// Reads `ds:Signature`, the next child.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Signature, DuisError> {
    cursor.enter_plain(ds("Signature"))?;
    let digest_value = read_signed_info(cursor)?;
    let signature_value = cursor.required(ds("SignatureValue"), value::base64)?;
    cursor.enter_plain(ds("KeyInfo"))?;
    cursor.enter_plain(ds("X509Data"))?;
    cursor.enter_plain(ds("X509IssuerSerial"))?;
    let issuer_name = cursor.required(ds("X509IssuerName"), value::text)?;
    let serial_number = cursor.required(ds("X509SerialNumber"), value::text)?;
    for _ in 0..4 {
        cursor.leave()?;
    }
    Ok(Signature { digest_value, signature_value, issuer_name, serial_number })
}

/// Writes `ds:SignedInfo`: all of it is fixed but for the digest.
fn write_signed_info(document: &mut Document, form: Form, digest_value: &[u8]) {
    let algorithm = |document: &mut Document, (name, algorithm): (Name, &str)| match form {
        Form::Document => document.empty(name, &[("Algorithm", algorithm)]),
        Form::Canonical => document.leaf_with(name, &[("Algorithm", algorithm)], ""),
    };
    match form {
        Form::Document => document.open(ds("SignedInfo"), &[]),
        Form::Canonical => document.open(ds("SignedInfo"), &[NAMESPACE]),
    }
    algorithm(document, CANONICALIZATION);
    algorithm(document, SIGNATURE);
    document.open(ds("Reference"), &[("URI", "")]);
    document.open(ds("Transforms"), &[]);
    algorithm(document, TRANSFORM);
    document.close(ds("Transforms"));
    algorithm(document, DIGEST);
    document.leaf(ds("DigestValue"), &value::to_base64(digest_value));
    document.close(ds("Reference"));
    document.close(ds("SignedInfo"));
}

/// How `ds:SignedInfo` is written.
#[derive(Clone, Copy)]
enum Form {
    /// As it stands in a document.
    Document,
    /// In exclusive canonical form, which has the namespace in the outermost element and no empty-element tags.
    Canonical,
}

/// The octets that are signed for a digest: `ds:SignedInfo` in exclusive canonical form, with the indentation that it has
/// in what [`write`] makes.
pub(crate) fn canonical_signed_info(digest_value: &[u8]) -> String {
    let mut document = Document::inside(1);
    write_signed_info(&mut document, Form::Canonical, digest_value);
    document.element().to_owned()
}

/// Writes `ds:Signature`.
pub(super) fn write(document: &mut Document, signature: &Signature) {
    document.open(ds("Signature"), &[NAMESPACE]);
    write_signed_info(document, Form::Document, &signature.digest_value);
    document.leaf(ds("SignatureValue"), &value::to_base64(&signature.signature_value));
    document.open(ds("KeyInfo"), &[]);
    document.open(ds("X509Data"), &[]);
    document.open(ds("X509IssuerSerial"), &[]);
    document.leaf(ds("X509IssuerName"), &signature.issuer_name);
    document.leaf(ds("X509SerialNumber"), &signature.serial_number);
    document.close(ds("X509IssuerSerial"));
    document.close(ds("X509Data"));
    document.close(ds("KeyInfo"));
    document.close(ds("Signature"));
}
