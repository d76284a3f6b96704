//! The virtual board's chip, described to probe-rs.

use probe_rs::config::{Registry, RegistryError};

/// Name of the chip, for `Probe::attach` and a bench file.
pub const CHIP: &str = "mps2-an386";

/// The description of [`CHIP`] in the form of probe-rs, for a rig that reads such descriptions from files.
pub const CHIP_DESCRIPTION: &str = include_str!("chip.yaml");

/// probe-rs's own chips and [`CHIP`].
///
/// # Errors
/// When probe-rs does not take the description, which its version would have to have changed for.
pub fn registry() -> Result<Registry, RegistryError> {
    let mut registry = Registry::from_builtin_families();
    add_to(&mut registry)?;
    Ok(registry)
}

/// Adds [`CHIP`] to `registry`.
///
/// # Errors
/// As [`registry`].
pub fn add_to(registry: &mut Registry) -> Result<(), RegistryError> {
    registry.add_target_family_from_yaml(CHIP_DESCRIPTION).map(|_| ())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_chip_is_in_the_registry() {
        let target = super::registry().unwrap().get_target_by_name(super::CHIP).unwrap();
        assert_eq!(target.name, "mps2-an386");
        assert_eq!(target.memory_map.len(), 3);
    }
}
