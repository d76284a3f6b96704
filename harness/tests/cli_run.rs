//! Running scenarios in a world made for it: verdicts, order, selection, the run's folder.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use cucumber::{World as _, given, then, when};
use hanrig::cli::Failure;
use hanrig::cli::run::{RunArgs, RunOptions, run_in};
use hanrig::exit::{ExitCode, chain};
use hanrig::runner::{
    BenchFault, EndOfScenario, Outcome, RigWorld, ScenarioContext, StepError, StepRecord, StepResult,
};
use hanrig_reports::{EvidenceFile, Observation, RunLog, StepStatus, Verdict};
use tempfile::TempDir;

/// A world whose steps say how they end.
#[derive(Debug, cucumber::World)]
#[world(init = Self::unstarted)]
struct TestWorld {
    context: Option<ScenarioContext>,
    now: u64,
    record: StepRecord,
}

impl TestWorld {
    fn unstarted() -> Self {
        Self { context: None, now: 0, record: StepRecord::default() }
    }

    fn tagged(&self, tag: &str) -> bool {
        self.context.iter().any(|context| context.tags.iter().any(|have| have == tag))
    }
}

impl RigWorld for TestWorld {
    fn begin(context: &ScenarioContext) -> Result<Self, BenchFault> {
        if context.tags.iter().any(|tag| tag == "no-start") {
            return Err(BenchFault::new("no probe is plugged in"));
        }
        Ok(Self { context: Some(context.clone()), ..Self::unstarted() })
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn take_step_record(&mut self) -> StepRecord {
        std::mem::take(&mut self.record)
    }

    fn end(&mut self) -> EndOfScenario {
        assert!(!self.tagged("end-panics"), "the end of the world");
        let context = self.context.as_ref().unwrap();
        let text = context.seed.to_string();
        fs::write(context.out_dir.as_ref().unwrap().join("seed.txt"), &text).unwrap();
        let kept = EvidenceFile {
            path: "seed.txt".to_owned(),
            description: "the seed".to_owned(),
            sha256: String::new(),
            octets: text.len() as u64,
        };
        EndOfScenario {
            evidence: vec![kept],
            counters: BTreeMap::from([("steps".to_owned(), self.now)]),
            fault: self.tagged("end-fault").then(|| BenchFault::new("the capture is cut short")),
        }
    }
}

#[given("a bench")]
fn a_bench(world: &mut TestWorld) {
    world.now += 5;
}

#[when(expr = "{int} us pass")]
async fn time_passes(world: &mut TestWorld, us: u64) {
    // Threads finish in another order than they began.
    tokio::time::sleep(std::time::Duration::from_micros(us)).await;
    world.now += us;
}

#[then("it passes")]
fn passes(world: &mut TestWorld) -> StepResult {
    let seed = world.context.as_ref().unwrap().seed;
    let reference = Some("seed.txt".to_owned());
    let summary = format!("seed {seed}");
    world.record.observed.push(Observation { at_us: world.now, link: "air".to_owned(), summary, reference });
    Ok(())
}

#[then("it fails")]
fn fails(_: &mut TestWorld) -> StepResult {
    Err(StepError::fail("expected N61, observed nothing"))
}

#[then("it is inconclusive")]
fn inconclusive(_: &mut TestWorld) -> StepResult {
    Err(StepError::inconclusive("the sniffer missed the frame"))
}

#[then("it is not applicable")]
fn not_applicable(_: &mut TestWorld) -> StepResult {
    Err(StepError::not_applicable("the board cannot jump in time"))
}

#[then("the bench breaks")]
fn breaks(_: &mut TestWorld) -> StepResult {
    Err(BenchFault::new("the probe was unplugged"))?
}

#[then("the driver tells of a fail")]
fn left_behind(world: &mut TestWorld) {
    world.record.outcome = Some(Outcome::Fail("the hub fell silent".to_owned()));
}

#[then("a step has a bug")]
fn bug(_: &mut TestWorld) {
    panic!("index out of bounds");
}

#[then("it was odd")]
fn odd(_: &mut TestWorld) {}

#[then(expr = "it was {word}")]
fn anything(_: &mut TestWorld, _what: String) {}

/// Features in a folder, run into another.
struct Suite {
    folder: TempDir,
}

impl Suite {
    fn new(feature: &str) -> Self {
        let suite = Self { folder: tempfile::tempdir().unwrap() };
        suite.add("features/test.feature", feature);
        suite
    }

    fn add(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn args(&self) -> RunArgs {
        RunArgs {
            options: RunOptions {
                bench: None,
                tags: None,
                out: self.path("out"),
                seed: 1,
                jobs: NonZeroUsize::new(1),
                shard: None,
                list: false,
            },
            features: vec![self.path("features")],
        }
    }

    fn run(&self) -> ExitCode {
        run(&self.args()).unwrap()
    }

    fn log(&self) -> RunLog {
        log(&self.path("out"))
    }
}

fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    run_in(args, &TestWorld::collection())
}

/// The failure's kind and message.
fn refused(args: &RunArgs, suite: &Suite) -> String {
    let (kind, error) = match run(args).unwrap_err() {
        Failure::Input(error) => ("input", error),
        Failure::Rig(error) => ("rig", error),
        Failure::Output(error) => ("output", error.into()),
    };
    format!("{kind}: {}", chain(error.as_ref()).replace(suite.folder.path().to_str().unwrap(), "DIR"))
}

fn log(folder: &Path) -> RunLog {
    RunLog::read(&folder.join("run.jsonl")).unwrap()
}

/// Verdict, reason and the steps' statuses of each scenario; places in this file without their lines.
fn told(log: &RunLog) -> String {
    let lines = log.scenarios.iter().map(|scenario| {
        let steps: Vec<_> = scenario.steps.iter().map(|step| step.status.as_str()).collect();
        format!(
            "{}: {} {:?} {steps:?}",
            scenario.started.name,
            scenario.verdict(),
            scenario.reason().unwrap_or_default()
        )
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let mut parts = text.split("cli_run.rs:");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        text + "cli_run.rs" + part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':')
    })
}

fn scenario(step: &str) -> String {
    format!("Feature: F\n  Scenario: S\n    Given a bench\n    Then {step}\n    And it passes\n")
}

#[rstest::rstest]
#[case("it passes", Verdict::Pass, StepStatus::Passed, ExitCode::Passed)]
#[case("it fails", Verdict::Fail, StepStatus::Failed, ExitCode::Failed)]
#[case("it is inconclusive", Verdict::Inconclusive, StepStatus::Inconclusive, ExitCode::Unsettled)]
#[case("it was odd", Verdict::Error, StepStatus::Error, ExitCode::Unsettled)]
#[case("it is not applicable", Verdict::NotApplicable, StepStatus::NotApplicable, ExitCode::Passed)]
#[case("the bench breaks", Verdict::Error, StepStatus::Error, ExitCode::Unsettled)]
#[case("the driver tells of a fail", Verdict::Fail, StepStatus::Failed, ExitCode::Failed)]
#[case("a step has a bug", Verdict::Error, StepStatus::Error, ExitCode::Unsettled)]
#[case("nobody knows this", Verdict::Error, StepStatus::Undefined, ExitCode::Unsettled)]
fn verdicts(#[case] step: &str, #[case] verdict: Verdict, #[case] status: StepStatus, #[case] code: ExitCode) {
    let suite = Suite::new(&scenario(step));
    assert_eq!(suite.run(), code);
    let log = suite.log();
    let scenario = &log.scenarios[0];
    assert_eq!(scenario.verdict(), verdict);
    assert_eq!(scenario.steps[1].status, status);
    let after = if verdict == Verdict::Pass { StepStatus::Passed } else { StepStatus::Skipped };
    assert_eq!(scenario.steps[2].status, after);
    assert_eq!(log.finished.unwrap().verdict, verdict);
    for report in ["report.html", "junit.xml", "cucumber.json", "traceability.csv"] {
        assert!(suite.path("out").join(report).is_file(), "{report}");
    }
}

#[test]
fn reasons_say_what_and_where() {
    let suite = Suite::new(
        "\
Feature: F
  Scenario: failing
    Then it fails
  Scenario: buggy
    Then a step has a bug
  Scenario: undefined
    Given a bench
    When nobody knows this
    Then it passes
  Scenario: ambiguous
    Then it was odd
  @no-start
  Scenario: unstarted
    Then it passes
  @end-fault
  Scenario: badly ended
    Then it passes
  @end-fault
  Scenario: failed and badly ended
    Then it fails
  @end-panics
  Scenario: not ended
    Then it passes
",
    );
    assert_eq!(suite.run(), ExitCode::Failed);
    insta::assert_snapshot!(told(&suite.log()), @r#"
    failing: fail "expected N61, observed nothing" ["failed"]
    buggy: error "a bug of the rig, not of the device: panic at harness/tests/cli_run.rs index out of bounds" ["error"]
    undefined: error "no step is defined for \"When nobody knows this\" at test.feature:8" ["passed", "undefined", "skipped"]
    ambiguous: error "more than one step is defined for \"Then it was odd\" at test.feature:11: ^it was ([^\\s]+)$ at harness/tests/cli_run.rs, ^it was odd$ at harness/tests/cli_run.rs" ["error"]
    unstarted: error "the bench did not start: no probe is plugged in" ["skipped"]
    badly ended: error "the capture is cut short" ["passed"]
    failed and badly ended: error "the capture is cut short; before that, fail: expected N61, observed nothing" ["failed"]
    not ended: error "the bench did not stop: panic at harness/tests/cli_run.rs the end of the world" ["passed"]
    "#);
}

#[test]
fn fail_stands_above_error_in_the_exit_code() {
    let suite = Suite::new("Feature: F\n  Scenario: A\n    Then the bench breaks\n  Scenario: B\n    Then it fails\n");
    assert_eq!(suite.run(), ExitCode::Failed);
}

/// Scenarios that take their time, more of it the earlier they come.
fn many() -> Suite {
    let mut text = "@all\nFeature: Many\n".to_owned();
    for n in 0..12 {
        text.push_str(&format!(
            "  @n{n} @CH-{n}\n  Scenario: number {n}\n    Given a bench\n    When {} us pass\n    Then it passes\n",
            (12 - n) * 300
        ));
    }
    Suite::new(&text)
}

#[test]
fn one_seed_gives_one_log_whatever_the_jobs() {
    let suite = many();
    let run_with = |jobs, seed, out: &str| {
        let mut args = suite.args();
        args.options = RunOptions { jobs: NonZeroUsize::new(jobs), seed, out: suite.path(out), ..args.options };
        run(&args).unwrap();
        fs::read(suite.path(out).join("run.jsonl")).unwrap()
    };
    let one = run_with(1, 7, "one");
    assert_eq!(one, run_with(2, 7, "two"));
    assert_eq!(one, run_with(64, 7, "many"));
    assert_ne!(one, run_with(2, 8, "other"));
}

#[test]
fn shards_and_tags_choose() {
    let suite = many();
    let chosen = |shard: Option<&str>, tags: Option<&str>| -> Vec<(String, u64)> {
        let mut args = suite.args();
        args.options.shard = shard.map(|shard| shard.parse().unwrap());
        args.options.tags = tags.map(|tags| tags.parse().unwrap());
        run(&args).unwrap();
        let log = suite.log();
        log.scenarios.into_iter().map(|scenario| (scenario.started.name, scenario.started.seed)).collect()
    };
    let all = chosen(None, None);
    let mut dealt: Vec<_> =
        ["1/5", "2/5", "3/5", "4/5", "5/5"].into_iter().flat_map(|k| chosen(Some(k), None)).collect();
    dealt.sort();
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!(dealt, sorted, "together the shards have every scenario once, with the seed that it has in a whole run");
    let names: Vec<_> =
        chosen(None, Some("@all and (@n3 or @n4) and not @n4")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["number 3"]);
    assert_eq!(chosen(Some("2/2"), Some("@n3")), [], "an empty shard is no error");
}

#[test]
fn no_scenario_for_the_tags_is_refused() {
    let suite = many();
    let mut args = suite.args();
    args.options.tags = Some("@nothing".parse().unwrap());
    insta::assert_snapshot!(refused(&args, &suite), @r#"input: no scenario has tags that fit "@nothing"; `hanrig run --list` shows the tags there are"#);
}

#[test]
fn outlines_backgrounds_and_evidence_are_in_the_log() {
    let suite = Suite::new(
        "\
@CH-10
Feature: F
  Background:
    Given a bench
  @ppmid
  Scenario Outline: after <us> us
    When <us> us pass
    Then it passes
    Examples:
      | us |
      | 10 |
      | 20 |
",
    );
    assert_eq!(suite.run(), ExitCode::Passed);
    let log = suite.log();
    let second = &log.scenarios[1];
    assert_eq!(second.started.scenario.as_str(), "test.feature:12");
    assert_eq!(second.started.tags, ["CH-10", "ppmid"]);
    assert_eq!(second.started.requirements, ["CH-10"]);
    let steps: Vec<_> =
        second.steps.iter().map(|step| (step.keyword.as_str(), step.text.as_str(), step.line)).collect();
    assert_eq!(steps, [("Given", "a bench", 4), ("When", "20 us pass", 7), ("Then", "it passes", 8)]);
    let finished = second.finished.as_ref().unwrap();
    assert_eq!((finished.duration_us, finished.counters["steps"]), (25, 25));
    let file = &finished.evidence[0];
    assert_eq!(file.path, "scenarios/test/012-after-20-us/seed.txt");
    let kept = fs::read_to_string(suite.path("out").join(&file.path)).unwrap();
    assert_eq!(kept, second.started.seed.to_string());
    assert_eq!(second.steps[2].observed[0].reference.as_deref(), Some(file.path.as_str()));
}

#[test]
fn what_cannot_fail_or_be_read_is_refused() {
    let suite = Suite::new("Feature: F\n  Scenario: S\n    Given a bench\n");
    suite.add("features/b.feature", "Feature: G\n  Scenario: S\n    Given a bench\n    Thn it passes\n");
    suite.add("features/c.feature", "\u{0}\u{1}");
    insta::assert_snapshot!(refused(&suite.args(), &suite), @r#"
    input: 3 things are wrong with the features
      DIR/features/b.feature:4: not Gherkin: "Thn it passes"; expected a keyword with a colon, a step, a table row or a tag
      DIR/features/c.feature:1: not Gherkin: "\0\u{1}"; expected a keyword with a colon, a step, a table row or a tag
      DIR/features/test.feature:2: scenario "S" has no Then, so it cannot fail
    "#);
    let mut args = suite.args();
    args.features = vec![suite.path("missing.feature"), suite.path("out")];
    fs::create_dir(suite.path("out")).unwrap();
    insta::assert_snapshot!(refused(&args, &suite), @r#"
    input: 2 things are wrong with the features
      DIR/out: no .feature file in this folder
      DIR/missing.feature: cannot be read: No such file or directory (os error 2)
    "#);
    assert!(!suite.path("out/run.jsonl").exists());
}

#[test]
fn a_file_is_called_the_same_however_it_is_reached() {
    let suite = Suite::new(&scenario("it passes"));
    suite.add("features/sit/a.feature", &scenario("it passes"));
    let ids = |features: &[&str]| -> Vec<String> {
        let mut args = suite.args();
        args.features = features.iter().map(|path| suite.path(path)).collect();
        run(&args).unwrap();
        suite.log().scenarios.into_iter().map(|scenario| scenario.started.scenario.0).collect()
    };
    assert_eq!(ids(&["features"]), ["sit/a.feature:2", "test.feature:2"]);
    assert_eq!(ids(&["features/sit"]), ["sit/a.feature:2"]);
    assert_eq!(ids(&["features/sit/a.feature", "features/sit"]), ["sit/a.feature:2"]);
}

#[test]
fn an_earlier_run_is_replaced_and_nothing_else() {
    let suite = many();
    suite.run();
    let kept = suite.path("out/scenarios/test/004-number-0");
    assert!(kept.join("seed.txt").is_file());
    fs::write(suite.path("out/notes.txt"), "mine").unwrap();
    fs::write(suite.path("out/scenarios/test/009-number-1/notes.txt"), "mine").unwrap();
    let mut args = suite.args();
    args.options.tags = Some("@n5".parse().unwrap());
    run(&args).unwrap();
    assert_eq!(suite.log().scenarios.len(), 1);
    assert!(!kept.exists());
    assert!(suite.path("out/notes.txt").is_file());
    assert!(suite.path("out/scenarios/test/009-number-1/notes.txt").is_file());
    assert!(!suite.path("out/scenarios/test/009-number-1/seed.txt").exists());
}

#[test]
fn what_is_not_ours_is_in_the_way() {
    let suite = many();
    suite.add("out/report.html", "somebody else's");
    insta::assert_snapshot!(refused(&suite.args(), &suite), @"input: DIR/out/report.html is in the way and no run log beside it says that hanrig wrote it; name another folder with --out");
    suite.add("out/run.jsonl", "somebody else's\n");
    insta::assert_snapshot!(refused(&suite.args(), &suite), @"input: DIR/out/run.jsonl is no run log of hanrig; name another folder with --out: line 1, column 1: expected value (each line is one event as a JSON object)");
    assert_eq!(fs::read_to_string(suite.path("out/report.html")).unwrap(), "somebody else's");
}
