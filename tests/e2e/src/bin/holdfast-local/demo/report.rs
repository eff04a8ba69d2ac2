//! The tables at the end.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use holdfast_model::Stamp;
use indicatif::{HumanBytes, HumanCount};
use serde_json::{Map, Value};

use super::Backup;

/// What each job did, side by side.
pub(super) fn jobs(jobs: &[(&str, &Backup)]) -> Table {
    let mut table = table(std::iter::once("").chain(jobs.iter().map(|(name, _)| *name)));
    let mut row = |title: &str, cell: &dyn Fn(&Backup) -> String| {
        table.add_row(
            std::iter::once(title.to_owned()).chain(jobs.iter().map(|(_, backup)| cell(backup))),
        );
    };
    row("objects", &|backup| count(backup.job.counts.objects));
    row("records read", &|backup| {
        count(backup.job.counts.rows_received)
    });
    row("versions sealed", &|backup| {
        count(backup.job.counts.versions_sealed)
    });
    row("bytes in", &|backup| {
        HumanBytes(backup.job.counts.bytes_received).to_string()
    });
    row("bytes sealed", &|backup| {
        HumanBytes(backup.job.counts.bytes_sealed).to_string()
    });
    row("Salesforce API calls", &|backup| {
        count(backup.job.counts.api_calls)
    });
    row("exceptions", &|backup| count(backup.job.counts.exceptions));
    row("seconds here", &|backup| format!("{:.1}", backup.seconds));
    row("cost of the run on AWS, about", &|backup| {
        format!("${:.4}", backup.cost.run)
    });
    row("cost of a month's storage", &|backup| {
        format!("${:.4}", backup.cost.month)
    });
    align(&mut table);
    table
}

/// The versions of one record: when, by which job, and what differs from the version before.
pub(super) fn versions(answer: &Value) -> Table {
    let mut table = table(["version", "captured by", "state", "differs in"].into_iter());
    let none = Vec::new();
    let versions = answer
        .get("versions")
        .and_then(Value::as_array)
        .unwrap_or(&none);
    for (index, version) in versions.iter().enumerate() {
        let field = |name: &str| {
            version
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let differs = versions.get(index + 1).map_or_else(
            || "the first one".to_owned(),
            |older| difference(version, older),
        );
        table.add_row([field("modstamp"), field("job"), field("presence"), differs]);
    }
    table
}

/// Some counts of each object of a compare or a plan; objects of which all are 0 are left out.
pub(super) fn objects(overview: &Value, counts: &[&str]) -> Table {
    let header = counts.iter().map(|count| count.replace('_', " "));
    let header: Vec<_> = std::iter::once("object".to_owned()).chain(header).collect();
    let mut table = table(header.iter().map(String::as_str));
    let objects = overview.get("objects").and_then(Value::as_array);
    for object in objects.into_iter().flatten() {
        let number = |name: &&str| {
            let number = object.pointer(&format!("/counts/{name}"));
            number.and_then(Value::as_u64).unwrap_or_default()
        };
        let numbers: Vec<_> = counts.iter().map(number).collect();
        if numbers.iter().any(|number| *number > 0) {
            let name = object.get("object").and_then(Value::as_str);
            let cells = numbers.into_iter().map(count);
            table.add_row(std::iter::once(name.unwrap_or_default().to_owned()).chain(cells));
        }
    }
    align(&mut table);
    table
}

/// What became of the records of a restore, and whether they are as they were.
pub(super) fn restored(overview: &Value) -> Table {
    let number = |path: &str| {
        let number = overview.pointer(&format!("/counts/{path}"));
        count(number.and_then(Value::as_u64).unwrap_or_default())
    };
    let mut table = table(["read back", "as they were", "different"].into_iter());
    for (what, equal, different) in [
        ("records", "equal", "different"),
        ("values", "fields/equal", "fields/different"),
        ("lookups", "lookups/equal", "lookups/different"),
    ] {
        table.add_row([what.to_owned(), number(equal), number(different)]);
    }
    align(&mut table);
    table
}

/// Numbers stand on the right.
fn align(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// The fields whose text differs, with their new text.
fn difference(newer: &Value, older: &Value) -> String {
    let none = Map::new();
    let fields = |version: &Value| {
        version
            .get("fields")
            .and_then(Value::as_object)
            .unwrap_or(&none)
            .clone()
    };
    let (newer, older) = (fields(newer), fields(older));
    let audit = ["SystemModstamp", "LastModifiedDate", "LastModifiedById"];
    let differing = newer.iter().filter(|(name, text)| {
        !audit.contains(&name.as_str())
            && older.get(*name).is_none_or(|older| !is_same(older, text))
    });
    let texts: Vec<_> = differing
        .map(|(name, text)| format!("{name} = {}", text.as_str().unwrap_or("nothing")))
        .collect();
    texts.join(", ")
}

/// Whether two texts mean the same: REST and Bulk spell times differently.
fn is_same(one: &Value, other: &Value) -> bool {
    let time = |value: &Value| value.as_str().and_then(|text| Stamp::parse(text).ok());
    one == other || time(one).is_some_and(|stamp| Some(stamp) == time(other))
}

fn table<'a>(header: impl Iterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

fn count(number: u64) -> String {
    HumanCount(number).to_string()
}
