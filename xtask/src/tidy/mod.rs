//! Our own checks: what the compiler, clippy and cfn-lint do not look at.

mod arrows;
mod errors;
mod files;
mod machine;
mod template;
mod tools;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;
use xtask::place;

/// Something that is not as it must be.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    place: String,
    message: String,
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Runs every check and lists everything that it finds.
#[expect(clippy::print_stderr, reason = "lists what it finds")]
pub(crate) fn run() -> anyhow::Result<()> {
    let root = place::root();
    let metadata = arrows::metadata()?;
    let template = template::parse(&read(&root, template::PATH)?)?;

    let mut findings = Vec::new();
    findings.extend(arrows::check(&metadata));
    findings.extend(template::check(
        &template,
        &place::functions()?,
        &arrows::programs(&metadata),
    ));
    findings.extend(template::check_settings(
        &template,
        &read(&root, "crates/runtime/src/settings.rs")?,
    ));
    for machine in template::machines(&template) {
        match fs::read_to_string(root.join(&machine.path)) {
            Ok(text) => {
                findings.extend(machine::check(&machine.path, &text, &machine.substitutions));
            }
            Err(_) => findings.push(Finding::new(
                template::PATH,
                format!("there is no machine `{}`", machine.path),
            )),
        }
    }
    findings.extend(template::check_machine_files(
        &template,
        &names(&root, "statemachines", ".asl.json")?,
    ));
    findings.extend(errors::check(
        &read(&root, errors::REGISTRY)?,
        &names(&root, "docs/errors", ".md")?,
    ));
    findings.extend(files::check(&root)?);
    for finding in &findings {
        eprintln!("{finding}");
    }
    let outside = tools::run();
    if !findings.is_empty() {
        bail!("tidy found {} things to put right", findings.len());
    }
    outside
}

fn read(root: &Path, path: &str) -> anyhow::Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| format!("cannot read `{path}`"))
}

/// The names of the files of a folder that end in `ending`, without it.
fn names(root: &Path, folder: &str, ending: &str) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in
        fs::read_dir(root.join(folder)).with_context(|| format!("cannot list `{folder}`"))?
    {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(ending).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The text at a JSON pointer, or nothing.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// One value or a list of them, as a list: templates and machines allow both.
fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) => values.iter().collect(),
        Some(value) => vec![value],
    }
}

/// The members of an object, or none.
fn members<'a>(
    value: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    value
        .pointer(pointer)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}
