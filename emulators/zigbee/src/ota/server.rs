//! How a server answers the cluster's requests (095264r23 §6.10), given the image that its owner wants offered.
//!
//! The server keeps no state of a transfer: each request says what it wants, so a client's offset is never the server's
//! to guess. Which image a client gets, and what becomes of it afterwards, is its owner's decision.

use hanrig_wire::time::Utc;
use hanrig_wire::zcl::Status;
use hanrig_wire::zcl::ota::{
    ImageBlockRequest, ImageBlockResponse, ImageId, QueryNextImageResponse, UpgradeEndResponse,
};

/// An image as a server offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What names it.
    pub image: ImageId,
    /// Its size in octets, OTA Header included.
    pub size: u32,
}

/// The most image data that one frame takes beside its headers, with NWK and APS link key security.
pub const LARGEST_BLOCK: u8 = 50;

/// The answer to a Query Next Image Request.
pub fn answer_query(offer: Option<Offer>) -> QueryNextImageResponse {
    match offer {
        Some(Offer { image, size }) => QueryNextImageResponse::Offer { image, size },
        None => QueryNextImageResponse::Refused(Status::NO_IMAGE_AVAILABLE),
    }
}

/// The answer to an Image Block Request. `read` fills its buffer with the image's octets from an offset on.
///
/// A request for another image than the one on offer, or past its end, is refused: ABORT and MALFORMED_COMMAND.
pub fn answer_block<'a>(
    offer: Option<Offer>,
    request: &ImageBlockRequest,
    buffer: &'a mut [u8; LARGEST_BLOCK as usize],
    read: impl FnOnce(u32, &mut [u8]) -> bool,
) -> ImageBlockResponse<'a> {
    let Some(offer) = offer.filter(|offer| offer.image == request.image) else {
        return ImageBlockResponse::Refused(Status::ABORT);
    };
    let left = offer.size.saturating_sub(request.offset);
    if left == 0 || request.maximum_data_size == 0 {
        return ImageBlockResponse::Refused(Status::MALFORMED_COMMAND);
    }
    let size = left.min(u32::from(request.maximum_data_size.min(LARGEST_BLOCK))) as usize;
    let data = buffer.get_mut(..size).unwrap_or_default();
    if !read(request.offset, data) {
        return ImageBlockResponse::Refused(Status::ABORT);
    }
    ImageBlockResponse::Block { image: offer.image, offset: request.offset, data }
}

/// The answer to an Upgrade End Request: activate now, or wait for another instruction.
///
/// Where the server does not know the time it sends 0, which makes the upgrade time a delay; both values in use mean the
/// same either way.
pub fn answer_end(image: ImageId, utc: Option<Utc>, upgrade_time: u32) -> UpgradeEndResponse {
    UpgradeEndResponse { image, current_time: utc.map_or(0, Utc::to_zigbee), upgrade_time }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hanrig_wire::types::FirmwareVersion;

    const IMAGE: ImageId = ImageId { manufacturer_code: 0x1234, image_type: 7, file_version: FirmwareVersion(0x20) };
    const OFFER: Offer = Offer { image: IMAGE, size: 120 };

    fn request(image: ImageId, offset: u32, maximum_data_size: u8) -> ImageBlockRequest {
        ImageBlockRequest { image, offset, maximum_data_size, node_address: None, minimum_block_period: None }
    }

    fn answered(offer: Option<Offer>, request: &ImageBlockRequest) -> Result<(u32, usize), Status> {
        let mut buffer = [0; LARGEST_BLOCK as usize];
        match answer_block(offer, request, &mut buffer, |_, _| true) {
            ImageBlockResponse::Block { offset, data, .. } => Ok((offset, data.len())),
            ImageBlockResponse::Refused(status) => Err(status),
            ImageBlockResponse::WaitForData { .. } => Err(Status::WAIT_FOR_DATA),
        }
    }

    #[test]
    fn a_block_never_reaches_past_the_end_nor_past_what_the_client_takes() {
        assert_eq!(answered(Some(OFFER), &request(IMAGE, 0, 40)), Ok((0, 40)));
        assert_eq!(answered(Some(OFFER), &request(IMAGE, 0, 255)), Ok((0, 50)));
        assert_eq!(answered(Some(OFFER), &request(IMAGE, 100, 50)), Ok((100, 20)));
        assert_eq!(answered(Some(OFFER), &request(IMAGE, 120, 50)), Err(Status::MALFORMED_COMMAND));
        assert_eq!(answered(Some(OFFER), &request(IMAGE, u32::MAX, 50)), Err(Status::MALFORMED_COMMAND));
        assert_eq!(answered(Some(OFFER), &request(IMAGE, 0, 0)), Err(Status::MALFORMED_COMMAND));
    }

    #[test]
    fn a_request_for_another_image_is_aborted() {
        let other = ImageId { file_version: FirmwareVersion(0x21), ..IMAGE };
        assert_eq!(answered(Some(OFFER), &request(other, 0, 50)), Err(Status::ABORT));
        assert_eq!(answered(None, &request(IMAGE, 0, 50)), Err(Status::ABORT));
    }
}
