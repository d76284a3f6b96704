//! Colour and progress are for terminals only, and colour can be switched off there.

use std::process::Command;

use crate::tools::{self, HANRIG, text};

/// What `hanrig ARGS` shows on a terminal, which util-linux's `script` plays. Both streams come as one.
fn on_a_terminal(args: &str, environment: &[(&str, &str)]) -> Option<String> {
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &format!("{HANRIG} {args}"), "/dev/null"]);
    script.env("TERM", "xterm-256color").envs(environment.iter().copied());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        if !environment.iter().any(|(set, _)| *set == name) {
            script.env_remove(name);
        }
    }
    Some(String::from_utf8_lossy(&tools::output(&mut script)?.stdout).into_owned())
}

/// Whether a sequence that selects colour or weight is in the text. Such end with `m`; others move the cursor.
fn has_colour(text: &str) -> bool {
    text.split("\u{1b}[").skip(1).any(|rest| {
        let end = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        end.starts_with('m') && !rest.starts_with("0m")
    })
}

#[test]
fn a_run_is_coloured_on_a_terminal_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let run = format!("run --out {} --jobs 1 --tags @PPMID-04", text(folder.path()));
    let Some(plain) = on_a_terminal(&run, &[]) else { return };
    assert!(plain.contains("4 passed"), "{plain:?}");
    assert!(has_colour(&plain), "{plain:?}");
    assert!(plain.contains("scenarios"), "progress is shown: {plain:?}");
    for (args, environment) in [(run.clone(), vec![("NO_COLOR", "1")]), (format!("{run} --no-color"), vec![])] {
        let told = on_a_terminal(&args, &environment).unwrap();
        assert!(told.contains("4 passed"), "{told:?}");
        assert!(!has_colour(&told), "{args}: {told:?}");
    }
}

#[test]
fn errors_are_coloured_on_a_terminal_unless_told_otherwise() {
    for args in ["ota inspect /nonexistent", "nonsense"] {
        let Some(plain) = on_a_terminal(args, &[]) else { return };
        assert!(has_colour(&plain), "{plain:?}");
        let told = on_a_terminal(args, &[("NO_COLOR", "1")]).unwrap();
        assert!(!told.contains('\u{1b}'), "{told:?}");
        let told = on_a_terminal(&format!("{args} --no-color"), &[]).unwrap();
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }
}

#[test]
fn a_run_into_a_pipe_is_plain_and_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let run = ["run", "--jobs", "2", "--tags", "@PPMID-04", "--out", text(folder.path())];
    let output = Command::new(HANRIG).args(run).env_remove("NO_COLOR").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!output.stdout.contains(&0x1B), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "nothing but what a terminal would show");
}
