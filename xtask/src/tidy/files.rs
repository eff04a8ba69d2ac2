//! Files stay short, and none names a machine or a registry mirror.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::Finding;

/// Lines that a Rust file may have. The style asks for 400; this is where it stops being a matter of taste.
const LINES_MAX: usize = 600;

/// What belongs to one machine. Split, so that this file does not contain them.
const PRIVATE: [&str; 7] = [
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("find-", "links"),
    concat!("index-", "url"),
    concat!("replace-", "with ="),
];

/// Checks every file that git knows or would add.
pub(super) fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("cannot run `git`")?;
    ensure!(output.status.success(), "`git ls-files` failed");
    let listed = String::from_utf8(output.stdout).context("git lists a name that is not text")?;
    let mut findings = Vec::new();
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        // Whatever is gone from the disk or is no text has nothing to read.
        if let Ok(content) = fs::read_to_string(root.join(path)) {
            findings.extend(check_file(path, &content));
        }
    }
    Ok(findings)
}

fn check_file(path: &str, content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = content.lines().count();
    if is_rust(path) && lines > LINES_MAX {
        findings.push(Finding::new(
            path,
            format!("{lines} lines are too many for one purpose; {LINES_MAX} is the most"),
        ));
    }
    for (number, line) in (1..).zip(content.lines()) {
        if let Some(word) = PRIVATE.iter().find(|word| line.contains(**word)) {
            findings.push(Finding::new(
                format!("{path}:{number}"),
                format!("belongs to one machine only: `{word}`"),
            ));
        }
    }
    findings
}

fn is_rust(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_rust_file_is_found_and_a_long_table_is_not() {
        let long = "x\n".repeat(LINES_MAX + 1);
        assert_eq!(check_file("a.rs", &long).len(), 1);
        assert_eq!(check_file("a.csv", &long), []);
        assert_eq!(check_file("a.rs", &"x\n".repeat(LINES_MAX)), []);
    }

    #[test]
    fn a_path_of_one_machine_is_found_with_its_line() {
        let findings = check_file("README.md", concat!("fine\ncd /ho", "me/jo/holdfast\n"));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, "README.md:2");
    }
}
