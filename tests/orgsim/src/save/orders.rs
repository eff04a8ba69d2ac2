//! Orders and contracts: drafts first, activated when they are complete, and fast from then on.
//!
//! Sources: Object Reference, Order, `OrderItem`, Contract (`Status`, `StatusCode`, `ActivatedDate`, `EndDate`).

use super::{
    Save, SaveError, amount::Amount, delete::Record, platform::Stamps, pricing::required,
    proposal::Proposal,
};
use crate::clock::utc_datetime;

const ACTIVATED: &str = "Activated";

impl Save<'_> {
    /// An order is made as a draft and activated with items.
    pub(super) fn order(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        if new.is_new() {
            new.set("StatusCode", Some("Draft".to_owned()));
            new.set("TotalAmount", Some("0.0".to_owned()));
        } else if new.changes("Pricebook2Id") && !self.items_of(new.record).is_empty() {
            return Err(SaveError::of(
                "FIELD_INTEGRITY_EXCEPTION",
                "field integrity exception: Pricebook2Id (cannot be changed while the order has products)",
                "Pricebook2Id",
            ));
        }
        if self.activates(new, "order")? && self.items_of(new.record).is_empty() {
            return Err(SaveError::new(
                "FAILED_ACTIVATION",
                "An order must have at least one product.",
            ));
        }
        Ok(())
    }

    /// A contract is made as a draft and ends when its term does.
    pub(super) fn contract(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        if new.is_new() {
            new.set("StatusCode", Some("Draft".to_owned()));
        }
        self.activates(new, "contract")?;
        let start = new.get("StartDate").and_then(|date| date.parse().ok());
        let months = new
            .get("ContractTerm")
            .and_then(|term| term.parse::<i32>().ok());
        let end = start.zip(months).and_then(|(start, months)| {
            let start: jiff::civil::Date = start;
            let span = jiff::Span::new().try_months(months).ok()?;
            start.checked_add(span).ok()?.yesterday().ok()
        });
        new.set("EndDate", end.map(|end| end.to_string()));
        Ok(())
    }

    /// A product of an order.
    pub(super) fn order_item(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        let Some(order) = new.owned("OrderId") else {
            return Ok(());
        };
        if self.value_of(Some(&order), "StatusCode").as_deref() == Some(ACTIVATED) {
            return Err(activated(
                "You can't change the products of an activated order.",
            ));
        }
        if new.is_new() {
            let Some(entry) = new.owned("PricebookEntryId") else {
                return Ok(());
            };
            let book = self.value_of(Some(&order), "Pricebook2Id");
            let of_entry = self.entry_of(&entry, book.as_deref(), "order")?;
            if book.is_none()
                && let Some(place) = self.named(&order)
            {
                let book = [("Pricebook2Id", Some(of_entry))];
                self.adjust(place, &book, Stamps::Audit);
            }
            self.product_of(new, &entry);
            new.set("OrderItemNumber", Some(format!("{:010}", new.record.1 + 1)));
            required(new, &["Quantity", "UnitPrice"])?;
        }
        let quantity = Amount::read(new.get("Quantity"));
        let total = Amount::read(new.get("UnitPrice")).times(quantity);
        new.set("TotalPrice", Some(total.to_string()));
        new.set("AvailableQuantity", Some(quantity.to_string()));
        Ok(())
    }

    /// The sum over the items of the order that an item belongs to.
    pub(super) fn order_total_of(&mut self, item: Record) {
        let order = self.value(item, "OrderId");
        let Some(order) = order.and_then(|order| self.named(&order)) else {
            return;
        };
        let items = self.items_of(order);
        let totals = items.iter().map(|item| self.value(*item, "TotalPrice"));
        let total = totals.fold(Amount::default(), |sum, value| {
            sum.plus(Amount::read(value.as_deref()))
        });
        let total = [("TotalAmount", Some(total.to_string()))];
        self.adjust(order, &total, Stamps::System);
    }

    /// The items of an activated order stay.
    pub(super) fn order_is_draft(&self, item: Record) -> Result<(), SaveError> {
        let order = self.value(item, "OrderId");
        let code = self.value_of(order.as_deref(), "StatusCode");
        if code.as_deref() == Some(ACTIVATED) && !self.caller.by_test {
            return Err(activated(
                "You can't delete the products of an activated order.",
            ));
        }
        Ok(())
    }

    /// What is activated cannot be deleted.
    pub(super) fn not_activated(&self, record: Record) -> Result<(), SaveError> {
        if self.value(record, "Status").as_deref() == Some(ACTIVATED) && !self.caller.by_test {
            return Err(SaveError::new(
                "DELETE_FAILED",
                "Activated records can't be deleted. Change the status to Draft first.",
            ));
        }
        Ok(())
    }

    fn items_of(&mut self, order: Record) -> Vec<Record> {
        self.referring("OrderItem", "OrderId", &self.id_of(order))
    }

    /// Follows a changed status; true when this save activates the record.
    fn activates(&self, new: &mut Proposal<'_>, what: &str) -> Result<bool, SaveError> {
        if !new.changes("Status") {
            return Ok(false);
        }
        let activated = new.get("Status") == Some(ACTIVATED);
        if new.is_new() && activated {
            return Err(SaveError::of(
                "FAILED_ACTIVATION",
                format!(
                    "Choose a valid {what} status and save your changes. Ask your admin for details."
                ),
                "Status",
            ));
        }
        let code = match new.get("Status") {
            Some(ACTIVATED) => ACTIVATED,
            Some("In Approval Process") => "InApproval",
            _ => "Draft",
        };
        new.set("StatusCode", Some(code.to_owned()));
        let user = activated.then(|| self.caller.user.clone());
        new.set(
            "ActivatedDate",
            activated.then(|| utc_datetime(self.stamp_ms)),
        );
        new.set("ActivatedById", user);
        Ok(activated)
    }
}

fn activated(message: &str) -> SaveError {
    SaveError::new("FIELD_INTEGRITY_EXCEPTION", message)
}
