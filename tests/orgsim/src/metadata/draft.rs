//! A change of metadata in the making. It works on copies, so that a change that fails, or was only a check, leaves
//! no trace; [`Draft::commit`] puts all of it in force.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    automation,
    catalogue::{Catalogue, Content},
    component::{Component, Components, Key, Touch},
    field,
    kind::Kind,
    object, permission,
    problem::Problem,
    rows::RowChange,
};
use crate::{org::Org, rules::Rules, save::SetupChange, schema::Schema, soap::Element};

/// What a call may do to a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It must be new.
    Create,
    /// It must be there.
    Update,
    /// Either.
    Upsert,
}

/// What became of a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// It is new.
    pub created: bool,
    /// It differs from before.
    pub changed: bool,
}

/// Copies of everything that a change of metadata touches.
pub(crate) struct Draft<'o> {
    org: &'o Org,
    schema: Schema,
    schema_changed: bool,
    rules: Rules,
    components: Components,
    rows: Vec<RowChange>,
    audited: Vec<SetupChange>,
    touch: Touch,
}

impl<'o> Draft<'o> {
    /// A change by `user`.
    pub(crate) fn new(org: &'o Org, user: &str) -> Self {
        Self {
            org,
            schema: org.schema.clone(),
            schema_changed: false,
            rules: Rules::clone(&org.rules.read()),
            components: org.metadata.components.read().clone(),
            rows: Vec::new(),
            audited: Vec::new(),
            touch: Touch {
                at_ms: org.clock.now_second_ms(),
                user: user.to_owned(),
            },
        }
    }

    /// Reads the state that the draft has reached.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&Catalogue<'_>) -> T) -> T {
        let store = self.org.store.read();
        read(&Catalogue {
            components: &self.components,
            schema: &self.schema,
            rules: &self.rules,
            store: &store,
            birth: &self.org.metadata.birth,
        })
    }

    /// Puts a component, and the components inside it, as `content` describes them.
    pub(crate) fn put(
        &mut self,
        kind: &'static Kind,
        name: &str,
        mode: Mode,
        mut content: Content,
    ) -> Result<Done, Problem> {
        let parts = take_parts(kind, &mut content.properties);
        let mut done = self.put_own(kind, name, mode, content)?;
        for (child, own, properties) in parts {
            let own = own.ok_or_else(|| Problem::missing("fullName"))?;
            let full = child.child_name(name, &own);
            let content = Content {
                properties,
                ..Content::default()
            };
            let part = self.put_own(child, &full, Mode::Upsert, content)?;
            done.changed |= part.changed;
        }
        Ok(done)
    }

    /// Puts a component without the components inside it.
    pub(crate) fn put_own(
        &mut self,
        kind: &'static Kind,
        name: &str,
        mode: Mode,
        content: Content,
    ) -> Result<Done, Problem> {
        let before = self.with(|catalogue| catalogue.read(kind, name));
        // A file of parts is there as soon as one of its parts is.
        let exists = before.is_some();
        match mode {
            Mode::Create if exists => return Err(taken(kind, name)),
            Mode::Update if !exists => return Err(Problem::unknown(kind.name, name)),
            _ => {}
        }
        if let Some(parent) = kind.parent.and_then(Kind::named) {
            self.parent(parent, name)?;
        }
        let unchanged = before.as_ref().is_some_and(|before| {
            before.properties.same(&content.properties)
                && before.body == content.body
                && before.files == content.files
        });
        if !unchanged {
            self.apply(kind, name, &content)?;
            // A permission set is a row, and saving it leaves its own trace.
            if kind.name != "PermissionSet" {
                let verb = if exists { "changed" } else { "created" };
                self.audited.push(SetupChange::of(verb, kind.name, name));
            }
            self.keep(kind, name, content, before);
        }
        Ok(Done {
            created: !exists,
            changed: !unchanged,
        })
    }

    /// The component around `name` is there.
    fn parent(&self, parent: &'static Kind, name: &str) -> Result<(), Problem> {
        if parent.name != "CustomObject" {
            return Ok(());
        }
        let owner = name.split_once('.').map_or(name, |(owner, _)| owner);
        match self.schema.find(owner) {
            Some(_) => Ok(()),
            None => Err(Problem::unknown("CustomObject", owner)),
        }
    }

    /// Changes what follows from the component.
    fn apply(&mut self, kind: &'static Kind, name: &str, content: &Content) -> Result<(), Problem> {
        let properties = &content.properties;
        match kind.name {
            "CustomObject" => {
                let mut schema = self.schema.clone();
                object::put(&mut schema, name, properties)?;
                self.schema = schema;
                self.schema_changed = true;
            }
            "CustomField" => self.field(name, properties)?,
            "PermissionSet" | "Profile" => {
                if kind.name == "PermissionSet" && properties.given("label").is_none() {
                    return Err(Problem::missing("label"));
                }
                permission::check(&self.schema, properties)?;
                self.rows.push(RowChange::put(kind.name, name, properties));
            }
            "RecordType" => self.rows.push(RowChange::put(kind.name, name, properties)),
            _ => automation::put(
                kind,
                name,
                properties,
                content.body.as_ref(),
                &self.schema,
                &mut self.rules,
            )?,
        }
        Ok(())
    }

    fn field(&mut self, name: &str, properties: &Element) -> Result<(), Problem> {
        let unknown = || Problem::unknown("CustomField", name);
        let (owner, own) = name.split_once('.').ok_or_else(unknown)?;
        let (at, object) = self.schema.find(owner).ok_or_else(unknown)?;
        let old = object.field(own).map(|(_, field)| field.clone());
        if !own.ends_with("__c") {
            // The platform's own fields take tracking and labels, which nothing else depends on.
            return old.map(|_| ()).ok_or_else(unknown);
        }
        let field = field::read(&self.schema, object, own, properties, old.as_ref())?;
        let mut schema = self.schema.clone();
        object::put_field(&mut schema, at, field)?;
        self.schema = schema;
        self.schema_changed = true;
        Ok(())
    }

    fn keep(&mut self, kind: &'static Kind, name: &str, content: Content, before: Option<Content>) {
        let key = Key::of(kind, name);
        let old = self.components.get(&key).cloned();
        let id = match &old {
            Some(old) => old.id.clone(),
            None => self
                .with(|catalogue| catalogue.find(kind, name))
                .filter(|_| before.is_some())
                .map(|listed| listed.id)
                .unwrap_or_default(),
        };
        let mut properties = content.properties;
        match kind.name {
            // Definitions: what is not said stays as it is, or is what the type implies.
            "CustomObject" | "RecordType" => {
                properties.add_missing(before.map(|before| before.properties).unwrap_or_default());
            }
            "CustomField" => {
                let implied = self.with(|catalogue| catalogue.computed_content(kind, name));
                properties.add_missing(
                    implied
                        .map(|implied| implied.properties)
                        .unwrap_or_default(),
                );
            }
            // Rows carry the rest.
            "PermissionSet" | "Profile" => permission::without_rows(&mut properties),
            _ => {}
        }
        if kind.parent == Some("CustomObject") || kind.name == "CustomObject" {
            properties.sort();
        }
        let component = Component {
            id,
            content: properties,
            body: content.body,
            files: content.files,
            created: old.map_or_else(|| self.touch.clone(), |old| old.created.clone()),
            modified: self.touch.clone(),
            revision: 0,
        };
        self.components.put(kind, name, component);
    }

    /// Takes a component away.
    pub(crate) fn delete(&mut self, kind: &'static Kind, name: &str) -> Result<(), Problem> {
        let there = self.with(|catalogue| catalogue.find(kind, name).is_some());
        match kind.name {
            "CustomField" => {
                let gone = || {
                    Problem::new(
                        "INVALID_CROSS_REFERENCE_KEY",
                        "This custom field does not exist or is not accessible",
                    )
                };
                let (owner, own) = name.split_once('.').filter(|_| there).ok_or_else(gone)?;
                let at = self.schema.find(owner).map(|(at, _)| at).ok_or_else(gone)?;
                if !object::remove_field(&mut self.schema, at, own) {
                    return Err(gone());
                }
                self.schema_changed = true;
            }
            _ if !there => return Err(Problem::unknown(kind.name, name)),
            "CustomObject" => self.delete_object(name)?,
            "PermissionSet" => {
                permission::unassigned(&self.schema, &self.org.store.read(), name)?;
                self.rows.push(RowChange::delete(kind.name, name));
            }
            "Profile" | "RecordType" => self.rows.push(RowChange::delete(kind.name, name)),
            "Layout" | "CustomTab" if self.components.get(&Key::of(kind, name)).is_none() => {
                return Err(Problem::integrity(format!(
                    "{name} is the only {} of its object and cannot be deleted",
                    kind.name
                )));
            }
            _ => {
                automation::remove(kind, name, &self.schema, &mut self.rules);
            }
        }
        self.components.remove(&Key::of(kind, name));
        let change = SetupChange::of("deleted", kind.name, name);
        self.audited.push(change);
        Ok(())
    }

    fn delete_object(&mut self, name: &str) -> Result<(), Problem> {
        let custom = self
            .schema
            .find(name)
            .is_some_and(|(_, object)| object.custom());
        if !custom && !name.ends_with("__mdt") {
            return Err(Problem::new(
                "INSUFFICIENT_ACCESS_OR_READONLY",
                format!("Cannot delete standard object: {name}"),
            ));
        }
        self.schema.remove_object(name);
        self.schema_changed = true;
        let prefix = format!("{name}.");
        for kind in Kind::named("CustomObject")
            .into_iter()
            .flat_map(|kind| &kind.children)
        {
            self.components.remove_under(kind.0, &prefix);
        }
        Ok(())
    }

    /// Gives a component another name; records keep the values of a renamed field.
    pub(crate) fn rename(
        &mut self,
        kind: &'static Kind,
        old: &str,
        new: &str,
    ) -> Result<(), Problem> {
        let there =
            |draft: &Self, name: &str| draft.with(|catalogue| catalogue.find(kind, name).is_some());
        if !there(self, old) {
            return Err(Problem::unknown(kind.name, old));
        }
        if there(self, new) {
            return Err(taken(kind, new));
        }
        let unable = || {
            Problem::new(
                "INVALID_TYPE_FOR_OPERATION",
                format!("{} {old} cannot be renamed to {new}", kind.name),
            )
        };
        if kind.name == "CustomField" {
            let (owner, from) = old.split_once('.').ok_or_else(unable)?;
            let (other, to) = new.split_once('.').ok_or_else(unable)?;
            let custom = from.ends_with("__c") && field::is_field_name(to);
            let at = self.schema.find(owner).map(|(at, _)| at);
            let at = at.filter(|_| custom && owner.eq_ignore_ascii_case(other));
            self.schema.rename_field(at.ok_or_else(unable)?, from, to);
            self.schema_changed = true;
        } else if self.components.get(&Key::of(kind, old)).is_none()
            || self.with(|catalogue| catalogue.computed_content(kind, old).is_some())
        {
            return Err(unable());
        }
        if let Some(component) = self.components.get(&Key::of(kind, old)).cloned() {
            self.components.remove(&Key::of(kind, old));
            let mut component = Component::clone(&component);
            component.modified = self.touch.clone();
            self.components.put(kind, new, component);
        }
        let change = SetupChange::of("changed", kind.name, new);
        self.audited.push(change);
        Ok(())
    }

    /// Puts everything in force.
    pub(crate) fn commit(self) {
        let Self {
            org,
            schema,
            schema_changed,
            rules,
            components,
            rows,
            audited,
            touch,
        } = self;
        if schema_changed {
            let replaced: Result<(), std::convert::Infallible> = org.change_schema(|now| {
                *now = schema;
                Ok(())
            });
            debug_assert!(replaced.is_ok(), "a replacement does not fail");
        }
        *org.rules.write() = Arc::new(rules);
        *org.metadata.components.write() = components;
        for change in rows {
            change.run(org, &touch.user);
        }
        org.note_setup(&touch.user, &audited);
    }
}

/// The components inside a file, taken out of it: type, own name and content.
pub(crate) fn take_parts(
    kind: &'static Kind,
    properties: &mut Element,
) -> Vec<(&'static Kind, Option<String>, Element)> {
    let elements: BTreeMap<&str, &'static Kind> = kind
        .children
        .iter()
        .filter_map(|(name, element)| Some((*element, Kind::named(name)?)))
        .collect();
    let all = std::mem::take(&mut properties.children);
    let mut parts = Vec::new();
    for mut child in all {
        match elements.get(child.name.as_str()) {
            Some(part) => {
                let name = child.take_name();
                part.name.clone_into(&mut child.name);
                parts.push((*part, name, child));
            }
            None => properties.children.push(child),
        }
    }
    // Fields come first: rules and record types speak of them; masters come before what they are masters of.
    parts.sort_by_key(|(part, _, _)| part.name != "CustomField");
    parts
}

fn taken(kind: &Kind, name: &str) -> Problem {
    let own = name.split_once('.');
    match (kind.name, own) {
        ("CustomField", Some((owner, own))) => Problem::taken(format!(
            "There is already a field named {} on {owner}.",
            own.trim_end_matches("__c")
        )),
        _ => Problem::taken(format!("This developer name is already in use: {name}")),
    }
}
