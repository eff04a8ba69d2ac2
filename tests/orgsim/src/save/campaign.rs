//! Campaigns and their members: statuses, who is a member once, and the counts on the campaign.
//!
//! Source: Object Reference, Campaign, `CampaignMember`, `CampaignMemberStatus`.

use std::collections::HashSet;

use super::{
    Save, SaveError, amount::Amount, delete::Record, platform::Stamps, proposal::Proposal, value_of,
};
use crate::{clock::utc_datetime, schema::Object, store::row::Row};

/// What one record counts for on its campaign: field and number.
type Counts = [(&'static str, Amount); 4];

impl Save<'_> {
    /// A new campaign has two statuses.
    pub(super) fn default_member_statuses(&mut self, record: Record) {
        let campaign = self.id_of(record);
        for (order, (label, responded)) in [("Sent", false), ("Responded", true)]
            .into_iter()
            .enumerate()
        {
            let values = [
                ("CampaignId", Some(campaign.clone())),
                ("Label", Some(label.to_owned())),
                ("SortOrder", Some((order + 1).to_string())),
                ("IsDefault", Some((!responded).to_string())),
                ("HasResponded", Some(responded.to_string())),
            ];
            self.add("CampaignMemberStatus", &values);
        }
    }

    /// A lead or a contact, once per campaign, with a status that the campaign has.
    pub(super) fn campaign_member(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        let Some(campaign) = new.owned("CampaignId") else {
            return Ok(());
        };
        if new.is_new() {
            // Of both only the contact is kept.
            if new.get("ContactId").is_some() {
                new.set("LeadId", None);
            }
            let (field, person) = match (new.owned("ContactId"), new.owned("LeadId")) {
                (Some(contact), _) => ("ContactId", contact),
                (None, Some(lead)) => ("LeadId", lead),
                (None, None) => return Err(SaveError::missing(&["LeadId"])),
            };
            let memberships = self.referring("CampaignMember", field, &person);
            let mut memberships = memberships.into_iter();
            if memberships
                .any(|member| self.value(member, "CampaignId").as_ref() == Some(&campaign))
            {
                return Err(SaveError::new(
                    "DUPLICATE_VALUE",
                    "Already a campaign member.",
                ));
            }
            self.person_of(new, &person, field == "ContactId");
        }
        if new.is_new() || new.changes("Status") {
            let (status, responded) = self.member_status(&campaign, new.get("Status"));
            new.set("Status", Some(status));
            new.set("HasResponded", Some(responded.to_string()));
            if responded {
                let today = utc_datetime(self.stamp_ms);
                new.set_default("FirstRespondedDate", today.get(..10).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// A member that was written counts on its campaign.
    pub(super) fn count_member(&mut self, object: &Object, record: Record, before: Option<&Row>) {
        let Some(after) = self
            .store
            .slot(record.0, record.1)
            .and_then(|slot| slot.row.clone())
        else {
            return;
        };
        let old = before.map(|row| self.member_counts(object, row));
        let new = self.member_counts(object, &after);
        let campaign = self.value(record, "CampaignId");
        self.count(campaign.as_deref(), old, Some(new));
    }

    /// A member that went or came back counts no more, or again.
    pub(super) fn uncount_member(
        &mut self,
        record: Record,
        together: &HashSet<Record>,
        back: bool,
    ) {
        self.moved((record, together), back, Self::member_counts);
    }

    /// An opportunity that went or came back counts no more, or again.
    pub(super) fn count_opportunity(
        &mut self,
        record: Record,
        together: &HashSet<Record>,
        back: bool,
    ) {
        self.moved((record, together), back, |_, object, row| {
            opportunity_counts(object, row)
        });
    }

    /// An opportunity that was written counts on its campaign, or on another one.
    pub(super) fn recount_opportunity(
        &mut self,
        object: &Object,
        record: Record,
        before: Option<&Row>,
    ) {
        let Some(after) = self
            .store
            .slot(record.0, record.1)
            .and_then(|slot| slot.row.clone())
        else {
            return;
        };
        let campaign = |row: &Row| value_of(row, object, "CampaignId").map(str::to_owned);
        let old = before.map(|row| opportunity_counts(object, row));
        let new = opportunity_counts(object, &after);
        let (former, current) = (before.and_then(campaign), campaign(&after));
        if former == current {
            self.count(current.as_deref(), old, Some(new));
        } else {
            self.count(former.as_deref(), old, None);
            self.count(current.as_deref(), None, Some(new));
        }
    }

    fn moved(
        &mut self,
        (record, together): (Record, &HashSet<Record>),
        back: bool,
        counts: impl Fn(&Self, &Object, &Row) -> Counts,
    ) {
        let Some(object) = self.schema.object(record.0) else {
            return;
        };
        let Some(row) = self.last_row(record) else {
            return;
        };
        let counts = counts(self, object, &row);
        let campaign = value_of(&row, object, "CampaignId").map(str::to_owned);
        // A campaign that went along keeps its counts, and has them when it is back.
        let along = campaign
            .as_deref()
            .and_then(|campaign| self.named(campaign));
        if along.is_some_and(|campaign| together.contains(&campaign)) {
            return;
        }
        let (old, new) = if back {
            (None, Some(counts))
        } else {
            (Some(counts), None)
        };
        self.count(campaign.as_deref(), old, new);
    }

    /// Adds the difference to the campaign's counts.
    fn count(&mut self, campaign: Option<&str>, old: Option<Counts>, new: Option<Counts>) {
        let Some(record) = campaign.and_then(|campaign| self.named(campaign)) else {
            return;
        };
        let fields = new.or(old).unwrap_or_default().map(|(field, _)| field);
        let part = |counts: &Option<Counts>, at: usize| {
            let counts = counts.as_ref().and_then(|counts| counts.get(at));
            counts.map_or_else(Amount::default, |(_, count)| *count)
        };
        let values: Vec<(&str, Option<String>)> = fields
            .into_iter()
            .enumerate()
            .map(|(at, field)| {
                let known = Amount::read(self.value(record, field).as_deref());
                let sum = known.plus(part(&new, at)).minus(part(&old, at)).to_string();
                let whole = sum
                    .strip_suffix(".0")
                    .filter(|_| field.starts_with("Number"));
                (field, Some(whole.unwrap_or(&sum).to_owned()))
            })
            .collect();
        self.adjust(record, &values, Stamps::System);
    }

    fn member_counts(&self, object: &Object, row: &Row) -> Counts {
        let is = |field: &str| value_of(row, object, field).is_some();
        let true_of = |field: &str| value_of(row, object, field) == Some("true");
        let lead = value_of(row, object, "LeadId");
        let converted = self.value_of(lead, "IsConverted").as_deref() == Some("true");
        [
            ("NumberOfLeads", one(lead.is_some())),
            ("NumberOfConvertedLeads", one(converted)),
            ("NumberOfContacts", one(is("ContactId"))),
            ("NumberOfResponses", one(true_of("HasResponded"))),
        ]
    }

    /// The campaign's status of that label, or its default; and whether it counts as a response.
    fn member_status(&mut self, campaign: &str, wanted: Option<&str>) -> (String, bool) {
        let statuses = self.referring("CampaignMemberStatus", "CampaignId", campaign);
        let is = |status: Record, field: &str| self.value(status, field).as_deref() == Some("true");
        let label = |status: Record| self.value(status, "Label").unwrap_or_default();
        let same = |status: &&Record| wanted.is_some_and(|wanted| label(**status) == wanted);
        let found = statuses
            .iter()
            .find(same)
            .or_else(|| statuses.iter().find(|status| is(**status, "IsDefault")))
            .or_else(|| statuses.first());
        match found {
            Some(status) => (label(*status), is(*status, "HasResponded")),
            // A generated campaign may have none of its own; the platform's two are there always.
            None if wanted == Some("Responded") => ("Responded".to_owned(), true),
            None => ("Sent".to_owned(), false),
        }
    }

    /// What a member shows of its lead or contact.
    fn person_of(&self, new: &mut Proposal<'_>, person: &str, contact: bool) {
        let of = |field: &str| self.value_of(Some(person), field);
        for field in [
            "Salutation",
            "Name",
            "FirstName",
            "LastName",
            "Title",
            "Email",
            "Phone",
            "Fax",
            "MobilePhone",
            "Description",
            "LeadSource",
        ] {
            new.set(field, of(field));
        }
        for field in ["Street", "City", "State", "PostalCode", "Country"] {
            let source = if contact {
                format!("Mailing{field}")
            } else {
                field.to_owned()
            };
            new.set(field, of(&source));
        }
        let opted_out = of("HasOptedOutOfEmail").unwrap_or_else(|| "false".to_owned());
        new.set("HasOptedOutOfEmail", Some(opted_out));
        let account = of("AccountId");
        let company = if contact {
            self.value_of(account.as_deref(), "Name")
        } else {
            of("Company")
        };
        new.set("CompanyOrAccount", company);
        new.set(
            "Type",
            Some(if contact { "Contact" } else { "Lead" }.to_owned()),
        );
        new.set("LeadOrContactId", Some(person.to_owned()));
        new.set("LeadOrContactOwnerId", of("OwnerId"));
    }
}

fn opportunity_counts(object: &Object, row: &Row) -> Counts {
    let won = value_of(row, object, "IsWon") == Some("true");
    let amount = Amount::read(value_of(row, object, "Amount"));
    [
        ("NumberOfOpportunities", one(true)),
        ("NumberOfWonOpportunities", one(won)),
        ("AmountAllOpportunities", amount),
        (
            "AmountWonOpportunities",
            if won { amount } else { Amount::default() },
        ),
    ]
}

fn one(counts: bool) -> Amount {
    Amount::read(Some(if counts { "1" } else { "0" }))
}
