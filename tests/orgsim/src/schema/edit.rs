//! Changes of the declarations: objects and fields that are added, changed and removed while the org runs.

use std::{collections::HashMap, sync::Arc};

use super::{Field, Kind, NotationError, Object, Schema, notation};
use crate::id::Mint;

/// Objects that share a prefix take their Ids from ranges that never meet; this many Ids are in one.
const RANGE: usize = 1_000_000_000;

impl Schema {
    /// Lets all Ids be of a pod.
    pub(crate) fn settle_in(&mut self, pod: [u8; 2]) {
        for object in &mut self.objects {
            let object = Arc::make_mut(object);
            object.mint = object.mint.in_pod(pod);
        }
    }

    /// Adds an object at the end; its number. [`Schema::link`] must follow.
    pub(super) fn append(&mut self, mut object: Object) -> usize {
        let at = self.objects.len();
        let sharers = self.by_prefix.entry(object.mint.prefix()).or_default();
        if !sharers.is_empty() {
            object.mint = Mint::new(object.mint.prefix(), at * RANGE + 1);
        }
        sharers.push(at);
        self.by_name.insert(object.name.to_lowercase(), at);
        self.objects.push(Arc::new(object));
        at
    }

    /// Finds the targets of references by their names, and the children of every object.
    pub(super) fn link(&mut self) -> Result<(), NotationError> {
        for object in &mut self.objects {
            let linked = |field: &Field| field.targets.len() == field.target_names.len();
            if object.fields.iter().all(linked) {
                continue;
            }
            for field in &mut Arc::make_mut(object).fields {
                field.targets.clear();
                for target in &field.target_names {
                    let target = self.by_name.get(&target.to_lowercase()).ok_or_else(|| {
                        NotationError::UnknownTarget {
                            field: field.name.clone(),
                            target: target.clone(),
                        }
                    })?;
                    field.targets.push(*target);
                }
            }
        }
        self.children = vec![Vec::new(); self.objects.len()];
        for (child, object) in self.objects.iter().enumerate() {
            for (number, field) in object.fields.iter().enumerate() {
                for target in &field.targets {
                    if let Some(of_target) = self.children.get_mut(*target) {
                        of_target.push((child, number));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Schema {
    /// Adds the objects that `text` declares, in the notation of the files in `schema/`.
    pub(crate) fn declare(&mut self, text: &str) -> Result<(), NotationError> {
        for object in notation::read(text)? {
            self.append(object);
        }
        self.link()
    }

    /// The object numbered `at`, to be changed; an edit that adds or removes references ends with [`Schema::link`].
    pub(crate) fn object_mut(&mut self, at: usize) -> Option<&mut Object> {
        self.objects.get_mut(at).map(Arc::make_mut)
    }

    /// Gives object `at` a field, in place of the one with the same name if there is one.
    pub(crate) fn put_field(&mut self, at: usize, field: Field) -> Result<(), NotationError> {
        if let Some(object) = self.object_mut(at) {
            match object.field(&field.name).map(|(number, _)| number) {
                Some(number) => {
                    if let Some(place) = object.fields.get_mut(number) {
                        *place = field;
                    }
                }
                None => object.fields.push(field),
            }
            object.index();
        }
        self.link()
    }

    /// Gives a field of object `at` another name, and its relationship the one that follows from it.
    pub(crate) fn rename_field(&mut self, at: usize, from: &str, to: &str) {
        let Some(object) = self.object_mut(at) else {
            return;
        };
        let number = object.field(from).map(|(number, _)| number);
        if let Some(field) = number.and_then(|number| object.fields.get_mut(number)) {
            to.clone_into(&mut field.name);
            if field.relationship.is_some() {
                field.relationship = Some(format!("{}__r", to.trim_end_matches("__c")));
            }
        }
        object.index();
    }

    /// Takes a field away from object `at`; values stay in the rows, where nothing reads them. False when the
    /// object has no such field.
    pub(crate) fn remove_field(&mut self, at: usize, name: &str) -> bool {
        let Some(object) = self.object_mut(at) else {
            return false;
        };
        let Some(number) = object.field(name).map(|(number, _)| number) else {
            return false;
        };
        if let Some(place) = object.fields.get_mut(number) {
            *place = Field::default();
        }
        object.index();
        for children in &mut self.children {
            children.retain(|child| *child != (at, number));
        }
        true
    }

    /// Makes an object as if it were not there, except for who holds its number: references to it still say so.
    pub(crate) fn hide_object(&mut self, at: usize) {
        self.by_name.retain(|_, number| *number != at);
        if let Some(object) = self.object_mut(at) {
            object.hidden = true;
            object.capabilities.clear();
            object.by_name.clear();
        }
    }

    /// Takes an object away, with its history, its shares, and the references to it. False when it is not there.
    pub(crate) fn remove_object(&mut self, name: &str) -> bool {
        let Some(at) = self.find(name).map(|(at, _)| at) else {
            return false;
        };
        let parent = name.to_lowercase();
        let satellites = self.objects.iter().filter_map(|object| {
            let (_, of) = object.satellite.as_ref()?;
            (of.to_lowercase() == parent).then(|| object.name.clone())
        });
        let satellites: Vec<String> = satellites.collect();
        let referring: Vec<(usize, usize)> = self.children(at).collect();
        for (child, number) in referring {
            let field = self
                .object(child)
                .and_then(|object| object.fields.get(number));
            let Some(field) = field.cloned() else {
                continue;
            };
            if !field.polymorphic() {
                self.remove_field(child, &field.name);
            } else if let Some(object) = self.object_mut(child)
                && let Some(field) = object.fields.get_mut(number)
            {
                // It can still point elsewhere.
                field.targets.retain(|target| *target != at);
                field
                    .target_names
                    .retain(|target| target.to_lowercase() != parent);
            }
        }
        for satellite in satellites {
            self.remove_object(&satellite);
        }
        if let Some(object) = self.object_mut(at) {
            object.name.clear();
            object.capabilities.clear();
            object.fields = vec![Field::default(); object.fields.len()];
            object.index();
        }
        self.by_name.retain(|_, number| *number != at);
        for sharers in self.by_prefix.values_mut() {
            sharers.retain(|number| *number != at);
        }
        for children in &mut self.children {
            children.retain(|(child, _)| *child != at);
        }
        true
    }

    /// A key prefix that no object has, for a new custom object.
    pub(crate) fn free_prefix(&self) -> String {
        let taken = |prefix: &[u8; 3]| self.by_prefix.contains_key(prefix);
        let digits = (b'0'..=b'9').chain(b'A'..=b'Z').chain(b'a'..=b'z');
        let letters = digits.clone();
        let free = digits
            .flat_map(|second| letters.clone().map(move |third| [b'a', second, third]))
            .find(|prefix| !taken(prefix));
        String::from_utf8_lossy(&free.unwrap_or(*b"azz")).into_owned()
    }
}

impl Field {
    /// Makes a reference to the objects with these names; [`Schema::link`] finds them.
    pub(crate) fn refer_to(&mut self, targets: Vec<String>) {
        self.kind = Kind::Reference;
        self.length = 18;
        self.target_names = targets;
        self.targets.clear();
    }
}

impl Object {
    /// Finds the fields' numbers by name after a change.
    pub(super) fn index(&mut self) {
        let by_name: HashMap<String, usize> = self
            .live_fields()
            .map(|(at, field)| (field.name.to_lowercase(), at))
            .collect();
        self.stamp_field = [
            "systemmodstamp",
            "lastmodifieddate",
            "createddate",
            "logintime",
        ]
        .into_iter()
        .find_map(|name| by_name.get(name).copied());
        self.by_name = by_name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Declarations, describe};

    const SHOP: &str = "object Shop__c key=a0x can=QRPCUDX with=history\n  +custom\n  Account__c ->Account rel=Account__r\n";

    fn declarations() -> Declarations {
        Declarations::new(Schema::load().unwrap(), 1_000)
    }

    fn change(declarations: &Declarations, edit: impl FnOnce(&mut Schema)) {
        let done: Result<(), NotationError> = declarations.change(1_000, |schema| {
            edit(schema);
            Ok(())
        });
        done.unwrap();
    }

    #[test]
    fn a_reader_keeps_the_declarations_it_began_with() {
        let declarations = declarations();
        let before: &Schema = &declarations;
        change(&declarations, |schema| schema.declare(SHOP).unwrap());
        assert!(before.find("Shop__c").is_none());
        let (at, shop) = declarations.find("shop__C").unwrap();
        assert_eq!(declarations.locate(&shop.mint.id(7)), Some((at, 7)));
        assert!(declarations.find("Shop__History").is_some());
        let accounts = declarations.find("Account").unwrap().0;
        assert!(
            declarations
                .children(accounts)
                .any(|(child, _)| child == at)
        );
        assert!(declarations.changed_ms() > 1_000);
    }

    #[test]
    fn what_fails_changes_nothing() {
        let declarations = declarations();
        let refused: Result<(), &str> = declarations.change(9_000, |schema| {
            schema.remove_object("Account");
            Err("no")
        });
        assert_eq!(refused, Err("no"));
        assert!(declarations.find("Account").is_some());
        assert_eq!(declarations.changed_ms(), 1_000);
    }

    #[test]
    fn a_removed_field_leaves_the_numbers_of_the_others() {
        let declarations = declarations();
        let number = |name: &str| {
            let (_, object) = declarations.find("Project__c").unwrap();
            object.field(name).map(|(number, _)| number)
        };
        let later = number("Kick_Off__c");
        change(&declarations, |schema| {
            let at = schema.find("Project__c").unwrap().0;
            assert!(schema.remove_field(at, "Budget__c"));
            assert!(!schema.remove_field(at, "Budget__c"));
        });
        assert_eq!(number("Budget__c"), None);
        assert_eq!(number("Kick_Off__c"), later);
        let at = declarations.find("Project__c").unwrap().0;
        let body = describe(&declarations, at, "v60.0", "")
            .unwrap()
            .to_string();
        assert!(!body.contains("Budget__c\",") && !body.contains("\"name\":\"\""));
    }

    #[test]
    fn a_removed_object_takes_its_history_and_the_references_to_it_along() {
        let declarations = declarations();
        let region = declarations.find("Region__c").unwrap().1.mint.id(0);
        change(&declarations, |schema| {
            assert!(schema.remove_object("Region__c"));
            assert!(schema.remove_object("Project__c"));
        });
        for name in ["Region__c", "Project__c", "Project__History"] {
            assert!(declarations.find(name).is_none(), "{name}");
        }
        assert_eq!(declarations.locate(&region), None);
        let (_, milestone) = declarations.find("Milestone__c").unwrap();
        assert!(milestone.field("Project__c").is_none());
        // The name is free again, and the Ids of the new object are its own.
        change(&declarations, |schema| {
            let prefix = schema.free_prefix();
            assert!(
                schema
                    .objects
                    .iter()
                    .all(|o| o.mint.prefix() != prefix.as_bytes())
            );
            let text = format!("object Region__c key={prefix} can=QRPCUDX\n  +custom\n");
            schema.declare(&text).unwrap();
        });
        assert!(declarations.find("Region__c").is_some());
    }
}
