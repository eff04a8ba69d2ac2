//! Whatever is done to standard and custom records in whatever order, the org's records agree with each other, with
//! describe and with queries.
//!
//! Lookups that may point to a record that is not live: none. `OpportunityHistory` rows are left out of the
//! comparison of undelete, because sums that move on the way there and back leave rows there, as on the platform.

mod check;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use check::{blank, differences};

use super::{Caller, Save, SaveError, Values, amount::Amount};
use crate::{
    generate::{Volume, generate},
    schema::Schema,
    store::{
        Store, Visible,
        row::{cells, text},
    },
};

const NOW_MS: i64 = 1_795_000_000_000;
/// Records of one object that the steps reach.
const REACH: usize = 6;

type Record = (usize, usize);

/// What a field of a made record gets.
#[derive(Clone, Copy)]
enum Fill {
    /// This JSON value.
    Is(&'static str),
    /// A record of this object.
    Ref(&'static str),
    /// A record of this object, or nothing.
    Maybe(&'static str),
}

use Fill::{Is, Maybe, Ref};

type Kit = (&'static str, &'static [(&'static str, Fill)]);

/// Objects in an order in which parents come first, with the fields of a record.
const KITS: [Kit; 25] = [
    (
        "Account",
        &[("Name", Is("\"A\"")), ("ParentId", Maybe("Account"))],
    ),
    (
        "Contact",
        &[
            ("LastName", Is("\"C\"")),
            ("AccountId", Maybe("Account")),
            ("ReportsToId", Maybe("Contact")),
        ],
    ),
    (
        "Lead",
        &[("LastName", Is("\"L\"")), ("Company", Is("\"L\""))],
    ),
    (
        "Campaign",
        &[("Name", Is("\"K\"")), ("ParentId", Maybe("Campaign"))],
    ),
    (
        "CampaignMember",
        &[
            ("CampaignId", Ref("Campaign")),
            ("LeadId", Maybe("Lead")),
            ("ContactId", Maybe("Contact")),
            ("Status", Is("\"Responded\"")),
        ],
    ),
    (
        "Product2",
        &[("Name", Is("\"P\"")), ("IsActive", Is("true"))],
    ),
    (
        "PricebookEntry",
        &[
            ("Pricebook2Id", Ref("Pricebook2")),
            ("Product2Id", Ref("Product2")),
            ("UnitPrice", Is("7.5")),
            ("IsActive", Is("true")),
        ],
    ),
    (
        "Opportunity",
        &[
            ("Name", Is("\"O\"")),
            ("StageName", Is("\"Prospecting\"")),
            ("CloseDate", Is("\"2026-12-31\"")),
            ("Amount", Is("3")),
            ("AccountId", Maybe("Account")),
            ("CampaignId", Maybe("Campaign")),
            ("ContactId", Maybe("Contact")),
        ],
    ),
    (
        "OpportunityLineItem",
        &[
            ("OpportunityId", Ref("Opportunity")),
            ("PricebookEntryId", Ref("PricebookEntry")),
            ("Quantity", Is("3")),
            ("UnitPrice", Is("2.25")),
        ],
    ),
    (
        "OpportunityContactRole",
        &[
            ("OpportunityId", Ref("Opportunity")),
            ("ContactId", Ref("Contact")),
            ("IsPrimary", Is("true")),
        ],
    ),
    (
        "Quote",
        &[
            ("Name", Is("\"Q\"")),
            ("OpportunityId", Ref("Opportunity")),
            ("ContactId", Maybe("Contact")),
        ],
    ),
    (
        "QuoteLineItem",
        &[
            ("QuoteId", Ref("Quote")),
            ("PricebookEntryId", Ref("PricebookEntry")),
            ("Quantity", Is("2")),
            ("UnitPrice", Is("4")),
        ],
    ),
    (
        "Contract",
        &[
            ("AccountId", Ref("Account")),
            ("CustomerSignedId", Maybe("Contact")),
        ],
    ),
    (
        "Order",
        &[
            ("AccountId", Ref("Account")),
            ("ContractId", Maybe("Contract")),
            ("EffectiveDate", Is("\"2026-12-01\"")),
            ("Status", Is("\"Draft\"")),
            ("BillToContactId", Maybe("Contact")),
        ],
    ),
    (
        "OrderItem",
        &[
            ("OrderId", Ref("Order")),
            ("PricebookEntryId", Ref("PricebookEntry")),
            ("Quantity", Is("2")),
            ("UnitPrice", Is("4")),
        ],
    ),
    (
        "Asset",
        &[
            ("Name", Is("\"S\"")),
            ("AccountId", Ref("Account")),
            ("ParentId", Maybe("Asset")),
            ("Product2Id", Maybe("Product2")),
        ],
    ),
    (
        "Case",
        &[
            ("AccountId", Maybe("Account")),
            ("ContactId", Maybe("Contact")),
            ("AssetId", Maybe("Asset")),
            ("ParentId", Maybe("Case")),
            ("Comments", Is("\"c\"")),
        ],
    ),
    (
        "Task",
        &[
            ("WhoId", Maybe("Contact")),
            ("WhatId", Maybe("Opportunity")),
        ],
    ),
    (
        "Event",
        &[
            ("WhoId", Maybe("Lead")),
            ("StartDateTime", Is("\"2026-12-01T10:00:00Z\"")),
            ("DurationInMinutes", Is("30")),
        ],
    ),
    (
        "Attachment",
        &[
            ("ParentId", Ref("Account")),
            ("Name", Is("\"a\"")),
            ("Body", Is("\"aGk=\"")),
        ],
    ),
    (
        "ContentVersion",
        &[
            ("ContentDocumentId", Maybe("ContentDocument")),
            ("PathOnClient", Is("\"a.txt\"")),
            ("VersionData", Is("\"aGk=\"")),
        ],
    ),
    (
        "ContentDocumentLink",
        &[
            ("ContentDocumentId", Ref("ContentDocument")),
            ("LinkedEntityId", Ref("Account")),
        ],
    ),
    (
        "Project__c",
        &[("Name", Is("\"J\"")), ("Account__c", Maybe("Account"))],
    ),
    ("Milestone__c", &[("Project__c", Ref("Project__c"))]),
    ("ContentDocument", &[]),
];

/// Values that an update gives.
const CHANGES: [(&str, &str, &str); 10] = [
    ("Opportunity", "StageName", "\"Closed Won\""),
    ("Opportunity", "StageName", "\"Qualification\""),
    ("Opportunity", "Amount", "11"),
    ("OpportunityLineItem", "Quantity", "5"),
    ("CampaignMember", "Status", "\"Sent\""),
    ("Order", "Status", "\"Activated\""),
    ("Order", "Status", "\"Draft\""),
    ("Contract", "Status", "\"Activated\""),
    ("Task", "Status", "\"Completed\""),
    ("ContentDocument", "Title", "\"T\""),
];

#[derive(Clone, Debug)]
enum Step {
    Create(usize, [usize; 4]),
    /// Points one reference elsewhere.
    Point(usize, usize, [usize; 4]),
    Change(usize, usize),
    Upsert(usize),
    Delete(usize, usize),
    Undelete(usize, usize),
    HardDelete(usize, usize),
    /// What the step does is taken back.
    TakeBack(Box<Step>),
}

fn step() -> impl Strategy<Value = Step> {
    let kit = 0..KITS.len();
    let record = 0..REACH;
    let picks = [0..REACH, 0..REACH, 0..REACH, 0..REACH];
    let plain = prop_oneof![
        6 => (kit.clone(), picks.clone()).prop_map(|(kit, picks)| Step::Create(kit, picks)),
        2 => (kit.clone(), record.clone(), picks).prop_map(|(kit, record, picks)| Step::Point(kit, record, picks)),
        3 => (0..CHANGES.len(), record.clone()).prop_map(|(change, record)| Step::Change(change, record)),
        1 => record.clone().prop_map(Step::Upsert),
        4 => (kit.clone(), record.clone()).prop_map(|(kit, record)| Step::Delete(kit, record)),
        3 => (kit.clone(), record.clone()).prop_map(|(kit, record)| Step::Undelete(kit, record)),
        1 => (kit, record).prop_map(|(kit, record)| Step::HardDelete(kit, record)),
    ];
    let plain = plain.boxed();
    prop_oneof![
        8 => plain.clone(),
        1 => plain.prop_map(|step| Step::TakeBack(Box::new(step))),
    ]
}

struct Org {
    schema: Schema,
    store: Store,
    caller: Caller,
    stamp_ms: i64,
    /// Generated records before the first step, by object.
    base: Vec<usize>,
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
            rules: std::sync::Arc::default(),
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
                let done = self
                    .save(|save| save.upsert((at, field), &format!("key {key}"), &values, false));
                done.unwrap();
                Ok(Vec::new())
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
            Step::TakeBack(step) => {
                let before = self.picture();
                self.store.begin();
                let _ = self.run(step);
                self.store.roll_back();
                assert_eq!(self.picture(), before, "a transaction that was taken back");
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
    }

    #[test]
    fn what_goes_is_what_describe_says_and_a_refusal_changes_nothing(steps in prop::collection::vec(step(), 1..40)) {
        let mut org = Org::new();
        let mut children = BTreeMap::new();
        for step in &steps {
            let (Step::Delete(kit, record) | Step::HardDelete(kit, record)) = step else {
                let _ = org.run(step);
                continue;
            };
            let root = org.pick(KITS[*kit].0, *record).filter(|root| org.is_live(*root));
            let expected = root.map(|root| org.family(root, &mut children)).unwrap_or_default();
            let before = org.picture();
            match org.run(step) {
                Err(_) => prop_assert_eq!(org.picture(), before),
                // An entry in use is archived.
                Ok(gone) if gone.is_empty() => {}
                Ok(gone) => {
                    let gone: BTreeSet<Record> = gone.into_iter().collect();
                    prop_assert!(expected.is_subset(&gone), "{:?} stays", expected.difference(&gone));
                    for record in &gone {
                        prop_assert!(!org.is_live(*record));
                        // A hard delete takes what lay in the bin already.
                        let hard = matches!(step, Step::HardDelete(..));
                        prop_assert!(hard || expected.contains(record), "{record:?} goes");
                    }
                }
            }
        }
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
