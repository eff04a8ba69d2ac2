//! `CONFORMANCE.md`: what was compared, what differs and why, what is not covered.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    describes::Row,
    recording::Exchange,
    verdict::{Verdict, family},
};

/// Why a difference stays: `family | difference | reason`, with `*` for any text.
const EXPLAINED: &str = include_str!("explained.txt");

/// The counts of one family.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) recorded: usize,
    pub(crate) alike: usize,
    pub(crate) explained: usize,
    pub(crate) differing: usize,
    pub(crate) not_covered: usize,
    /// Differences without an explanation, each with a recording that shows it.
    pub(crate) open: Vec<String>,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Report {
    /// The whole file.
    pub(crate) text: String,
    pub(crate) families: BTreeMap<&'static str, Counts>,
    /// Explanations of what no longer differs.
    pub(crate) unused: Vec<&'static str>,
}

/// Counts, explains and writes.
pub(crate) fn write(outcomes: &[(Exchange, Verdict)], objects: &[Row]) -> Report {
    let mut families: BTreeMap<&'static str, Counts> = BTreeMap::new();
    let mut stays: BTreeMap<(&str, &str), (usize, &str)> = BTreeMap::new();
    let mut missing: BTreeMap<(&'static str, String), (usize, &str)> = BTreeMap::new();
    for (exchange, verdict) in outcomes {
        let name = family(exchange);
        let counts = families.entry(name).or_default();
        counts.recorded += 1;
        match verdict {
            Verdict::Alike => counts.alike += 1,
            Verdict::NotCovered(reason) => {
                counts.not_covered += 1;
                missing
                    .entry((name, reason.clone()))
                    .or_insert((0, &exchange.source))
                    .0 += 1;
            }
            Verdict::Differs(differences) => {
                let mut open = 0;
                for difference in differences {
                    if let Some((pattern, reason)) = explanation(name, difference) {
                        let seen = stays.entry((pattern, reason));
                        seen.or_insert((0, &exchange.source)).0 += 1;
                    } else {
                        open += 1;
                        counts
                            .open
                            .push(format!("{}: {difference}", exchange.source));
                    }
                }
                if open == 0 {
                    counts.explained += 1;
                } else {
                    counts.differing += 1;
                }
            }
        }
    }
    let mut text = String::from(HEAD);
    text.push_str("\n| part of the API | recorded calls | alike | alike but for what is explained below | differing | not covered |\n|---|---|---|---|---|---|\n");
    let mut line = |name: &str, c: &Counts| {
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} |",
            c.recorded, c.alike, c.explained, c.differing, c.not_covered
        );
    };
    let mut sum = Counts::default();
    for (name, counts) in &families {
        line(name, counts);
        sum.recorded += counts.recorded;
        sum.alike += counts.alike;
        sum.explained += counts.explained;
        sum.differing += counts.differing;
        sum.not_covered += counts.not_covered;
    }
    line("all", &sum);
    if families.values().any(|counts| !counts.open.is_empty()) {
        text.push_str("\n## Differences without an explanation\n\n");
        for difference in families.values().flat_map(|counts| &counts.open) {
            let _ = writeln!(text, "- {difference}");
        }
    }
    text.push_str("\n## Differences that stay, and why\n\n| difference | why | seen | for example |\n|---|---|---|---|\n");
    for ((pattern, reason), (times, example)) in &stays {
        let _ = writeln!(text, "| `{pattern}` | {reason} | {times} | {example} |");
    }
    text.push_str("\n## Not covered\n\n| part of the API | what is missing | calls | for example |\n|---|---|---|---|\n");
    for ((name, reason), (times, example)) in &missing {
        let _ = writeln!(text, "| {name} | {reason} | {times} | {example} |");
    }
    objects_table(&mut text, objects);
    let unused = EXPLAINED.lines().filter(|line| {
        let known =
            |(pattern, reason): &(&str, &str)| line.ends_with(&format!(" | {pattern} | {reason}"));
        !line.starts_with('#') && !stays.keys().any(known)
    });
    Report {
        unused: unused.collect(),
        text,
        families,
    }
}

fn objects_table(text: &mut String, objects: &[Row]) {
    let recorded: usize = objects.iter().map(|row| row.recorded).sum();
    let shared: usize = objects.iter().map(|row| row.shared).sum();
    let _ = writeln!(
        text,
        "\n## Describes\n\n{} objects that recordings describe are here, with {shared} of their {recorded} standard fields. A \
         contradiction is a field whose type, `nillable`, `filterable` or `relationshipName` no recording shows.\n\n\
         | object | recorded fields | here | contradictions |\n|---|---|---|---|",
        objects.len()
    );
    for row in objects {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            row.object,
            row.recorded,
            row.shared,
            row.contradictions.join("; ")
        );
    }
}

fn explanation(family: &str, difference: &str) -> Option<(&'static str, &'static str)> {
    EXPLAINED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let mut parts = line.split(" | ");
            let (of, pattern, reason) = (parts.next()?, parts.next()?, parts.next()?);
            ((of == "*" || of == family) && glob(pattern, difference)).then_some((pattern, reason))
        })
}

/// `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            rest.is_empty()
                || tail.char_indices().any(|(at, _)| glob(rest, &tail[at..]))
                || glob(rest, "")
        }),
    }
}

const HEAD: &str = "# Conformance with recorded traffic

Written by `cargo xtask conformance`; the test `conformance` fails when it is out of date. It replays calls that others
recorded against real orgs, with objects, fields and records of a seeded org in place of those of the recorded one, and
compares status, JSON keys and types, XML elements and their order, CSV columns, layout of stamps, codes, texts and
headers that clients read. Job calls of a cassette run in their order; where the recorded work was over, so is ours, and
states, numbers of records and the outcome of each row are compared too. The recordings lie beside the checkout and are
not part of it; a name like `owner__name/file` tells the public repository and the file.
";
