//! `hanrig bench list`.

use serde_json::{Value, json};
use serialport::{SerialPortInfo, SerialPortType};

use crate::cli::{Failure, output};
use crate::exit::ExitCode;
use crate::ports::probe::{FoundProbe, found_probes};

pub(super) fn run(as_json: bool) -> Result<ExitCode, Failure> {
    let probes = found_probes();
    let ports = serialport::available_ports()
        .map_err(|error| Failure::rig(std::io::Error::other(format!("cannot list the serial ports: {error}"))))?;
    let ports: Vec<_> = ports.into_iter().map(Port::new).collect();
    if as_json {
        let probes: Vec<_> = probes.iter().map(probe_json).collect();
        let ports: Vec<_> = ports.iter().map(Port::json).collect();
        output::print_json(&json!({ "probes": probes, "ports": ports }))?;
    } else {
        output::print(&text(&probes, &ports))?;
    }
    Ok(ExitCode::Passed)
}

/// A serial port that was found.
#[derive(Clone, Debug, Default)]
struct Port {
    path: String,
    usb: Option<(u16, u16)>,
    serial: Option<String>,
    manufacturer: Option<String>,
    product: Option<String>,
}

impl Port {
    fn new(info: SerialPortInfo) -> Self {
        let path = info.port_name;
        match info.port_type {
            SerialPortType::UsbPort(usb) => Self {
                path,
                usb: Some((usb.vid, usb.pid)),
                serial: usb.serial_number,
                manufacturer: usb.manufacturer,
                product: usb.product,
            },
            _ => Self { path, ..Self::default() },
        }
    }

    fn json(&self) -> Value {
        json!({
            "path": self.path,
            "vendor": self.usb.map(|(vendor, _)| format!("{vendor:04x}")),
            "product": self.usb.map(|(_, product)| format!("{product:04x}")),
            "serial": self.serial,
            "manufacturer": self.manufacturer,
            "name": self.product,
        })
    }
}

fn probe_json(probe: &FoundProbe) -> Value {
    json!({
        "selector": probe.selector,
        "name": probe.name,
        "vendor": format!("{:04x}", probe.vendor),
        "product": format!("{:04x}", probe.product),
        "serial": probe.serial,
        "accessible": probe.accessible,
    })
}

fn text(probes: &[FoundProbe], ports: &[Port]) -> String {
    let mut text = String::new();
    if probes.is_empty() {
        text.push_str("no debug probe was found\n");
    } else {
        text.push_str("debug probes\n");
        let rows = probes.iter().map(|probe| {
            let access = if probe.accessible { "" } else { "this user may not use it: see the udev rules of probe-rs" };
            vec![probe.selector.clone(), probe.name.clone(), access.to_owned()]
        });
        text.push_str(&table(rows.collect()));
    }
    text.push('\n');
    if ports.is_empty() {
        text.push_str("no serial port was found\n");
    } else {
        text.push_str("serial ports\n");
        let rows = ports.iter().map(|port| {
            let usb = port.usb.map(|(vendor, product)| format!("{vendor:04x}:{product:04x}")).unwrap_or_default();
            let named = [&port.manufacturer, &port.product];
            let named: Vec<_> = named.into_iter().flatten().map(String::as_str).collect();
            let serial = port.serial.as_ref().map(|serial| format!("serial number {serial}")).unwrap_or_default();
            vec![port.path.clone(), usb, named.join(" "), serial]
        });
        text.push_str(&table(rows.collect()));
    }
    text
}

/// Columns as wide as they need to be, indented.
fn table(rows: Vec<Vec<String>>) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("  {cell:width$}"));
        text.push_str(cells.collect::<String>().trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_plainly() {
        insta::assert_snapshot!(text(&[], &[]), @r"
        no debug probe was found

        no serial port was found
        ");
    }

    #[test]
    fn what_is_there_is_told_in_columns() {
        let probe = |selector: &str, name: &str, accessible| FoundProbe {
            name: name.to_owned(),
            vendor: 0x1366,
            product: 0x1061,
            serial: None,
            selector: selector.to_owned(),
            accessible,
        };
        let probes = [probe("1366:1061:000683000001", "J-Link", true), probe("0d28:0204", "CMSIS-DAP", false)];
        let ports = [
            Port {
                path: "/dev/ttyACM0".to_owned(),
                usb: Some((0x1915, 0x521F)),
                serial: Some("DF6240F6".to_owned()),
                manufacturer: Some("ZEPHYR".to_owned()),
                product: Some("nRF Sniffer for 802.15.4".to_owned()),
            },
            Port { path: "/dev/ttyS0".to_owned(), ..Port::default() },
        ];
        insta::assert_snapshot!(text(&probes, &ports), @r"
        debug probes
          1366:1061:000683000001  J-Link
          0d28:0204               CMSIS-DAP  this user may not use it: see the udev rules of probe-rs

        serial ports
          /dev/ttyACM0  1915:521f  ZEPHYR nRF Sniffer for 802.15.4  serial number DF6240F6
          /dev/ttyS0
        ");
        assert_eq!(probe_json(&probes[0])["selector"], "1366:1061:000683000001");
        assert_eq!(ports[0].json()["product"], "521f");
    }
}
