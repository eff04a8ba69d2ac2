//! Whatever is done to standard and custom records in whatever order, the org's records agree with each other, with
//! describe and with queries.
//!
//! Lookups that may point to a record that is not live: none. `OpportunityHistory` rows are left out of the
//! comparison of undelete, because sums that move on the way there and back leave rows there, as on the platform.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::prelude::*;

use super::{Caller, Save, SaveError, Values, amount::Amount};
use crate::{
    generate::{Volume, generate},
    schema::{Kind, Schema, describe},
    soql::{View, bind, count, parse, select},
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

    /// No live record points to one that is not live.
    fn check_references(&mut self) {
        for at in self.tables() {
            for slot in 0..self.store.next_slot(at) {
                if !self.is_live((at, slot)) {
                    continue;
                }
                let row = self.store.slot(at, slot).unwrap().row.clone().unwrap();
                let object = self.schema.object(at).unwrap();
                for (field, value) in object.fields.iter().zip(cells(&row)) {
                    let Some(value) = value.filter(|_| field.kind == Kind::Reference) else {
                        continue;
                    };
                    let parent = self.schema.locate(value).unwrap();
                    assert!(
                        self.is_live(parent) || slot < self.base[at],
                        "{}.{} of a live record points to nothing",
                        object.name,
                        field.name
                    );
                }
            }
        }
    }

    /// Counts and queries see the same records, each once, live or deleted.
    fn check_queries(&self) {
        let view = View {
            schema: &self.schema,
            store: &self.store,
        };
        for at in self.tables() {
            let object = self.schema.object(at).unwrap();
            if !object.can('Q') || !object.required_filter.is_empty() {
                continue;
            }
            let ask = |query: &str| {
                bind(&self.schema, query, &parse(query).unwrap(), NOW_MS, false).unwrap()
            };
            let counted = ask(&format!("SELECT COUNT() FROM {}", object.name));
            let listed = ask(&format!("SELECT Id FROM {}", object.name));
            for all in [false, true] {
                let slots = select(view, &listed, all);
                let distinct: BTreeSet<usize> = slots.iter().copied().collect();
                assert_eq!(slots.len(), distinct.len(), "{} twice", object.name);
                assert_eq!(slots.len(), self.store.count(at, all), "{}", object.name);
                assert_eq!(count(view, &counted, all), slots.len(), "{}", object.name);
            }
            if object.field("IsDeleted").is_some() {
                let part = |deleted: bool| {
                    let query =
                        format!("SELECT Id FROM {} WHERE IsDeleted = {deleted}", object.name);
                    select(view, &ask(&query), true)
                        .into_iter()
                        .collect::<BTreeSet<_>>()
                };
                let (live, deleted) = (part(false), part(true));
                assert!(
                    live.is_disjoint(&deleted),
                    "{} both live and deleted",
                    object.name
                );
                let all: BTreeSet<usize> = select(view, &listed, true).into_iter().collect();
                assert_eq!(
                    live.union(&deleted).copied().collect::<BTreeSet<_>>(),
                    all,
                    "{}",
                    object.name
                );
            }
        }
    }

    /// What one record says of others is true.
    fn check_sums(&self) {
        for campaign in self.live("Campaign") {
            let members = self.of("CampaignMember", "CampaignId", campaign);
            let having = |field: &str| {
                let with = members
                    .iter()
                    .filter(|member| self.value(**member, field).is_some());
                Some(with.count().to_string())
            };
            assert_eq!(self.value(campaign, "NumberOfLeads"), having("LeadId"));
            assert_eq!(
                self.value(campaign, "NumberOfContacts"),
                having("ContactId")
            );
            let deals = self.of("Opportunity", "CampaignId", campaign);
            assert_eq!(
                self.value(campaign, "NumberOfOpportunities"),
                Some(deals.len().to_string())
            );
            assert_eq!(
                self.value(campaign, "AmountAllOpportunities"),
                Some(self.sum(&deals, "Amount"))
            );
        }
        for deal in self.live("Opportunity") {
            let items = self.of("OpportunityLineItem", "OpportunityId", deal);
            let has = self.value(deal, "HasOpportunityLineItem").unwrap();
            assert_eq!(has, (!items.is_empty()).to_string());
            if !items.is_empty() {
                assert_eq!(
                    self.value(deal, "Amount"),
                    Some(self.sum(&items, "TotalPrice"))
                );
            }
            let roles = self.of("OpportunityContactRole", "OpportunityId", deal);
            let primary =
                |role: &&Record| self.value(**role, "IsPrimary").as_deref() == Some("true");
            assert!(
                roles.iter().filter(primary).count() <= 1,
                "one primary contact"
            );
            let book = self.value(deal, "Pricebook2Id");
            for item in items {
                let entry = self.value(item, "PricebookEntryId").unwrap();
                let entry = self.schema.locate(entry.as_bytes()).unwrap();
                assert_eq!(
                    self.value(entry, "Pricebook2Id"),
                    book,
                    "items of one price book"
                );
            }
        }
        for order in self.live("Order") {
            let items = self.of("OrderItem", "OrderId", order);
            assert_eq!(
                self.value(order, "TotalAmount"),
                Some(self.sum(&items, "TotalPrice"))
            );
            let active = self.value(order, "Status").as_deref() == Some("Activated");
            assert!(!active || !items.is_empty(), "an active order has products");
        }
        for quote in self.live("Quote") {
            let items = self.of("QuoteLineItem", "QuoteId", quote);
            let total = self
                .value(quote, "TotalPrice")
                .unwrap_or_else(|| "0.0".to_owned());
            assert_eq!(total, self.sum(&items, "TotalPrice"));
        }
        self.check_files();
    }

    fn check_files(&self) {
        let mut pairs = HashSet::new();
        for link in self.live("ContentDocumentLink") {
            let pair = (
                self.value(link, "ContentDocumentId"),
                self.value(link, "LinkedEntityId"),
            );
            assert!(pairs.insert(pair), "a document is linked to a record once");
        }
        for document in self.live("ContentDocument") {
            let versions = self.of("ContentVersion", "ContentDocumentId", document);
            let latest =
                |version: &&Record| self.value(**version, "IsLatest").as_deref() == Some("true");
            let latest: Vec<&Record> = versions.iter().filter(latest).collect();
            assert_eq!(latest.len(), 1, "one latest version");
            assert_eq!(
                self.value(document, "LatestPublishedVersionId"),
                Some(self.id(*latest[0]))
            );
            let numbers: BTreeSet<_> = versions
                .iter()
                .map(|version| self.value(*version, "VersionNumber"))
                .collect();
            assert_eq!(numbers.len(), versions.len(), "each number once");
            let owner = (Some(self.id(document)), self.value(document, "OwnerId"));
            assert!(pairs.contains(&owner), "a document is linked to its owner");
        }
    }

    /// The live records that go with one, as the answers of describe say.
    fn family(
        &self,
        root: Record,
        children: &mut BTreeMap<usize, Vec<(usize, usize)>>,
    ) -> BTreeSet<Record> {
        let mut family = BTreeSet::new();
        let mut open = vec![root];
        while let Some(member) = open.pop() {
            if !family.insert(member) {
                continue;
            }
            let id = self.id(member);
            let owned = children
                .entry(member.0)
                .or_insert_with(|| self.cascading(member.0));
            for (child, field) in owned {
                for slot in 0..self.store.next_slot(*child) {
                    let record = (*child, slot);
                    let row = self
                        .store
                        .slot(*child, slot)
                        .and_then(|found| found.row.clone());
                    if self.is_live(record)
                        && row.is_some_and(|row| text(&row, *field) == Some(&id))
                    {
                        open.push(record);
                    }
                }
            }
        }
        family
    }

    /// Object and field numbers of the cascading child relationships that describe shows.
    fn cascading(&self, at: usize) -> Vec<(usize, usize)> {
        let body = describe(&self.schema, at, "v60.0", "http://localhost").unwrap();
        let relationships = body["childRelationships"].as_array().unwrap();
        relationships
            .iter()
            .filter(|relationship| relationship["cascadeDelete"] == true)
            .map(|relationship| {
                let (child, object) = self
                    .schema
                    .find(relationship["childSObject"].as_str().unwrap())
                    .unwrap();
                (
                    child,
                    object
                        .field(relationship["field"].as_str().unwrap())
                        .unwrap()
                        .0,
                )
            })
            .collect()
    }
}

fn raw(json: String) -> Box<serde_json::value::RawValue> {
    serde_json::value::RawValue::from_string(json).unwrap()
}

/// A picture without stamps and without the trail of sums.
fn blank(org: &Org) -> BTreeMap<String, Vec<Option<String>>> {
    let trail = org.at("OpportunityHistory");
    let mut picture = org.picture();
    picture.retain(|id, _| org.schema.locate(id.as_bytes()).unwrap().0 != trail);
    for (id, values) in &mut picture {
        let (at, _) = org.schema.locate(id.as_bytes()).unwrap();
        let object = org.schema.object(at).unwrap();
        for stamp in ["SystemModstamp", "LastModifiedDate", "LastModifiedById"] {
            if let Some((number, _)) = object.field(stamp) {
                values[number] = None;
            }
        }
    }
    picture
}

/// Fields that differ, for people.
fn differences(
    org: &Org,
    before: &BTreeMap<String, Vec<Option<String>>>,
    after: &BTreeMap<String, Vec<Option<String>>>,
) -> Vec<String> {
    let none = Vec::new();
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut found = Vec::new();
    for id in ids {
        let (at, _) = org.schema.locate(id.as_bytes()).unwrap();
        let object = org.schema.object(at).unwrap();
        let (was, is) = (
            before.get(id).unwrap_or(&none),
            after.get(id).unwrap_or(&none),
        );
        for (number, field) in object.fields.iter().enumerate() {
            let (was, is) = (was.get(number), is.get(number));
            if was != is {
                found.push(format!(
                    "{}.{} {id}: {was:?} {is:?}",
                    object.name, field.name
                ));
            }
        }
    }
    found
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
