//! What goes with a record and what keeps it, as the answers of describe say.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Org, Record,
    step::{KITS, Step},
};
use crate::{schema::describe, store::row::text};

/// The relationships of describe, read once per object.
#[derive(Default)]
pub(super) struct Described(BTreeMap<usize, Vec<Relationship>>);

/// A child relationship.
#[derive(Clone)]
struct Relationship {
    /// Object and field number of the child's reference.
    place: (usize, usize),
    cascades: bool,
    /// The child can neither go along nor do without its parent.
    restricts: bool,
}

impl Described {
    fn of(&mut self, org: &Org, at: usize) -> Vec<Relationship> {
        let known = self.0.entry(at).or_insert_with(|| org.relationships(at));
        known.clone()
    }
}

impl Org {
    /// Deletes as the step says; what goes, stays or is refused is what describe says.
    pub(super) fn check_deletion(&mut self, step: &Step, described: &mut Described) {
        let (Step::Delete(kit, pick) | Step::HardDelete(kit, pick)) = step else {
            panic!("no deletion: {step:?}")
        };
        let before = self.whole();
        // A hard delete takes what lay in the bin already.
        let from_bin = matches!(step, Step::HardDelete(..));
        let root = self.pick(KITS[*kit].0, *pick);
        let Some(root) = root.filter(|root| self.is_present(*root, from_bin)) else {
            assert_eq!(self.run(step).unwrap_or_default(), Vec::new());
            return self.check_unchanged(&before, "nothing to delete");
        };
        let family = self.family(root, from_bin, described);
        let held = self.is_held(root, &family, from_bin, described);
        let lived = self.all_live();
        match self.run(step) {
            Err(error) => {
                self.check_unchanged(&before, "a refusal");
                assert!(
                    held || self.protects_itself(root),
                    "{error:?} without a reason"
                );
            }
            Ok(gone) if gone.is_empty() => assert!(self.is_archived_instead(root), "nothing goes"),
            Ok(gone) => {
                assert!(!held, "something had to stay");
                assert_eq!(gone.into_iter().collect::<BTreeSet<_>>(), family);
                let went: BTreeSet<Record> = lived.difference(&self.all_live()).copied().collect();
                assert_eq!(went, family.intersection(&lived).copied().collect());
            }
        }
    }

    /// True when there is something to delete.
    fn is_present(&self, record: Record, from_bin: bool) -> bool {
        let found = self.store.slot(record.0, record.1);
        self.is_live(record) || from_bin && found.is_some_and(|found| found.row.is_some())
    }

    /// Every live record.
    pub(super) fn all_live(&self) -> BTreeSet<Record> {
        let tables = self.tables().into_iter();
        let records =
            tables.flat_map(|at| (0..self.store.next_slot(at)).map(move |slot| (at, slot)));
        records.filter(|record| self.is_live(*record)).collect()
    }

    /// The records that go with one.
    fn family(&self, root: Record, from_bin: bool, described: &mut Described) -> BTreeSet<Record> {
        let mut family = BTreeSet::new();
        let mut open = vec![root];
        while let Some(member) = open.pop() {
            if family.insert(member) {
                let mut children = described.of(self, member.0);
                children.retain(|relationship| relationship.cascades);
                open.extend(self.referring(member, &children, from_bin));
            }
        }
        family
    }

    /// True when a record outside the family cannot do without it, or one inside does not let its parent go.
    fn is_held(
        &self,
        root: Record,
        family: &BTreeSet<Record>,
        from_bin: bool,
        described: &mut Described,
    ) -> bool {
        family.iter().any(|member| {
            let mut children = described.of(self, member.0);
            children.retain(|relationship| relationship.restricts);
            let mut referring = self.referring(*member, &children, from_bin).into_iter();
            let holds = *member != root && self.is_live(*member) && self.is_settled(*member);
            holds || referring.any(|child| !family.contains(&child))
        })
    }

    /// A deal that was won, an order or contract in force. Source: SOAP API Developer Guide, `delete()`.
    fn is_settled(&self, record: Record) -> bool {
        let is = |field: &str, value: &str| self.value(record, field).as_deref() == Some(value);
        match self.schema.object(record.0).unwrap().name.as_str() {
            "Opportunity" => is("IsWon", "true"),
            "Contract" | "Order" => is("Status", "Activated"),
            _ => false,
        }
    }

    /// Records that are not deleted on their own as they are now.
    fn protects_itself(&self, record: Record) -> bool {
        let object = self.schema.object(record.0).unwrap();
        let parent = |field: &str| {
            let id = self.value(record, field).unwrap();
            self.schema.locate(id.as_bytes()).unwrap()
        };
        match object.name.as_str() {
            _ if !object.can('D') => true,
            "Contract" | "Order" => self.is_settled(record),
            "OrderItem" => self.is_settled(parent("OrderId")),
            "ContentDocumentLink" => {
                let owner = self.value(parent("ContentDocumentId"), "OwnerId");
                owner == self.value(record, "LinkedEntityId")
            }
            _ => false,
        }
    }

    /// A price that a line item has is archived and stays.
    fn is_archived_instead(&self, record: Record) -> bool {
        self.schema.object(record.0).unwrap().name == "PricebookEntry"
            && self.is_live(record)
            && self.value(record, "IsArchived").as_deref() == Some("true")
    }

    /// Records that refer to one by these relationships.
    fn referring(
        &self,
        record: Record,
        relationships: &[Relationship],
        from_bin: bool,
    ) -> Vec<Record> {
        let id = self.id(record);
        let mut found = Vec::new();
        for Relationship {
            place: (child, field),
            ..
        } in relationships
        {
            for slot in 0..self.store.next_slot(*child) {
                let row = self.store.slot(*child, slot);
                let row = row.and_then(|found| found.row.as_ref());
                let refers = row.is_some_and(|row| text(row, *field) == Some(&id));
                if refers && self.is_present((*child, slot), from_bin) {
                    found.push((*child, slot));
                }
            }
        }
        found
    }

    fn relationships(&self, at: usize) -> Vec<Relationship> {
        let body = |at| describe(&self.schema, at, "v60.0", "http://localhost").unwrap();
        let parent = body(at);
        let relationships = parent["childRelationships"].as_array().unwrap();
        relationships
            .iter()
            .map(|relationship| {
                let name = relationship["childSObject"].as_str().unwrap();
                let (child, object) = self.schema.find(name).unwrap();
                let (number, field) = object
                    .field(relationship["field"].as_str().unwrap())
                    .unwrap();
                let cascades = relationship["cascadeDelete"] == true;
                let required = field.is(crate::schema::Trait::Required);
                Relationship {
                    place: (child, number),
                    cascades,
                    restricts: !cascades && (required || relationship["restrictedDelete"] == true),
                }
            })
            .collect()
    }
}
