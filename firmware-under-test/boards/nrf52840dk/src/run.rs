//! From power-on to the main loop.
#![expect(
    unsafe_code,
    reason = "the heap's memory is handed to the allocator, the provisioning page is read, an interrupt is handled"
)]

use crate::flash::ExternalFlash;
use crate::mac::{self, Mac, RECEIVED, SENT, TO_SEND, ToSend};
use crate::wan::Wan;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::ptr::{addr_of, addr_of_mut};
use embassy_executor::InterruptExecutor;
use embassy_futures::select::{Either4, select4};
use embassy_nrf::buffered_uarte::{self, BufferedUarte};
use embassy_nrf::config::{Config, HfclkSource, LfclkSource};
use embassy_nrf::interrupt;
use embassy_nrf::interrupt::{InterruptExt, Priority};
use embassy_nrf::peripherals::{QSPI, RADIO, UARTE0};
use embassy_nrf::radio::{self, ieee802154::Radio};
use embassy_nrf::{bind_interrupts, qspi, uarte};
use embassy_time::Timer;
use embedded_alloc::LlffHeap;
use hanrig_device::clock::{TimeJump, device_time, sleeps, works};
use hanrig_device::{Device, FIRMWARE_VERSION, Made, Output, log};
use hanrig_provisioning::REGION_SIZE;
use hanrig_wire::mac::{FCS_LEN, append_fcs};
use hanrig_wire::time::{Duration, Instant};
use hanrig_zigbee::Transmit;
use rtt_target::{ChannelMode, rtt_init};
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Irqs {
    RADIO => radio::InterruptHandler<RADIO>;
    QSPI => qspi::InterruptHandler<QSPI>;
    UARTE0 => buffered_uarte::InterruptHandler<UARTE0>;
});

#[global_allocator]
static HEAP: LlffHeap = LlffHeap::empty();
const HEAP_SIZE: usize = 160 * 1024;

/// How long the core sleeps at most: the rig's requests raise no interrupt.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);

fn uptime() -> Instant {
    Instant(embassy_time::Instant::now().as_micros())
}

fn now() -> Instant {
    device_time(uptime())
}

fn provisioning() -> &'static [u8] {
    unsafe extern "C" {
        static HANRIG_PROVISIONING: [u8; REGION_SIZE];
    }
    // SAFETY: `memory.x` keeps this page of flash free, and nothing writes to it while the firmware runs.
    unsafe { &*addr_of!(HANRIG_PROVISIONING) }
}

/// The radio's executor: ahead of the Device's work, behind the interrupts that wake it.
static RADIO_EXECUTOR: InterruptExecutor = InterruptExecutor::new();

#[interrupt]
unsafe fn EGU0_SWI0() {
    // SAFETY: this is the handler of the interrupt that the executor is started with.
    unsafe { RADIO_EXECUTOR.on_interrupt() }
}

#[embassy_executor::task]
async fn run_mac(mac: Mac) {
    mac.run().await;
}

/// Runs a firmware called `name` in the log. Called once, first of all; `wan` is whether it has a WAN link.
pub async fn run(name: &'static str, make: fn(&[u8], ExternalFlash) -> Made, wan: bool) -> ! {
    {
        // Not cleared at the start, which would only take time.
        // SAFETY: the section is one of cortex-m-rt's for this.
        #[unsafe(link_section = ".uninit.heap")]
        static mut MEMORY: [MaybeUninit<u8>; HEAP_SIZE] = [MaybeUninit::uninit(); HEAP_SIZE];
        // SAFETY: this is reached once, before anything is allocated, and nothing else names the memory.
        unsafe { HEAP.init(addr_of_mut!(MEMORY) as usize, HEAP_SIZE) }
    }
    let mut config = Config::default();
    // The radio needs the crystals' precision.
    config.hfclk_source = HfclkSource::ExternalXtal;
    config.lfclk_source = LfclkSource::ExternalXtal;
    let board = embassy_nrf::init(config);
    let channels = rtt_init! {
        up: {
            0: { size: 8192, mode: ChannelMode::NoBlockSkip, name: "log" }
        }
    };
    log::start(channels.up.0, uptime);
    log!("firmware {name} BUILD {FIRMWARE_VERSION}");

    let pins = (board.P0_19, board.P0_17, board.P0_20, board.P0_21, board.P0_22, board.P0_23);
    let flash = match ExternalFlash::start(board.QSPI, Irqs, pins) {
        Ok(flash) => flash,
        Err(why) => not_started(&why).await,
    };
    let (device, faults) = match make(provisioning(), flash) {
        Ok(made) => made,
        Err(why) => not_started(&why).await,
    };

    interrupt::EGU0_SWI0.set_priority(Priority::P6);
    let spawner = RADIO_EXECUTOR.start(interrupt::EGU0_SWI0);
    let filter = device.receive_filter();
    mac::set_filter(filter);
    // Two boards must not draw the same backoffs.
    let seed = (filter.extended.0 ^ filter.extended.0 >> 32) as u32;
    match run_mac(Mac::new(Radio::new(board.RADIO, Irqs), seed)) {
        Ok(task) => spawner.spawn(task),
        Err(error) => log!("the radio does not start: {error:?}"),
    }

    let uart = wan.then(|| {
        static RECEIVE: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);
        static SEND: ConstStaticCell<[u8; 1024]> = ConstStaticCell::new([0; 1024]);
        let mut config = uarte::Config::default();
        config.baudrate = uarte::Baudrate::Baud115200;
        BufferedUarte::new_with_rtscts(
            board.UARTE0,
            board.TIMER0,
            board.PPI_CH0,
            board.PPI_CH1,
            board.PPI_GROUP0,
            board.P0_08,
            board.P0_06,
            board.P0_07,
            board.P0_05,
            Irqs,
            config,
            RECEIVE.take(),
            SEND.take(),
        )
    });
    if faults.hang_after_boot.is_some() && !cfg!(feature = "faults") {
        log!("asked to hang, but built without faults");
    }
    let hang_at = faults.hang_after_boot.filter(|_| cfg!(feature = "faults")).map(|after| now() + after);
    static BOARD: StaticCell<Board> = StaticCell::new();
    BOARD.init(Board { device, wan: Wan::new(uart), to_send: VecDeque::new(), hang_at }).run().await
}

async fn not_started(why: &dyn core::fmt::Display) -> ! {
    log!("not started: {why}");
    core::future::pending().await
}

struct Board {
    device: Box<dyn Device>,
    wan: Wan,
    /// Frames that the MAC has no room for yet.
    to_send: VecDeque<ToSend>,
    hang_at: Option<Instant>,
}

impl Board {
    async fn run(&mut self) -> ! {
        let mut octets = [0; 256];
        self.device.start(now());
        loop {
            let jump = TimeJump::take();
            if let Some(jump) = jump.as_ref().filter(|jump| !jump.ahead.is_zero()) {
                log!("clock moved on by {} us", jump.ahead.as_micros());
            }
            let at = now();
            if self.device.poll_at(at).is_some_and(|due| due <= at) {
                self.device.poll(at);
            }
            self.do_outputs();
            if let Some(jump) = jump {
                jump.done();
            }
            if self.hang_at.is_some_and(|due| due <= at) {
                cortex_m::interrupt::disable();
                loop {
                    cortex_m::asm::wfi();
                }
            }
            let due = self.due();
            sleeps(due);
            let woken = select4(
                RECEIVED.receive(),
                SENT.receive(),
                self.wan.serve(&mut octets),
                // At most 100 ms.
                Timer::after_micros(due.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP).as_micros() as u64),
            )
            .await;
            works();
            match woken {
                Either4::First(received) => {
                    let mut psdu = Vec::with_capacity(received.octets.len() + FCS_LEN);
                    psdu.extend_from_slice(&received.octets);
                    append_fcs(&mut psdu);
                    self.device.on_frame(now(), &psdu, received.lqi);
                }
                Either4::Second(result) => self.device.on_transmit_done(now(), result),
                Either4::Third(length) => {
                    self.device.on_wan_octets(now(), octets.get(..length).unwrap_or_default());
                }
                Either4::Fourth(()) => {}
            }
        }
    }

    fn do_outputs(&mut self) {
        while let Some(output) = self.device.take_output() {
            match output {
                Output::Log(line) => log!("{line}"),
                Output::Wan(octets) => self.wan.send(&octets),
                Output::Radio(transmit) => self.transmit(&transmit),
            }
        }
        mac::set_filter(self.device.receive_filter());
        while let Some(frame) = self.to_send.pop_front() {
            if let Err(full) = TO_SEND.try_send(frame) {
                let embassy_sync::channel::TrySendError::Full(frame) = full;
                self.to_send.push_front(frame);
                break;
            }
        }
    }

    fn transmit(&mut self, transmit: &Transmit) {
        let Transmit { octets, csma, channel } = transmit;
        let without_fcs = octets.len().checked_sub(FCS_LEN).and_then(|length| octets.get(..length));
        match without_fcs.map(mac::Octets::from_slice) {
            Some(Ok(octets)) => self.to_send.push_back(ToSend { octets, csma: *csma, channel: *channel }),
            _ => log!("a frame of {} octets cannot be sent", octets.len()),
        }
    }

    /// How long until the Device wants to be polled.
    fn due(&self) -> Option<Duration> {
        let at = now();
        [self.device.poll_at(at), self.hang_at].into_iter().flatten().min().map(|due| due - at)
    }
}
