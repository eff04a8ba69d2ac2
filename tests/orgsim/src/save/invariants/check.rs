//! What holds between records whatever was done to them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{NOW_MS, Org, Record};
use crate::{
    schema::Kind,
    soql::{View, bind, count, parse, select},
    store::row::{cells, text},
};

impl Org {
    /// No live record points to one that is not live.
    pub(super) fn check_references(&mut self) {
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

    /// Counts and queries see the records whose own values say that they are there, each once.
    pub(super) fn check_queries(&self) {
        let view = View {
            schema: &self.schema,
            store: &self.store,
        };
        for at in self.tables() {
            let object = self.schema.object(at).unwrap();
            if !object.can('Q') || !object.required_filter.is_empty() {
                continue;
            }
            let name = &object.name;
            let ask = |query: &str| {
                bind(&self.schema, query, &parse(query).unwrap(), NOW_MS, false).unwrap()
            };
            let rows = |query: &str, all: bool| select(view, &ask(query), all);
            let (live, deleted) = self.rows(at);
            let every: Vec<usize> = live.union(&deleted).copied().collect();
            let live: Vec<usize> = live.into_iter().collect();
            let (listed, counted) = (
                format!("SELECT Id FROM {name}"),
                format!("SELECT COUNT() FROM {name}"),
            );
            for (all, expected) in [(false, &live), (true, &every)] {
                assert_eq!(&rows(&listed, all), expected, "{name}");
                assert_eq!(self.store.count(at, all), expected.len(), "{name}");
                assert_eq!(count(view, &ask(&counted), all), expected.len(), "{name}");
            }
            if object.field("IsDeleted").is_some() {
                let marked = |deleted: bool| format!("{listed} WHERE IsDeleted = {deleted}");
                assert_eq!(rows(&marked(false), true), live, "live {name}");
                let deleted: Vec<usize> = deleted.into_iter().collect();
                assert_eq!(rows(&marked(true), true), deleted, "deleted {name}");
            }
        }
    }

    /// The slots of an object's records that are live and that are not, by their own values.
    fn rows(&self, at: usize) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let object = self.schema.object(at).unwrap();
        let gone = object.field("IsDeleted").map(|(number, _)| number);
        let slots = self.store.table(at).unwrap().slots().iter().enumerate();
        let rows = slots.filter_map(|(slot, found)| Some((slot, found.row.as_ref()?)));
        let (live, deleted): (Vec<_>, Vec<_>) =
            rows.partition(|(_, row)| gone.is_none_or(|gone| text(row, gone) != Some("true")));
        let slots = |rows: Vec<(usize, _)>| rows.into_iter().map(|(slot, _)| slot).collect();
        (slots(live), slots(deleted))
    }

    /// What one record says of others is true.
    pub(super) fn check_sums(&self) {
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

    pub(super) fn check_files(&self) {
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
}

/// A picture without stamps and without the trail of sums.
pub(super) fn blank(org: &Org) -> BTreeMap<String, Vec<Option<String>>> {
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
pub(super) fn differences(
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
