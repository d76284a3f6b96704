//! CMSDK APB UARTs, both ways by interrupt.
#![expect(unsafe_code, reason = "the UARTs' addresses are vouched for here")]

use crate::clock::PERIPHERAL_HZ;
use crate::registers::Registers;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::cell::RefCell;
use critical_section::Mutex;
use hanrig_device::clock::works;

type Block = Registers<20>;

const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CTRL: usize = 0x08;
const INTERRUPT: usize = 0x0C;
const BAUDDIV: usize = 0x10;

const TX_FULL: u32 = 1;
const RX_FULL: u32 = 1 << 1;
const RX_OVERRUN: u32 = 1 << 3;
const TX_ENABLE: u32 = 1;
const RX_ENABLE: u32 = 1 << 1;
const TX_INTERRUPT: u32 = 1;
const RX_INTERRUPT: u32 = 1 << 1;

/// What ends a frame in both HDLC framings, that of Spinel and that of the WAN link.
const FLAG: u8 = 0x7E;

/// Octets received that may wait for the main loop: more than the longest WAN frame and a burst of radio frames.
const RECEIVE_LIMIT: usize = 64 * 1024;
/// Octets that may wait to be sent, where nobody takes them.
const SEND_LIMIT: usize = 64 * 1024;

/// One UART.
#[derive(Debug)]
pub(crate) struct Uart {
    block: Block,
    queues: Mutex<RefCell<Queues>>,
}

#[derive(Debug)]
struct Queues {
    received: VecDeque<u8>,
    /// Whether a frame's end is among them.
    frame: bool,
    /// Octets that came too fast for the hardware or the queue.
    lost: u32,
    to_send: VecDeque<u8>,
}

// SAFETY: CMSDK APB UARTs 0 to 2 of the AN386: DATA, STATE, CTRL, INTSTATUS, BAUDDIV; used nowhere else.
pub(crate) static PANIC: Uart = unsafe { Uart::new(0x4000_4000) };
/// The radio.
// SAFETY: as above.
pub(crate) static RADIO: Uart = unsafe { Uart::new(0x4000_5000) };
/// The WAN link.
// SAFETY: as above.
pub(crate) static WAN: Uart = unsafe { Uart::new(0x4000_6000) };

/// The rate of all three, in bits per second.
const BAUD: u32 = 1_000_000;

impl Uart {
    /// # Safety
    /// As for [`Registers::new`].
    const unsafe fn new(base: usize) -> Self {
        // SAFETY: passed on.
        let block = unsafe { Block::new(base) };
        let queues = Queues { received: VecDeque::new(), frame: false, lost: 0, to_send: VecDeque::new() };
        Self { block, queues: Mutex::new(RefCell::new(queues)) }
    }

    /// Switches it on, 8 data bits, no parity, with both interrupts.
    pub(crate) fn start(&self) {
        self.block.write::<BAUDDIV>(PERIPHERAL_HZ / BAUD);
        self.block.write::<INTERRUPT>(0xF);
        self.block.write::<CTRL>(TX_ENABLE | RX_ENABLE | TX_INTERRUPT << 2 | RX_INTERRUPT << 2);
    }

    /// Takes all that was received, and how many octets were lost since the last time.
    pub(crate) fn take_received(&self, into: &mut Vec<u8>) -> u32 {
        critical_section::with(|cs| {
            let mut queues = self.queues.borrow_ref_mut(cs);
            into.extend(queues.received.drain(..));
            queues.frame = false;
            core::mem::take(&mut queues.lost)
        })
    }

    /// Whether a whole frame may have been received: it is worth waking up for, single octets are not.
    pub(crate) fn has_frame(&self) -> bool {
        critical_section::with(|cs| self.queues.borrow_ref(cs).frame)
    }

    /// Sends octets, by and by: all of them or, where too many wait, none. Both links send again what is not answered.
    pub(crate) fn send(&self, octets: &[u8]) {
        critical_section::with(|cs| {
            let to_send = &mut self.queues.borrow_ref_mut(cs).to_send;
            if to_send.len() + octets.len() <= SEND_LIMIT {
                to_send.extend(octets);
            }
        });
        self.pump();
    }

    /// Sends octets now, and waits for each: for the last words of a firmware that has panicked.
    pub(crate) fn send_now(&self, octets: &[u8]) {
        self.block.write::<BAUDDIV>(PERIPHERAL_HZ / BAUD);
        self.block.write::<CTRL>(TX_ENABLE);
        for octet in octets {
            // A few octets' time at the slowest; nobody may be there to take them.
            for _ in 0..100_000 {
                if self.block.read::<STATE>() & TX_FULL == 0 {
                    break;
                }
            }
            self.block.write::<DATA>(u32::from(*octet));
        }
    }

    /// Whether octets wait to be sent.
    pub(crate) fn is_sending(&self) -> bool {
        critical_section::with(|cs| !self.queues.borrow_ref(cs).to_send.is_empty())
    }

    /// Hands the hardware as much as it takes; its interrupt tells when it takes more.
    fn pump(&self) {
        critical_section::with(|cs| {
            let mut queues = self.queues.borrow_ref_mut(cs);
            while self.block.read::<STATE>() & TX_FULL == 0 {
                let Some(octet) = queues.to_send.pop_front() else { break };
                self.block.write::<DATA>(u32::from(octet));
            }
        });
    }

    /// The receiver's interrupt. Who is being told something is at work, though it sleeps until the end of the frame.
    pub(crate) fn on_receive(&self) {
        works();
        critical_section::with(|cs| {
            let mut queues = self.queues.borrow_ref_mut(cs);
            loop {
                self.block.write::<INTERRUPT>(RX_INTERRUPT);
                let state = self.block.read::<STATE>();
                if state & RX_OVERRUN != 0 {
                    self.block.write::<STATE>(RX_OVERRUN);
                    queues.lost += 1;
                }
                if state & RX_FULL == 0 {
                    break;
                }
                let octet = self.block.read::<DATA>() as u8;
                if queues.received.len() < RECEIVE_LIMIT {
                    // The flag also opens a frame; but the frame that it closes may have been taken without it.
                    queues.frame |= octet == FLAG;
                    queues.received.push_back(octet);
                } else {
                    queues.lost += 1;
                }
            }
        });
    }

    /// The transmitter's interrupt.
    pub(crate) fn on_sent(&self) {
        self.block.write::<INTERRUPT>(TX_INTERRUPT);
        self.pump();
    }
}
