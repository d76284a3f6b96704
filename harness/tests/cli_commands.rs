//! Usage, runs and benches as a user meets them: output, messages and exit codes.

mod cli_support;

use std::fs;
use std::path::Path;

use cli_support::{folder, hanrig, hanrig_in, refused, text};

// ------------------------------------------------------------------------------------------------------------- usage

#[test]
fn help() {
    let help = |args: &[&str]| {
        let out = hanrig(args).out;
        // Clap leaves blanks at the ends of lines.
        out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(help(&["--help"]), @r#"
    Hardware-in-the-loop rig and conformance harness for over-the-air firmware updates in the GB smart
    metering HAN.

    Without a command: runs every scenario that hanrig carries on its built-in bench, as `hanrig run`
    does.

    Usage: hanrig [OPTIONS]
           hanrig [--no-color] <COMMAND>

    Commands:
      run     Run scenarios
      ota     Read and write OTA files
      gbcs    Read GBCS messages
      duis    Read DUIS messages
      bench   See what there is to make a bench of, and whether a bench works
      report  Render the reports of a run again from its log
      serve   Play a part for a client outside
      help    Print this message or the help of the given subcommand(s)

    Options:
          --bench <FILE>
              Bench file; without one, the built-in bench, where software plays every role

          --tags <EXPR>
              Run only scenarios with tags that fit, such as "@sit and not @ppmid"

          --out <DIR>
              Folder for run log, reports and evidence; what an earlier run left there is replaced

              [default: reports/out]

          --seed <N>
              Seed of everything random; one seed gives one run log

              [default: 1]

          --jobs <N>
              Scenarios that run at the same time, on a bench that is not hardware; without it, as many
              as suit the bench

          --shard <K/N>
              Run only part K of N; the parts together have every scenario once

          --list
              List the scenarios instead of running them

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

          --no-color
              Write without colour, as the environment variable NO_COLOR does

    Exit codes:
      0  all scenarios passed or were not applicable; a command did what it was asked
      1  a scenario failed
      2  bad usage or input
      3  the bench failed or a verdict is inconclusive
    "#);
    insta::assert_snapshot!(help(&["run", "--help"]), @r#"
    Run scenarios

    Usage: hanrig run [OPTIONS] [FEATURE]...

    Arguments:
      [FEATURE]...  Feature files, or folders of them; without any, those that hanrig carries

    Options:
          --bench <FILE>  Bench file; without one, the built-in bench, where software plays every role
          --tags <EXPR>   Run only scenarios with tags that fit, such as "@sit and not @ppmid"
          --out <DIR>     Folder for run log, reports and evidence; what an earlier run left there is
                          replaced [default: reports/out]
          --seed <N>      Seed of everything random; one seed gives one run log [default: 1]
          --jobs <N>      Scenarios that run at the same time, on a bench that is not hardware; without
                          it, as many as suit the bench
          --shard <K/N>   Run only part K of N; the parts together have every scenario once
          --list          List the scenarios instead of running them
      -h, --help          Print help
          --no-color      Write without colour, as the environment variable NO_COLOR does
    "#);
    insta::assert_snapshot!(help(&["ota", "build", "--help"]), @r#"
    Make an OTA file of the GB companion specification: OTA Header || Manufacturer Image [|| 00 40 ||
    signature]

    Usage: hanrig ota build [OPTIONS] --output <FILE> --manufacturer-code <HEX> --image-type <HEX> --file-version <VERSION> <PAYLOAD>

    Arguments:
      <PAYLOAD>  The Manufacturer Image, of at most 16 MiB; with --reference-image its body; - for
                 standard input

    Options:
      -o, --output <FILE>
              The file to write
          --manufacturer-code <HEX>
              Manufacturer code, such as 12A7
          --image-type <HEX>
              Image type: the model, such as 5001
          --file-version <VERSION>
              File version: the firmware version, such as 00000020 or 00:00:00:20
          --stack-version <HEX>
              ZigBee stack version [default: 0002]
          --header-string <TEXT>
              Header string: a text of at most 32 octets
          --hardware-min <HEX>
              Lowest hardware version that the image is for, such as 0100
          --hardware-max <HEX>
              Highest hardware version that the image is for, such as 01FF
          --security-credential-version <N>
              Security credential version
          --destination <EUI>
              The one Device that the file is for
          --sign <KEYFILE>
              Append 00 40 and the Supplier's signature over the Manufacturer Image, as SRV 11.1 carries
              it. The key file holds a private scalar of P-256 as 64 hexadecimal digits
          --reference-image <KEYFILE>
              Wrap the payload in the Manufacturer Image of the reference devices, signed with this key.
              The key file is as with --sign
          --part <N>
              Which part the image is, where firmware is split [default: 1]
          --parts <N>
              How many parts there are [default: 1]
          --base-version <VERSION>
              The firmware version that the image goes on top of; any, when not given
      -h, --help
              Print help
          --no-color
              Write without colour, as the environment variable NO_COLOR does
    "#);
    for args in [&["--help"][..], &["run", "--help"], &["gbcs", "decode", "--help"], &["--version"]] {
        assert_eq!(hanrig(args).code, 0, "{args:?}");
    }
}

#[test]
fn bad_usage() {
    for args in [
        &["nonsense"][..],
        &["run", "--nonsense"],
        &["run", "--shard", "3/2"],
        &["run", "--tags", "sit"],
        &["run", "--jobs", "0"],
        &["ota"],
        &["ota", "build", "x"],
        &["report"],
    ] {
        assert_eq!(hanrig(args).code, 2, "{args:?}");
    }
    insta::assert_snapshot!(refused(&["run", "--tags", "@a nor @b"]), @r#"
    error: invalid value '@a nor @b' for '--tags <EXPR>': not a tag expression from column 4 on; expected tags joined by and, or, not and parentheses, such as "@sit and not @ppmid"

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(refused(&["run", "--shard", "3/2"]), @r#"
    error: invalid value '3/2' for '--shard <K/N>': expected K/N with K from 1 to N, such as 1/4

    For more information, try '--help'.
    "#);
}

#[test]
fn what_is_for_every_command_may_stand_before_and_after_it() {
    let listed = hanrig(&["run", "--list", "--tags", "@ppmid"]);
    assert_eq!((listed.code, listed.err.as_str()), (0, ""));
    assert!(!listed.out.is_empty());
    for args in [
        &["--no-color", "run", "--list", "--tags", "@ppmid"][..],
        &["run", "--no-color", "--list", "--tags", "@ppmid"],
        &["run", "--list", "--tags", "@ppmid", "--no-color"],
        // Without a command it is a run.
        &["--list", "--tags", "@ppmid"],
        &["--no-color", "--list", "--tags", "@ppmid"],
        &["--list", "--tags", "@ppmid", "--no-color"],
    ] {
        let ran = hanrig(args);
        assert_eq!((ran.code, &ran.out, ran.err.as_str()), (0, &listed.out, ""), "{args:?}");
    }
    for args in
        [&["--no-color", "bench", "list"][..], &["bench", "--no-color", "list"], &["bench", "list", "--no-color"]]
    {
        assert_eq!(hanrig(args).code, 0, "{args:?}");
    }
}

#[test]
fn an_option_of_a_run_before_a_command_is_not_passed_over() {
    insta::assert_snapshot!(refused(&["--tags", "@ppmid", "run"]), @"
    error: --tags <EXPR> is an option of a run; expected it after 'run'

    Usage: hanrig [OPTIONS]
           hanrig [--no-color] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&["--seed", "2", "--no-color", "gbcs", "decode", "DF"]), @"
    error: --seed <N> is an option of 'hanrig run'; 'gbcs' does not take it

    Usage: hanrig [OPTIONS]
           hanrig [--no-color] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn colour_is_only_for_terminals() {
    let ran = hanrig(&["run", "--bench", "/nonexistent.toml"]);
    assert!(!ran.err.contains('\u{1b}'), "{}", ran.err);
    assert_eq!(ran.code, 2);
}

// --------------------------------------------------------------------------------------------------------------- run

#[test]
fn features_come_from_the_binary_wherever_it_runs() {
    let elsewhere = folder(&[]);
    let here = hanrig(&["run", "--list"]);
    let there = hanrig_in(elsewhere.path(), &["run", "--list"], b"");
    assert_eq!((here.code, here.out), (there.code, there.out));
}

#[test]
fn undefined_steps_are_errors_of_the_rig() {
    let folder = folder(&[("a.feature", b"@sit\nFeature: F\n  Scenario: S\n    Then nobody knows this step\n")]);
    let feature = folder.path().join("a.feature");
    let out = folder.path().join("out");
    let listed = hanrig(&["run", "--list", text(&feature)]);
    assert_eq!((listed.code, listed.out.as_str()), (0, "a.feature:3  S  @sit\n"));
    let ran = hanrig(&["run", "--out", text(&out), text(&feature)]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.out.contains("no step is defined for \"Then nobody knows this step\" at a.feature:4"), "{}", ran.out);
    assert!(ran.out.ends_with(&format!("report: {}\n", out.join("report.html").display())), "{}", ran.out);
    assert_eq!(ran.err, "", "nothing but what a terminal would show goes to standard error");

    let again = hanrig(&["report", text(&out)]);
    assert_eq!((again.code, again.out), (3, ran.out));
}

#[test]
fn a_report_needs_a_run_log() {
    let folder = folder(&[("run.jsonl", b"{}\n")]);
    let err = refused(&["report", text(folder.path())]);
    insta::assert_snapshot!(err.replace(text(folder.path()), "DIR"), @"error: cannot read the run log DIR/run.jsonl: line 1, column 2: missing field `event` (each line is one event as a JSON object)");
    let err = refused(&["report", "/nonexistent"]);
    insta::assert_snapshot!(err, @"error: /nonexistent has no run.jsonl; expected the folder of a run");
}

// ------------------------------------------------------------------------------------------------------------- bench

/// What is done to a bench file.
type Edit<'a> = &'a dyn Fn(&str) -> String;

#[test]
fn the_built_in_bench_can_be_copied_and_is_checked() {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/built-in");
    let folder = folder(&[("a.feature", b"Feature: F\n  Scenario: S\n    Then nobody knows this step\n")]);
    for name in ["bench.toml", "smi.toml", "cpl.toml", "registration.toml"] {
        fs::copy(built_in.join(name), folder.path().join(name)).unwrap();
    }
    let run = |edit: Edit<'_>| {
        let original = fs::read_to_string(built_in.join("bench.toml")).unwrap();
        fs::write(folder.path().join("copy.toml"), edit(&original)).unwrap();
        let ran = hanrig_in(folder.path(), &["run", "--bench", "copy.toml", "a.feature"], b"");
        (ran.code, ran.err)
    };
    assert_eq!(run(&str::to_owned), (3, String::new()), "the copy is a bench");
    let edits: [(&str, Edit<'_>); 8] = [
        ("unknown field", &|text| text.replace("channel = 15", "chanel = 15")),
        ("wrong type", &|text| text.replace("channel = 15", "channel = \"fifteen\"")),
        ("no TOML", &|text| text.replace("[hub]", "[hub")),
        ("no PPMID", &|text| {
            let (before, rest) = text.split_once("[[ppmid]]").unwrap();
            let (_, after) = rest.split_once("[access_control_broker]").unwrap();
            format!("{before}[access_control_broker]{after}")
        }),
        ("values", &|text| {
            text.replace("channel = 15", "channel = 27")
                .replace("loss = 0.0", "loss = 1.5")
                .replace("epoch = 2026-01-05T09:00:00Z", "epoch = 2026-01-05")
                .replace("block_size = 50", "block_size = 200")
        }),
        ("identities", &|text| {
            text.replace(
                "name = \"Gas Supplier\"\neui = \"0A-48-52-47-F0-00-00-02\"",
                "name = \"PPMID\"\neui = \"0A-48-52-47-01-00-00-05\"",
            )
        }),
        ("keys", &|text| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            for line in &mut lines {
                if line.starts_with("install_code") {
                    *line = "install_code = \"83FED3407A939723A5C639B26916D505C3B6\"".to_owned();
                }
            }
            let key = lines.iter().position(|line| line.starts_with("ds_private")).unwrap();
            lines[key] = format!("ds_private = \"{}\"", "00".repeat(32));
            lines.join("\n")
        }),
        ("data files", &|text| {
            text.replace("smi = \"smi.toml\"", "smi = \"smy.toml\"").replace("model = \"5001\"", "model = \"5009\"")
        }),
    ];
    let told: Vec<_> = edits
        .iter()
        .map(|(name, edit)| {
            let (code, err) = run(edit);
            assert_eq!(code, 2, "{name}: {err}");
            format!("## {name}\n{err}")
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    ## unknown field
    error: copy.toml:20:1: network.chanel: unknown field `chanel`, expected one of `channel`, `sub_ghz`, `pan_id`, `extended_pan_id`, `network_key`

    ## wrong type
    error: copy.toml:20:11: network.channel: invalid type: string "fifteen", expected u8

    ## no TOML
    error: copy.toml:36:5: hub: unclosed table, expected `]`

    ## no PPMID
    error: copy.toml: no PPMID; expected at least one [[ppmid]]

    ## values
    error: 4 things are wrong with the bench
      copy.toml:15:9: epoch: expected a date and time with offset, such as 2026-01-05T09:00:00Z
      copy.toml:20:11: network.channel: 27 is out of range; expected a channel of IEEE 802.15.4 at 2.4 GHz, 11 to 26
      copy.toml:32:8: medium.loss: 1.5 is out of range; expected a probability, 0 to 1
      copy.toml:125:14: ppmid[0].declaration.block_size: 200 is out of range; expected image octets that fit in a frame, 1 to 50

    ## identities
    error: 3 things are wrong with the bench
      copy.toml:207:8: supplier[1].name: the name "PPMID" is used twice
      copy.toml:208:7: supplier[1].eui: 0A-48-52-47-01-00-00-05 is also ppmid[0].eui on line 108; expected an identifier of its own
      copy.toml:208:7: supplier[1].eui: no [[user]] of the data files has the id 0A-48-52-47-01-00-00-05

    ## keys
    error: 5 things are wrong with the bench
      copy.toml:41:14: hub.ds_private: expected a private scalar of P-256 in 64 hexadecimal digits, above zero and below the order
      copy.toml:110:16: ppmid[0].install_code: CRC of the install code is C3B6, expected C3B5
      copy.toml:158:16: hcalcs[0].install_code: CRC of the install code is C3B6, expected C3B5
      copy.toml:173:16: esme[0].install_code: CRC of the install code is C3B6, expected C3B5
      copy.toml:185:16: gsme[0].install_code: CRC of the install code is C3B6, expected C3B5

    ## data files
    error: copy.toml:228:7: data.smi: cannot read smy.toml: No such file or directory (os error 2)
    "#);

    let smi = fs::read_to_string(built_in.join("smi.toml")).unwrap();
    fs::write(folder.path().join("smi.toml"), smi.replace("region = \"North\"", "region = \"East\"")).unwrap();
    insta::assert_snapshot!(run(&str::to_owned).1, @"error: smi.toml:6: region: unknown variant `East`, expected one of `North`, `Central`, `South`");
    fs::write(folder.path().join("smi.toml"), smi.replace("model = \"5001\"", "model = \"5003\"")).unwrap();
    insta::assert_snapshot!(run(&str::to_owned).1, @"error: copy.toml:112:9: ppmid[0].model: 5001; the data files have 5003 for 0A-48-52-47-01-00-00-05");
}
