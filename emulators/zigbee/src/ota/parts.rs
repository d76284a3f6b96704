//! Firmware that is split into several images (BR 4.2): a part is activated only after those before it, and the firmware
//! runs when the last one is.

use hanrig_wire::manufacturer_image::ManufacturerImageInfo;
use serde::{Deserialize, Serialize};

/// Which part of its firmware an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// From 1.
    pub number: u8,
    /// How many parts there are.
    pub of: u8,
}

impl Part {
    /// Firmware that is one image.
    pub const WHOLE: Self = Self { number: 1, of: 1 };
}

impl From<&ManufacturerImageInfo> for Part {
    fn from(info: &ManufacturerImageInfo) -> Self {
        Self { number: info.part, of: info.parts }
    }
}

/// What comes of the activation of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartActivation {
    /// The firmware is whole: it runs from now on.
    Runs,
    /// The part is stored, and what ran before runs on.
    Stored(Part),
    /// A part before it is missing: activation fails.
    OutOfOrder,
}

/// Activates `part`, after `stored`, the last one that was activated and did not complete its firmware.
///
/// A first part begins anew, whatever is stored: another update takes the place of one that was never completed.
pub fn activate(stored: Option<Part>, part: Part) -> PartActivation {
    let follows = |stored: Part| stored.of == part.of && stored.number.checked_add(1) == Some(part.number);
    let in_order = part.number == 1 || stored.is_some_and(follows);
    match (in_order, part.number == part.of) {
        (true, true) => PartActivation::Runs,
        (true, false) => PartActivation::Stored(part),
        (false, _) => PartActivation::OutOfOrder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const fn part(number: u8, of: u8) -> Part {
        Part { number, of }
    }

    #[rstest]
    #[case::whole(None, Part::WHOLE, PartActivation::Runs)]
    #[case::first(None, part(1, 2), PartActivation::Stored(part(1, 2)))]
    #[case::last(Some(part(1, 2)), part(2, 2), PartActivation::Runs)]
    #[case::middle(Some(part(1, 3)), part(2, 3), PartActivation::Stored(part(2, 3)))]
    #[case::last_alone(None, part(2, 2), PartActivation::OutOfOrder)]
    #[case::left_out(Some(part(1, 3)), part(3, 3), PartActivation::OutOfOrder)]
    #[case::of_other_firmware(Some(part(1, 2)), part(2, 3), PartActivation::OutOfOrder)]
    #[case::repeated(Some(part(1, 2)), part(1, 2), PartActivation::Stored(part(1, 2)))]
    #[case::another_update(Some(part(1, 2)), Part::WHOLE, PartActivation::Runs)]
    #[case::no_overflow(Some(part(255, 255)), part(0, 255), PartActivation::OutOfOrder)]
    fn order(#[case] stored: Option<Part>, #[case] next: Part, #[case] expected: PartActivation) {
        assert_eq!(activate(stored, next), expected);
    }
}
