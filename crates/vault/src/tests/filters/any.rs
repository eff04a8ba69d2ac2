//! Random filters about fields that there are, with values that records have or almost have.

use fastrand::Rng;
use holdfast_model::filter::{
    Condition, DateLiteral, FieldPath, Filter, Number, Operator, Place, Unit, Value,
};
use holdfast_model::{FieldSchema, ObjectName};
use jiff::civil::{Date, Time};

use super::world::World;

/// Texts that differ in case, in wildcards and in escapes.
const WORDS: [&str; 14] = [
    "Acme",
    "acme",
    "ACME",
    "Äcme",
    "äCME",
    "O'Hara",
    "50%",
    "500",
    "a_b",
    "axb",
    "line\nbreak",
    "\\",
    "Zoë 😀",
    "z",
];

pub(super) fn filter(rng: &mut Rng, world: &World, object: &ObjectName) -> Filter {
    group(rng, world, object, 3)
}

fn group(rng: &mut Rng, world: &World, object: &ObjectName, depth: u8) -> Filter {
    let members = |rng: &mut Rng| {
        (0..rng.usize(2..4))
            .map(|_| group(rng, world, object, depth - 1))
            .collect()
    };
    match rng.u8(..6) {
        _ if depth == 0 => condition(rng, world, object),
        0 => Filter::All(members(rng)),
        1 => Filter::Any(members(rng)),
        2 => Filter::Not(Box::new(group(rng, world, object, depth - 1))),
        _ => condition(rng, world, object),
    }
}

/// A condition that passes the check.
fn condition(rng: &mut Rng, world: &World, object: &ObjectName) -> Filter {
    loop {
        let (path, field, at) = path(rng, world, object);
        let operator = *rng.choice(Operator::ALL).unwrap();
        let count = if operator.takes_list() {
            rng.usize(1..4)
        } else {
            1
        };
        let values: Option<Vec<_>> = (0..count)
            .map(|_| value(rng, world, &at, &field, operator))
            .collect();
        let Some(values) = values else { continue };
        let Ok(condition) = Condition::new(path, operator, values, Place::Unknown) else {
            continue;
        };
        let filter = Filter::Test(condition);
        if filter.check(object, &world.schemas).is_ok() {
            return filter;
        }
    }
}

/// A field, and the object that has it: of the record itself half the time, else of a parent.
fn path(rng: &mut Rng, world: &World, object: &ObjectName) -> (FieldPath, FieldSchema, ObjectName) {
    let mut at = object.clone();
    let mut names = Vec::new();
    while names.len() < 5 && rng.u8(..3) == 0 {
        let fields = &world.schemas[&at].fields;
        let references: Vec<_> = fields
            .iter()
            .filter(|field| field.relationship_name.is_some())
            .collect();
        let Some(reference) = rng.choice(references) else {
            break;
        };
        names.extend(reference.relationship_name.clone());
        let parents = reference
            .reference_to
            .iter()
            .filter_map(|parent| ObjectName::parse(parent).ok());
        let parents: Vec<_> = parents
            .filter(|parent| world.schemas.contains_key(parent))
            .collect();
        let Some(parent) = rng.choice(&parents) else {
            return path(rng, world, object);
        };
        if reference.reference_to.len() > 1 {
            let last = *rng
                .choice(&["Name", "Type", "Id", "FirstName", "LastName"])
                .unwrap();
            names.push(last.to_owned());
            let mut field = world.schemas[parent].fields[0].clone();
            last.clone_into(&mut field.name);
            field.field_type = if last == "Id" { "id" } else { "string" }.to_owned();
            return (
                FieldPath::parse(&names.join(".")).unwrap(),
                field,
                parent.clone(),
            );
        }
        at = parent.clone();
    }
    // Kinds that few fields have come up as well.
    let fields = &world.schemas[&at].fields;
    let is_rare = |field: &&FieldSchema| {
        field.case_sensitive
            || matches!(field.field_type.as_str(), "multipicklist" | "time" | "date")
    };
    let rare: Vec<_> = fields.iter().filter(is_rare).collect();
    let field = match rng.choice(&rare) {
        Some(field) if rng.u8(..6) == 0 => (*field).clone(),
        _ => rng.choice(fields).unwrap().clone(),
    };
    names.push(field.name.clone());
    (FieldPath::parse(&names.join(".")).unwrap(), field, at)
}

/// Nothing when the field has no value of its own and none can be made up.
fn value(
    rng: &mut Rng,
    world: &World,
    at: &ObjectName,
    field: &FieldSchema,
    operator: Operator,
) -> Option<Value> {
    if rng.u8(..12) == 0 {
        return Some(if rng.bool() {
            Value::Null
        } else {
            Value::Text(String::new())
        });
    }
    if field.name == "Type" && rng.bool() {
        return Some(Value::Text(rng.choice(super::ASKED).unwrap().to_owned()));
    }
    // What some record has, most of the time.
    let rows = &world.rows[at];
    let known = rng
        .choice(rows)
        .and_then(|row| row.get(&field.name).cloned().flatten());
    let known = known.filter(|_| rng.u8(..4) > 0);
    Some(match field.field_type.as_str() {
        "id" | "reference" => {
            let id = known.filter(|id| id.len() == 18)?;
            Value::Text(if rng.bool() { id } else { id[..15].to_owned() })
        }
        "boolean" => Value::Boolean(rng.bool()),
        "int" | "long" | "double" | "currency" | "percent" => {
            let text =
                known.unwrap_or_else(|| format!("{}.{:02}", rng.i32(-99..999), rng.u8(..100)));
            Value::Number(Number::parse(&text).ok()?)
        }
        "date" | "datetime" if rng.bool() => Value::Span(literal(rng)),
        "date" => match known {
            Some(day) => Value::Date(day.parse().ok()?),
            None => Value::Date(Date::new(2026, rng.i8(1..13), rng.i8(1..29)).ok()?),
        },
        "datetime" => {
            let text = known.unwrap_or_else(|| {
                format!(
                    "2026-11-{:02}T{:02}:30:00.000+0000",
                    rng.u8(1..30),
                    rng.u8(..24)
                )
            });
            Value::DateTime(holdfast_model::Stamp::parse(&text).ok()?)
        }
        "time" => match known {
            Some(time) => Value::Time(time.trim_end_matches('Z').parse().ok()?),
            None => Value::Time(Time::new(rng.i8(..24), rng.i8(..60), 0, 0).ok()?),
        },
        _ => {
            let text = known.unwrap_or_else(|| (*rng.choice(WORDS).as_ref().unwrap()).to_owned());
            // Salesforce takes no more characters than these of a value.
            let text: String = text.chars().take(200).collect();
            Value::Text(match (operator, rng.u8(..4)) {
                (Operator::Like, form) => pattern(rng, &text, form),
                (_, 0) => text.to_uppercase(),
                (_, 1) => text.to_lowercase(),
                (Operator::Includes | Operator::Excludes | Operator::Equal, 2) => {
                    let mut choices: Vec<_> = text.split(';').collect();
                    rng.shuffle(&mut choices);
                    choices.truncate(rng.usize(1..=choices.len()));
                    choices.join(";")
                }
                _ => text,
            })
        }
    })
}

/// A piece of the text between wildcards, or all of it with a character for any; a backslash cannot be searched for.
fn pattern(rng: &mut Rng, text: &str, form: u8) -> String {
    let characters = text.chars().filter(|c| *c != '\\');
    let mut escaped: Vec<String> = characters
        .map(|c| {
            if matches!(c, '%' | '_') {
                format!("\\{c}")
            } else {
                c.to_string()
            }
        })
        .collect();
    if rng.bool() && !escaped.is_empty() {
        let place = rng.usize(..escaped.len());
        "_".clone_into(&mut escaped[place]);
        // One character too many, sometimes.
        let end = if rng.bool() { "_" } else { "" };
        return escaped.concat() + end;
    }
    let (from, length) = (rng.usize(..4), rng.usize(1..6));
    let piece: String = escaped.into_iter().skip(from).take(length).collect();
    match form {
        0 => format!("%{piece}%"),
        1 => format!("{}%", piece.to_uppercase()),
        2 => format!("%{piece}_%"),
        _ => piece,
    }
}

fn literal(rng: &mut Rng) -> DateLiteral {
    let unit = *rng.choice(Unit::ALL).as_ref().unwrap();
    let count = rng.u16(..40);
    match rng.u8(..8) {
        0 => DateLiteral::Last(unit),
        1 => DateLiteral::This(unit),
        2 => DateLiteral::Next(unit),
        3 => DateLiteral::Last90Days,
        4 => DateLiteral::Next90Days,
        5 => DateLiteral::LastN(unit, count),
        6 => DateLiteral::NextN(unit, count),
        _ => DateLiteral::Ago(unit, count),
    }
}

/// A value for a record, as the org stores it; nothing for a field that is better left alone.
pub(super) fn stored(
    rng: &mut Rng,
    world: &World,
    field: &FieldSchema,
) -> Option<serde_json::Value> {
    if field.nillable && rng.u8(..4) == 0 {
        return Some(serde_json::Value::Null);
    }
    let near = |rng: &mut Rng| (rng.u8(10..13), rng.u8(1..29));
    Some(match field.field_type.as_str() {
        "reference" => {
            let parent = rng.choice(&field.reference_to)?;
            let rows = world.rows.get(&ObjectName::parse(parent).ok()?)?;
            rng.choice(rows)?["Id"].clone()?.into()
        }
        "boolean" => rng.bool().into(),
        "int" => rng.i32(-3..30).into(),
        "double" | "currency" | "percent" => format!("{}.{}", rng.i32(-3..30), rng.u8(..10)).into(),
        "date" => {
            let (month, day) = near(rng);
            format!("2026-{month}-{day:02}").into()
        }
        "datetime" => {
            let (month, day) = near(rng);
            format!("2026-{month}-{day:02}T{:02}:30:00.000Z", rng.u8(..24)).into()
        }
        "time" => format!("{:02}:30:00.000Z", rng.u8(..24)).into(),
        "string" if !matches!(field.name.as_str(), "Username") => {
            (*rng.choice(WORDS).as_ref()?).into()
        }
        _ => return None,
    })
}
