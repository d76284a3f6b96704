//! An image put together from the pieces that were seen.

/// An image as its pieces were seen on an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSeen {
    /// What names it, for a person.
    pub name: String,
    /// Its size as announced, in octets.
    pub size: u32,
    octets: Vec<u8>,
    /// All octets before this one were seen.
    covered: usize,
    /// Where pieces that were seen disagree, or a piece lies outside the image.
    contradictions: u32,
    /// Pieces that were seen after a gap.
    after_gap: u32,
}

impl ImageSeen {
    /// An image of which nothing was seen yet.
    pub fn new(name: String, size: u32) -> Self {
        Self { name, size, ..Self::default() }
    }

    /// Adds a piece.
    pub fn add(&mut self, offset: u32, piece: &[u8]) {
        let start = offset as usize;
        let end = start.saturating_add(piece.len());
        if end > self.size as usize {
            self.contradictions += 1;
        } else if start > self.covered {
            self.after_gap += 1;
        } else {
            let known = self.covered.min(end) - start;
            let (again, new) = piece.split_at(known);
            if self.octets.get(start..start + known) != Some(again) {
                self.contradictions += 1;
            }
            self.octets.extend_from_slice(new);
            self.covered = self.octets.len();
        }
    }

    /// How many octets were seen from the start on without a gap.
    pub const fn covered(&self) -> usize {
        self.covered
    }

    /// Whether every octet was seen.
    pub const fn is_whole(&self) -> bool {
        self.covered == self.size as usize
    }

    /// Whether pieces contradicted each other or the announced size.
    pub const fn is_contradictory(&self) -> bool {
        self.contradictions > 0
    }

    /// Whether a piece is missing that went by unseen: others were seen after it.
    pub const fn has_gap(&self) -> bool {
        self.after_gap > 0 && !self.is_whole()
    }

    /// The octets from the start on, as far as they were seen without a gap.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_image_even_when_some_come_twice() {
        let mut image = ImageSeen::new("image".into(), 6);
        image.add(0, &[1, 2, 3]);
        image.add(0, &[1, 2, 3]);
        image.add(2, &[3, 4]);
        assert!(!image.is_whole());
        image.add(4, &[5, 6]);
        assert!(image.is_whole() && !image.is_contradictory() && !image.has_gap());
        assert_eq!(image.octets(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_piece_that_differs_from_one_before_or_lies_outside_is_a_contradiction() {
        let mut differs = ImageSeen::new("image".into(), 4);
        differs.add(0, &[1, 2]);
        differs.add(1, &[9, 3]);
        assert!(differs.is_contradictory());
        let mut outside = ImageSeen::new("image".into(), 4);
        outside.add(3, &[1, 2]);
        assert!(outside.is_contradictory());
        outside.add(u32::MAX, &[1, 2]);
    }

    #[test]
    fn a_missing_piece_is_a_gap_until_it_comes() {
        let mut image = ImageSeen::new("image".into(), 4);
        image.add(2, &[3, 4]);
        assert!(image.has_gap());
        image.add(0, &[1, 2]);
        image.add(2, &[3, 4]);
        assert!(image.is_whole() && !image.has_gap());
    }
}
