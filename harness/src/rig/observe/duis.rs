//! What went over the DUIS interface, parsed from its XML.

use super::Sighting;
use hanrig_dcc::duis::{DuisMessage, ResponseBody};
use hanrig_reports::Observation;
use hanrig_wire::time::Instant;
use hanrig_wire::types::Eui64;
use std::fmt;

/// One end of the DUIS interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// A User.
    User(Eui64),
    /// The DSP.
    Dsp,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(eui) => eui.fmt(f),
            Self::Dsp => f.write_str("DSP"),
        }
    }
}

/// A message between a User and the DSP.
#[derive(Clone, Debug)]
pub struct DuisSighting {
    /// When.
    pub at: Instant,
    /// Who sent it.
    pub from: Party,
    /// Who it was for.
    pub to: Party,
    /// The file with the message, in the scenario's folder.
    pub file: String,
    /// What it says.
    pub message: DuisMessage,
    /// The XML as it was sent. It is kept of what the DCC sends, which is small, so that its signature can be checked.
    pub document: Option<String>,
}

impl DuisSighting {
    /// What it is, in a few words: for a report, and for the name of its file.
    pub fn what(message: &DuisMessage) -> String {
        match message {
            DuisMessage::Request(request) => format!("request {}", request.body.service_reference()),
            DuisMessage::Response(response) => match &response.body {
                ResponseBody::ResponseMessage(answer) => {
                    let reference = answer.service_reference_variant.as_ref();
                    let reference = reference.map_or("unknown", |reference| reference.as_str());
                    format!("response {reference} {}", response.response_code)
                }
                ResponseBody::DeviceAlertMessage(alert) => format!("device alert {:04X}", alert.alert_code),
                ResponseBody::DccAlertMessage(alert) => format!("dcc alert {}", alert.code),
            },
        }
    }
}

impl Sighting for DuisSighting {
    fn at(&self) -> Instant {
        self.at
    }

    fn observation(&self) -> Observation {
        Observation {
            at_us: self.at.as_micros(),
            link: "duis".to_owned(),
            summary: format!("{} -> {}: {}", self.from, self.to, Self::what(&self.message)),
            reference: Some(self.file.clone()),
        }
    }
}
