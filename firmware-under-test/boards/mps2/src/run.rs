//! From power-on to the main loop.
#![expect(unsafe_code, reason = "the heap's memory is handed to the allocator")]

use crate::flash::PsramFlash;
use crate::radio::Radio;
use crate::{clock, rig, uart, vectors};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;
use embedded_alloc::LlffHeap;
use hanrig_device::clock::{TimeJump, sleeps, works};
use hanrig_device::{Device, FIRMWARE_VERSION, Made, Output, log};
use hanrig_provisioning::Faults;
use hanrig_wire::time::{Duration, Instant};
use rtt_target::{ChannelMode, rtt_init};

#[global_allocator]
static HEAP: LlffHeap = LlffHeap::empty();

const HEAP_SIZE: usize = 2 * 1024 * 1024;

/// How long the core sleeps at most: the rig's requests raise no interrupt.
const LONGEST_SLEEP: Duration = Duration::from_millis(10);

/// Runs the firmware called `name` in the log, with the Device that `make` makes of the provisioning region. `wan` is whether
/// UART 2 carries a WAN link. Called once, first of all.
pub fn run(name: &str, make: fn(&[u8], PsramFlash) -> Made, wan: bool) -> ! {
    {
        // Not cleared at the start, which would only take time.
        // SAFETY: the section is one of cortex-m-rt's for this.
        #[unsafe(link_section = ".uninit.heap")]
        static mut MEMORY: [MaybeUninit<u8>; HEAP_SIZE] = [MaybeUninit::uninit(); HEAP_SIZE];
        // SAFETY: this is reached once, before anything is allocated, and nothing else names the memory.
        unsafe { HEAP.init(addr_of_mut!(MEMORY) as usize, HEAP_SIZE) }
    }
    clock::start();
    let channels = rtt_init! {
        up: {
            0: { size: 65536, mode: ChannelMode::NoBlockSkip, name: "log" }
        }
    };
    log::start(channels.up.0, clock::uptime);
    vectors::enable();
    log!("firmware {name} BUILD {FIRMWARE_VERSION}");
    let Some(flash) = PsramFlash::take() else { panic!("this runs once") };
    match make(rig::provisioning(), flash) {
        Ok((device, faults)) => Board::new(device, wan, &faults).run(),
        Err(why) => {
            log!("not started: {why}");
            loop {
                cortex_m::asm::wfi();
            }
        }
    }
}

struct Board {
    device: Box<dyn Device>,
    radio: Radio,
    received: Vec<u8>,
    hang_at: Option<Instant>,
}

impl Board {
    fn new(device: Box<dyn Device>, wan: bool, faults: &Faults) -> Self {
        if faults.hang_after_boot.is_some() && !cfg!(feature = "faults") {
            log!("asked to hang, but built without faults");
        }
        let hang_at = faults.hang_after_boot.filter(|_| cfg!(feature = "faults")).map(|after| clock::now() + after);
        if wan {
            uart::WAN.start();
        }
        let radio = Radio::start(device.receive_filter());
        Self { device, radio, received: Vec::new(), hang_at }
    }

    fn run(mut self) -> ! {
        rig::forget_local_update();
        self.device.start(clock::now());
        loop {
            let jump = TimeJump::take();
            if let Some(jump) = jump.as_ref().filter(|jump| !jump.ahead.is_zero()) {
                log!("clock moved on by {} us", jump.ahead.as_micros());
            }
            self.receive_wan();
            self.radio.serve(&mut *self.device);
            let now = clock::now();
            if self.device.poll_at(now).is_some_and(|at| at <= now) {
                self.device.poll(now);
            }
            self.serve_local_update(now);
            self.do_outputs();
            if let Some(jump) = jump {
                jump.done();
            }
            self.hang_if_asked(now);
            self.sleep();
        }
    }

    /// Hands the Device what came over the WAN link.
    fn receive_wan(&mut self) {
        let mut octets = core::mem::take(&mut self.received);
        octets.clear();
        let lost = uart::WAN.take_received(&mut octets);
        if lost > 0 {
            log!("{lost} octets of the WAN link lost");
        }
        if !octets.is_empty() {
            self.device.on_wan_octets(clock::now(), &octets);
        }
        self.received = octets;
    }

    fn do_outputs(&mut self) {
        while let Some(output) = self.device.take_output() {
            match output {
                Output::Log(line) => log!("{line}"),
                Output::Wan(octets) => uart::WAN.send(&octets),
                Output::Radio(transmit) => self.radio.transmit(transmit),
            }
        }
        self.radio.flush(self.device.receive_filter());
    }

    fn serve_local_update(&mut self, now: Instant) {
        let Some(update) = rig::local_update() else { return };
        let result = self.device.update_locally(now, update.image);
        if let Err(why) = &result {
            log!("local update: {why}");
        }
        rig::local_update_done(&update, result.is_ok());
    }

    fn hang_if_asked(&self, now: Instant) {
        if self.hang_at.is_some_and(|at| at <= now) {
            cortex_m::interrupt::disable();
            loop {
                cortex_m::asm::wfi();
            }
        }
    }

    /// Sleeps until a frame came in, or the Device wants to be polled, or it is time to look at the rig's requests and at
    /// octets that are no frame.
    fn sleep(&self) {
        let now = clock::now();
        let radio = self.radio.poll_at().map(|at| at - clock::uptime());
        let others = [self.device.poll_at(now), self.hang_at].map(|at| at.map(|at| at - now));
        let due = others.into_iter().chain([radio]).flatten().min();
        let delay = due.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP);
        if delay.is_zero() {
            return;
        }
        clock::set_alarm(delay);
        if uart::RADIO.is_sending() || uart::WAN.is_sending() {
            works();
        } else {
            sleeps(due);
        }
        let mut asleep = true;
        while asleep {
            // With interrupts masked none can come between the look and the sleep; one that is pending ends the sleep all
            // the same, and is served after it.
            critical_section::with(|_| {
                asleep = !(clock::alarm_went_off() || uart::RADIO.has_frame() || uart::WAN.has_frame());
                if asleep {
                    cortex_m::asm::wfi();
                }
            });
        }
        works();
    }
}
