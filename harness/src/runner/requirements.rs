//! The catalogue of requirements that goes with the features.

use std::collections::BTreeMap;

use hanrig_reports::Requirement;
use serde::Deserialize;

include!(concat!(env!("OUT_DIR"), "/requirements.rs"));

#[derive(Debug, Default, Deserialize)]
struct Catalogue {
    #[serde(default)]
    requirement: Vec<Entry>,
    #[serde(default)]
    interpretation: Vec<Interpretation>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    #[serde(flatten)]
    requirement: Requirement,
}

#[derive(Debug, Deserialize)]
struct Interpretation {
    id: String,
    text: String,
}

/// The catalogue on board is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("features/requirements.toml, which hanrig carries, is not a catalogue of requirements")]
pub struct CatalogueError(#[from] toml::de::Error);

fn catalogue() -> Result<Catalogue, CatalogueError> {
    Ok(REQUIREMENTS.map_or_else(|| Ok(Catalogue::default()), toml::from_str)?)
}

/// Where the specifications disagree or are silent: identifier to the reading that was chosen.
///
/// # Errors
///
/// None that a release has: a test reads the catalogue.
pub fn interpretations() -> Result<BTreeMap<String, String>, CatalogueError> {
    Ok(catalogue()?.interpretation.into_iter().map(|reading| (reading.id, reading.text)).collect())
}

/// All requirements, by their identifiers.
///
/// # Errors
///
/// As [`interpretations`].
pub fn requirements() -> Result<BTreeMap<String, Requirement>, CatalogueError> {
    Ok(catalogue()?.requirement.into_iter().map(|entry| (entry.id, entry.requirement)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hubs_and_devices_have_to_do_is_shown_or_said_not_to_be() {
        let cases = crate::runner::feature::embedded().unwrap();
        let carried: std::collections::BTreeSet<_> = cases.iter().flat_map(|case| &case.requirements).collect();
        let judged = ["CH", "PPMID", "HCALCS", "METER"];
        let silent: Vec<_> = requirements()
            .unwrap()
            .into_iter()
            .filter(|(id, requirement)| judged.contains(&requirement.subject.as_str()) && !carried.contains(id))
            .filter(|(_, requirement)| requirement.unshown.is_none())
            .map(|(id, _)| id)
            .collect();
        assert_eq!(silent, Vec::<String>::new());
    }

    #[test]
    fn features_name_requirements_that_exist() {
        let known = requirements().unwrap();
        if known.is_empty() {
            println!("not run: the binary carries no catalogue of requirements");
            return;
        }
        interpretations().unwrap();
        for case in crate::runner::feature::embedded().unwrap() {
            for requirement in &case.requirements {
                assert!(known.contains_key(requirement), "{}: no requirement {requirement}", case.id);
            }
        }
    }
}
