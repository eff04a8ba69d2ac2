//! Dependencies point one way: functions to rooms, rooms to the vocabulary (design, section 3).

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::{Finding, list, text};
use crate::cargo;

/// A place of the workspace and what it may depend on.
struct Room {
    /// Folder, or `functions/` for all of them.
    folder: &'static str,
    /// Folders that it may name.
    may_name: &'static [&'static str],
    /// Whether it may name AWS SDK crates.
    knows_aws: bool,
}

const fn room(folder: &'static str, may_name: &'static [&'static str]) -> Room {
    Room {
        folder,
        may_name,
        knows_aws: false,
    }
}

const fn aws_room(folder: &'static str, may_name: &'static [&'static str]) -> Room {
    Room {
        folder,
        may_name,
        knows_aws: true,
    }
}

const ROOMS: [Room; 10] = [
    room("crates/model", &[]),
    room("crates/plan", &["crates/model"]),
    room("crates/salesforce", &["crates/model"]),
    aws_room("crates/vault", &["crates/model"]),
    aws_room("crates/catalog", &["crates/model"]),
    aws_room(
        "crates/runtime",
        &[
            "crates/model",
            "crates/plan",
            "crates/salesforce",
            "crates/vault",
            "crates/catalog",
        ],
    ),
    room("functions/", &["crates/"]),
    // Its tests run the stock clients that xtask installs; the simulator itself names nothing of ours.
    room("tests/orgsim", &["xtask"]),
    aws_room("tests/e2e", &["crates/", "functions/", "tests/", "xtask"]),
    room("xtask", &[]),
];

/// Crates that do I/O or are asynchronous: the pure rooms name none of them.
const IMPURE: [&str; 5] = ["tokio", "reqwest", "hyper", "async-trait", "futures-util"];
const PURE: [&str; 2] = ["crates/model", "crates/plan"];

/// What cargo knows about the packages of the workspace.
pub(super) fn metadata() -> anyhow::Result<Value> {
    let output = cargo::cargo()
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .context("cannot run `cargo metadata`")?;
    ensure!(output.status.success(), "`cargo metadata` failed");
    serde_json::from_slice(&output.stdout).context("`cargo metadata` did not answer JSON")
}

/// The programs that the packages below `functions/` build.
pub(super) fn programs(metadata: &Value) -> Vec<String> {
    let checkout = text(metadata, "/workspace_root");
    let mut programs: Vec<_> = list(metadata.get("packages"))
        .into_iter()
        .filter(|package| folder(package, checkout).starts_with("functions/"))
        .flat_map(|package| list(package.get("targets")))
        .filter(|target| list(target.get("kind")).contains(&&Value::from("bin")))
        .map(|target| text(target, "/name").to_owned())
        .collect();
    programs.sort();
    programs
}

/// Checks every dependency of every package.
pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let checkout = text(metadata, "/workspace_root");
    let mut findings = Vec::new();
    for package in list(metadata.get("packages")) {
        let folder = folder(package, checkout);
        let expected = match folder {
            "xtask" => folder.to_owned(),
            _ => format!("holdfast-{}", folder.rsplit('/').next().unwrap_or(folder)),
        };
        if text(package, "/name") != expected {
            findings.push(Finding::new(
                folder,
                format!("the package must be called `{expected}`"),
            ));
        }
        let Some(room) = ROOMS.iter().find(|room| covers(room.folder, folder)) else {
            findings.push(Finding::new(
                folder,
                "a new room needs its arrows in xtask/src/tidy/arrows.rs",
            ));
            continue;
        };
        for dependency in list(package.get("dependencies")) {
            findings.extend(
                check_dependency(room, folder, dependency, checkout)
                    .map(|message| Finding::new(folder, message)),
            );
        }
    }
    findings
}

fn check_dependency(
    room: &Room,
    folder: &str,
    dependency: &Value,
    checkout: &str,
) -> Option<String> {
    let name = text(dependency, "/name");
    let is_for_tests = text(dependency, "/kind") == "dev";
    if let Some(path) = dependency.get("path").and_then(Value::as_str) {
        let target = inside(path, checkout);
        let may = room.may_name.iter().any(|allowed| covers(allowed, target))
            || (is_for_tests && target.starts_with("tests/"));
        return (!may).then(|| format!("must not depend on `{target}`"));
    }
    if (name.starts_with("aws-sdk-") || name == "aws-config") && !room.knows_aws && !is_for_tests {
        return Some(format!("must not name the AWS SDK: `{name}`"));
    }
    (PURE.contains(&folder) && IMPURE.contains(&name) && !is_for_tests)
        .then(|| format!("does no I/O and must not depend on `{name}`"))
}

/// Whether `pattern` is the folder, or ends in a slash and begins it.
fn covers(pattern: &str, folder: &str) -> bool {
    pattern == folder || (pattern.ends_with('/') && folder.starts_with(pattern))
}

/// The folder of a package, relative to the checkout.
fn folder<'a>(package: &'a Value, checkout: &str) -> &'a str {
    let manifest = text(package, "/manifest_path");
    inside(
        manifest.strip_suffix("/Cargo.toml").unwrap_or(manifest),
        checkout,
    )
}

fn inside<'a>(path: &'a str, checkout: &str) -> &'a str {
    path.strip_prefix(checkout)
        .unwrap_or(path)
        .trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A workspace of one package with one dependency.
    fn findings(folder: &str, dependency: &Value) -> Vec<Finding> {
        let name = match folder {
            "xtask" => folder.to_owned(),
            _ => format!("holdfast-{}", folder.rsplit('/').next().unwrap()),
        };
        let package = json!({ "name": name, "manifest_path": format!("/c/{folder}/Cargo.toml"), "dependencies": [dependency] });
        check(&json!({ "workspace_root": "/c", "packages": [package] }))
    }

    fn ours(folder: &str) -> Value {
        json!({ "name": "x", "path": format!("/c/{folder}"), "kind": null })
    }

    #[test]
    fn arrows_of_the_design_pass() {
        for (from, to) in [
            ("functions/begin-job", "crates/runtime"),
            ("crates/runtime", "crates/catalog"),
            ("crates/vault", "crates/model"),
            ("tests/e2e", "crates/catalog"),
        ] {
            assert_eq!(findings(from, &ours(to)), []);
        }
    }

    #[test]
    fn arrows_against_the_design_are_found() {
        for (from, to) in [
            ("functions/begin-job", "functions/fail-job"),
            ("crates/vault", "crates/catalog"),
            ("crates/plan", "crates/runtime"),
            ("crates/model", "crates/plan"),
            ("tests/orgsim", "crates/model"),
            ("crates/runtime", "tests/orgsim"),
        ] {
            assert_eq!(findings(from, &ours(to)).len(), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn tests_may_use_the_simulator() {
        let dependency = json!({ "name": "x", "path": "/c/tests/orgsim", "kind": "dev" });
        assert_eq!(findings("crates/salesforce", &dependency), []);
    }

    #[test]
    fn the_sdk_stays_in_its_rooms() {
        let sdk = json!({ "name": "aws-sdk-s3", "kind": null });
        assert_eq!(findings("crates/vault", &sdk), []);
        assert_eq!(findings("functions/begin-job", &sdk).len(), 1);
        assert_eq!(findings("crates/salesforce", &sdk).len(), 1);
    }

    #[test]
    fn pure_rooms_stay_pure() {
        let tokio = json!({ "name": "tokio", "kind": null });
        assert_eq!(findings("crates/plan", &tokio).len(), 1);
        assert_eq!(findings("crates/vault", &tokio), []);
    }

    #[test]
    fn a_room_without_rules_is_found() {
        assert_eq!(
            findings("crates/attic", &json!({ "name": "serde", "kind": null })).len(),
            1
        );
    }
}
