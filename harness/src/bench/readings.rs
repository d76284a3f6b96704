//! Which readings of the documents are in force on a bench, for the log of a run.

use std::collections::BTreeMap;

use hanrig_dcc::settings::Settings;
use hanrig_wire::time::Duration;

use super::{Bands, Bench, HubProfile};

/// The settings of the DCC's side that decide an interpretation of the catalogue, by the beginning of their path.
const DECIDED_BY: &[(&str, &str)] = &[
    ("maximum_image_size", "I-01"),
    ("transfer_alert_recipients", "I-03"),
    ("hcalcs_suppliers", "I-06"),
    ("tracking_timeout", "I-07"),
    ("hcalcs_version_read", "I-11"),
    ("rejection_alerts", "I-13"),
    ("version_alerts", "I-13"),
    ("anomaly_threshold", "I-17"),
    ("delivery_period", "I-19"),
    ("long_retry", "I-19"),
    ("csp.service_window", "I-19"),
];

impl Bench {
    /// The interpretations that a run on this bench goes by: those of the `catalogue`, each with what the bench has
    /// otherwise; the other settings that are not the usual ones; and the profiles of its hub and of those that scenarios
    /// can name.
    pub fn readings(&self, catalogue: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut readings = catalogue;
        for (path, value, usual) in differences(&self.settings) {
            let told = format!("{value}, usually {usual}");
            match decides(&path).and_then(|id| readings.get_mut(id)) {
                Some(reading) => reading.push_str(&format!(" Otherwise on this bench: {path} = {told}.")),
                None => {
                    readings.insert(format!("setting {path}"), told);
                }
            }
        }
        readings.insert("hub profile".to_owned(), profile_text(&self.hub.profile));
        for named in &self.hub_profiles {
            readings.insert(format!("hub profile {:?}", named.name), profile_text(&named.profile));
        }
        readings
    }

    /// What the bench has otherwise than usual of a setting, or of the settings whose paths begin so, and which
    /// interpretation that decides. `None` where all is as usual.
    pub fn unusual(&self, setting: &str) -> Option<String> {
        let mut told = Vec::new();
        for (path, value, usual) in differences(&self.settings) {
            if begins(&path, setting) {
                told.push(format!("{path} = {value}, usually {usual}"));
            }
        }
        let reading = decides(setting).map_or_else(String::new, |id| format!(" ({id})"));
        (!told.is_empty()).then(|| format!("on this bench {}{reading}", told.join("; ")))
    }
}

/// The settings that are not the usual ones, a line each, with the interpretation that each decides. That requests without
/// a signature are taken is not among them.
pub(crate) fn unusual_settings(settings: &Settings) -> Vec<String> {
    let settings = Settings { unsigned_requests: Settings::default().unsigned_requests, ..settings.clone() };
    let line = |(path, value, usual): (String, String, String)| {
        let decided = decides(&path);
        let reading = decided.map_or_else(String::new, |id| format!(" ({id})"));
        format!("setting {path} = {value}, usually {usual}{reading}")
    };
    differences(&settings).into_iter().map(line).collect()
}

/// The interpretation that the setting of this path decides.
fn decides(path: &str) -> Option<&'static str> {
    DECIDED_BY.iter().find(|(beginning, _)| begins(path, beginning)).map(|(_, id)| *id)
}

/// Whether a path is this one, or leads on from it.
fn begins(path: &str, beginning: &str) -> bool {
    path.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn profile_text(profile: &HubProfile) -> String {
    let maker = if profile.maker.is_empty() { "an unnamed maker" } else { &profile.maker };
    let bands = match profile.bands {
        Bands::Single => "2.4 GHz",
        Bands::Dual => "2.4 GHz and sub-GHz",
    };
    let HubProfile { retention, stall, notify_again, .. } = profile;
    let hours = |duration: &Duration| duration.as_secs() / 3600;
    format!(
        "{maker}, {bands}: keeps an image for {} days (I-09), waits {} hours for a Device that has stopped (I-10), \
         notifies again after {} minutes",
        hours(retention) / 24,
        hours(stall),
        notify_again.as_secs() / 60
    )
}

/// Path, value and usual value of each setting that is not as usual.
fn differences(settings: &Settings) -> Vec<(String, String, String)> {
    let (here, usual) = (flat(settings), flat(&Settings::default()));
    let paths: std::collections::BTreeSet<&String> = here.keys().chain(usual.keys()).collect();
    let text = |values: &BTreeMap<String, String>, path: &String| {
        values.get(path).cloned().unwrap_or_else(|| "none".to_owned())
    };
    let rows = paths.into_iter().map(|path| (path.clone(), text(&here, path), text(&usual, path)));
    rows.filter(|(_, here, usual)| here != usual).collect()
}

/// Every setting by its path in the file.
fn flat(settings: &Settings) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    // Settings that were read from a file can be written to one.
    if let Ok(table) = toml::Table::try_from(settings) {
        flatten(None, &toml::Value::Table(table), &mut values);
    }
    values
}

fn flatten(path: Option<&str>, value: &toml::Value, values: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let path = path.map_or_else(|| key.clone(), |path| format!("{path}.{key}"));
                flatten(Some(&path), value, values);
            }
        }
        toml::Value::String(text) => {
            values.insert(path.unwrap_or_default().to_owned(), text.clone());
        }
        other => {
            values.insert(path.unwrap_or_default().to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_where_it_belongs() {
        let mut bench = Bench::built_in().unwrap();
        bench.hub_profiles.truncate(1);
        let text = "tracking_timeout = \"3days\"\nresponse_timeout = \"2h\"\n[csp]\nsecond_request = \"reject\"\n\
                    [[anomaly_threshold]]\nuser = \"0A-48-52-47-F0-00-00-01\"\nservice_reference = \"11.4\"\nrequests = 20\n\
                    period = \"1day\"";
        bench.settings = Settings::from_toml(text).unwrap();
        let catalogue = ["I-01", "I-07", "I-17"].map(|id| (id.to_owned(), "A reading.".to_owned()));
        let readings = bench.readings(catalogue.into());
        let lines: Vec<_> = readings.iter().map(|(id, reading)| format!("{id}: {reading}")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
I-01: A reading.
I-07: A reading. Otherwise on this bench: tracking_timeout = 3days, usually 7days.
I-17: A reading. Otherwise on this bench: anomaly_threshold = [{ period = "1day", requests = 20, service_reference = "11.4", user = "0A-48-52-47-F0-00-00-01" }], usually none.
hub profile: Test Hubs Ltd, 2.4 GHz: keeps an image for 14 days (I-09), waits 24 hours for a Device that has stopped (I-10), notifies again after 60 minutes
hub profile "North, single band": North Hubs Ltd, 2.4 GHz: keeps an image for 14 days (I-09), waits 24 hours for a Device that has stopped (I-10), notifies again after 60 minutes
setting csp.second_request: reject, usually schedule
setting response_timeout: 2h, usually 1day
"#);
    }

    #[test]
    fn a_usual_bench_has_the_readings_of_the_catalogue() {
        let bench = Bench::built_in().unwrap();
        let readings = bench.readings(BTreeMap::from([("I-01".to_owned(), "A reading.".to_owned())]));
        assert_eq!(readings["I-01"], "A reading.");
        assert!(readings.keys().all(|id| id == "I-01" || id.starts_with("hub profile")), "{readings:?}");
    }
}
