//! The link between a CSP and a Communications Hub.
//!
//! The SM-WAN's own protocols are the CSPs' property and not published, so this layout is ours. It carries what
//! the two exchange for a firmware update: GBCS messages, images for the hub to hand on, and what the hub has to know of
//! its HAN. It runs on any octet stream; a board's UART, with [`hdlc`](crate::hdlc) framing, is the poorest.
//!
//! # Frame
//!
//! One frame holds one message. Numbers are big-endian, as in GBCS.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | layout version, 1 |
//! | 1 | 2 | sequence |
//! | 3 | 1 | message type |
//! | 4 | .. | message, to the frame's end |
//!
//! A frame has at most [`MAXIMUM_FRAME_LENGTH`] octets, framing not counted.
//!
//! # Messages
//!
//! | type | message | from | octets |
//! |---|---|---|---|
//! | 00 | Ack | both | sequence (2) |
//! | 01 | Gbcs | both | a whole GBCS message, 1 to 4092 octets |
//! | 10 | SetTime | CSP | milliseconds since 1970 (8, signed) |
//! | 11 | AddDevice | CSP | device (8), device type (1), link key (16) |
//! | 12 | RemoveDevice | CSP | device (8) |
//! | 13 | ImageBegin | CSP | transfer (4), device type (1), size (4), SHA-256 (32), number of targets (1), targets (8 each) |
//! | 14 | ImageData | CSP | transfer (4), offset (4), 1 to 1024 octets |
//! | 15 | ImageCancel | CSP | transfer (4) |
//! | 20 | Hello | hub | hub (8), firmware version (4) |
//! | 21 | ImageStatus | hub | transfer (4), status (1), for status 0 and 1 the next offset (4), for status 3 the reason (1) |
//!
//! Device types: 0 ESME, 1 GSME, 2 PPMID, 3 HCALCS, 4 CHF, 5 GPF. Image status: 0 ready, 1 received, 2 complete,
//! 3 refused. Reasons: 0 too large, 1 no such Device, 2 block busy, 3 bad hash, 4 store failure, 5 unknown transfer.
//!
//! # Exchange
//!
//! Each side numbers its frames by itself: from any number on, one more for each new frame, after 65535 comes 0. The
//! receiver of a frame other than an Ack sends an Ack with its sequence; the sender sends nothing new, and repeats the
//! frame unchanged, until that Ack comes. The receiver acknowledges a frame with the sequence of the one before it
//! again, and otherwise ignores it. An Ack is not acknowledged, and its own sequence has no meaning. After Hello the hub
//! takes any sequence as the first one of a new exchange, and so does the CSP when it gets Hello.
//!
//! An image: ImageBegin; ImageStatus *ready* with the offset to go on from, which is not 0 where the hub kept part of the
//! same image over a restart; ImageData in ascending order without gaps, each at most [`MAXIMUM_IMAGE_DATA`] octets;
//! ImageStatus *received* with the next offset, as often as the hub likes; ImageStatus *complete* once size and SHA-256
//! are right. ImageStatus *refused* ends the transfer at any time.
//!
//! There is no authentication on this link: it stands for the WAN of one hub on a test bench.

mod message;

pub use message::{
    ImageStatus, MAXIMUM_FRAME_LENGTH, MAXIMUM_GBCS, MAXIMUM_IMAGE_DATA, MAXIMUM_TARGETS, RefusalReason, VERSION,
    WanError, WanFrame, WanMessage,
};
