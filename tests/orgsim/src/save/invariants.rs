//! Whatever is done to standard and custom records in whatever order, the org's records agree with each other, with
//! describe and with queries.
//!
//! Lookups that may point to a record that is not live: none. `OpportunityHistory` rows are left out of the
//! comparison of undelete, because sums that move on the way there and back leave rows there, as on the platform.

mod check;
mod family;
mod step;
mod whole;

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use check::{blank, differences};
use family::Described;
use step::{
    CHANGES,
    Fill::{Is, Maybe, Ref},
    KITS, REACH, Step, step,
};

use super::{Caller, Save, SaveError, Upsert, Values, amount::Amount};
use crate::{
    generate::{Volume, generate},
    rules::Rules,
    schema::Schema,
    store::{
        Store, Visible,
        row::{cells, text},
    },
};

const NOW_MS: i64 = 1_795_000_000_000;
type Record = (usize, usize);

struct Org {
    schema: Schema,
    store: Store,
    caller: Caller,
    stamp_ms: i64,
    /// Generated records before the first step, by object.
    base: Vec<usize>,
    rules: Arc<Rules>,
    /// Triggers that refuse every record when all of it is written.
    refusing: Arc<Rules>,
}

impl Org {
    fn new() -> Self {
        let schema = Schema::load().unwrap();
        let volume = Volume {
            records: 0,
            objects: BTreeMap::new(),
            seed: 1,
            username: "user@acme.example".to_owned(),
        };
        let store = generate(&schema, &volume, NOW_MS).unwrap();
        let (_, users) = schema.find("User").unwrap();
        let user = String::from_utf8(users.mint.id(0).to_vec()).unwrap();
        let base = (0..schema.objects.len())
            .map(|at| store.next_slot(at))
            .collect();
        let mut org = Self {
            rules: Arc::default(),
            refusing: Arc::new(refusing(&schema)),
            schema,
            store,
            caller: Caller::plain(user),
            stamp_ms: NOW_MS,
            base,
        };
        // Two of each, in an order in which every parent is there.
        for kit in (0..KITS.len() - 1).chain(0..KITS.len() - 1) {
            let _ = org.run(&Step::Create(kit, [0, 1, 0, 1]));
        }
        org
    }

    fn at(&self, object: &str) -> usize {
        self.schema.find(object).unwrap().0
    }

    /// The record that a step means; price books were there before.
    fn pick(&self, object: &str, pick: usize) -> Option<Record> {
        let at = self.at(object);
        let first = if object == "Pricebook2" {
            0
        } else {
            self.base[at]
        };
        let made = self
            .store
            .next_slot(at)
            .checked_sub(first)
            .filter(|made| *made > 0)?;
        Some((at, first + pick % made))
    }

    fn id(&self, (at, slot): Record) -> String {
        let id = self.schema.object(at).unwrap().mint.id(slot);
        String::from_utf8(id.to_vec()).unwrap()
    }

    fn is_live(&self, (at, slot): Record) -> bool {
        let found = self.store.slot(at, slot);
        found.is_some_and(|found| found.row.is_some() && !found.deleted)
    }

    fn save<T>(&mut self, run: impl FnOnce(&mut Save<'_>) -> T) -> T {
        // Every call of its own second, so that what was deleted together can be told.
        self.stamp_ms += 1_000;
        run(&mut Save {
            schema: &self.schema,
            store: &mut self.store,
            caller: &self.caller,
            stamp_ms: self.stamp_ms,
            now_ms: self.stamp_ms,
            visible: Visible::Now,
            rules: Arc::clone(&self.rules),
        })
    }

    fn values(&self, kit: usize, picks: [usize; 4], references: bool) -> Values {
        let mut picks = picks.into_iter().cycle();
        let mut values = Values::new();
        for (name, fill) in KITS[kit].1 {
            let json = match fill {
                Is(json) if !references => Some((*json).to_owned()),
                Is(_) => None,
                Ref(object) | Maybe(object) => {
                    let pick = picks.next().unwrap();
                    let none = matches!(fill, Maybe(_)) && pick == 0;
                    let record = self.pick(object, pick).filter(|_| !none);
                    record.map(|record| format!("\"{}\"", self.id(record)))
                }
            };
            if let Some(json) = json {
                values.insert((*name).to_owned(), raw(json));
            }
        }
        values
    }

    /// Does the step; what it deleted or brought back.
    fn run(&mut self, step: &Step) -> Result<Vec<Record>, SaveError> {
        match step {
            Step::Create(kit, picks) => {
                let at = self.at(KITS[*kit].0);
                if !self.schema.object(at).unwrap().can('C') {
                    return Ok(Vec::new());
                }
                let values = self.values(*kit, *picks, false);
                self.save(|save| save.create(at, &values))
                    .map(|_| Vec::new())
            }
            Step::Point(kit, record, picks) => {
                let Some(record) = self.pick(KITS[*kit].0, *record) else {
                    return Ok(Vec::new());
                };
                let values = self.values(*kit, *picks, true);
                let object = self.schema.object(record.0).unwrap();
                let values: Values = values
                    .into_iter()
                    .filter(|(name, _)| object.field(name).unwrap().1.updateable(object))
                    .collect();
                self.save(|save| save.update(record, &values))
                    .map(|()| Vec::new())
            }
            Step::Change(change, record) => {
                let (object, field, json) = CHANGES[*change];
                let Some(record) = self.pick(object, *record) else {
                    return Ok(Vec::new());
                };
                let values = Values::from([(field.to_owned(), raw(json.to_owned()))]);
                self.save(|save| save.update(record, &values))
                    .map(|()| Vec::new())
            }
            Step::Upsert(key) => {
                let at = self.at("Project__c");
                let field = self
                    .schema
                    .object(at)
                    .unwrap()
                    .field("External_Key__c")
                    .unwrap()
                    .0;
                let values = Values::from([("Name".to_owned(), raw("\"U\"".to_owned()))]);
                let saved = self
                    .save(|save| save.upsert((at, field), &format!("key {key}"), &values, false));
                match saved {
                    Ok(_) => Ok(Vec::new()),
                    Err(Upsert::Refused(error)) => Err(error),
                    Err(Upsert::Several(slots)) => panic!("a unique key of {slots:?}"),
                }
            }
            Step::Delete(kit, record) => {
                let record = self.pick(KITS[*kit].0, *record);
                record.map_or(Ok(Vec::new()), |record| {
                    self.save(|save| save.delete(record))
                })
            }
            Step::Undelete(kit, record) => {
                let record = self.pick(KITS[*kit].0, *record);
                record.map_or(Ok(Vec::new()), |record| {
                    self.save(|save| save.undelete(record))
                })
            }
            Step::HardDelete(kit, record) => {
                let record = self.pick(KITS[*kit].0, *record);
                let there = record.filter(|(at, slot)| {
                    self.store
                        .slot(*at, *slot)
                        .is_some_and(|found| found.row.is_some())
                });
                there.map_or(Ok(Vec::new()), |record| {
                    self.save(|save| save.hard_delete(record))
                })
            }
            Step::Refused(step) => {
                let before = self.whole();
                std::mem::swap(&mut self.rules, &mut self.refusing);
                let done = self.run(step);
                std::mem::swap(&mut self.rules, &mut self.refusing);
                if done.is_err() {
                    self.check_unchanged(&before, "a refusal by a trigger");
                }
                Ok(Vec::new())
            }
            Step::TakeBack(step) => {
                let before = self.whole();
                self.store.begin();
                let _ = self.run(step);
                self.store.roll_back();
                self.check_unchanged(&before, "a transaction that was taken back");
                Ok(Vec::new())
            }
        }
    }

    /// Tables that have records.
    fn tables(&self) -> Vec<usize> {
        (0..self.schema.objects.len())
            .filter(|at| self.store.next_slot(*at) > 0)
            .collect()
    }

    /// Every record with its values, live or not.
    fn picture(&self) -> BTreeMap<String, Vec<Option<String>>> {
        let mut picture = BTreeMap::new();
        for at in self.tables() {
            for (slot, found) in self.store.table(at).unwrap().slots().iter().enumerate() {
                if let Some(row) = &found.row {
                    let values = cells(row).map(|value| {
                        value.map(|value| String::from_utf8_lossy(value).into_owned())
                    });
                    picture.insert(self.id((at, slot)), values.collect());
                }
            }
        }
        picture
    }

    fn value(&self, (at, slot): Record, field: &str) -> Option<String> {
        let (number, _) = self.schema.object(at)?.field(field)?;
        let row = self.store.slot(at, slot)?.row.as_ref()?;
        text(row, number).map(str::to_owned)
    }

    fn live(&self, object: &str) -> Vec<Record> {
        let at = self.at(object);
        (self.base[at]..self.store.next_slot(at))
            .map(|slot| (at, slot))
            .filter(|record| self.is_live(*record))
            .collect()
    }

    /// Live records that refer to another one.
    fn of(&self, object: &str, field: &str, parent: Record) -> Vec<Record> {
        let id = Some(self.id(parent));
        let mut records = self.live(object);
        records.retain(|record| self.value(*record, field) == id);
        records
    }

    fn sum(&self, records: &[Record], field: &str) -> String {
        let values = records.iter().map(|record| self.value(*record, field));
        let sum = values.fold(Amount::default(), |sum, value| {
            sum.plus(Amount::read(value.as_deref()))
        });
        sum.to_string()
    }
}

fn raw(json: String) -> Box<serde_json::value::RawValue> {
    serde_json::value::RawValue::from_string(json).unwrap()
}

/// An error after each change of each object.
fn refusing(schema: &Schema) -> Rules {
    let mut rules = Rules::default();
    for (object, _) in KITS {
        let trigger = serde_json::json!({
            "kind": "trigger", "object": object, "name": "Refuse", "active": true, "condition": "TRUE",
            "events": ["after_insert", "after_update", "after_delete", "after_undelete"],
            "actions": [{"add_error": {"message": "No"}}],
        });
        let trigger = serde_json::from_value(trigger).unwrap();
        rules.put(schema, trigger).unwrap();
    }
    rules
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn records_agree_with_each_other_and_with_queries(steps in prop::collection::vec(step(), 1..40)) {
        let mut org = Org::new();
        for step in &steps {
            let _ = org.run(step);
            org.check_references();
            org.check_sums();
        }
        org.check_queries();
        org.check_lookups();
    }

    #[test]
    fn what_goes_is_what_describe_says_and_a_refusal_changes_nothing(steps in prop::collection::vec(step(), 1..40)) {
        let mut org = Org::new();
        let mut described = Described::default();
        for step in &steps {
            if matches!(step, Step::Delete(..) | Step::HardDelete(..)) {
                org.check_deletion(step, &mut described);
                continue;
            }
            let before = org.whole();
            if org.run(step).is_err() {
                org.check_unchanged(&before, "a refusal");
            }
        }
        // Whatever the steps left: some deletions are rare, because most parents are held.
        let before = org.whole();
        for (kit, record) in (0..KITS.len()).flat_map(|kit| [(kit, 0), (kit, 1)]) {
            for step in [Step::Delete(kit, record), Step::HardDelete(kit, record)] {
                org.store.begin();
                org.check_deletion(&step, &mut described);
                org.store.roll_back();
            }
        }
        org.check_unchanged(&before, "deletions that were taken back");
        org.check_queries();
        org.check_lookups();
    }

    #[test]
    fn undelete_after_delete_restores_the_same_rows(steps in prop::collection::vec(step(), 1..30), kit in 0..KITS.len(), record in 0..REACH) {
        let mut org = Org::new();
        for step in &steps {
            let _ = org.run(step);
        }
        let record = org.pick(KITS[kit].0, record);
        let record = record.filter(|record| org.schema.object(record.0).unwrap().can('X'));
        if let Some(record) = record {
            let before = blank(&org);
            let gone = org.save(|save| save.delete(record));
            if gone.is_ok_and(|gone| !gone.is_empty()) {
                org.save(|save| save.undelete(record)).unwrap();
                prop_assert_eq!(differences(&org, &before, &blank(&org)), Vec::<String>::new());
            }
        }
    }
}
