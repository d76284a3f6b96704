//! Flash Patch and Breakpoint unit, version 1 (DDI 0403E, C1.11): six breakpoints on code below `0x2000_0000`.

use std::collections::BTreeSet;

/// Base address of the unit.
pub(crate) const BASE: u32 = 0xE000_2000;
/// Instruction comparators, as on a real Cortex-M4.
const COMPARATORS: usize = 6;
/// FP_CTRL: REV 0, two literal comparators, six instruction comparators.
const CTRL_IDENTITY: u32 = 0x0000_0260;
const CTRL_KEY: u32 = 1 << 1;
const ENABLE: u32 = 1 << 0;

#[derive(Debug, Default)]
pub(crate) struct Fpb {
    enabled: bool,
    comparators: [u32; COMPARATORS],
}

impl Fpb {
    /// Reads the register at `offset` from the base.
    pub(crate) fn read(&self, offset: u32) -> u32 {
        match offset {
            0x0 => CTRL_IDENTITY | u32::from(self.enabled),
            _ => comparator(offset).and_then(|index| self.comparators.get(index)).copied().unwrap_or(0),
        }
    }

    /// Writes the register at `offset` from the base.
    pub(crate) fn write(&mut self, offset: u32, value: u32) {
        if offset == 0 {
            if value & CTRL_KEY != 0 {
                self.enabled = value & ENABLE != 0;
            }
        } else if let Some(slot) = comparator(offset).and_then(|index| self.comparators.get_mut(index)) {
            *slot = value & 0xDFFF_FFFD;
        }
    }

    /// Addresses where the core is to halt now.
    pub(crate) fn breakpoints(&self) -> BTreeSet<u32> {
        let mut addresses = BTreeSet::new();
        if self.enabled {
            for comparator in self.comparators.iter().filter(|value| *value & ENABLE != 0) {
                let word = comparator & 0x1FFF_FFFC;
                // REPLACE: bit 30 is the lower half-word, bit 31 the upper one. Neither is a remap, which QEMU has not.
                if comparator & 1 << 30 != 0 {
                    addresses.insert(word);
                }
                if comparator & 1 << 31 != 0 {
                    addresses.insert(word | 2);
                }
            }
        }
        addresses
    }
}

fn comparator(offset: u32) -> Option<usize> {
    usize::try_from(offset.checked_sub(8)? / 4).ok()
}

#[cfg(test)]
mod tests {
    use super::Fpb;

    #[test]
    fn a_breakpoint_counts_when_unit_and_comparator_are_enabled() {
        let mut unit = Fpb::default();
        assert_eq!(unit.read(0), 0x260);
        unit.write(0x08, 0x4000_0101);
        unit.write(0x0C, 0x8000_0101);
        assert!(unit.breakpoints().is_empty());
        unit.write(0x00, 1);
        assert!(unit.breakpoints().is_empty(), "a write without the key is ignored");
        unit.write(0x00, 3);
        assert_eq!(unit.breakpoints().into_iter().collect::<Vec<_>>(), [0x100, 0x102]);
        unit.write(0x08, 0);
        assert_eq!(unit.breakpoints().into_iter().collect::<Vec<_>>(), [0x102]);
        assert_eq!(unit.read(0x0C), 0x8000_0101);
        assert_eq!(unit.read(0x20), 0);
    }
}
