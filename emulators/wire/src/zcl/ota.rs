//! The OTA Upgrade Cluster's commands (cluster 0x0019, ZigBee document 095264r23 §6.10).

use super::{Direction, Fields, Status, ZclError, ZclHeader};
use crate::types::{Eui64, FirmwareVersion};
use alloc::vec::Vec;
use core::fmt;

/// The cluster's identifier.
pub const CLUSTER: u16 = 0x0019;

/// Upgrade time that tells a client to activate at once.
pub const UPGRADE_NOW: u32 = 0x0000_0000;
/// Upgrade time that tells a client to wait for another instruction.
pub const UPGRADE_WAIT: u32 = 0xFFFF_FFFF;

/// What names one image: the manufacturer code, the image type and the file version of its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ImageId {
    /// Manufacturer code.
    pub manufacturer_code: u16,
    /// Image type: the model.
    pub image_type: u16,
    /// File version: the firmware version.
    pub file_version: FirmwareVersion,
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "manufacturer {:04X} image type {:04X} version {}",
            self.manufacturer_code, self.image_type, self.file_version
        )
    }
}

/// A command of the cluster; block data is borrowed from the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtaCommand<'a> {
    /// 0x00, server to client.
    ImageNotify(ImageNotify),
    /// 0x01, client to server.
    QueryNextImageRequest(QueryNextImageRequest),
    /// 0x02, server to client.
    QueryNextImageResponse(QueryNextImageResponse),
    /// 0x03, client to server.
    ImageBlockRequest(ImageBlockRequest),
    /// 0x04, client to server.
    ImagePageRequest(ImagePageRequest),
    /// 0x05, server to client.
    ImageBlockResponse(ImageBlockResponse<'a>),
    /// 0x06, client to server.
    UpgradeEndRequest(UpgradeEndRequest),
    /// 0x07, server to client.
    UpgradeEndResponse(UpgradeEndResponse),
}

/// Image Notify (§6.10.3): there may be an image for the client. Each field needs the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageNotify {
    /// 1 to 100: of so many clients in a hundred, those that draw no more than this ask.
    pub query_jitter: u8,
    /// Only clients of this manufacturer are meant.
    pub manufacturer_code: Option<u16>,
    /// Only clients of this image type are meant.
    pub image_type: Option<u16>,
    /// The version that is there.
    pub file_version: Option<FirmwareVersion>,
}

/// Query Next Image Request (§6.10.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryNextImageRequest {
    /// The client's manufacturer and model, and the version that it runs.
    pub current: ImageId,
    /// The client's hardware version, which is optional.
    pub hardware_version: Option<u16>,
}

/// Query Next Image Response (§6.10.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryNextImageResponse {
    /// There is an image.
    Offer {
        /// Which one.
        image: ImageId,
        /// Its size in octets, header included.
        size: u32,
    },
    /// There is none, or the client may not have it.
    Refused(Status),
}

/// Image Block Request (§6.10.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageBlockRequest {
    /// The image being transferred.
    pub image: ImageId,
    /// Where in the file, in octets.
    pub offset: u32,
    /// The most octets that the client takes in one response.
    pub maximum_data_size: u8,
    /// The client's own address, where it gives it.
    pub node_address: Option<Eui64>,
    /// The client's minimum block period, in milliseconds, where it gives it.
    pub minimum_block_period: Option<u16>,
}

/// Image Page Request (§6.10.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImagePageRequest {
    /// The image being transferred.
    pub image: ImageId,
    /// Where in the file, in octets.
    pub offset: u32,
    /// The most octets that the client takes in one response.
    pub maximum_data_size: u8,
    /// How many octets the page has.
    pub page_size: u16,
    /// Milliseconds from one response to the next.
    pub response_spacing: u16,
    /// The client's own address, where it gives it.
    pub node_address: Option<Eui64>,
}

/// Image Block Response (§6.10.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageBlockResponse<'a> {
    /// A piece of the image.
    Block {
        /// The image being transferred.
        image: ImageId,
        /// Where in the file, in octets.
        offset: u32,
        /// At most 255 octets.
        data: &'a [u8],
    },
    /// Ask again later.
    WaitForData {
        /// The server's UTCTime, or 0 where it has none.
        current_time: u32,
        /// When to ask again, on the same scale.
        request_time: u32,
        /// The least milliseconds between requests from now on.
        minimum_block_period: Option<u16>,
    },
    /// The transfer is over.
    Refused(Status),
}

/// Upgrade End Request (§6.10.9): the client has the whole image, or gives it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpgradeEndRequest {
    /// SUCCESS, INVALID_IMAGE, ABORT or REQUIRE_MORE_IMAGE.
    pub status: Status,
    /// The image.
    pub image: ImageId,
}

/// Upgrade End Response (§6.10.10): when to activate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpgradeEndResponse {
    /// The image.
    pub image: ImageId,
    /// The server's UTCTime, or 0.
    pub current_time: u32,
    /// [`UPGRADE_NOW`], [`UPGRADE_WAIT`], or a time on the same scale.
    pub upgrade_time: u32,
}

impl ImageId {
    fn take(fields: &mut Fields<'_>) -> Result<Self, ZclError> {
        Ok(Self {
            manufacturer_code: fields.u16("manufacturer code")?,
            image_type: fields.u16("image type")?,
            file_version: FirmwareVersion(fields.u32("file version")?),
        })
    }

    fn put(self, to: &mut Vec<u8>) {
        to.extend(self.manufacturer_code.to_le_bytes());
        to.extend(self.image_type.to_le_bytes());
        to.extend(self.file_version.0.to_le_bytes());
    }
}

/// `Ok(Some)` when `present`, read by `take`.
fn optional<T>(present: bool, take: impl FnOnce() -> Result<T, ZclError>) -> Result<Option<T>, ZclError> {
    present.then(take).transpose()
}

impl<'a> OtaCommand<'a> {
    /// The command identifier.
    pub const fn id(&self) -> u8 {
        match self {
            Self::ImageNotify(_) => 0x00,
            Self::QueryNextImageRequest(_) => 0x01,
            Self::QueryNextImageResponse(_) => 0x02,
            Self::ImageBlockRequest(_) => 0x03,
            Self::ImagePageRequest(_) => 0x04,
            Self::ImageBlockResponse(_) => 0x05,
            Self::UpgradeEndRequest(_) => 0x06,
            Self::UpgradeEndResponse(_) => 0x07,
        }
    }

    /// The name as the cluster's specification spells it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ImageNotify(_) => "Image Notify",
            Self::QueryNextImageRequest(_) => "Query Next Image Request",
            Self::QueryNextImageResponse(_) => "Query Next Image Response",
            Self::ImageBlockRequest(_) => "Image Block Request",
            Self::ImagePageRequest(_) => "Image Page Request",
            Self::ImageBlockResponse(_) => "Image Block Response",
            Self::UpgradeEndRequest(_) => "Upgrade End Request",
            Self::UpgradeEndResponse(_) => "Upgrade End Response",
        }
    }

    /// Which side sends it.
    pub const fn direction(&self) -> Direction {
        match self {
            Self::ImageNotify(_)
            | Self::QueryNextImageResponse(_)
            | Self::ImageBlockResponse(_)
            | Self::UpgradeEndResponse(_) => Direction::ServerToClient,
            Self::QueryNextImageRequest(_)
            | Self::ImageBlockRequest(_)
            | Self::ImagePageRequest(_)
            | Self::UpgradeEndRequest(_) => Direction::ClientToServer,
        }
    }

    /// Reads the payload of the cluster command `command`.
    pub fn parse(command: u8, payload: &'a [u8]) -> Result<Self, ZclError> {
        match command {
            0x00 => parse_image_notify(payload).map(Self::ImageNotify),
            0x01 => parse_query(payload).map(Self::QueryNextImageRequest),
            0x02 => parse_query_response(payload).map(Self::QueryNextImageResponse),
            0x03 => parse_block_request(payload).map(Self::ImageBlockRequest),
            0x04 => parse_page_request(payload).map(Self::ImagePageRequest),
            0x05 => parse_block_response(payload).map(Self::ImageBlockResponse),
            0x06 => parse_end_request(payload).map(Self::UpgradeEndRequest),
            0x07 => parse_end_response(payload).map(Self::UpgradeEndResponse),
            other => Err(ZclError::UnknownCommand { cluster: "OTA Upgrade", command: other }),
        }
    }

    /// A whole ZCL frame with this command.
    pub fn frame(&self, sequence: u8) -> Vec<u8> {
        let mut frame = Vec::with_capacity(80);
        ZclHeader::cluster(self.direction(), sequence, self.id()).emit(&mut frame);
        self.emit(&mut frame);
        frame
    }

    /// Writes the payload.
    pub fn emit(&self, to: &mut Vec<u8>) {
        match self {
            Self::ImageNotify(notify) => emit_image_notify(notify, to),
            Self::QueryNextImageRequest(query) => {
                to.push(u8::from(query.hardware_version.is_some()));
                query.current.put(to);
                if let Some(version) = query.hardware_version {
                    to.extend(version.to_le_bytes());
                }
            }
            Self::QueryNextImageResponse(QueryNextImageResponse::Offer { image, size }) => {
                to.push(Status::SUCCESS.0);
                image.put(to);
                to.extend(size.to_le_bytes());
            }
            Self::QueryNextImageResponse(QueryNextImageResponse::Refused(status)) => to.push(status.0),
            Self::ImageBlockRequest(request) => {
                to.push(
                    u8::from(request.node_address.is_some()) | u8::from(request.minimum_block_period.is_some()) << 1,
                );
                request.image.put(to);
                to.extend(request.offset.to_le_bytes());
                to.push(request.maximum_data_size);
                if let Some(address) = request.node_address {
                    to.extend(address.to_le_bytes());
                }
                if let Some(period) = request.minimum_block_period {
                    to.extend(period.to_le_bytes());
                }
            }
            Self::ImagePageRequest(request) => {
                to.push(u8::from(request.node_address.is_some()));
                request.image.put(to);
                to.extend(request.offset.to_le_bytes());
                to.push(request.maximum_data_size);
                to.extend(request.page_size.to_le_bytes());
                to.extend(request.response_spacing.to_le_bytes());
                if let Some(address) = request.node_address {
                    to.extend(address.to_le_bytes());
                }
            }
            Self::ImageBlockResponse(ImageBlockResponse::Block { image, offset, data }) => {
                to.push(Status::SUCCESS.0);
                image.put(to);
                to.extend(offset.to_le_bytes());
                let data = data.get(..255).unwrap_or(data);
                to.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
                to.extend_from_slice(data);
            }
            Self::ImageBlockResponse(ImageBlockResponse::WaitForData {
                current_time,
                request_time,
                minimum_block_period,
            }) => {
                to.push(Status::WAIT_FOR_DATA.0);
                to.extend(current_time.to_le_bytes());
                to.extend(request_time.to_le_bytes());
                if let Some(period) = minimum_block_period {
                    to.extend(period.to_le_bytes());
                }
            }
            Self::ImageBlockResponse(ImageBlockResponse::Refused(status)) => to.push(status.0),
            Self::UpgradeEndRequest(request) => {
                to.push(request.status.0);
                request.image.put(to);
            }
            Self::UpgradeEndResponse(response) => {
                response.image.put(to);
                to.extend(response.current_time.to_le_bytes());
                to.extend(response.upgrade_time.to_le_bytes());
            }
        }
    }
}

fn emit_image_notify(notify: &ImageNotify, to: &mut Vec<u8>) {
    let version = notify.manufacturer_code.zip(notify.image_type).zip(notify.file_version);
    let kind = match (notify.manufacturer_code, notify.image_type, version) {
        (_, _, Some(_)) => 3,
        (Some(_), Some(_), None) => 2,
        (Some(_), None, None) => 1,
        (None, _, None) => 0,
    };
    to.extend([kind, notify.query_jitter]);
    if let (1.., Some(code)) = (kind, notify.manufacturer_code) {
        to.extend(code.to_le_bytes());
    }
    if let (2.., Some(image_type)) = (kind, notify.image_type) {
        to.extend(image_type.to_le_bytes());
    }
    if let (3, Some(version)) = (kind, notify.file_version) {
        to.extend(version.0.to_le_bytes());
    }
}

fn parse_image_notify(payload: &[u8]) -> Result<ImageNotify, ZclError> {
    const WHAT: &str = "Image Notify";
    let mut fields = Fields::of(WHAT, payload);
    let kind = fields.u8("payload type")?;
    if kind > 3 {
        return Err(ZclError::Undefined { what: WHAT, field: "payload type", value: u32::from(kind) });
    }
    let query_jitter = fields.u8("query jitter")?;
    if !(1..=100).contains(&query_jitter) {
        return Err(ZclError::Undefined { what: WHAT, field: "query jitter", value: u32::from(query_jitter) });
    }
    let notify = ImageNotify {
        query_jitter,
        manufacturer_code: optional(kind >= 1, || fields.u16("manufacturer code"))?,
        image_type: optional(kind >= 2, || fields.u16("image type"))?,
        file_version: optional(kind >= 3, || fields.u32("file version").map(FirmwareVersion))?,
    };
    fields.end()?;
    Ok(notify)
}

fn parse_query(payload: &[u8]) -> Result<QueryNextImageRequest, ZclError> {
    let mut fields = Fields::of("Query Next Image Request", payload);
    let control = fields.u8("field control")?;
    let query = QueryNextImageRequest {
        current: ImageId::take(&mut fields)?,
        hardware_version: optional(control & 1 != 0, || fields.u16("hardware version"))?,
    };
    fields.end()?;
    Ok(query)
}

fn parse_query_response(payload: &[u8]) -> Result<QueryNextImageResponse, ZclError> {
    let mut fields = Fields::of("Query Next Image Response", payload);
    let response = match Status(fields.u8("status")?) {
        Status::SUCCESS => {
            QueryNextImageResponse::Offer { image: ImageId::take(&mut fields)?, size: fields.u32("image size")? }
        }
        status => QueryNextImageResponse::Refused(status),
    };
    fields.end()?;
    Ok(response)
}

fn parse_block_request(payload: &[u8]) -> Result<ImageBlockRequest, ZclError> {
    let mut fields = Fields::of("Image Block Request", payload);
    let control = fields.u8("field control")?;
    let request = ImageBlockRequest {
        image: ImageId::take(&mut fields)?,
        offset: fields.u32("file offset")?,
        maximum_data_size: fields.u8("maximum data size")?,
        node_address: optional(control & 1 != 0, || fields.u64("request node address").map(Eui64))?,
        minimum_block_period: optional(control & 2 != 0, || fields.u16("minimum block period"))?,
    };
    fields.end()?;
    Ok(request)
}

fn parse_page_request(payload: &[u8]) -> Result<ImagePageRequest, ZclError> {
    let mut fields = Fields::of("Image Page Request", payload);
    let control = fields.u8("field control")?;
    let request = ImagePageRequest {
        image: ImageId::take(&mut fields)?,
        offset: fields.u32("file offset")?,
        maximum_data_size: fields.u8("maximum data size")?,
        page_size: fields.u16("page size")?,
        response_spacing: fields.u16("response spacing")?,
        node_address: optional(control & 1 != 0, || fields.u64("request node address").map(Eui64))?,
    };
    fields.end()?;
    Ok(request)
}

fn parse_block_response(payload: &[u8]) -> Result<ImageBlockResponse<'_>, ZclError> {
    let mut fields = Fields::of("Image Block Response", payload);
    let response = match Status(fields.u8("status")?) {
        Status::SUCCESS => {
            let image = ImageId::take(&mut fields)?;
            let offset = fields.u32("file offset")?;
            let size = fields.u8("data size")?;
            ImageBlockResponse::Block { image, offset, data: fields.take("image data", usize::from(size))? }
        }
        Status::WAIT_FOR_DATA => {
            let current_time = fields.u32("current time")?;
            let request_time = fields.u32("request time")?;
            let more = fields.end().is_err();
            let minimum_block_period = optional(more, || fields.u16("minimum block period"))?;
            ImageBlockResponse::WaitForData { current_time, request_time, minimum_block_period }
        }
        status => ImageBlockResponse::Refused(status),
    };
    fields.end()?;
    Ok(response)
}

fn parse_end_request(payload: &[u8]) -> Result<UpgradeEndRequest, ZclError> {
    let mut fields = Fields::of("Upgrade End Request", payload);
    let request = UpgradeEndRequest { status: Status(fields.u8("status")?), image: ImageId::take(&mut fields)? };
    fields.end()?;
    Ok(request)
}

fn parse_end_response(payload: &[u8]) -> Result<UpgradeEndResponse, ZclError> {
    let mut fields = Fields::of("Upgrade End Response", payload);
    let response = UpgradeEndResponse {
        image: ImageId::take(&mut fields)?,
        current_time: fields.u32("current time")?,
        upgrade_time: fields.u32("upgrade time")?,
    };
    fields.end()?;
    Ok(response)
}

impl fmt::Display for OtaCommand<'_> {
    /// One line for logs and reports.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::ImageNotify(n) => {
                if let Some(version) = n.file_version {
                    write!(f, ": version {version}")?;
                }
                Ok(())
            }
            Self::QueryNextImageRequest(q) => {
                write!(f, ": running {}", q.current)?;
                match q.hardware_version {
                    Some(version) => write!(f, ", hardware version {version:04X}"),
                    None => f.write_str(", no hardware version"),
                }
            }
            Self::QueryNextImageResponse(QueryNextImageResponse::Offer { image, size }) => {
                write!(f, ": {image}, {size} octets")
            }
            Self::ImageBlockRequest(r) => write!(f, ": {}, offset {}", r.image, r.offset),
            Self::ImagePageRequest(r) => write!(f, ": {}, offset {}, {} octets", r.image, r.offset, r.page_size),
            Self::ImageBlockResponse(ImageBlockResponse::Block { image, offset, data }) => {
                write!(f, ": {image}, offset {offset}, {} octets", data.len())
            }
            Self::ImageBlockResponse(ImageBlockResponse::WaitForData { request_time, .. }) => {
                write!(f, ": WAIT_FOR_DATA until {request_time}")
            }
            Self::QueryNextImageResponse(QueryNextImageResponse::Refused(status))
            | Self::ImageBlockResponse(ImageBlockResponse::Refused(status)) => write!(f, ": {status}"),
            Self::UpgradeEndRequest(r) => write!(f, ": {}, {}", r.status, r.image),
            Self::UpgradeEndResponse(r) => {
                write!(f, ": {}, ", r.image)?;
                match r.upgrade_time {
                    UPGRADE_NOW => f.write_str("activate now"),
                    UPGRADE_WAIT => f.write_str("wait for another instruction"),
                    at => write!(f, "activate at {at}"),
                }
            }
        }
    }
}
