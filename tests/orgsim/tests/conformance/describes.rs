//! Recorded describes of objects that our org has, field by field.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value;

use super::world::World;

/// What the recordings say about one object, beside what we say.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) object: String,
    /// Standard fields over all recordings.
    pub(crate) recorded: usize,
    pub(crate) shared: usize,
    /// `field: ours, recorded theirs`
    pub(crate) contradictions: Vec<String>,
}

/// The union of what recordings say about a field.
#[derive(Debug, Default)]
struct Told {
    kinds: BTreeSet<String>,
    nillable: BTreeSet<bool>,
    filterable: BTreeSet<bool>,
    relation: BTreeSet<String>,
}

/// One row per object that a recording describes and our org has.
pub(crate) async fn compare(world: &mut World, root: &Path) -> Vec<Row> {
    let mut told: BTreeMap<String, BTreeMap<String, Told>> = BTreeMap::new();
    read(root, &mut told);
    let mut rows = Vec::new();
    for (name, fields) in told {
        if name.contains("__") {
            continue;
        }
        let Some(object) = world.object(&name).await else {
            continue;
        };
        let mut row = Row {
            object: object.name.clone(),
            recorded: fields.len(),
            shared: 0,
            contradictions: Vec::new(),
        };
        for (name, told) in &fields {
            let Some(field) = object.field(name) else {
                continue;
            };
            row.shared += 1;
            let kind = field["type"].as_str().unwrap_or_default().to_owned();
            let mut differs = |what: &str, ours: String, theirs: String| {
                row.contradictions
                    .push(format!("{name} {what} {ours}, recorded {theirs}"));
            };
            if !told.kinds.contains(&kind) {
                let theirs: Vec<&str> = told.kinds.iter().map(String::as_str).collect();
                differs("type", kind, theirs.join(" or "));
            }
            for (what, seen) in [
                ("nillable", &told.nillable),
                ("filterable", &told.filterable),
            ] {
                let ours = field[what] == true;
                if !seen.contains(&ours) {
                    differs(what, ours.to_string(), (!ours).to_string());
                }
            }
            let relation = field["relationshipName"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            if !told.relation.contains(&relation) {
                let theirs: Vec<&str> = told.relation.iter().map(String::as_str).collect();
                differs(
                    "relationshipName",
                    format!("`{relation}`"),
                    format!("`{}`", theirs.join("` or `")),
                );
            }
        }
        rows.push(row);
    }
    rows
}

fn read(folder: &Path, told: &mut BTreeMap<String, BTreeMap<String, Told>>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read(&path, told);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
            && let Ok(text) = fs::read_to_string(&path)
            && let Ok(value) = serde_json::from_str::<Value>(&text)
        {
            tell(&value, told);
        }
    }
}

/// Describes lie anywhere in a file: objects with a name and typed fields.
fn tell(value: &Value, told: &mut BTreeMap<String, BTreeMap<String, Told>>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| tell(value, told)),
        Value::Object(map) => {
            let described = map
                .get("name")
                .and_then(Value::as_str)
                .zip(map.get("fields").and_then(Value::as_array));
            match described {
                Some((name, fields))
                    if fields
                        .iter()
                        .all(|f| f["type"].is_string() && f["nillable"].is_boolean()) =>
                {
                    let object = told.entry(name.to_owned()).or_default();
                    for field in fields {
                        let name = field["name"].as_str().unwrap_or_default();
                        if name.contains("__") {
                            continue;
                        }
                        let seen = object.entry(name.to_owned()).or_default();
                        seen.kinds
                            .extend(field["type"].as_str().map(ToOwned::to_owned));
                        seen.nillable.extend(field["nillable"].as_bool());
                        seen.filterable.extend(field["filterable"].as_bool());
                        seen.relation.insert(
                            field["relationshipName"]
                                .as_str()
                                .unwrap_or_default()
                                .to_owned(),
                        );
                    }
                }
                _ => map.values().for_each(|value| tell(value, told)),
            }
        }
        _ => {}
    }
}
