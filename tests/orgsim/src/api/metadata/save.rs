//! Components one by one: `readMetadata`, `createMetadata`, `updateMetadata`, `upsertMetadata`, `deleteMetadata`,
//! `renameMetadata`.

use axum::response::Response;

use super::errors;
use crate::{
    metadata::{
        catalogue::Content,
        draft::{Done, Draft, Mode},
        kind::Kind,
        problem::Problem,
    },
    org::Org,
    soap::{Call, Element, Fault, Xml},
};

/// Most components of a call.
const COMPONENTS_MAX: usize = 10;
/// The same for custom metadata and applications.
const RECORDS_MAX: usize = 200;

/// The type that a call names; components with contents of their own are only for deployments.
fn kind(name: &str) -> Result<&'static Kind, Fault> {
    let kind = Kind::named(name);
    let kind = kind.ok_or_else(|| Fault::new("INVALID_TYPE", format!("Unknown type:{name}")))?;
    let apex = ["ApexClass", "ApexTrigger", "ApexPage", "ApexComponent"].contains(&kind.name);
    if apex || kind.bundle {
        return Err(Fault::new(
            "INVALID_TYPE_FOR_OPERATION",
            format!("{name} is not supported by this operation; use deploy() and retrieve()"),
        ));
    }
    Ok(kind)
}

fn few(kind: &Kind, count: usize) -> Result<(), Fault> {
    let max = match kind.name {
        "CustomMetadata" | "CustomApplication" => RECORDS_MAX,
        _ => COMPONENTS_MAX,
    };
    if count > max {
        return Err(Fault::new(
            "EXCEEDED_ID_LIMIT",
            format!(
                "record limit reached. cannot submit more than {max} records in this operation"
            ),
        ));
    }
    Ok(())
}

/// The content of components; a null for each that is not there.
pub(super) fn read(org: &Org, call: &Call) -> Result<Response, Fault> {
    let kind = kind(call.operation.given("type").unwrap_or_default())?;
    let names: Vec<&str> = call.operation.values("fullNames").map(str::trim).collect();
    few(kind, names.len())?;
    let read = |name: &&str| {
        org.catalogue(|catalogue| {
            let found = catalogue.find(kind, name)?;
            let content = catalogue.whole(kind, &found.name)?;
            Some((found.name, content.properties))
        })
    };
    let records: Vec<Option<(String, Element)>> = names.iter().map(read).collect();
    Ok(call.answer(|xml| {
        xml.within("result", |xml| {
            for record in &records {
                let Some((name, properties)) = record else {
                    xml.nil("records");
                    continue;
                };
                let tag = format!("records xsi:type=\"{}\"", kind.name);
                xml.within(&tag, |xml| {
                    xml.leaf("fullName", name);
                    for child in &properties.children {
                        child.write(xml, None);
                    }
                });
            }
        });
    }))
}

/// One component of a call, and what became of it.
struct Saved {
    name: String,
    result: Result<Done, Problem>,
}

/// Runs one change after the other, together or each by itself.
fn run<T>(
    org: &Org,
    call: &Call,
    items: Vec<(String, T)>,
    change: impl Fn(&mut Draft<'_>, &str, T) -> Result<Done, Problem>,
) -> Vec<Saved> {
    let together = call
        .header("AllOrNoneHeader")
        .is_some_and(|header| header.flag("allOrNone"));
    let user = &call.caller.user;
    org.metadata.alone(|| {
        if !together {
            let each = items.into_iter().map(|(name, item)| {
                let mut draft = Draft::new(org, user);
                let result = change(&mut draft, &name, item);
                if result.is_ok() {
                    draft.commit();
                }
                Saved { name, result }
            });
            return each.collect();
        }
        let mut draft = Draft::new(org, user);
        let mut saved: Vec<Saved> = items
            .into_iter()
            .map(|(name, item)| {
                let result = change(&mut draft, &name, item);
                Saved { name, result }
            })
            .collect();
        if saved.iter().all(|saved| saved.result.is_ok()) {
            draft.commit();
        } else {
            for saved in saved.iter_mut().filter(|saved| saved.result.is_ok()) {
                saved.result = Err(Problem::rolled_back());
            }
        }
        saved
    })
}

/// Makes or changes components.
pub(super) fn save(org: &Org, call: &Call) -> Result<Response, Fault> {
    let (mode, upsert) = match call.operation.name.as_str() {
        "createMetadata" => (Mode::Create, false),
        "updateMetadata" => (Mode::Update, false),
        _ => (Mode::Upsert, true),
    };
    let given: Vec<&Element> = call.operation.all("metadata").collect();
    let mut items = Vec::new();
    for metadata in &given {
        let name = metadata.kind.as_deref();
        let name = name.ok_or_else(|| Fault::client("Must send a concrete entity type."))?;
        let kind = kind(name)?;
        few(kind, given.len())?;
        let mut properties = Element::clone(metadata);
        properties.strip();
        properties.kind = None;
        kind.name.clone_into(&mut properties.name);
        let name = properties.take_name();
        items.push((name.unwrap_or_default(), (kind, properties)));
    }
    let saved = run(org, call, items, |draft, name, (kind, properties)| {
        if name.is_empty() {
            return Err(Problem::missing("fullName"));
        }
        let content = Content {
            properties,
            ..Content::default()
        };
        draft.put(kind, name, mode, content)
    });
    Ok(call.answer(|xml| {
        for saved in &saved {
            xml.within("result", |xml| result(xml, saved, upsert));
        }
    }))
}

/// Deletes components.
pub(super) fn delete(org: &Org, call: &Call) -> Result<Response, Fault> {
    let kind = kind(call.operation.given("type").unwrap_or_default())?;
    let names = call.operation.values("fullNames");
    let names: Vec<(String, ())> = names.map(|name| (name.trim().to_owned(), ())).collect();
    few(kind, names.len())?;
    let saved = run(org, call, names, |draft, name, ()| {
        draft.delete(kind, name).map(|()| Done::default())
    });
    Ok(call.answer(|xml| {
        for saved in &saved {
            xml.within("result", |xml| result(xml, saved, false));
        }
    }))
}

/// Gives a component another name.
pub(super) fn rename(org: &Org, call: &Call) -> Result<Response, Fault> {
    let operation = &call.operation;
    let kind = kind(operation.given("type").unwrap_or_default())?;
    let old = operation
        .given("oldFullName")
        .unwrap_or_default()
        .to_owned();
    let new = operation
        .given("newFullName")
        .unwrap_or_default()
        .to_owned();
    let saved = run(org, call, vec![(old, new)], |draft, old, new| {
        draft.rename(kind, old, &new).map(|()| Done::default())
    });
    Ok(call.answer(|xml| {
        for saved in &saved {
            xml.within("result", |xml| result(xml, saved, false));
        }
    }))
}

fn result(xml: &mut Xml, saved: &Saved, upsert: bool) {
    if upsert {
        let created = saved.result.as_ref().is_ok_and(|done| done.created);
        xml.plain("created", created);
    }
    if let Err(problem) = &saved.result {
        errors(xml, problem);
    }
    xml.leaf("fullName", &saved.name);
    xml.plain("success", saved.result.is_ok());
}
