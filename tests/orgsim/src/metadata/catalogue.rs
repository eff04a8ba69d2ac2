//! What components there are, and what is in them: those that are kept, and those that follow from the declarations,
//! the rules and the rows of the org.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use super::{
    automation,
    component::{Component, Components, Key, Touch},
    definition::{definition, kind_name},
    kind::Kind,
    layout, object, permission,
};
use crate::{
    rules::Rules,
    schema::{Object, Schema},
    soap::Element,
    store::Store,
};

/// One state of everything that components are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Catalogue<'a> {
    /// Kept components.
    pub components: &'a Components,
    /// The declarations.
    pub schema: &'a Schema,
    /// Automation.
    pub rules: &'a Rules,
    /// The records, for profiles and record types.
    pub store: &'a Store,
    /// When the org was made, and by whom: what the org ships with carries it.
    pub birth: &'a Touch,
}

/// A component in a list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Full name.
    pub name: String,
    /// 18 characters; empty for what the platform itself provides.
    pub id: String,
    /// Made.
    pub created: Touch,
    /// Last changed.
    pub modified: Touch,
    /// Made by the customer.
    pub own: bool,
}

/// A component with its content.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    /// The properties.
    pub properties: Element,
    /// Contents beside the properties.
    pub body: Option<Bytes>,
    /// The files of a bundle.
    pub files: BTreeMap<String, Bytes>,
}

impl Catalogue<'_> {
    /// The components of a type, by name.
    pub(crate) fn list(&self, kind: &'static Kind) -> Vec<Listed> {
        let mut all: BTreeMap<String, Listed> = BTreeMap::new();
        for (name, id, own) in self.computed(kind) {
            let listed = Listed {
                id,
                own,
                created: self.birth.clone(),
                modified: self.birth.clone(),
                name: name.clone(),
            };
            all.insert(name, listed);
        }
        for (name, component) in self.components.all(kind.name) {
            all.insert(name.to_owned(), Self::kept(name, component));
        }
        all.into_values().collect()
    }

    /// One component in a list.
    pub(crate) fn find(&self, kind: &'static Kind, name: &str) -> Option<Listed> {
        if let Some(component) = self.components.get(&Key::of(kind, name)) {
            return Some(Self::kept(name, component));
        }
        self.list(kind)
            .into_iter()
            .find(|listed| listed.name.eq_ignore_ascii_case(name))
    }

    fn kept(name: &str, component: &Arc<Component>) -> Listed {
        Listed {
            name: name.to_owned(),
            id: component.id.clone(),
            created: component.created.clone(),
            modified: component.modified.clone(),
            own: true,
        }
    }

    /// Names, Ids and origin of what is not kept but follows from something else.
    fn computed(&self, kind: &'static Kind) -> Vec<(String, String, bool)> {
        let schema = self.schema;
        let objects = || {
            schema
                .objects
                .iter()
                .filter(|object| object::customizable(object))
        };
        match kind.name {
            "CustomObject" => objects()
                .map(|object| {
                    let own = object.custom();
                    (
                        object.name.clone(),
                        Self::number(kind, own, self.place(object)),
                        own,
                    )
                })
                .collect(),
            "CustomField" => objects()
                .flat_map(|object| {
                    let fields = object
                        .live_fields()
                        .filter(|(_, f)| f.name.ends_with("__c"));
                    fields.map(move |(number, field)| {
                        let id = Self::number(kind, true, self.place(object) * 1000 + number);
                        (format!("{}.{}", object.name, field.name), id, true)
                    })
                })
                .collect(),
            "Layout" => objects()
                .filter(|object| object.can('L'))
                .map(|object| {
                    let id = Self::number(kind, true, self.place(object));
                    (layout::name(object), id, true)
                })
                .collect(),
            "CustomTab" => objects()
                .filter(|object| object.custom() && object.can('L'))
                .map(|object| {
                    let id = Self::number(kind, true, self.place(object));
                    (object.name.clone(), id, true)
                })
                .collect(),
            "Profile" | "PermissionSet" | "RecordType" => {
                permission::names(kind.name, schema, self.store)
            }
            _ => automation::names(kind, self.rules)
                .into_iter()
                .enumerate()
                .map(|(at, name)| (name, Self::number(kind, true, at), true))
                .collect(),
        }
    }

    /// An object's number, for an Id that stays.
    fn place(&self, object: &Object) -> usize {
        self.schema.find(&object.name).map_or(0, |(at, _)| at)
    }

    fn number(kind: &Kind, own: bool, number: usize) -> String {
        if !own {
            return String::new();
        }
        let prefix = kind.prefix.as_bytes().try_into().unwrap_or(*b"0MD");
        let id = crate::id::Mint::new(prefix, 400_000_000).id(number);
        String::from_utf8_lossy(&id).into_owned()
    }

    /// A component's own content, without the components inside it.
    pub(crate) fn read(&self, kind: &'static Kind, name: &str) -> Option<Content> {
        let kept = self.components.get(&Key::of(kind, name));
        let mut content = kept.map(|component| Content {
            properties: component.content.clone(),
            body: component.body.clone(),
            files: component.files.clone(),
        });
        let computed = self.computed_content(kind, name);
        match (&mut content, computed) {
            (None, computed) => content = computed,
            (Some(content), Some(computed)) if matches!(kind.name, "PermissionSet" | "Profile") => {
                let own = std::mem::take(&mut content.properties.children);
                content.properties = computed.properties;
                content.properties.children.extend(own);
                content.properties.sort();
            }
            (Some(content), Some(computed)) if kind.name == "CustomObject" => {
                let detail =
                    computed.properties.given("sharingModel") == Some("ControlledByParent");
                content.properties.add_missing(computed.properties);
                // An object became a detail when it got a master.
                if detail {
                    content.properties.set("sharingModel", "ControlledByParent");
                }
                content.properties.sort();
            }
            // What the org itself knows better than the text that was deployed: whether it is active.
            (Some(content), Some(computed)) => automation::refresh(kind, content, &computed),
            (Some(_), None) => {}
        }
        content
    }

    /// The content that follows from declarations, rules and rows.
    pub(crate) fn computed_content(&self, kind: &'static Kind, name: &str) -> Option<Content> {
        let schema = self.schema;
        let object = |name: &str| {
            let found = schema.find(name).map(|(_, object)| object);
            found.filter(|object| object::customizable(object))
        };
        let properties = match kind.name {
            "CustomObject" => object::definition(object(name)?),
            "CustomField" => {
                let (parent, own) = name.split_once('.')?;
                let parent = object(parent)?;
                let (_, found) = parent.field(own)?;
                definition(schema, found)
            }
            "Layout" => {
                let (parent, _) = name.split_once('-')?;
                layout::definition(object(parent).filter(|object| layout::name(object) == name)?)
            }
            "CustomTab" => {
                object(name).filter(|object| object.custom() && object.can('L'))?;
                let mut tab = Element::named("CustomTab");
                tab.put("customObject", "true")
                    .put("motif", "Custom20: Airplane");
                tab
            }
            "Profile" | "PermissionSet" | "RecordType" => {
                permission::content(kind.name, name, schema, self.store)?
            }
            _ => return automation::content(kind, name, self.rules),
        };
        Some(Content {
            properties,
            ..Content::default()
        })
    }

    /// A component's content with the components inside it, in the order of a file.
    pub(crate) fn whole(&self, kind: &'static Kind, name: &str) -> Option<Content> {
        let own = self.read(kind, name);
        let mut content = match own {
            Some(content) => content,
            // A file of parts exists when a part does.
            None if !kind.children.is_empty() && self.has_parts(kind, name) => Content {
                properties: Element::named(kind.name),
                ..Content::default()
            },
            None => return None,
        };
        for (child, element) in &kind.children {
            let Some(child) = Kind::named(child) else {
                continue;
            };
            for part in self.parts(kind, child, name) {
                let Some(read) = self.read(child, &part) else {
                    continue;
                };
                let entry = part_entry(child, &part, read.properties);
                content.properties.push(element, entry);
            }
        }
        if kind.name == "CustomObject" {
            self.standard_fields(name, &mut content.properties);
        }
        if !kind.children.is_empty() {
            content.properties.sort();
        }
        Some(content)
    }

    /// Full names of the parts of type `child` in the file of `name`.
    pub(crate) fn parts(
        &self,
        kind: &'static Kind,
        child: &'static Kind,
        name: &str,
    ) -> Vec<String> {
        let prefix = format!("{name}.");
        let all = self.list(child).into_iter().map(|listed| listed.name);
        all.filter(|part| kind.name == "CustomLabels" || part.starts_with(&prefix))
            .collect()
    }

    fn has_parts(&self, kind: &'static Kind, name: &str) -> bool {
        let mut children = kind
            .children
            .iter()
            .filter_map(|(child, _)| Kind::named(child));
        children.any(|child| !self.parts(kind, child, name).is_empty())
    }

    /// An object's file names its standard fields as well, with little more than their names.
    fn standard_fields(&self, name: &str, out: &mut Element) {
        let Some((_, object)) = self.schema.find(name).filter(|(_, o)| !o.custom()) else {
            return;
        };
        for (_, field) in object.live_fields() {
            let plain = field.name.contains("__") || field.system() || field.name == "Id";
            if plain || field.compound.is_some() || !field.createable(object) {
                continue;
            }
            let mut entry = Element::named("fields");
            entry.put("fullName", &field.name);
            let kind = kind_name(field);
            if matches!(kind, "Picklist" | "Lookup" | "MasterDetail") {
                entry.put("type", kind);
            }
            out.push("fields", entry);
        }
    }
}

/// A part as its parent's file shows it: with its own name first.
pub(crate) fn part_entry(kind: &Kind, full_name: &str, properties: Element) -> Element {
    let own = match kind.parent {
        Some("CustomLabels") => full_name,
        _ => full_name.split_once('.').map_or(full_name, |(_, own)| own),
    };
    let mut entry = properties;
    let mut name = Element::named("fullName");
    own.clone_into(&mut name.text);
    entry.children.insert(0, name);
    entry
}
