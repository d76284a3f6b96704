//! Message codes and alert codes that firmware updates, and the change of mode beside them, use.

/// Message codes: which use case a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageCode {}

impl MessageCode {
    /// CS06 Activate Firmware.
    pub const CS06: u16 = 0x0012;
    /// ECS02 Set Payment Mode to Credit.
    pub const ECS02: u16 = 0x001A;
    /// ECS03 Set Payment Mode to Prepayment.
    pub const ECS03: u16 = 0x001B;
    /// ECS52 Read ESME Firmware Version.
    pub const ECS52: u16 = 0x0059;
    /// GCS02 Set Payment Mode to Credit.
    pub const GCS02: u16 = 0x006C;
    /// GCS03 Set Payment Mode to Prepayment.
    pub const GCS03: u16 = 0x006D;
    /// GCS38 Read GSME Firmware Version.
    pub const GCS38: u16 = 0x0084;
    /// CS06 Activate Firmware, Alert on a future-dated Command.
    pub const CS06_FUTURE_DATED_ALERT: u16 = 0x00CA;
    /// Firmware Distribution Receipt Alert of an ESME.
    pub const ESME_FIRMWARE_RECEIPT: u16 = 0x00CE;
    /// Firmware Distribution Receipt Alert of a GSME.
    pub const GSME_FIRMWARE_RECEIPT: u16 = 0x00CF;
    /// CCS08 Firmware Transfer Alert.
    pub const CCS08: u16 = 0x0128;
    /// CS08 Read PPMID/HCALCS Firmware Version.
    pub const CS08: u16 = 0x0129;
    /// CS09 Firmware Activation Alert.
    pub const CS09: u16 = 0x012B;
    /// An Alert that is critical and has no use case of its own.
    pub const GENERIC_CRITICAL_ALERT: u16 = 0x1000;

    /// Whether the use case is one that SRV 1.6 sends: to change the payment mode of an ESME or a GSME.
    pub const fn sets_payment_mode(code: u16) -> bool {
        matches!(code, Self::ECS02 | Self::ECS03 | Self::GCS02 | Self::GCS03)
    }

    /// The use case's name, where it is one of these.
    pub const fn name(code: u16) -> Option<&'static str> {
        Some(match code {
            Self::CS06 => "CS06 Activate Firmware",
            Self::ECS02 => "ECS02 Set Payment Mode to Credit",
            Self::ECS03 => "ECS03 Set Payment Mode to Prepayment",
            Self::ECS52 => "ECS52 Read ESME Firmware Version",
            Self::GCS02 => "GCS02 Set Payment Mode to Credit",
            Self::GCS03 => "GCS03 Set Payment Mode to Prepayment",
            Self::GCS38 => "GCS38 Read GSME Firmware Version",
            Self::CS06_FUTURE_DATED_ALERT => "CS06 Activate Firmware (future-dated)",
            Self::ESME_FIRMWARE_RECEIPT | Self::GSME_FIRMWARE_RECEIPT => "Firmware Distribution Receipt",
            Self::CCS08 => "CCS08 Firmware Transfer",
            Self::CS08 => "CS08 Read PPMID/HCALCS Firmware Version",
            Self::CS09 => "CS09 Firmware Activation",
            Self::GENERIC_CRITICAL_ALERT => "Generic Critical Alert",
            _ => return None,
        })
    }
}

/// Alert codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertCode {}

impl AlertCode {
    /// Firmware verification failed at power on.
    pub const FIRMWARE_VERIFICATION_FAILED_AT_POWER_ON: u16 = 0x8F1B;
    /// Firmware verification failed.
    pub const FIRMWARE_VERIFICATION_FAILED: u16 = 0x8F1C;
    /// The content or format of a Command is not what it has to be.
    pub const COMMAND_INTEGRITY_FAILED: u16 = 0x8F1E;
    /// Who sent a Command has no authority for it.
    pub const SOURCE_WITHOUT_AUTHORITY: u16 = 0x8F30;
    /// A Command claims a trusted source, and its signature or MAC is not of that source.
    pub const TRUSTED_SOURCE_AUTHENTICATION_FAILURE: u16 = 0x8F3D;
    /// Authentication or authorisation failed in a way that no other code says.
    pub const AUTHENTICATION_FAILED: u16 = 0x8F53;
    /// A future-dated Command was carried out.
    pub const FUTURE_DATED_SUCCESS: u16 = 0x8F66;
    /// A future-dated Command was not carried out.
    pub const FUTURE_DATED_FAILURE: u16 = 0x8F67;
    /// Firmware verification successful.
    pub const FIRMWARE_VERIFICATION_SUCCESSFUL: u16 = 0x8F72;
    /// An OTA firmware image was not delivered to a Device on the HAN.
    pub const IMAGE_DELIVERY_FAILURE: u16 = 0x8F89;
    /// An OTA firmware image was delivered to a Device on the HAN.
    pub const IMAGE_DELIVERY_SUCCESS: u16 = 0x8F8A;
    /// A PPMID has activated firmware, or failed to.
    pub const FIRMWARE_ACTIVATION: u16 = 0x8F8B;

    /// What the code says, where it is one of these.
    pub const fn name(code: u16) -> Option<&'static str> {
        Some(match code {
            Self::FIRMWARE_VERIFICATION_FAILED_AT_POWER_ON => "firmware verification failed at power on",
            Self::FIRMWARE_VERIFICATION_FAILED => "firmware verification failed",
            Self::COMMAND_INTEGRITY_FAILED => "integrity check of content or format of command failed",
            Self::SOURCE_WITHOUT_AUTHORITY => "source does not have authority for command",
            Self::TRUSTED_SOURCE_AUTHENTICATION_FAILURE => "trusted source authentication failure",
            Self::AUTHENTICATION_FAILED => "failed authentication or authorisation not covered by other codes",
            Self::FUTURE_DATED_SUCCESS => "future-dated command carried out",
            Self::FUTURE_DATED_FAILURE => "future-dated command not carried out",
            Self::FIRMWARE_VERIFICATION_SUCCESSFUL => "firmware verification successful",
            Self::IMAGE_DELIVERY_FAILURE => "image not delivered",
            Self::IMAGE_DELIVERY_SUCCESS => "image delivered",
            Self::FIRMWARE_ACTIVATION => "firmware activation",
            _ => return None,
        })
    }
}
