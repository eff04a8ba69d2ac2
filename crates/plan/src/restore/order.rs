//! In which order the objects of a restore are written, and which lookups are filled when all records are there.
//!
//! Parents come before children. Where objects refer to each other in a circle, or to themselves, the circle is cut at
//! lookups that may be empty and may be changed: those wait for a second pass.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{ObjectName, ObjectSchema};
use serde::{Deserialize, Serialize};

/// An object that is restored, with its lookups to objects that are restored, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The object.
    pub object: ObjectName,
    /// Its lookups.
    pub lookups: Vec<Lookup>,
}

/// A lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The field.
    pub field: String,
    /// Objects that it may point to.
    pub to: BTreeSet<ObjectName>,
    /// It may be empty, and changed later.
    pub can_wait: bool,
}

/// When it is an object's turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The object.
    pub object: ObjectName,
    /// Lookups to records that may come later: they are filled in a second pass.
    pub waiting: Vec<String>,
    /// Lookups to records that may come later, and that cannot wait: rows whose parent is not there yet will fail.
    pub stuck: Vec<String>,
}

impl Restored {
    /// The lookups that users may set. Without a way to change it later, or to leave it empty, a lookup cannot wait: those
    /// of master-detail relationships.
    pub fn of(schema: &ObjectSchema, among: &BTreeSet<ObjectName>) -> Self {
        let references = schema.stored_fields().filter(|field| field.createable);
        let lookups = references.filter_map(|field| {
            let to = field.reference_to.iter();
            let to = to.filter_map(|name| ObjectName::parse(name.as_str()).ok());
            let to: BTreeSet<_> = to.filter(|object| among.contains(object)).collect();
            (!to.is_empty()).then(|| Lookup {
                field: field.name.clone(),
                to,
                can_wait: field.nillable && field.updateable,
            })
        });
        Self {
            object: schema.name.clone(),
            lookups: lookups.collect(),
        }
    }
}

/// The turns of all objects; the same for the same objects, whatever their order.
pub fn order(objects: &[Restored]) -> Vec<Turn> {
    let mut rest: BTreeMap<_, _> = objects.iter().map(|one| (&one.object, one)).collect();
    let mut turns = Vec::with_capacity(rest.len());
    while let Some(next) = next(&rest) {
        rest.remove(&next.object);
        let later = |lookup: &&Lookup| {
            let to = &mut lookup.to.iter();
            to.any(|to| *to == next.object || rest.contains_key(to))
        };
        let (waiting, stuck): (Vec<_>, Vec<_>) = next
            .lookups
            .iter()
            .filter(later)
            .partition(|lookup| lookup.can_wait);
        let names = |lookups: Vec<&Lookup>| {
            let names = lookups.into_iter().map(|lookup| lookup.field.clone());
            names.collect()
        };
        turns.push(Turn {
            object: next.object.clone(),
            waiting: names(waiting),
            stuck: names(stuck),
        });
    }
    turns
}

/// An object without parents among the rest; where all have some, the one of a circle that is cut most easily.
fn next<'o>(rest: &BTreeMap<&ObjectName, &'o Restored>) -> Option<&'o Restored> {
    let ancestors = rest.values().map(|one| (ancestors(one, rest), *one));
    // Whoever has the fewest has only those of its own circle.
    let fewest: Vec<_> = {
        let all: Vec<_> = ancestors.collect();
        let least = all.iter().map(|(ancestors, _)| ancestors.len()).min()?;
        let fewest = all.into_iter().filter(|(all, _)| all.len() == least);
        fewest.map(|(_, one)| one).collect()
    };
    let cost = |one: &Restored| {
        let cut = one
            .lookups
            .iter()
            .filter(|lookup| parents(one, lookup, rest).next().is_some());
        let (easy, hard): (Vec<_>, Vec<_>) = cut.partition(|lookup| lookup.can_wait);
        (hard.len(), easy.len())
    };
    fewest
        .into_iter()
        .min_by_key(|one| (cost(one), one.object.clone()))
}

/// All objects among the rest that an object leads to, itself left out unless it is in a circle with others.
fn ancestors<'o>(
    one: &'o Restored,
    rest: &BTreeMap<&ObjectName, &'o Restored>,
) -> BTreeSet<&'o ObjectName> {
    let mut found = BTreeSet::new();
    let mut open = vec![one];
    while let Some(child) = open.pop() {
        let lookups = child.lookups.iter();
        for parent in lookups.flat_map(|lookup| parents(child, lookup, rest)) {
            if found.insert(&parent.object) {
                open.push(parent);
            }
        }
    }
    found
}

fn parents<'o>(
    child: &'o Restored,
    lookup: &'o Lookup,
    rest: &BTreeMap<&ObjectName, &'o Restored>,
) -> impl Iterator<Item = &'o Restored> {
    let to = lookup.to.iter().filter(|to| **to != child.object);
    to.filter_map(|to| rest.get(to).copied())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> ObjectName {
        ObjectName::parse(text).unwrap()
    }

    /// `Contact: AccountId? -> Account` is `("Contact", &[("AccountId", true, "Account")])`.
    fn restored(object: &str, lookups: &[(&str, bool, &str)]) -> Restored {
        let lookup = |(field, can_wait, to): &(&str, bool, &str)| Lookup {
            field: (*field).to_owned(),
            to: to.split(' ').map(name).collect(),
            can_wait: *can_wait,
        };
        Restored {
            object: name(object),
            lookups: lookups.iter().map(lookup).collect(),
        }
    }

    /// `Account(ParentId)` for an object with its waiting lookups, `!` in front of those that are stuck.
    fn told(objects: &[Restored]) -> Vec<String> {
        let told = order(objects).into_iter().map(|turn| {
            let stuck = turn.stuck.iter().map(|field| format!("!{field}"));
            let fields: Vec<_> = turn.waiting.iter().cloned().chain(stuck).collect();
            format!("{}({})", turn.object, fields.join(","))
        });
        told.collect()
    }

    #[test]
    fn parents_come_before_children_and_an_object_of_its_own_kind_waits() {
        let objects = [
            restored(
                "Contact",
                &[
                    ("AccountId", true, "Account"),
                    ("ReportsToId", true, "Contact"),
                ],
            ),
            restored("Account", &[("ParentId", true, "Account")]),
            restored(
                "Task",
                &[
                    ("WhatId", true, "Account Opportunity"),
                    ("WhoId", true, "Contact"),
                ],
            ),
            restored("Opportunity", &[("AccountId", true, "Account")]),
        ];
        let expected = [
            "Account(ParentId)",
            "Contact(ReportsToId)",
            "Opportunity()",
            "Task()",
        ];
        assert_eq!(told(&objects), expected);
    }

    #[test]
    fn a_circle_is_cut_where_a_lookup_can_wait() {
        let objects = [
            restored("A", &[("B__c", false, "B")]),
            restored("B", &[("C__c", false, "C")]),
            restored("C", &[("A__c", true, "A")]),
            restored("D", &[("A__c", true, "A")]),
        ];
        assert_eq!(told(&objects), ["C(A__c)", "B()", "A()", "D()"]);
        let objects = [
            restored("A", &[("B__c", false, "B")]),
            restored("B", &[("A__c", false, "A")]),
        ];
        assert_eq!(told(&objects), ["A(!B__c)", "B()"]);
    }

    #[test]
    fn a_master_detail_field_cannot_wait_and_objects_that_are_not_restored_do_not_count() {
        use holdfast_model::{FieldSchema, Transport};
        let reference = |field: &str, to: &str, nillable| FieldSchema {
            name: field.into(),
            field_type: "reference".into(),
            nillable,
            createable: true,
            updateable: true,
            reference_to: vec![to.into()],
            ..FieldSchema::default()
        };
        let schema = ObjectSchema {
            name: name("Line__c"),
            label: String::new(),
            key_prefix: None,
            associate_entity_type: None,
            associate_parent_entity: None,
            comes_back_with_parent: false,
            transport: Transport::Bulk,
            cursor_field: None,
            fields: vec![
                reference("OwnerId", "User", true),
                reference("Invoice__c", "Invoice__c", false),
                reference("Before__c", "Line__c", true),
            ],
            children: Vec::new(),
        };
        let among = BTreeSet::from([name("Line__c"), name("Invoice__c")]);
        let expected = restored(
            "Line__c",
            &[
                ("Invoice__c", false, "Invoice__c"),
                ("Before__c", true, "Line__c"),
            ],
        );
        assert_eq!(Restored::of(&schema, &among), expected);
    }

    fn orgs() -> impl Strategy<Value = Vec<Restored>> {
        let lookup = (prop::collection::btree_set(0..8_u8, 1..3), any::<bool>());
        let lookups = prop::collection::vec(lookup, 0..4);
        prop::collection::vec(lookups, 0..8).prop_map(|objects| {
            let name = |number: u8| name(&format!("O{number}__c"));
            let objects = (0_u8..).zip(objects).map(|(number, lookups)| Restored {
                object: name(number),
                lookups: (0..)
                    .zip(lookups)
                    .map(|(field, (to, can_wait))| Lookup {
                        field: format!("F{field}__c"),
                        to: to.into_iter().map(name).collect(),
                        can_wait,
                    })
                    .collect(),
            });
            objects.collect()
        })
    }

    /// Whether lookups that cannot wait lead from an object back to itself.
    fn is_in_hard_circle(objects: &[Restored], start: &ObjectName) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(object) = open.pop() {
            let one = objects.iter().find(|one| one.object == *object);
            let hard = one.into_iter().flat_map(|one| &one.lookups);
            for to in hard.filter(|hard| !hard.can_wait).flat_map(|hard| &hard.to) {
                if to == start {
                    return true;
                }
                if seen.insert(to) {
                    open.push(to);
                }
            }
        }
        false
    }

    proptest! {
        #[test]
        fn whatever_a_record_points_to_is_there_or_waited_for(objects in orgs()) {
            let turns = order(&objects);
            let mut there = BTreeSet::new();
            let all: BTreeSet<_> = objects.iter().map(|one| &one.object).collect();
            for turn in &turns {
                let one = objects.iter().find(|one| one.object == turn.object).unwrap();
                for lookup in &one.lookups {
                    let mut to = lookup.to.iter();
                    let is_there = to.all(|to| there.contains(to) || !all.contains(to));
                    let waits = turn.waiting.contains(&lookup.field);
                    let is_stuck = turn.stuck.contains(&lookup.field);
                    prop_assert_eq!(waits, !is_there && lookup.can_wait);
                    prop_assert_eq!(is_stuck, !is_there && !lookup.can_wait);
                }
                there.insert(&turn.object);
            }
            prop_assert_eq!(there, all);
            prop_assert_eq!(turns.len(), objects.len());
        }

        #[test]
        fn nothing_is_stuck_unless_it_must_be(objects in orgs()) {
            let hard = objects.iter().any(|one| is_in_hard_circle(&objects, &one.object));
            let stuck = order(&objects).iter().any(|turn| !turn.stuck.is_empty());
            prop_assert_eq!(stuck, hard);
        }
    }
}
