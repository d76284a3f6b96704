//! Puts the features and their catalogue of requirements into the binary, so that whoever runs it elsewhere has the suite.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..").join("features");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    if root.is_dir() {
        walk(&root, &mut files)?;
    }
    files.sort();
    let mut code = String::from("/// Path below the features folder, with `/`, and text of each feature.\n");
    code.push_str("const FEATURES: &[(&str, &str)] = &[\n");
    for file in files {
        let path = file.strip_prefix(&root)?.to_str().ok_or("a feature's path is not UTF-8")?.replace('\\', "/");
        writeln!(code, "    ({path:?}, include_str!({:?})),", file.to_str().ok_or("a path is not UTF-8")?)?;
    }
    code.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("features.rs"), code)?;
    let catalogue = root.join("requirements.toml");
    let text = match catalogue.to_str() {
        Some(path) if catalogue.is_file() => format!("Some(include_str!({path:?}))"),
        _ => "None".to_owned(),
    };
    let code =
        format!("/// The catalogue of requirements, where there is one.\nconst REQUIREMENTS: Option<&str> = {text};\n");
    fs::write(out.join("requirements.rs"), code)?;
    Ok(())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "feature") {
            files.push(path);
        }
    }
    Ok(())
}
