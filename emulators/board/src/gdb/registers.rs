//! Numbers of the core registers, from the target description that the stub gives.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Registers by name, as the target description names them (`r0`, `sp`, `pc`, `xpsr`, `d0`, `fpscr`, ...).
#[derive(Debug, Default)]
pub(crate) struct RegisterMap {
    by_name: BTreeMap<String, Register>,
    next: u32,
}

/// One register of the stub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Register {
    /// Number for `p` and `P` packets.
    pub(crate) number: u32,
    /// Width in octets.
    pub(crate) size: usize,
}

impl RegisterMap {
    /// Adds the registers of one document and returns the documents that it includes, in order.
    ///
    /// A register without a number follows the one before it, through all documents: so they must be added in the order
    /// of inclusion. `Err` says where the document is no XML.
    pub(crate) fn add(&mut self, document: &str) -> Result<Vec<String>, String> {
        let mut includes = Vec::new();
        let mut reader = Reader::from_str(document);
        loop {
            let event = reader.read_event().map_err(|error| format!("offset {}: {error}", reader.error_position()))?;
            match event {
                Event::Eof => return Ok(includes),
                Event::Start(element) | Event::Empty(element) => match element.local_name().as_ref() {
                    "reg" => self.add_register(&element),
                    "include" => includes.extend(attribute(&element, "href")),
                    _ => {}
                },
                _ => {}
            }
        }
    }

    fn add_register(&mut self, element: &BytesStart<'_>) {
        let number = attribute(element, "regnum").and_then(|text| text.parse().ok()).unwrap_or(self.next);
        let bits: usize = attribute(element, "bitsize").and_then(|text| text.parse().ok()).unwrap_or(32);
        self.next = number.saturating_add(1);
        if let Some(name) = attribute(element, "name") {
            self.by_name.insert(name, Register { number, size: bits.div_ceil(8) });
        }
    }

    /// The register called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<Register> {
        self.by_name.get(name).copied()
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    Some(attribute.value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Register, RegisterMap};

    #[test]
    fn registers_are_numbered_through_the_documents() {
        let mut map = RegisterMap::default();
        let top = r#"<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">
            <target><architecture>arm</architecture><xi:include href="core.xml"/><xi:include href="vfp.xml"/></target>"#;
        assert_eq!(map.add(top), Ok(vec!["core.xml".to_owned(), "vfp.xml".to_owned()]));
        map.add(r#"<feature><reg name="pc" bitsize="32"/><reg name="xpsr" bitsize="32" regnum="25"/></feature>"#)
            .unwrap();
        map.add(r#"<feature><reg name="d0" bitsize="64" type="float"/></feature>"#).unwrap();
        assert_eq!(map.get("pc"), Some(Register { number: 0, size: 4 }));
        assert_eq!(map.get("xpsr"), Some(Register { number: 25, size: 4 }));
        assert_eq!(map.get("d0"), Some(Register { number: 26, size: 8 }));
        assert_eq!(map.get("control"), None);
    }

    #[test]
    fn what_is_no_xml_is_told() {
        assert!(RegisterMap::default().add("<reg").is_err());
    }
}
