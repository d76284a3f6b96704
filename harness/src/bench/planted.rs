//! Faults planted in the software participants, for the test which proves that the scenarios see them.
//!
//! They come with the cargo feature `planted-faults`, which no build for use has, and cannot be set in a bench file.

use hanrig_dcc::{csp, dsp, panel, supplier};

/// A fault in one of the software participants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Planted {
    /// In the hub.
    Hub(hanrig_ch::Fault),
    /// In every PPMID.
    Ppmid(hanrig_ppmid::Fault),
    /// In every ESME, GSME and HCALCS.
    Device(hanrig_devices::Fault),
    /// In the DSP.
    Dsp(dsp::Fault),
    /// In the CSP.
    Csp(csp::Fault),
    /// In every Supplier.
    Supplier(supplier::Fault),
    /// In the SEC Panel.
    Panel(panel::Fault),
}

impl Planted {
    /// Every fault that there is.
    pub fn all() -> Vec<Self> {
        let hub = hanrig_ch::Fault::ALL.iter().copied().map(Self::Hub);
        let ppmid = hanrig_ppmid::Fault::ALL.iter().copied().map(Self::Ppmid);
        let device = hanrig_devices::Fault::ALL.iter().copied().map(Self::Device);
        let dsp = dsp::Fault::ALL.iter().copied().map(Self::Dsp);
        let csp = csp::Fault::ALL.iter().copied().map(Self::Csp);
        let supplier = supplier::Fault::ALL.iter().copied().map(Self::Supplier);
        let panel = panel::Fault::ALL.iter().copied().map(Self::Panel);
        hub.chain(ppmid).chain(device).chain(dsp).chain(csp).chain(supplier).chain(panel).collect()
    }

    /// The identifiers of the requirements that it breaks.
    pub const fn requirements(self) -> &'static [&'static str] {
        match self {
            Self::Hub(fault) => fault.requirements(),
            Self::Ppmid(fault) => fault.requirements(),
            Self::Device(fault) => fault.requirements(),
            Self::Dsp(fault) => fault.requirements(),
            Self::Csp(fault) => fault.requirements(),
            Self::Supplier(fault) => fault.requirements(),
            Self::Panel(fault) => fault.requirements(),
        }
    }
}
