//! Opportunities: what a stage means, what line items make of the amount, and the trail of stages.
//!
//! Sources: Object Reference, Opportunity, `OpportunityHistory`, `OpportunityContactRole`, `OpportunityStage`; the stages
//! of an org as it is delivered.

use super::{
    Save, SaveError, amount::Amount, delete::Record, platform::Stamps, proposal::Proposal, value_of,
};
use crate::{clock::utc_datetime, schema::Object, store::row::Row};

/// Stage, probability, forecast category and its name.
const STAGES: [(&str, &str, &str, &str); 10] = [
    ("Prospecting", "10.0", "Pipeline", "Pipeline"),
    ("Qualification", "10.0", "Pipeline", "Pipeline"),
    ("Needs Analysis", "20.0", "Pipeline", "Pipeline"),
    ("Value Proposition", "50.0", "Pipeline", "Pipeline"),
    ("Id. Decision Makers", "60.0", "Pipeline", "Pipeline"),
    ("Perception Analysis", "70.0", "Pipeline", "Pipeline"),
    ("Proposal/Price Quote", "75.0", "Pipeline", "Pipeline"),
    ("Negotiation/Review", "90.0", "Pipeline", "Pipeline"),
    ("Closed Won", "100.0", "Closed", "Closed"),
    ("Closed Lost", "0.0", "Omitted", "Omitted"),
];

impl Save<'_> {
    /// Derives what follows from stage, amount and close date.
    pub(super) fn opportunity(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        if new.old("HasOpportunityLineItem") == Some("true") {
            // With line items the amount is theirs; what a caller sends is passed over in silence.
            new.ignore("Amount");
            new.ignore("TotalOpportunityQuantity");
            let items = new.changes("Pricebook2Id") && self.has_line_items(new);
            if items {
                return Err(SaveError::of(
                    "FIELD_INTEGRITY_EXCEPTION",
                    "field integrity exception: Pricebook2Id (cannot be changed while the opportunity has line items)",
                    "Pricebook2Id",
                ));
            }
        }
        if new.changes("StageName") {
            self.stage(new);
        } else if new.given("ForecastCategoryName") {
            let category = new.get("ForecastCategoryName").map(category);
            new.set("ForecastCategory", category.map(str::to_owned));
        }
        let amount = new.get("Amount").map(|text| Amount::read(Some(text)));
        let probability = Amount::read(new.get("Probability"));
        let expected = amount.map(|amount| amount.percent(probability).to_string());
        new.set("ExpectedRevenue", expected);
        if let Some((year, quarter)) = new.get("CloseDate").and_then(fiscal) {
            new.set("FiscalYear", Some(year.to_string()));
            new.set("FiscalQuarter", Some(quarter.to_string()));
            new.set("Fiscal", Some(format!("{year} {quarter}")));
        }
        Ok(())
    }

    /// Leaves a trail, makes the first contact role and counts for the campaign.
    pub(super) fn opportunity_saved(
        &mut self,
        object: &Object,
        record: Record,
        before: Option<&Row>,
    ) {
        self.stage_history(object, record, before);
        if before.is_none()
            && let Some(contact) = self.value(record, "ContactId")
        {
            let values = [
                ("OpportunityId", Some(self.id_of(record))),
                ("ContactId", Some(contact)),
                ("IsPrimary", Some("true".to_owned())),
            ];
            self.add("OpportunityContactRole", &values);
        }
        self.recount_opportunity(object, record, before);
    }

    /// One contact at most is the primary one, and the opportunity names him.
    pub(super) fn primary_contact_role(&mut self, record: Record) {
        let Some(opportunity) = self.value(record, "OpportunityId") else {
            return;
        };
        if self.value(record, "IsPrimary").as_deref() != Some("true") {
            return;
        }
        for other in self.referring("OpportunityContactRole", "OpportunityId", &opportunity) {
            if other != record {
                let second = [("IsPrimary", Some("false".to_owned()))];
                self.adjust(other, &second, Stamps::Audit);
            }
        }
        if let Some(place) = self.named(&opportunity) {
            let contact = [("ContactId", self.value(record, "ContactId"))];
            self.adjust(place, &contact, Stamps::System);
        }
    }

    /// The sums over an opportunity's line items, after one of them was written or went.
    pub(super) fn opportunity_totals(&mut self, item: Record) {
        let Some(opportunity) = self.value(item, "OpportunityId") else {
            return;
        };
        let Some(record) = self.named(&opportunity) else {
            return;
        };
        let items = self.referring("OpportunityLineItem", "OpportunityId", &opportunity);
        let has = [(
            "HasOpportunityLineItem",
            Some((!items.is_empty()).to_string()),
        )];
        self.adjust(record, &has, Stamps::Audit);
        if items.is_empty() {
            // The amount of the last items stays, and can be written again.
            return;
        }
        let sum = |field: &str| {
            let values = items.iter().map(|item| self.value(*item, field));
            values.fold(Amount::default(), |sum, value| {
                sum.plus(Amount::read(value.as_deref()))
            })
        };
        let (amount, quantity) = (sum("TotalPrice"), sum("Quantity"));
        let probability = Amount::read(self.value(record, "Probability").as_deref());
        let before = self.store.slot(record.0, record.1);
        let before = before.and_then(|slot| slot.row.clone());
        let values = [
            ("Amount", Some(amount.to_string())),
            ("TotalOpportunityQuantity", Some(quantity.to_string())),
            (
                "ExpectedRevenue",
                Some(amount.percent(probability).to_string()),
            ),
        ];
        self.adjust(record, &values, Stamps::Audit);
        if let Some(object) = self.schema.object(record.0) {
            self.stage_history(object, record, before.as_ref());
            self.recount_opportunity(object, record, before.as_ref());
        }
    }

    fn has_line_items(&mut self, new: &Proposal<'_>) -> bool {
        let id = self.id_of(new.record);
        !self
            .referring("OpportunityLineItem", "OpportunityId", &id)
            .is_empty()
    }

    fn stage(&self, new: &mut Proposal<'_>) {
        let stage = new.owned("StageName").unwrap_or_default();
        let known = STAGES.iter().find(|(name, ..)| *name == stage);
        let (_, probability, category_of_stage, name) = known
            .copied()
            .unwrap_or(("", "0.0", "Pipeline", "Pipeline"));
        if !new.given_value("Probability") {
            new.set("Probability", Some(probability.to_owned()));
        }
        if new.given_value("ForecastCategoryName") {
            let given = new.get("ForecastCategoryName").map(category);
            new.set("ForecastCategory", given.map(str::to_owned));
        } else {
            new.set("ForecastCategory", Some(category_of_stage.to_owned()));
            new.set("ForecastCategoryName", Some(name.to_owned()));
        }
        let closed = stage.starts_with("Closed ") && known.is_some();
        new.set("IsClosed", Some(closed.to_string()));
        new.set("IsWon", Some((stage == "Closed Won").to_string()));
        if !new.is_new() {
            new.set("LastStageChangeDate", Some(utc_datetime(self.stamp_ms)));
        }
    }

    /// One row per change of what a forecast is made of.
    fn stage_history(&mut self, object: &Object, record: Record, before: Option<&Row>) {
        const WATCHED: [&str; 6] = [
            "StageName",
            "Amount",
            "ExpectedRevenue",
            "CloseDate",
            "Probability",
            "ForecastCategory",
        ];
        let old = |field: &str| before.and_then(|row| value_of(row, object, field));
        let moved = WATCHED
            .iter()
            .any(|field| self.value(record, field).as_deref() != old(field));
        if before.is_some() && !moved {
            return;
        }
        let mut values: Vec<(&str, Option<String>)> = WATCHED
            .into_iter()
            .map(|field| (field, self.value(record, field)))
            .collect();
        values.push(("OpportunityId", Some(self.id_of(record))));
        values.push(("PrevAmount", old("Amount").map(str::to_owned)));
        values.push(("PrevCloseDate", old("CloseDate").map(str::to_owned)));
        self.add("OpportunityHistory", &values);
    }
}

/// `ForecastCategory` for `ForecastCategoryName`.
fn category(name: &str) -> &'static str {
    match name {
        "Best Case" => "BestCase",
        "Commit" => "Forecast",
        "Closed" => "Closed",
        "Omitted" => "Omitted",
        _ => "Pipeline",
    }
}

/// Year and quarter of a date: fiscal years are calendar years.
fn fiscal(date: &str) -> Option<(i16, i8)> {
    let date: jiff::civil::Date = date.parse().ok()?;
    Some((date.year(), (date.month() - 1) / 3 + 1))
}
