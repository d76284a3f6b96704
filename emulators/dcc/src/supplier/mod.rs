//! A Supplier's own system: prepares firmware, makes Service Requests, and reads what comes back.

mod activate;
mod faults;
mod inbox;
mod pathway;
mod patience;
mod prepare;

pub use activate::PreCommandRefusal;
#[cfg(feature = "planted-faults")]
pub use faults::Fault;
pub use inbox::{Inbox, Received};
pub use pathway::PathwayRefusal;
pub use patience::Advice;
pub use prepare::{FirmwarePackage, PreparedImage, SupplierRefusal, prepare};

use crate::data::{Cpl, UserRole};
use crate::duis::{self, DuisMessage, Request, RequestId, ServiceRequest, UpdateFirmware};
use crate::faults::Faults;
use crate::security::{Protection, ProtectionError, RemotePartyRole, sign_request, verify_read};
use hanrig_wire::gbcs::SigningKey;
use hanrig_wire::time::{Instant, Utc};
use hanrig_wire::types::{DeviceType, Eui64};
use std::collections::BTreeMap;

/// What a Supplier is told once.
#[derive(Clone, Debug)]
pub struct SupplierConfig {
    /// The Supplier's identifier.
    pub eui: Eui64,
    /// What the Supplier is called.
    pub name: String,
    /// The User Role that it acts in.
    pub role: UserRole,
    /// The DCC's identifier, to which Non-Device requests are addressed.
    pub dcc: Eui64,
    /// The digital signing key, with which the images of SRV 11.1 and Pre-Commands are signed.
    pub signing_key: SigningKey,
    /// Counter of the first RequestID.
    pub first_counter: u64,
}

/// A Supplier.
#[derive(Clone, Debug)]
pub struct Supplier {
    config: SupplierConfig,
    counter: u64,
    inbox: Inbox,
    /// SRV 1.6 and SRV 11.3 whose Pre-Command has not been signed.
    asked: BTreeMap<RequestId, activate::Asked>,
    patience: patience::Patience,
    /// What requests are signed with, and the time of day at [`Instant::ZERO`].
    protection: Option<(Protection, Utc)>,
    faults: Faults<faults::Fault>,
}

impl Supplier {
    /// A Supplier that has sent nothing yet.
    pub fn new(config: SupplierConfig) -> Self {
        Self {
            counter: config.first_counter,
            config,
            inbox: Inbox::default(),
            asked: BTreeMap::new(),
            patience: patience::Patience::default(),
            protection: None,
            faults: Faults::none(),
        }
    }

    /// Has the Supplier sign its requests, and take nothing that the DCC has not signed. `clock` is the time of day at
    /// [`Instant::ZERO`]. Without this it signs nothing and takes the DCC's messages as they come.
    pub fn protect(&mut self, protection: Protection, clock: Utc) {
        self.protection = Some((protection, clock));
    }

    /// Makes the Supplier wrong in this way from now on.
    #[cfg(feature = "planted-faults")]
    pub fn plant(&mut self, fault: Fault) {
        self.faults.plant(fault);
    }

    /// The Supplier's identifier.
    pub const fn eui(&self) -> Eui64 {
        self.config.eui
    }

    /// What the Supplier is called.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The User Role that it acts in.
    pub const fn role(&self) -> UserRole {
        self.config.role
    }

    /// What came from the DCC.
    pub const fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Makes the checks that come before SRV 11.1 and 11.4 (SUP-01 to SUP-04).
    ///
    /// # Errors
    ///
    /// The first check that fails; nothing is to be sent then.
    pub fn prepare(&self, package: &FirmwarePackage, cpl: &Cpl) -> Result<PreparedImage, SupplierRefusal> {
        prepare::checked(package, cpl, &self.faults)
    }

    /// SRV 8.2: what the SMI holds of a Device.
    pub fn read_inventory(&mut self, device_id: Eui64) -> Request {
        self.request(self.config.dcc, ServiceRequest::ReadInventory { device_id })
    }

    /// SRV 11.1: an image for ESME, GSME or HCALCS, with the Supplier's signature over the Manufacturer Image.
    pub fn update_firmware(&mut self, image: &PreparedImage, devices: &[Eui64]) -> Request {
        let body = Self::update(image.signed_ota_upgrade_image(&self.config.signing_key), image, devices);
        self.request(self.config.dcc, ServiceRequest::UpdateFirmware(body))
    }

    /// SRV 11.2: which firmware version a Device runs.
    pub fn read_firmware_version(&mut self, device: Eui64) -> Request {
        self.request(device, ServiceRequest::ReadFirmwareVersion)
    }

    /// SRV 11.4: an image for PPMIDs.
    pub fn update_ppmid_firmware(&mut self, image: &PreparedImage, devices: &[Eui64]) -> Request {
        let body = Self::update(image.ota_upgrade_image(), image, devices);
        self.request(self.config.dcc, ServiceRequest::UpdatePpmidFirmware(body))
    }

    /// SRV 11.4 for PPMIDs, SRV 11.1 for any other type of Device.
    pub fn update_devices(&mut self, device_type: DeviceType, image: &PreparedImage, devices: &[Eui64]) -> Request {
        match device_type {
            DeviceType::Ppmid => self.update_ppmid_firmware(image, devices),
            _ => self.update_firmware(image, devices),
        }
    }

    fn update(firmware_image: Vec<u8>, image: &PreparedImage, devices: &[Eui64]) -> UpdateFirmware {
        UpdateFirmware { firmware_image, firmware_version: image.firmware_version(), device_id_list: devices.to_vec() }
    }

    /// Any request, with a RequestID of its own: also one that a careful Supplier would not send.
    pub fn request(&mut self, target: Eui64, body: ServiceRequest) -> Request {
        let counter = self.counter;
        self.counter = counter.saturating_add(1);
        self.signed(Request::new(RequestId { originator: self.config.eui, target, counter }, body))
    }

    /// The request as it goes to the DCC: under the Supplier's XML signature.
    pub fn signed(&self, request: Request) -> Request {
        match &self.protection {
            // No request is without a canonical form; were there one, the DCC would refuse it.
            Some((protection, _)) => sign_request(request.clone(), &protection.identity).unwrap_or(request),
            None => request,
        }
    }

    /// Takes a message from the DCC: the synchronous answer to a request as well as what comes later.
    ///
    /// # Errors
    ///
    /// That the message is not a DUIS response, and where it is not; and that the DCC's signature does not hold.
    pub fn receive(&mut self, now: Instant, xml: &str) -> Result<&Received, ProtectionError> {
        let message = duis::parse(xml)?;
        if let Some((protection, clock)) = &self.protection {
            let time = clock.after(now - Instant::ZERO);
            verify_read(xml.as_bytes(), &message, &protection.trust, RemotePartyRole::DspXmlSign, time)?;
        }
        let DuisMessage::Response(response) = message else { return Err(duis::not_a_response(xml).into()) };
        let received = self.inbox.receive(now, response);
        self.patience.receive(now, &received.response);
        Ok(received)
    }
}
