//! What is done to the records of a property.

use proptest::prelude::*;

/// Records of one object that the steps reach.
pub(super) const REACH: usize = 6;

/// What a field of a made record gets.
#[derive(Clone, Copy)]
pub(super) enum Fill {
    /// This JSON value.
    Is(&'static str),
    /// A record of this object.
    Ref(&'static str),
    /// A record of this object, or nothing.
    Maybe(&'static str),
}

use Fill::{Is, Maybe, Ref};

pub(super) type Kit = (&'static str, &'static [(&'static str, Fill)]);

/// Objects in an order in which parents come first, with the fields of a record.
pub(super) const KITS: [Kit; 25] = [
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
pub(super) const CHANGES: [(&str, &str, &str); 10] = [
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
pub(super) enum Step {
    Create(usize, [usize; 4]),
    /// Points one reference elsewhere.
    Point(usize, usize, [usize; 4]),
    Change(usize, usize),
    Upsert(usize),
    Delete(usize, usize),
    Undelete(usize, usize),
    HardDelete(usize, usize),
    /// Triggers refuse what the step does.
    Refused(Box<Step>),
    /// What the step does is taken back.
    TakeBack(Box<Step>),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
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
        1 => plain.clone().prop_map(|step| Step::Refused(Box::new(step))),
        1 => plain.prop_map(|step| Step::TakeBack(Box::new(step))),
    ]
}
