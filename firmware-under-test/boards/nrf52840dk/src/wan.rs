//! The WAN link on the DK's first virtual COM port.

use alloc::collections::VecDeque;
use embassy_nrf::buffered_uarte::{BufferedUarte, BufferedUarteRx, BufferedUarteTx};

/// Octets that may wait to be sent.
const SEND_LIMIT: usize = 16 * 1024;

/// Both ways of the link, or none: a PPMID has no WAN.
pub(crate) struct Wan {
    ends: Option<(BufferedUarteRx<'static>, BufferedUarteTx<'static>)>,
    to_send: VecDeque<u8>,
}

impl Wan {
    pub(crate) fn new(uart: Option<BufferedUarte<'static>>) -> Self {
        Self { ends: uart.map(BufferedUarte::split), to_send: VecDeque::new() }
    }

    /// Takes octets to send: all of them or, where too many wait because nobody reads, none. The hub sends again what the
    /// CSP does not acknowledge.
    pub(crate) fn send(&mut self, octets: &[u8]) {
        if self.ends.is_some() && self.to_send.len() + octets.len() <= SEND_LIMIT {
            self.to_send.extend(octets);
        }
    }

    /// Sends what is to be sent, and waits for what is received. May be dropped at any await without losing either.
    pub(crate) async fn serve(&mut self, into: &mut [u8]) -> usize {
        let Some((receiver, sender)) = &mut self.ends else { return core::future::pending().await };
        let to_send = &mut self.to_send;
        let sending = async {
            while !to_send.is_empty() {
                let (first, _) = to_send.as_slices();
                match sender.write(first).await {
                    Ok(length) => drop(to_send.drain(..length)),
                    // The hub sends again what the CSP does not acknowledge.
                    Err(_) => to_send.clear(),
                }
            }
            core::future::pending::<()>().await;
        };
        match embassy_futures::select::select(sending, receiver.read(into)).await {
            embassy_futures::select::Either::First(()) => 0,
            embassy_futures::select::Either::Second(received) => received.unwrap_or(0),
        }
    }
}
