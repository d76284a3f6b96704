//! A DSP whose Users sign, and their certificates.

use super::{DCC, GAS, IMPORT, NETWORK, PPMID, SUSPENDED, VERSION, World};
use hanrig_dcc::dsp::{Dsp, DspConfig};
use hanrig_dcc::duis::{Request, RequestId, ServiceRequest, UpdateFirmware};
use hanrig_dcc::security::{Identity, Period, Pki, Protection, RemotePartyRole};
use hanrig_wire::gbcs::SecretKey;
use hanrig_wire::time::Utc;
use hanrig_wire::types::Eui64;
use std::sync::{Arc, LazyLock};

pub(crate) const CLOCK: Utc = Utc(1_795_176_000_000);
const DAY: i64 = 86_400_000;

pub(crate) const fn days(from: i64, to: i64) -> Period {
    Period { not_before: Utc(CLOCK.0 + from * DAY), not_after: Utc(CLOCK.0 + to * DAY) }
}

pub(crate) static PKI: LazyLock<Pki> = LazyLock::new(|| Pki::generate([1; 32], days(-1000, 1000)).unwrap());

pub(crate) fn identity(role: RemotePartyRole, entity: Eui64, period: Period) -> Identity {
    PKI.issue(role, entity, period).unwrap()
}

pub(crate) fn user(entity: Eui64) -> Identity {
    identity(RemotePartyRole::XmlSign, entity, days(-10, 10))
}

/// A protected DSP that knows the certificates of its Users and `others`.
pub(crate) fn dsp(others: &[Identity]) -> Dsp {
    let certificates = [IMPORT, GAS, SUSPENDED, NETWORK].map(user);
    let certificates = certificates.iter().chain(others).map(|identity| identity.certificate().clone());
    let protection = Protection {
        identity: Arc::new(identity(RemotePartyRole::DspXmlSign, DCC, days(-10, 10))),
        trust: Arc::new(PKI.trust(certificates).unwrap()),
    };
    let config = DspConfig::new(DCC, CLOCK, SecretKey::from_scalar(&[2; 32]).unwrap());
    Dsp::new(DspConfig { protection: Some(protection), ..config }, World::new().dsp.data().clone())
}

/// SRV 11.4 for the PPMID.
pub(crate) fn request(sender: Eui64, counter: u64) -> String {
    let update =
        UpdateFirmware { firmware_image: World::new().image, firmware_version: VERSION, device_id_list: vec![PPMID] };
    let id = RequestId { originator: sender, target: DCC, counter };
    Request::new(id, ServiceRequest::UpdatePpmidFirmware(update)).to_xml()
}

/// Of a PKI that nobody trusts.
pub(crate) fn foreign() -> Identity {
    Pki::generate([2; 32], days(-1000, 1000)).unwrap().issue(RemotePartyRole::XmlSign, IMPORT, days(-10, 10)).unwrap()
}
