//! Where the rig reaches into the board through its debug probe.
//!
//! | symbol | octets | what the rig does with it |
//! |---|---|---|
//! | `_SEGGER_RTT` | | reads up channel 0, the log |
//! | `HANRIG_PROVISIONING` | 2048 | writes a block of `hanrig-provisioning` before it lets the firmware run |
//! | `HANRIG_CLOCK_OFFSET_US` | 20 | moves the clock on: see [`hanrig_device::clock`] |
//! | `HANRIG_LOCAL_UPDATE` | 16 + 1 MiB | hands over an image as an engineer's tool does |
//! | `HANRIG_FLASH` | 2 MiB | looks at the flash, or wipes it (ones: erased) |
//! | `HANRIG_POWER_LEFT` | 4 | takes the power away in the middle of a flash write (feature `faults`) |
//!
//! The local update's head is four words, little-endian: request, length of the image, done, result. The rig writes the
//! image after the head, then its length, then a request number that differs from `done`. The firmware looks every 25 ms,
//! writes the result (1 taken, 2 not taken, the log says why) and then copies the request number to `done`. What is there when
//! the firmware starts is no request.
//!
//! `HANRIG_POWER_LEFT` is zero for plentiful power, else one more than the octets that can still be written or erased. When it
//! is used up the core stops for good, as if the power were gone, until it is reset.
#![expect(unsafe_code, reason = "these are addresses that the linker script or another program chose")]

use core::ptr::{addr_of, addr_of_mut};
use hanrig_provisioning::REGION_SIZE;

unsafe extern "C" {
    static HANRIG_PROVISIONING: [u8; REGION_SIZE];
    static mut HANRIG_FLASH: u8;
    static mut HANRIG_LOCAL_UPDATE: [u32; 4];
}

/// The provisioning block's region.
pub fn provisioning() -> &'static [u8] {
    // SAFETY: `memory.x` sets these octets aside; the rig writes them only while the core is halted in reset, so that they
    // do not change while the firmware runs.
    unsafe { &*addr_of!(HANRIG_PROVISIONING) }
}

/// Where the flash is.
pub(crate) fn flash_region() -> *mut u8 {
    addr_of_mut!(HANRIG_FLASH)
}

/// The longest image that the rig can hand over.
const LOCAL_UPDATE_LIMIT: usize = 1024 * 1024;

/// An image that the rig has handed over.
pub(crate) struct LocalUpdate {
    request: u32,
    pub(crate) image: &'static [u8],
}

/// Takes what the memory holds at the start for no request.
pub(crate) fn forget_local_update() {
    let head = addr_of_mut!(HANRIG_LOCAL_UPDATE).cast::<u32>();
    // SAFETY: as in `local_update`.
    unsafe { head.add(2).write_volatile(head.read_volatile()) }
}

/// Looks for an image that the rig has handed over.
pub(crate) fn local_update() -> Option<LocalUpdate> {
    let head = addr_of!(HANRIG_LOCAL_UPDATE);
    // SAFETY: `memory.x` sets the head and the image's octets aside; the rig changes them only when `request` and `done`
    // are alike.
    unsafe {
        let [request, length, done, _] = head.read_volatile();
        if request == done {
            return None;
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(LOCAL_UPDATE_LIMIT);
        Some(LocalUpdate { request, image: core::slice::from_raw_parts(head.add(1).cast(), length) })
    }
}

/// Tells the rig what became of its image.
pub(crate) fn local_update_done(update: &LocalUpdate, taken: bool) {
    let head = addr_of_mut!(HANRIG_LOCAL_UPDATE).cast::<u32>();
    // SAFETY: as in `local_update`; both words are within the head.
    unsafe {
        head.add(3).write_volatile(if taken { 1 } else { 2 });
        head.add(2).write_volatile(update.request);
    }
}

#[cfg(feature = "faults")]
mod power {
    use core::sync::atomic::{AtomicU32, Ordering};

    // SAFETY: no other symbol of this name.
    #[unsafe(no_mangle)]
    static HANRIG_POWER_LEFT: AtomicU32 = AtomicU32::new(0);

    /// How many of `length` octets can be written before the power goes.
    pub(crate) fn powered(length: usize) -> usize {
        let left = match HANRIG_POWER_LEFT.load(Ordering::Acquire) {
            0 => return length,
            left => left as usize - 1,
        };
        let done = left.min(length);
        HANRIG_POWER_LEFT.store((left - done + 1) as u32, Ordering::Release);
        done
    }

    /// The power is gone: nothing more happens until the board is reset.
    pub(crate) fn power_lost() -> ! {
        cortex_m::interrupt::disable();
        loop {
            cortex_m::asm::wfi();
        }
    }
}

#[cfg(not(feature = "faults"))]
mod power {
    use crate::flash::FlashError;

    /// There is always power enough.
    pub(crate) const fn powered(length: usize) -> usize {
        length
    }

    /// Never needed.
    pub(crate) const fn power_lost() -> Result<(), FlashError> {
        Ok(())
    }
}

pub(crate) use power::{power_lost, powered};
