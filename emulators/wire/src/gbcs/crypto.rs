//! Keys, signatures and MACs of GBCS messages.
//!
//! P-256 throughout: each party has a digital signing key pair (*ds*) and a key agreement key pair (*ka*). Signatures are
//! ECDSA with SHA-256, `r || s`, deterministic as in RFC 6979, so that the same message signed twice gives the same
//! octets. A MAC is the AES-128-GCM tag over associated data alone, truncated to 12 octets, under a key that is made for
//! this one message: the shared secret of the two ka key pairs, put through the single-step KDF of NIST SP 800-56A with
//! the message's originator, originator counter and recipient.
//!
//! The originator in the KDF and in the IV is the one *in the message*, also where another party's ka key is used: the
//! Access Control Broker puts the MAC on a Supplier's Command, and the Device checks it with the Access Control Broker's
//! ka public key.

use super::message::{Cra, Envelope, Message};
use crate::types::Eui64;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{Aes128Gcm, AesGcm, KeyInit, aes::Aes128};
use alloc::vec::Vec;
use core::fmt;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::ecdsa::signature::{Signer, Verifier};
use p256::elliptic_curve::sec1::ToSec1Point;
use sha2::{Digest, Sha256};

/// Length of a signature: `r || s`.
pub const SIGNATURE_LENGTH: usize = 64;

/// Length of a MAC.
pub const MAC_LENGTH: usize = 12;

/// Why octets are not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The private scalar has another length than 32 octets, is zero, or is not below the order of P-256.
    #[error("expected a private scalar of P-256 in 32 octets, found {length} octets that are none")]
    Scalar {
        /// Octets given.
        length: usize,
    },
    /// The public key is not a SEC1 point (65 octets uncompressed, 33 compressed) on P-256.
    #[error("expected a SEC1 point on P-256 in 65 or 33 octets, found {length} octets that are none")]
    Point {
        /// Octets given.
        length: usize,
    },
}

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The message carries no signature.
    #[error("the message carries no signature")]
    NotSigned,
    /// The signature is not that of the key over these octets.
    #[error("the signature does not verify with this key")]
    Signature,
}

/// Why a MAC was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MacError {
    /// The message carries no MAC.
    #[error("the message carries no MAC")]
    NoMac,
    /// The MAC is not that of these keys over these octets.
    #[error("the MAC does not verify with these keys")]
    Mac,
}

/// A private key for digital signing.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(p256::ecdsa::SigningKey);

impl SigningKey {
    /// From the scalar, 32 octets, big-endian.
    pub fn from_scalar(octets: &[u8]) -> Result<Self, KeyError> {
        SecretKey::from_scalar(octets).map(|key| Self(key.0.into()))
    }

    /// The scalar, 32 octets, big-endian.
    pub fn to_scalar(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// The public key that belongs to it.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(*self.0.verifying_key())
    }

    /// Signs these octets.
    pub fn sign(&self, octets: &[u8]) -> [u8; SIGNATURE_LENGTH] {
        let signature: p256::ecdsa::Signature = self.0.sign(octets);
        signature.to_bytes().into()
    }

    /// Signs octets of which only the SHA-256 hash is at hand. `None` only where no signature exists for the hash, which
    /// nobody has found for P-256.
    pub fn sign_hash(&self, sha256: &[u8; 32]) -> Option<[u8; SIGNATURE_LENGTH]> {
        let signature: p256::ecdsa::Signature = self.0.sign_prehash(sha256).ok()?;
        Some(signature.to_bytes().into())
    }
}

impl fmt::Debug for SigningKey {
    /// The public half alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.verifying_key()).finish()
    }
}

/// A public key for digital signing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(p256::ecdsa::VerifyingKey);

impl VerifyingKey {
    /// From a SEC1 point: 65 octets uncompressed or 33 compressed.
    pub fn from_sec1(octets: &[u8]) -> Result<Self, KeyError> {
        let wrong = KeyError::Point { length: octets.len() };
        p256::ecdsa::VerifyingKey::from_sec1_bytes(octets).map(Self).map_err(|_| wrong)
    }

    /// The uncompressed SEC1 point, 65 octets.
    pub fn to_sec1(&self) -> Vec<u8> {
        self.0.to_sec1_point(false).as_bytes().to_vec()
    }

    /// Checks a signature over these octets.
    pub fn verify(&self, octets: &[u8], signature: &[u8; SIGNATURE_LENGTH]) -> Result<(), VerifyError> {
        let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| VerifyError::Signature)?;
        self.0.verify(octets, &signature).map_err(|_| VerifyError::Signature)
    }

    /// Checks a signature over octets of which only the SHA-256 hash is at hand.
    pub fn verify_hash(&self, sha256: &[u8; 32], signature: &[u8; SIGNATURE_LENGTH]) -> Result<(), VerifyError> {
        let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| VerifyError::Signature)?;
        self.0.verify_prehash(sha256, &signature).map_err(|_| VerifyError::Signature)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::write_hex(f, self.0.to_sec1_point(false).as_bytes())
    }
}

/// A private key for key agreement.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(p256::SecretKey);

impl SecretKey {
    /// From the scalar, 32 octets, big-endian.
    pub fn from_scalar(octets: &[u8]) -> Result<Self, KeyError> {
        let wrong = KeyError::Scalar { length: octets.len() };
        // The underlying constructor pads shorter scalars; a key file with lost digits is not to pass unseen.
        if octets.len() != 32 {
            return Err(wrong);
        }
        p256::SecretKey::from_slice(octets).map(Self).map_err(|_| wrong)
    }

    /// The scalar, 32 octets, big-endian.
    pub fn to_scalar(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// The public key that belongs to it.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key())
    }

    /// ECDH with the other party's public key.
    pub fn agree(&self, peer: &PublicKey) -> SharedSecret {
        let z = p256::ecdh::diffie_hellman(self.0.to_nonzero_scalar(), peer.0.as_affine());
        SharedSecret((*z.raw_secret_bytes()).into())
    }
}

impl fmt::Debug for SecretKey {
    /// The public half alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretKey").field(&self.public_key()).finish()
    }
}

/// A public key for key agreement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(p256::PublicKey);

impl PublicKey {
    /// From a SEC1 point: 65 octets uncompressed or 33 compressed.
    pub fn from_sec1(octets: &[u8]) -> Result<Self, KeyError> {
        let wrong = KeyError::Point { length: octets.len() };
        p256::PublicKey::from_sec1_bytes(octets).map(Self).map_err(|_| wrong)
    }

    /// The uncompressed SEC1 point, 65 octets.
    pub fn to_sec1(&self) -> Vec<u8> {
        self.0.to_sec1_point(false).as_bytes().to_vec()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::write_hex(f, self.0.to_sec1_point(false).as_bytes())
    }
}

/// The shared secret *Z* of two parties' ka key pairs: the same for every message between them, and worth keeping, since
/// making it is the expensive part of a MAC.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecret([u8; 32]);

impl fmt::Debug for SharedSecret {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret")
    }
}

/// The AES-128 key of one message's MAC.
#[derive(Clone, PartialEq, Eq)]
pub struct MacKey([u8; 16]);

impl MacKey {
    /// The key's octets.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for MacKey {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey")
    }
}

/// What the KDF binds the key to: the algorithm identifier for AES-128-GCM, object identifier 2.16.756.6.8.3.0.
const ALGORITHM_ID: [u8; 7] = [0x60, 0x85, 0x74, 0x06, 0x08, 0x03, 0x00];

/// The KDF's round counter; one round gives all that is needed.
const KDF_ROUND: [u8; 4] = [0, 0, 0, 1];

/// Length of CRA flag and originator counter, which the KDF takes as the general-signing transaction identifier.
const TRANSACTION_ID_LENGTH: u8 = 9;

/// Security control octet, invocation counter and the empty general-ciphering field, before the message in the MAC's
/// associated data.
const ASSOCIATED_DATA_HEAD: [u8; 6] = [0x11, 0, 0, 0, 0, 0];

/// The key of the MAC of one message, from its two parties' shared secret.
pub fn mac_key(secret: &SharedSecret, originator: Eui64, cra: Cra, counter: u64, recipient: Eui64) -> MacKey {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(KDF_ROUND)
        .chain_update(secret.0)
        .chain_update(ALGORITHM_ID)
        .chain_update(originator.to_be_bytes())
        .chain_update([TRANSACTION_ID_LENGTH, cra as u8])
        .chain_update(counter.to_be_bytes())
        .chain_update(recipient.to_be_bytes())
        .finalize()
        .into();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    MacKey(key)
}

/// AES-128-GCM with its tag truncated to [`MAC_LENGTH`].
type Gmac = AesGcm<Aes128, NonceSize, NonceSize>;
/// Twelve octets, for nonce and tag alike.
type NonceSize = <Aes128Gcm as aes_gcm::aead::AeadCore>::NonceSize;

fn associated_data(message_octets: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(ASSOCIATED_DATA_HEAD.len() + message_octets.len());
    octets.extend_from_slice(&ASSOCIATED_DATA_HEAD);
    octets.extend_from_slice(message_octets);
    octets
}

fn no_plaintext() -> InOutBuf<'static, 'static, u8> {
    (&mut [][..]).into()
}

fn initialization_vector(originator: Eui64) -> [u8; 12] {
    let mut iv = [0; 12];
    iv[..8].copy_from_slice(&originator.to_be_bytes());
    iv
}

/// The MAC over a whole message (from its `DF` on, a signature included).
pub fn mac(key: &MacKey, originator: Eui64, message_octets: &[u8]) -> [u8; MAC_LENGTH] {
    let cipher = Gmac::new(&key.0.into());
    let iv = initialization_vector(originator).into();
    // GCM refuses only associated data beyond 2^61 octets, which memory cannot hold.
    cipher
        .encrypt_inout_detached(&iv, &associated_data(message_octets), no_plaintext())
        .map(Into::into)
        .unwrap_or_default()
}

fn verify_mac(key: &MacKey, originator: Eui64, message_octets: &[u8], mac: &[u8; MAC_LENGTH]) -> Result<(), MacError> {
    let cipher = Gmac::new(&key.0.into());
    let iv = initialization_vector(originator).into();
    cipher
        .decrypt_inout_detached(&iv, &associated_data(message_octets), no_plaintext(), &(*mac).into())
        .map_err(|_| MacError::Mac)
}

/// The message with its MAC, as sent. `own` and `peer` are ka keys of whoever makes the MAC and of whoever checks it.
pub fn seal(message: &Message, own: &SecretKey, peer: &PublicKey) -> Vec<u8> {
    seal_with(message, &own.agree(peer))
}

/// As [`seal`], with a shared secret that was made before.
pub fn seal_with(message: &Message, secret: &SharedSecret) -> Vec<u8> {
    let key = mac_key(secret, message.originator, message.cra, message.counter, message.recipient);
    let message_octets = message.emit();
    let mac = mac(&key, message.originator, &message_octets);
    Envelope::Maced { message: message.clone(), message_octets, mac }.emit()
}

/// Checks the MAC of a received message. `own` and `peer` are ka keys of whoever checks the MAC and of whoever made it;
/// either side of the exchange can check.
pub fn check_mac(envelope: &Envelope, own: &SecretKey, peer: &PublicKey) -> Result<(), MacError> {
    check_mac_with(envelope, &own.agree(peer))
}

/// As [`check_mac`], with a shared secret that was made before.
pub fn check_mac_with(envelope: &Envelope, secret: &SharedSecret) -> Result<(), MacError> {
    let Envelope::Maced { message, message_octets, mac } = envelope else { return Err(MacError::NoMac) };
    let key = mac_key(secret, message.originator, message.cra, message.counter, message.recipient);
    verify_mac(&key, message.originator, message_octets, mac)
}
