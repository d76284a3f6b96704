//! The cluster's client (095264r23 §6.10 and §6.13): asks for an image, fetches it block by block, and says how it ended.
//!
//! The client holds no image: each block goes to its owner as [`ClientEvent::Block`], in order and without a gap, and the
//! owner verifies the whole before the client sends its Upgrade End Request. A block is taken only when it answers the
//! request under way: the same transaction sequence number, the same image, the same offset. When an answer is lost the
//! same offset is asked for again; an answer that never comes puts the transfer off, and it goes on from the same offset.

use crate::laxity::{Laxities, Laxity};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use hanrig_wire::time::{Duration, Instant};
use hanrig_wire::types::FirmwareVersion;
use hanrig_wire::zcl::ota::{
    ImageBlockRequest, ImageBlockResponse, ImageId, ImageNotify, ImagePageRequest, OtaCommand, QueryNextImageRequest,
    QueryNextImageResponse, UPGRADE_NOW, UPGRADE_WAIT, UpgradeEndRequest, UpgradeEndResponse,
};
use hanrig_wire::zcl::{DefaultResponse, Status};
use serde::{Deserialize, Serialize};

/// What a client is like. All of it may differ from Device to Device.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Manufacturer code.
    pub manufacturer_code: u16,
    /// Image type: the model.
    pub image_type: u16,
    /// Sent in Query Next Image Request when there.
    pub hardware_version: Option<u16>,
    /// The most octets asked for in one block.
    pub block_size: u8,
    /// Whether it asks by Image Page Request, a page of one block, as long as the server does not refuse that.
    pub page_requests: bool,
    /// The pause between a block and the request for the next.
    pub block_pause: Duration,
    /// How long an answer may take before the request is repeated.
    pub answer_timeout: Duration,
    /// How often a request is repeated before the transfer is put off.
    pub repeats: u8,
    /// How long a transfer is put off. Each time in a row it is twice as long, up to [`LONGEST_PUT_OFF`] times as long.
    pub put_off: Duration,
    /// The largest image that the owner can hold, in octets.
    pub largest_image: u32,
}

/// Image Page Request.
const PAGE_REQUEST: u8 = 0x04;

/// The longest that a transfer is put off, by [`ClientConfig::put_off`].
pub const LONGEST_PUT_OFF: u32 = 16;

impl ClientConfig {
    /// Common values for a Device of this manufacturer and model.
    pub const fn new(manufacturer_code: u16, image_type: u16) -> Self {
        Self {
            manufacturer_code,
            image_type,
            hardware_version: None,
            block_size: 50,
            page_requests: false,
            block_pause: Duration::from_millis(0),
            answer_timeout: Duration::from_secs(5),
            repeats: 4,
            put_off: Duration::from_secs(60),
            largest_image: 768_000,
        }
    }
}

/// A transfer under way: enough to go on with it after a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The image.
    pub image: ImageId,
    /// Its size in octets.
    pub size: u32,
    /// How much of it is stored.
    pub offset: u32,
}

/// What the client wants of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// Send this ZCL frame to the server.
    Send(Vec<u8>),
    /// A transfer begins: make room.
    Started(Transfer),
    /// Store these octets of the image.
    Block {
        /// Where in the image.
        offset: u32,
        /// The octets.
        octets: Vec<u8>,
    },
    /// All of the image is stored: verify it and call [`Client::verified`].
    Downloaded(Transfer),
    /// The server ended the transfer, or offered what cannot be taken.
    Abandoned {
        /// The transfer.
        transfer: Transfer,
        /// Why.
        status: Status,
    },
    /// The server says: activate now.
    Activate(ImageId),
    /// The server says: wait for another instruction.
    Wait(ImageId),
    /// The server's answer to a query: nothing for this client.
    NoImage(Status),
}

/// Where the client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// A query waits for its answer.
    Querying,
    /// A block request waits for its answer, or for its time to be sent.
    Fetching {
        transfer: Transfer,
        requested: bool,
    },
    /// The owner verifies.
    Verifying(Transfer),
    /// An Upgrade End Request waits for its answer.
    Ending {
        transfer: Transfer,
        status: Status,
    },
    /// The server named a time at which to activate.
    Scheduled(ImageId),
}

/// The client.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    running: FirmwareVersion,
    state: State,
    sequence: u8,
    repeats_left: u8,
    /// Whether the server has refused an Image Page Request.
    pages_refused: bool,
    /// How many times as long as the configured time the transfer is put off next.
    put_off: u32,
    due: Option<Instant>,
    events: VecDeque<ClientEvent>,
    lax: Laxities,
}

impl Client {
    /// An idle client of a Device that runs version `running`.
    pub const fn new(config: ClientConfig, running: FirmwareVersion) -> Self {
        Self {
            repeats_left: config.repeats,
            config,
            running,
            state: State::Idle,
            sequence: 0,
            pages_refused: false,
            put_off: 1,
            due: None,
            events: VecDeque::new(),
            lax: Laxities::new(),
        }
    }

    /// Leaves a check out from now on.
    #[cfg(feature = "planted-faults")]
    pub fn relax(&mut self, laxity: crate::Laxity) {
        self.lax.add(laxity);
    }

    /// Goes on with a transfer that a loss of power cut off.
    pub fn resume(&mut self, now: Instant, transfer: Transfer) {
        if transfer.offset >= transfer.size {
            self.state = State::Verifying(transfer);
            self.due = None;
            self.events.push_back(ClientEvent::Downloaded(transfer));
        } else {
            self.fetch(now, transfer);
        }
    }

    /// Tells the version that the Device runs from now on.
    pub const fn set_running(&mut self, version: FirmwareVersion) {
        self.running = version;
    }

    /// Whether no transfer and no query is under way.
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// The transfer under way.
    pub const fn transfer(&self) -> Option<Transfer> {
        match self.state {
            State::Fetching { transfer, .. } | State::Verifying(transfer) | State::Ending { transfer, .. } => {
                Some(transfer)
            }
            State::Idle | State::Querying | State::Scheduled(_) => None,
        }
    }

    /// When [`Self::poll`] is next wanted.
    pub const fn poll_at(&self) -> Option<Instant> {
        self.due
    }

    /// What the owner has to do next.
    pub fn take_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Asks the server for an image, unless something is under way already.
    pub fn query(&mut self, now: Instant) {
        if self.state == State::Idle {
            self.state = State::Querying;
            self.repeats_left = self.config.repeats;
            self.send_query(now);
        }
    }

    /// The owner has verified the image of [`ClientEvent::Downloaded`], with this outcome.
    pub fn verified(&mut self, now: Instant, good: bool) {
        if let State::Verifying(transfer) = self.state {
            let status = if good { Status::SUCCESS } else { Status::INVALID_IMAGE };
            self.state = State::Ending { transfer, status };
            self.repeats_left = self.config.repeats;
            self.send_end(now, transfer, status);
        }
    }

    /// A command of the cluster from the server.
    pub fn on_command(&mut self, now: Instant, sequence: u8, command: &OtaCommand<'_>) {
        match *command {
            OtaCommand::ImageNotify(notify) => self.on_notify(now, &notify),
            OtaCommand::QueryNextImageResponse(response) if sequence == self.sequence => {
                self.on_query_response(now, response);
            }
            OtaCommand::ImageBlockResponse(response)
                if sequence == self.sequence || self.lax.has(Laxity::AnySequence) =>
            {
                self.on_block_response(now, response);
            }
            OtaCommand::UpgradeEndResponse(response) => self.on_end_response(now, response),
            _ => {}
        }
    }

    /// A Default Response from the server: how it answers an Upgrade End Request that was not a success, or one for an
    /// image that it knows nothing of any more.
    pub fn on_default_response(&mut self, now: Instant, sequence: u8, response: DefaultResponse) {
        match self.state {
            State::Ending { transfer, status } if sequence == self.sequence && response.command == 0x06 => {
                if status != Status::SUCCESS {
                    self.abandon(transfer, status);
                } else if response.status != Status::SUCCESS {
                    self.abandon(transfer, response.status);
                }
            }
            // To serve pages is optional (§6.10.7): block requests are what every server knows.
            State::Fetching { transfer, requested: true }
                if sequence == self.sequence && response.command == PAGE_REQUEST && !self.pages_refused =>
            {
                self.pages_refused = true;
                self.request_block(now, transfer);
            }
            State::Fetching { transfer, requested: true }
                if sequence == self.sequence && response.status != Status::SUCCESS =>
            {
                self.abandon(transfer, response.status);
            }
            State::Querying if sequence == self.sequence && response.status != Status::SUCCESS => {
                self.idle();
                self.events.push_back(ClientEvent::NoImage(response.status));
            }
            _ => {}
        }
    }

    /// Does what is due at `now`.
    pub fn poll(&mut self, now: Instant) {
        if self.due.is_none_or(|due| now < due) {
            return;
        }
        self.due = None;
        match self.state {
            State::Idle | State::Verifying(_) => {}
            State::Querying => {
                if self.repeat_allowed() {
                    self.send_query(now);
                } else {
                    self.idle();
                }
            }
            State::Fetching { transfer, requested } => {
                if requested && !self.repeat_allowed() {
                    if self.lax.has(Laxity::Impatience) {
                        return self.abandon(transfer, Status::ABORT);
                    }
                    // The server is silent: the transfer is put off, not given up, and keeps its offset.
                    self.state = State::Fetching { transfer, requested: false };
                    self.put_off(now);
                } else {
                    self.request_block(now, transfer);
                }
            }
            State::Ending { transfer, status } => {
                if self.repeat_allowed() {
                    self.send_end(now, transfer, status);
                } else {
                    self.put_off(now);
                }
            }
            State::Scheduled(image) => {
                self.state = State::Idle;
                self.events.push_back(ClientEvent::Activate(image));
            }
        }
    }

    /// The server is silent: the transfer waits before it is tried again.
    fn put_off(&mut self, now: Instant) {
        self.repeats_left = self.config.repeats;
        self.due = Some(now + self.config.put_off * self.put_off);
        self.put_off = (self.put_off * 2).min(LONGEST_PUT_OFF);
    }

    fn on_notify(&mut self, now: Instant, notify: &ImageNotify) {
        let for_this_client = notify.manufacturer_code.is_none_or(|code| code == self.config.manufacturer_code)
            && notify.image_type.is_none_or(|kind| kind == self.config.image_type);
        if !for_this_client || notify.file_version == Some(self.running) {
            return;
        }
        match self.state {
            State::Idle => self.query(now),
            // Another version than the one under way has taken its place.
            State::Fetching { transfer, .. }
                if notify.file_version.is_some_and(|version| version != transfer.image.file_version) =>
            {
                self.abandon(transfer, Status::ABORT);
                self.query(now);
            }
            // The server is back: no need to wait for the end of the pause.
            State::Fetching { transfer, requested: false } => self.request_block(now, transfer),
            _ => {}
        }
    }

    fn on_query_response(&mut self, now: Instant, response: QueryNextImageResponse) {
        if self.state != State::Querying {
            return;
        }
        match response {
            QueryNextImageResponse::Refused(status) => {
                self.idle();
                self.events.push_back(ClientEvent::NoImage(status));
            }
            QueryNextImageResponse::Offer { image, size } => {
                let mine = image.manufacturer_code == self.config.manufacturer_code
                    && image.image_type == self.config.image_type;
                let transfer = Transfer { image, size, offset: 0 };
                if !mine || size == 0 || size > self.config.largest_image {
                    self.abandon(transfer, Status::INVALID_IMAGE);
                    return;
                }
                self.events.push_back(ClientEvent::Started(transfer));
                self.fetch(now, transfer);
            }
        }
    }

    fn on_block_response(&mut self, now: Instant, response: ImageBlockResponse<'_>) {
        let State::Fetching { transfer, requested: true } = self.state else { return };
        match response {
            ImageBlockResponse::Block { image, offset, data } => {
                let fits = data.len() <= usize::from(self.config.block_size)
                    && data.len() as u32 <= transfer.size - transfer.offset;
                let at = if self.lax.has(Laxity::AnyOffset) { transfer.offset } else { offset };
                if image != transfer.image || at != transfer.offset || data.is_empty() || !fits {
                    return;
                }
                let transfer = Transfer { offset: transfer.offset + data.len() as u32, ..transfer };
                self.events.push_back(ClientEvent::Block { offset: at, octets: data.to_vec() });
                if transfer.offset == transfer.size {
                    self.state = State::Verifying(transfer);
                    self.due = None;
                    self.events.push_back(ClientEvent::Downloaded(transfer));
                } else {
                    self.fetch(now, transfer);
                }
            }
            ImageBlockResponse::WaitForData { current_time, request_time, .. } => {
                let pause = request_time.saturating_sub(current_time).clamp(1, 86_400);
                self.state = State::Fetching { transfer, requested: false };
                self.due = Some(now + Duration::from_secs(u64::from(pause)));
            }
            ImageBlockResponse::Refused(Status::MALFORMED_COMMAND) => {
                // The server could not read the request: the same one again after the timeout, not at once.
            }
            ImageBlockResponse::Refused(status) => self.abandon(transfer, status),
        }
    }

    fn on_end_response(&mut self, now: Instant, response: UpgradeEndResponse) {
        let State::Ending { transfer, status: Status::SUCCESS } = self.state else { return };
        // A server may answer for every manufacturer, type and version at once (§6.10.10).
        let any = ImageId { manufacturer_code: 0xFFFF, image_type: 0xFFFF, file_version: FirmwareVersion(u32::MAX) };
        if response.image != transfer.image && response.image != any {
            return;
        }
        self.due = None;
        match response.upgrade_time {
            UPGRADE_WAIT => {
                self.state = State::Idle;
                self.events.push_back(ClientEvent::Wait(transfer.image));
            }
            at if at == UPGRADE_NOW || at <= response.current_time => {
                self.state = State::Idle;
                self.events.push_back(ClientEvent::Activate(transfer.image));
            }
            at => {
                self.state = State::Scheduled(transfer.image);
                self.due = Some(now + Duration::from_secs(u64::from(at - response.current_time)));
            }
        }
    }

    fn fetch(&mut self, now: Instant, transfer: Transfer) {
        self.repeats_left = self.config.repeats;
        self.put_off = 1;
        if self.config.block_pause.is_zero() {
            self.request_block(now, transfer);
        } else {
            self.state = State::Fetching { transfer, requested: false };
            self.due = Some(now + self.config.block_pause);
        }
    }

    fn request_block(&mut self, now: Instant, transfer: Transfer) {
        self.state = State::Fetching { transfer, requested: true };
        if (self.config.page_requests || self.lax.has(Laxity::Pages)) && !self.pages_refused {
            let page = ImagePageRequest {
                image: transfer.image,
                offset: transfer.offset,
                maximum_data_size: self.config.block_size,
                page_size: self.config.block_size.into(),
                response_spacing: 0,
                node_address: None,
            };
            return self.send(now, &OtaCommand::ImagePageRequest(page));
        }
        self.send(
            now,
            &OtaCommand::ImageBlockRequest(ImageBlockRequest {
                image: transfer.image,
                offset: transfer.offset,
                maximum_data_size: self.config.block_size,
                node_address: None,
                minimum_block_period: None,
            }),
        );
    }

    fn send_query(&mut self, now: Instant) {
        let current = ImageId {
            manufacturer_code: self.config.manufacturer_code,
            image_type: self.config.image_type,
            file_version: self.running,
        };
        let hardware_version = self.config.hardware_version;
        self.send(now, &OtaCommand::QueryNextImageRequest(QueryNextImageRequest { current, hardware_version }));
    }

    fn send_end(&mut self, now: Instant, transfer: Transfer, status: Status) {
        self.send(now, &OtaCommand::UpgradeEndRequest(UpgradeEndRequest { status, image: transfer.image }));
    }

    fn send(&mut self, now: Instant, command: &OtaCommand<'_>) {
        self.sequence = self.sequence.wrapping_add(1);
        self.due = Some(now + self.config.answer_timeout);
        self.events.push_back(ClientEvent::Send(command.frame(self.sequence)));
    }

    fn abandon(&mut self, transfer: Transfer, status: Status) {
        self.idle();
        self.events.push_back(ClientEvent::Abandoned { transfer, status });
    }

    fn idle(&mut self) {
        self.state = State::Idle;
        self.due = None;
    }

    fn repeat_allowed(&mut self) -> bool {
        let allowed = self.repeats_left > 0;
        self.repeats_left = self.repeats_left.saturating_sub(1);
        allowed
    }
}
