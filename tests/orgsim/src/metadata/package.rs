//! The files of a package and the components in them.
//!
//! Source: Metadata API Developer Guide, Working with the Zip File.

use std::collections::BTreeMap;

use super::{archive::Files, catalogue::Content, draft::take_parts, kind::Kind};
use crate::soap::Element;

/// One component in a package.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its type.
    pub kind: &'static Kind,
    /// Full name.
    pub name: String,
    /// Path of its file, from the top of the zip.
    pub path: String,
    /// Its content, or what is wrong with the file.
    pub content: Result<Content, String>,
}

/// The components in the files below `root`, parts of a file after the file itself. Files that are nothing known are
/// returned beside them.
pub(crate) fn entries(files: &Files, root: &str) -> (Vec<Entry>, Vec<String>) {
    let mut found: BTreeMap<(String, String), Entry> = BTreeMap::new();
    let mut parts = Vec::new();
    let mut unknown = Vec::new();
    for (path, content) in files {
        let Some(inner) = path.strip_prefix(root) else {
            continue;
        };
        if !inner.contains('/') {
            // package.xml and the like.
            continue;
        }
        let Some(place) = locate(inner) else {
            unknown.push(path.clone());
            continue;
        };
        let key = (place.kind.name.to_owned(), place.name.clone());
        let entry = found.entry(key).or_insert_with(|| Entry {
            kind: place.kind,
            name: place.name.clone(),
            path: format!("{root}{}", place.path),
            content: Ok(Content {
                properties: Element::named(place.kind.name),
                ..Content::default()
            }),
        });
        let Ok(target) = &mut entry.content else {
            continue;
        };
        match place.role {
            Role::Bundle(file) => {
                target.files.insert(file, content.clone());
            }
            Role::Body => target.body = Some(content.clone()),
            Role::Properties => match properties(place.kind, content) {
                Ok(mut read) => {
                    for (kind, own, properties) in take_parts(place.kind, &mut read) {
                        parts.push(part(kind, &place, own.as_deref(), properties, root));
                    }
                    target.properties = read;
                }
                Err(problem) => entry.content = Err(problem),
            },
        }
    }
    let mut entries: Vec<Entry> = found.into_values().collect();
    entries.extend(parts);
    (entries, unknown)
}

fn part(
    kind: &'static Kind,
    place: &Place,
    own: Option<&str>,
    properties: Element,
    root: &str,
) -> Entry {
    let content = Content {
        properties,
        ..Content::default()
    };
    Entry {
        kind,
        name: kind.child_name(&place.name, own.unwrap_or_default()),
        path: format!("{root}{}", place.path),
        content: match own {
            Some(_) => Ok(content),
            None => Err("Required field is missing: fullName".to_owned()),
        },
    }
}

/// What a file of a package is to its component.
enum Role {
    /// The XML of its properties.
    Properties,
    /// Contents.
    Body,
    /// One file of a bundle.
    Bundle(String),
}

struct Place {
    kind: &'static Kind,
    name: String,
    path: String,
    role: Role,
}

/// What a path below a package's root stands for.
fn locate(path: &str) -> Option<Place> {
    let (directory, rest) = path.split_once('/')?;
    let kinds = || Kind::in_directory(directory);
    if let Some(kind) = kinds().find(|kind| kind.bundle) {
        let (name, file) = rest.split_once('/')?;
        return Some(Place {
            kind,
            name: name.to_owned(),
            path: format!("{directory}/{name}"),
            role: Role::Bundle(file.to_owned()),
        });
    }
    let (file, meta) = match rest.strip_suffix("-meta.xml") {
        Some(file) => (file, true),
        None => (rest, false),
    };
    let with_suffix = kinds().find_map(|kind| {
        let stem = file.strip_suffix(kind.suffix?)?.strip_suffix('.')?;
        Some((kind, stem))
    });
    // A document keeps its ending, and a folder has none.
    let (kind, name) = match with_suffix {
        Some((kind, stem)) if kind.name != "Document" => (kind, stem),
        _ => (kinds().find(|kind| kind.in_folder)?, file),
    };
    let folder = kind.in_folder && !name.contains('/');
    let role = if meta || !kind.meta_file || folder {
        Role::Properties
    } else {
        Role::Body
    };
    Some(Place {
        kind,
        name: name.to_owned(),
        path: format!("{directory}/{file}"),
        role,
    })
}

fn properties(kind: &Kind, file: &[u8]) -> Result<Element, String> {
    let mut root = Element::parse(file)?;
    root.strip();
    if root.name != kind.name && !kind.in_folder {
        return Err(format!(
            "Element {{}}{} invalid at this location",
            root.name
        ));
    }
    // Older files say their own name.
    root.take_name();
    kind.name.clone_into(&mut root.name);
    root.kind = None;
    Ok(root)
}

/// Adds the files of one component to a package.
pub(crate) fn add(
    files: &mut Files,
    root: &str,
    kind: &'static Kind,
    name: &str,
    content: &Content,
) {
    let path = format!("{root}{}", kind.path(name));
    if kind.bundle {
        for (file, bytes) in &content.files {
            files.insert(format!("{path}/{file}"), bytes.clone());
        }
        return;
    }
    let document = content
        .properties
        .document(kind.parent.unwrap_or(kind.name));
    let folder = kind.in_folder && !name.contains('/');
    if folder {
        let path = format!("{root}{}/{name}-meta.xml", kind.directory);
        files.insert(path, document.into());
    } else if kind.meta_file {
        files.insert(path.clone(), content.body.clone().unwrap_or_default());
        files.insert(format!("{path}-meta.xml"), document.into());
    } else {
        files.insert(path, document.into());
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_package_is_read_as_its_components() {
        let mut files = Files::new();
        let mut put =
            |path: &str, text: &str| files.insert(path.to_owned(), Bytes::from(text.to_owned()));
        put("p/package.xml", "<Package/>");
        put("p/classes/A.cls", "class A {}");
        put(
            "p/classes/A.cls-meta.xml",
            "<ApexClass><status>Active</status></ApexClass>",
        );
        put(
            "p/objects/X__c.object",
            "<CustomObject><label>X</label><fields><fullName>Y__c</fullName><type>Date</type></fields></CustomObject>",
        );
        put("p/lwc/card/card.js", "1");
        put("p/lwc/card/card.html", "2");
        put("p/reports/F/R.report", "<Report><name>R</name></Report>");
        put(
            "p/reports/F-meta.xml",
            "<ReportFolder><name>F</name></ReportFolder>",
        );
        put("p/layouts/X__c-X Layout.layout", "<Layout></Layou>");
        put("p/nowhere/a.b", "");
        let (entries, unknown) = entries(&files, "p/");
        let names: Vec<(&str, &str)> = entries
            .iter()
            .map(|e| (e.kind.name, e.name.as_str()))
            .collect();
        assert_eq!(
            names,
            [
                ("ApexClass", "A"),
                ("CustomObject", "X__c"),
                ("Layout", "X__c-X Layout"),
                ("LightningComponentBundle", "card"),
                ("Report", "F"),
                ("Report", "F/R"),
                ("CustomField", "X__c.Y__c"),
            ]
        );
        assert_eq!(unknown, ["p/nowhere/a.b"]);
        let class = entries[0].content.as_ref().unwrap();
        assert_eq!(class.body.as_deref(), Some(&b"class A {}"[..]));
        assert_eq!(class.properties.value("status"), Some("Active"));
        assert!(entries[2].content.is_err());
        assert_eq!(entries[3].content.as_ref().unwrap().files.len(), 2);
        // And back.
        let mut again = Files::new();
        for entry in entries.iter().filter(|entry| entry.kind.parent.is_none()) {
            if let Ok(content) = &entry.content {
                add(&mut again, "p/", entry.kind, &entry.name, content);
            }
        }
        let written: Vec<&str> = again.keys().map(String::as_str).collect();
        let expected = files.keys().map(String::as_str);
        let skipped = [
            "p/package.xml",
            "p/nowhere/a.b",
            "p/layouts/X__c-X Layout.layout",
        ];
        let expected: Vec<&str> = expected.filter(|path| !skipped.contains(path)).collect();
        assert_eq!(written, expected);
    }
}
