//! A board that is provisioned anew starts as it left the factory, whatever the scenario before left in its flash.

use alloc::vec;
use alloc::vec::Vec;
use embedded_storage::nor_flash::NorFlash;

/// Erases the first `state_size` octets of `flash`, unless that was done for `occasion` already.
///
/// The occasion stands in the last erase block of the flash, which no Device uses. It is written after the state is erased,
/// so that a loss of power in between makes it begin again.
///
/// # Errors
/// What the flash says.
pub(crate) fn renew<F: NorFlash>(flash: &mut F, state_size: u32, occasion: u64) -> Result<(), F::Error> {
    let capacity = flash.capacity() as u32;
    let place = capacity.saturating_sub(F::ERASE_SIZE as u32);
    let record = record(occasion, F::WRITE_SIZE.max(F::READ_SIZE));
    let mut found = vec![0; record.len()];
    flash.read(place, &mut found)?;
    if found == record {
        return Ok(());
    }
    flash.erase(0, state_size)?;
    flash.erase(place, capacity)?;
    flash.write(place, &record)
}

/// The occasion as it stands in the flash, in whole units of it.
fn record(occasion: u64, unit: usize) -> Vec<u8> {
    let mut record = occasion.to_le_bytes().to_vec();
    record.resize(record.len().next_multiple_of(unit), 0xFF);
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_storage::nor_flash::ReadNorFlash;
    use hanrig_zigbee::store::RamFlash;

    const STATE: u32 = 8192;

    fn state(flash: &mut RamFlash) -> Vec<u8> {
        let mut octets = vec![0; STATE as usize];
        flash.read(0, &mut octets).unwrap();
        octets
    }

    #[test]
    fn the_state_goes_with_the_occasion_and_not_with_a_reset() {
        let mut flash = RamFlash::new(5 * 8192);
        flash.write(0, &[0x11; 64]).unwrap();
        flash.write(STATE, &[0x22; 64]).unwrap();
        renew(&mut flash, STATE, 7).unwrap();
        assert!(state(&mut flash).iter().all(|octet| *octet == 0xFF), "what another occasion left is gone");
        let mut beyond = [0; 64];
        flash.read(STATE, &mut beyond).unwrap();
        assert_eq!(beyond, [0x22; 64], "only the state is erased");
        flash.write(0, &[0x33; 64]).unwrap();
        renew(&mut flash, STATE, 7).unwrap();
        assert!(state(&mut flash).starts_with(&[0x33; 64]), "a reset keeps it");
        renew(&mut flash, STATE, 8).unwrap();
        assert!(state(&mut flash).iter().all(|octet| *octet == 0xFF));
    }
}
