//! What is told to the DCC from outside, in the order in which it was: the journal's entries.

use hanrig_dcc::duis::RequestId;
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;

/// Something that happens to the DCC. Everything else follows from these and the times at which they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The DCC's data, as files say them.
    Data {
        /// All of them in one TOML document.
        toml: String,
    },
    /// A User posted what should be a Service Request.
    Request {
        /// The User.
        user: Eui64,
        /// The octets, whatever they are.
        document: Vec<u8>,
    },
    /// Virtual time is let pass.
    Advance {
        /// Until when.
        until: Instant,
    },
    /// The DCC Service Desk resets the firmware update status of a Device.
    Reset {
        /// The Device.
        device: Eui64,
    },
    /// The DCC Service Desk lets a quarantined request go on.
    Release {
        /// The request.
        request: RequestId,
    },
    /// The DCC Service Desk discards a quarantined request.
    Discard {
        /// The request.
        request: RequestId,
    },
    /// The WAN link of a hub that is not software came up or went down.
    HubLink {
        /// The hub.
        hub: Eui64,
        /// Whether it is up.
        up: bool,
    },
    /// Octets on the WAN link of such a hub.
    HubOctets {
        /// The hub.
        hub: Eui64,
        /// The octets.
        octets: Vec<u8>,
    },
}

/// An entry of the journal that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry of kind {kind:?} about {subject:?} is not one that this hanrig writes")]
pub struct UnknownEntry {
    kind: String,
    subject: String,
}

impl Input {
    /// Kind, subject and body, as the journal has them.
    pub fn to_row(&self) -> (&'static str, String, &[u8]) {
        match self {
            Self::Data { toml } => ("data", String::new(), toml.as_bytes()),
            Self::Request { user, document } => ("request", user.to_string(), document),
            Self::Advance { until } => ("advance", until.0.to_string(), &[]),
            Self::Reset { device } => ("reset", device.to_string(), &[]),
            Self::Release { request } => ("release", request.to_string(), &[]),
            Self::Discard { request } => ("discard", request.to_string(), &[]),
            Self::HubLink { hub, up: true } => ("link up", hub.to_string(), &[]),
            Self::HubLink { hub, up: false } => ("link down", hub.to_string(), &[]),
            Self::HubOctets { hub, octets } => ("hub", hub.to_string(), octets),
        }
    }

    /// From what [`Self::to_row`] gave.
    ///
    /// # Errors
    ///
    /// When it is not an entry that this hanrig writes.
    pub fn from_row(kind: &str, subject: &str, body: Vec<u8>) -> Result<Self, UnknownEntry> {
        let read = || -> Option<Self> {
            let eui = || subject.parse::<Eui64>().ok();
            Some(match kind {
                "data" => Self::Data { toml: String::from_utf8(body).ok()? },
                "request" => Self::Request { user: eui()?, document: body },
                "advance" => Self::Advance { until: Instant(subject.parse().ok()?) },
                "reset" => Self::Reset { device: eui()? },
                "release" => Self::Release { request: subject.parse().ok()? },
                "discard" => Self::Discard { request: subject.parse().ok()? },
                "link up" => Self::HubLink { hub: eui()?, up: true },
                "link down" => Self::HubLink { hub: eui()?, up: false },
                "hub" => Self::HubOctets { hub: eui()?, octets: body },
                _ => return None,
            })
        };
        read().ok_or_else(|| UnknownEntry { kind: kind.to_owned(), subject: subject.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn input() -> impl Strategy<Value = Input> {
        let eui = || any::<u64>().prop_map(Eui64);
        let request = || {
            let parts = (any::<u64>(), any::<u64>(), any::<u32>());
            parts.prop_map(|(originator, target, counter)| RequestId {
                originator: Eui64(originator),
                target: Eui64(target),
                counter: counter.into(),
            })
        };
        prop_oneof![
            any::<String>().prop_map(|toml| Input::Data { toml }),
            (eui(), any::<Vec<u8>>()).prop_map(|(user, document)| Input::Request { user, document }),
            any::<u64>().prop_map(|until| Input::Advance { until: Instant(until) }),
            eui().prop_map(|device| Input::Reset { device }),
            request().prop_map(|request| Input::Release { request }),
            request().prop_map(|request| Input::Discard { request }),
            (eui(), any::<bool>()).prop_map(|(hub, up)| Input::HubLink { hub, up }),
            (eui(), any::<Vec<u8>>()).prop_map(|(hub, octets)| Input::HubOctets { hub, octets }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(input in input()) {
            let (kind, subject, body) = input.to_row();
            prop_assert_eq!(Input::from_row(kind, &subject, body.to_vec()), Ok(input.clone()));
        }

        #[test]
        fn any_row_is_an_entry_or_refused(kind: String, subject: String, body: Vec<u8>) {
            drop(Input::from_row(&kind, &subject, body));
        }
    }
}
