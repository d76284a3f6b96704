//! What is unplugged in the middle of a scenario, on a bench of software over virtual dongles in real time.

use std::sync::Arc;

use hanrig::bench::Bench;
use hanrig::ports::SerialSettings;
use hanrig::progress::ScenarioProgress;
use hanrig::rig::driver::{Cannot, Driver};
use hanrig::rig::live::{LiveBench, LiveSetup, PlayerSetup};
use hanrig::runner::ScenarioContext;
use hanrig_air::live::{Endpoint, LiveAir, LiveConfig, Pace};
use hanrig_reports::ScenarioId;
use hanrig_wire::time::Duration;

fn port(endpoint: &Endpoint) -> SerialSettings {
    SerialSettings { path: endpoint.path().unwrap().to_owned(), baud: 115_200 }
}

#[test]
fn a_sniffer_that_is_unplugged_is_a_fault_of_the_bench() {
    let bench = Bench::built_in().unwrap();
    let air = LiveAir::start(LiveConfig { pace: Pace::Unthrottled, ..LiveConfig::default() }).unwrap();
    let mut sniffer = air.sniffer_on_pty("sniffer", None).unwrap();
    let hub = air.rcp_on_pty("hub", bench.hub.eui, None).unwrap();
    let ppmids: Vec<_> =
        bench.ppmids.iter().map(|ppmid| air.rcp_on_pty(&ppmid.name, ppmid.eui, None).unwrap()).collect();
    let setup = LiveSetup {
        hub: PlayerSetup::Software { rcp: port(&hub) },
        wan: None,
        ppmids: ppmids.iter().map(|ppmid| PlayerSetup::Software { rcp: port(ppmid) }).collect(),
        devices: Vec::new(),
        sniffer: port(&sniffer),
        patience: Duration::from_secs(60),
        emulation: None,
        attacker: None,
    };
    let path = setup.sniffer.path.clone();
    let context = ScenarioContext {
        bench: Arc::new(bench.clone()),
        seed: 1,
        id: ScenarioId::new("a.feature", 1),
        name: "a scenario".to_owned(),
        tags: Vec::new(),
        out_dir: None,
        progress: ScenarioProgress::hidden(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut live = LiveBench::start(&bench, setup, &context).await.unwrap();
        // In the middle of things: the devices speak.
        let soon = live.now() + Duration::from_secs(30);
        assert!(live.run_until(soon, &mut |seen| seen.revision > 0).await.unwrap());
        sniffer.unplug();
        let fault = match live.let_pass(Duration::from_secs(30)).await {
            Err(Cannot::Fault(fault)) => fault.to_string(),
            other => panic!("{other:?}"),
        };
        let expected = format!("serial port {} is gone; was the device unplugged?", path.display());
        assert!(fault.contains(&expected), "{fault}");
    });
}
