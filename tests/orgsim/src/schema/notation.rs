//! The notation of the files in `schema/`.
//!
//! `object NAME …` opens an object; indented lines are its fields, after an implied `Id`.
//! A field line is `NAME TYPE …`, where a reference's type is `->Target|Target`. Words:
//! `!` required, `ro` read-only, `once` createable only, `rel=`/`child=` relationship names,
//! `cascade`, `restrict`, `md=0|1` master-detail order, `values=a|b` picklist, `seq=a|b` values in
//! the order of the records, `calc=` formula, `roll=` roll-up summary, `auto=` auto-number, `of=` compound field,
//! `default=` value of a record that is created without one, `strict` restricted picklist,
//! `extra=` extraTypeInfo, `gen=` what the generator writes, `title` name field, `ext`, `unique`, `case` sensitive,
//! `html`, `nofilter`, `nosort`. A tilde stands for a space. `+…` lines are groups that recur.

use std::collections::HashMap;

use super::{Field, Kind, Object, Trait, satellite};
use crate::id::Mint;

/// Why the declarations cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NotationError {
    /// A line that is neither an object nor a field.
    #[error("line is not a declaration: `{0}`")]
    Line(String),
    /// A word that the notation does not have.
    #[error("unknown word in `{line}`: `{word}`")]
    Word {
        /// The whole line.
        line: String,
        /// The word.
        word: String,
    },
    /// A reference to an object that is not declared.
    #[error("field `{field}` points to an unknown object: `{target}`")]
    UnknownTarget {
        /// The reference field.
        field: String,
        /// The object it names.
        target: String,
    },
}

/// Reads one file, with the satellites that its objects ask for.
pub(super) fn read(text: &str) -> Result<Vec<Object>, NotationError> {
    let mut objects: Vec<Object> = Vec::new();
    let mut satellites = String::new();
    for line in text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
    {
        if line.starts_with(' ') {
            let object = objects
                .last_mut()
                .ok_or_else(|| NotationError::Line(line.to_owned()))?;
            for declaration in expand(line.trim()) {
                object.fields.push(field(&declaration)?);
            }
        } else {
            objects.push(object(line, &mut satellites)?);
        }
    }
    for object in &mut objects {
        object.index();
    }
    if !satellites.is_empty() {
        objects.extend(read(&satellites)?);
    }
    Ok(objects)
}

fn object(line: &str, satellites: &mut String) -> Result<Object, NotationError> {
    let unknown = |word: &str| NotationError::Word {
        line: line.to_owned(),
        word: word.to_owned(),
    };
    let mut words = line.split_whitespace();
    let name = match (words.next(), words.next()) {
        (Some("object"), Some(name)) => name.to_owned(),
        _ => return Err(NotationError::Line(line.to_owned())),
    };
    let mut object = Object {
        name,
        own_label: None,
        own_plural: None,
        key_prefix: None,
        capabilities: String::new(),
        weight: 0,
        count: None,
        bulk: true,
        custom_setting: false,
        hidden: false,
        required_filter: Vec::new(),
        satellite: None,
        fields: vec![field("Id id ! ro")?],
        mint: Mint::new(*b"000", 1),
        stamp_field: None,
        by_name: HashMap::new(),
    };
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("key", key) => {
                // A leading hyphen: the prefix makes Ids, but describe does not show it.
                let prefix = key.trim_start_matches('-');
                let bytes = prefix.as_bytes().try_into().map_err(|_| unknown(word))?;
                object.mint = Mint::new(bytes, 1);
                object.key_prefix = (prefix == key).then(|| prefix.to_owned());
            }
            ("can", letters) => letters.clone_into(&mut object.capabilities),
            ("weight", n) => object.weight = n.parse().map_err(|_| unknown(word))?,
            ("count", n) => object.count = Some(n.parse().map_err(|_| unknown(word))?),
            ("filter", fields) => object.required_filter = list(fields),
            ("satellite", pair) => {
                let (kind, parent) = pair.split_once(':').ok_or_else(|| unknown(word))?;
                object.satellite = Some((kind.to_owned(), parent.to_owned()));
            }
            ("nobulk", _) => object.bulk = false,
            ("setting", _) => object.custom_setting = true,
            // Comes after `weight`, which the satellites take a part of.
            ("with", parts) => {
                for part in parts.split(',') {
                    let text = satellite::declare(&object.name, object.weight, part);
                    satellites.push_str(&text.ok_or_else(|| unknown(part))?);
                }
            }
            _ => return Err(unknown(word)),
        }
    }
    Ok(object)
}

/// Reads the declaration of one field.
pub(crate) fn field(line: &str) -> Result<Field, NotationError> {
    let unknown = |word: &str| NotationError::Word {
        line: line.to_owned(),
        word: word.to_owned(),
    };
    let mut words = line.split_whitespace();
    let (Some(name), Some(kind)) = (words.next(), words.next()) else {
        return Err(NotationError::Line(line.to_owned()));
    };
    let mut field = Field {
        name: name.to_owned(),
        ..Field::default()
    };
    if let Some(targets) = kind.strip_prefix("->") {
        field.kind = Kind::Reference;
        field.target_names = list(targets);
        field.length = 18;
    } else {
        let (kind, size) = kind
            .trim_end_matches(')')
            .split_once('(')
            .unwrap_or((kind, ""));
        field.kind = Kind::named(kind).ok_or_else(|| unknown(kind))?;
        let mut sizes = size.split(',').map(|n| n.parse().unwrap_or(0));
        let first = sizes.next().unwrap_or(0);
        if field.kind.decimal() {
            (field.precision, field.scale) = (first, sizes.next().unwrap_or(0));
        } else {
            field.length = match (first, field.kind) {
                (0, Kind::Id) => 18,
                (0, Kind::Picklist | Kind::Combobox) => 255,
                (length, _) => length,
            };
        }
    }
    for word in words {
        if let Some(known) = simple_trait(word) {
            field.traits.push(known);
            continue;
        }
        match word.split_once('=').unwrap_or((word, "")) {
            ("rel", name) => field.relationship = Some(name.to_owned()),
            ("child", name) => field.child_relationship = Some(name.to_owned()),
            ("md", order) => field.master = Some(order.parse().map_err(|_| unknown(word))?),
            ("values", values) => field.values = list(values),
            ("default", value) => field.default = Some(value.replace('~', " ")),
            ("seq", values) => field.sequence = list(values),
            ("calc", formula) => field.formula = Some(formula.replace('~', " ")),
            ("roll", from) => field.roll_up = Some(from.replace('~', " ")),
            ("auto", format) => field.auto_number = Some(format.to_owned()),
            ("of", compound) => field.compound = Some(compound.to_owned()),
            ("extra", extra) => field.extra = Some(extra.to_owned()),
            ("gen", shape) => shape.clone_into(&mut field.shape),
            _ => return Err(unknown(word)),
        }
    }
    Ok(field)
}

fn simple_trait(word: &str) -> Option<Trait> {
    Some(match word {
        "!" => Trait::Required,
        "ro" => Trait::ReadOnly,
        "once" => Trait::Once,
        "strict" => Trait::Strict,
        "nofilter" => Trait::NoFilter,
        "nosort" => Trait::NoSort,
        "cascade" => Trait::Cascade,
        "restrict" => Trait::Restrict,
        "title" => Trait::Title,
        "ext" => Trait::External,
        "unique" => Trait::Unique,
        "case" => Trait::CaseSensitive,
        "html" => Trait::Html,
        _ => return None,
    })
}

fn list(words: &str) -> Vec<String> {
    words
        .split('|')
        .filter(|word| !word.is_empty())
        .map(|word| word.replace('~', " "))
        .collect()
}

/// Replaces a `+group` line by the lines that it stands for.
fn expand(line: &str) -> Vec<String> {
    const DELETED: &str = "IsDeleted boolean ! ro";
    const AUDIT: [&str; 5] = [
        "CreatedDate datetime ! ro",
        "CreatedById ->User ! rel=CreatedBy ro",
        "LastModifiedDate datetime ! ro",
        "LastModifiedById ->User ! rel=LastModifiedBy ro",
        "SystemModstamp datetime ! ro",
    ];
    let own = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| (*line).to_owned())
            .collect::<Vec<_>>()
    };
    let Some(group) = line.strip_prefix('+') else {
        return own(&[line]);
    };
    let (group, argument) = group.split_once(' ').unwrap_or((group, ""));
    match group {
        "deleted" => own(&[DELETED]),
        "audit" => own(&AUDIT),
        "viewed" => own(&[
            "LastViewedDate datetime ro",
            "LastReferencedDate datetime ro",
        ]),
        "custom" => {
            let head = [
                "OwnerId ->Group|User ! rel=Owner",
                DELETED,
                "Name string(80) title",
            ];
            [own(&head), own(&AUDIT)].concat()
        }
        "detail" => {
            let head = [DELETED, "Name string(80) ! ro title auto=D-{000000}"];
            [own(&head), own(&AUDIT)].concat()
        }
        "address" => [
            "Street textarea(255) gen=street",
            "City string(40) gen=city",
            "State string(80) gen=state",
            "PostalCode string(20) gen=postal",
            "Country string(80) gen=country",
            "Latitude double(18,15)",
            "Longitude double(18,15)",
            "GeocodeAccuracy picklist values=Address|Street|City|Zip",
        ]
        .iter()
        .map(|part| format!("{argument}{part} of={argument}Address"))
        .chain([format!("{argument}Address address ro")])
        .collect(),
        _ => own(&[line]),
    }
}
