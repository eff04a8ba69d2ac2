//! Prices: a standard price comes before every other one, and a line item takes its product from an entry of the
//! price book that its parent uses.
//!
//! Sources: Object Reference, `PricebookEntry`, `OpportunityLineItem`, Opportunity (`HasOpportunityLineItem`), Quote,
//! `QuoteLineItem`; Salesforce Help 000383141; what public clients report of the refusals.

use super::{
    Save, SaveError, amount::Amount, delete::Record, platform::Stamps, proposal::Proposal,
};

impl Save<'_> {
    /// One price per product and price book, the standard one first.
    pub(super) fn pricebook_entry(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        let (Some(book), Some(product)) = (new.owned("Pricebook2Id"), new.owned("Product2Id"))
        else {
            return Ok(());
        };
        let by_standard = new.is_true("UseStandardPrice");
        if by_standard && new.given_value("UnitPrice") {
            return Err(SaveError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                "field integrity exception",
            ));
        }
        let entries = self.referring("PricebookEntry", "Product2Id", &product);
        let standard = self.standard_books();
        let of_book = |save: &Self, entry: &Record| save.value(*entry, "Pricebook2Id");
        let basis = entries
            .iter()
            .find(|entry| of_book(self, entry).is_some_and(|book| standard.contains(&book)))
            .copied();
        if new.is_new() {
            if entries
                .iter()
                .any(|entry| of_book(self, entry).as_ref() == Some(&book))
            {
                return Err(SaveError::new(
                    "DUPLICATE_VALUE",
                    "This price definition already exists in this price book",
                ));
            }
            if basis.is_none() && !standard.contains(&book) {
                return Err(SaveError::new(
                    "STANDARD_PRICE_NOT_DEFINED",
                    "No standard price defined for this product",
                ));
            }
            if !by_standard {
                required(new, &["UnitPrice"])?;
            }
            new.set("Name", self.value_of(Some(&product), "Name"));
            new.set("ProductCode", self.value_of(Some(&product), "ProductCode"));
        }
        if by_standard && let Some(basis) = basis.filter(|basis| *basis != new.record) {
            new.set("UnitPrice", self.value(basis, "UnitPrice"));
        }
        Ok(())
    }

    /// Entries that follow the standard price follow it.
    pub(super) fn standard_price_changed(&mut self, record: Record) {
        let book = self.value(record, "Pricebook2Id").unwrap_or_default();
        let Some(product) = self.value(record, "Product2Id") else {
            return;
        };
        if !self.standard_books().contains(&book) {
            return;
        }
        let price = [("UnitPrice", self.value(record, "UnitPrice"))];
        for entry in self.referring("PricebookEntry", "Product2Id", &product) {
            let follows = self.value(entry, "UseStandardPrice").as_deref() == Some("true");
            if follows && entry != record {
                self.adjust(entry, &price, Stamps::Audit);
            }
        }
    }

    /// An entry that line items use is archived when it is deleted, and nothing brings it back.
    pub(super) fn archived_instead(&mut self, record: Record) -> bool {
        let id = self.id_of(record);
        let used = ["OpportunityLineItem", "QuoteLineItem", "OrderItem"]
            .into_iter()
            .any(|items| !self.referring(items, "PricebookEntryId", &id).is_empty());
        if used && !self.caller.by_test {
            let archived = [
                ("IsArchived", Some("true".to_owned())),
                ("IsActive", Some("false".to_owned())),
            ];
            self.adjust(record, &archived, Stamps::Audit);
            return true;
        }
        false
    }

    /// A product of an opportunity.
    pub(super) fn opportunity_line_item(
        &mut self,
        new: &mut Proposal<'_>,
    ) -> Result<(), SaveError> {
        let Some(opportunity) = new.owned("OpportunityId") else {
            return Ok(());
        };
        if !new.is_new() {
            return change_price(new);
        }
        let book = self.value_of(Some(&opportunity), "Pricebook2Id");
        if new.get("PricebookEntryId").is_none()
            && let (Some(book), Some(product)) = (&book, new.owned("Product2Id"))
        {
            let entries = self.referring("PricebookEntry", "Product2Id", &product);
            let of_book =
                |entry: &Record| self.value(*entry, "Pricebook2Id").as_ref() == Some(book);
            let entry = entries.into_iter().find(of_book);
            new.set("PricebookEntryId", entry.map(|entry| self.id_of(entry)));
        }
        let Some(entry) = new.owned("PricebookEntryId") else {
            return Err(SaveError::of_all(
                "FIELD_INTEGRITY_EXCEPTION",
                "field integrity exception: PricebookEntryId, unknown (versions 3.0 and higher must specify pricebook entry id; others must specify product id)",
                &["PricebookEntryId"],
            ));
        };
        let of_entry = self.entry_of(&entry, book.as_deref(), "opportunity")?;
        if book.is_none()
            && let Some(place) = self.named(&opportunity)
        {
            let active = self.value_of(Some(&of_entry), "IsActive");
            if active.as_deref() != Some("true") {
                return Err(entry_error("pricebook is inactive"));
            }
            let book = [("Pricebook2Id", Some(of_entry))];
            self.adjust(place, &book, Stamps::Audit);
        }
        required(new, &["Quantity"])?;
        self.product_of(new, &entry);
        let opportunity_name = self
            .value_of(Some(&opportunity), "Name")
            .unwrap_or_default();
        let product = new.owned("Product2Id");
        let product_name = self
            .value_of(product.as_deref(), "Name")
            .unwrap_or_default();
        new.set("Name", Some(format!("{opportunity_name} {product_name}")));
        price(new)
    }

    /// A quote takes account and price book from its opportunity.
    pub(super) fn quote(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        let opportunity = new.owned("OpportunityId");
        if new.is_new() {
            if new.get("Pricebook2Id").is_none() {
                new.set(
                    "Pricebook2Id",
                    self.value_of(opportunity.as_deref(), "Pricebook2Id"),
                );
            }
            new.set(
                "AccountId",
                self.value_of(opportunity.as_deref(), "AccountId"),
            );
            new.set_default("Status", "Draft");
        } else if new.changes("Pricebook2Id") {
            let id = self.id_of(new.record);
            if !self.referring("QuoteLineItem", "QuoteId", &id).is_empty() {
                return Err(SaveError::of(
                    "FIELD_INTEGRITY_EXCEPTION",
                    "field integrity exception: Pricebook2Id (cannot be changed while the quote has line items)",
                    "Pricebook2Id",
                ));
            }
        }
        Ok(())
    }

    /// A product of a quote.
    pub(super) fn quote_line_item(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        let Some(quote) = new.owned("QuoteId") else {
            return Ok(());
        };
        if new.is_new() {
            let Some(entry) = new.owned("PricebookEntryId") else {
                return Ok(());
            };
            let book = self.value_of(Some(&quote), "Pricebook2Id");
            let of_entry = self.entry_of(&entry, book.as_deref(), "quote")?;
            if book.is_none()
                && let Some(place) = self.named(&quote)
            {
                let book = [("Pricebook2Id", Some(of_entry))];
                self.adjust(place, &book, Stamps::Audit);
            }
            self.product_of(new, &entry);
            new.set("LineNumber", Some(format!("{:08}", new.record.1 + 1)));
            required(new, &["Quantity", "UnitPrice"])?;
        }
        let subtotal = Amount::read(new.get("UnitPrice")).times(Amount::read(new.get("Quantity")));
        let discount = subtotal.percent(Amount::read(new.get("Discount")));
        new.set("Subtotal", Some(subtotal.to_string()));
        new.set("TotalPrice", Some(subtotal.minus(discount).to_string()));
        Ok(())
    }

    /// The sums of the quote that a line item belongs to.
    pub(super) fn quote_totals_of(&mut self, item: Record) {
        let quote = self.value(item, "QuoteId");
        if let Some(quote) = quote.and_then(|quote| self.named(&quote)) {
            self.quote_totals(quote);
        }
    }

    /// The sums over a quote's line items.
    pub(super) fn quote_totals(&mut self, quote: Record) {
        let items = self.referring("QuoteLineItem", "QuoteId", &self.id_of(quote));
        let sum = |field: &str| {
            let values = items.iter().map(|item| self.value(*item, field));
            values.fold(Amount::default(), |sum, value| {
                sum.plus(Amount::read(value.as_deref()))
            })
        };
        let (subtotal, total) = (sum("Subtotal"), sum("TotalPrice"));
        let own = |field: &str| Amount::read(self.value(quote, field).as_deref());
        let grand = total.plus(own("Tax")).plus(own("ShippingHandling"));
        let discount = subtotal
            .minus(total)
            .times(Amount::read(Some("100")))
            .over(subtotal);
        let values = [
            ("LineItemCount", Some(items.len().to_string())),
            ("Subtotal", Some(subtotal.to_string())),
            ("TotalPrice", Some(total.to_string())),
            ("GrandTotal", Some(grand.to_string())),
            ("Discount", discount.map(|discount| discount.to_string())),
        ];
        self.adjust(quote, &values, Stamps::System);
    }

    /// The price book of an entry that can be sold from `book`.
    pub(super) fn entry_of(
        &self,
        entry: &str,
        book: Option<&str>,
        parent: &str,
    ) -> Result<String, SaveError> {
        if self.value_of(Some(entry), "IsActive").as_deref() != Some("true") {
            return Err(entry_error("pricebook entry has been inactivated"));
        }
        let of_entry = self
            .value_of(Some(entry), "Pricebook2Id")
            .unwrap_or_default();
        if book.is_some_and(|book| book != of_entry) {
            return Err(entry_error(&format!(
                "pricebook entry is in a different pricebook than the one assigned to the {parent}"
            )));
        }
        Ok(of_entry)
    }

    /// What a line item takes over from its entry.
    pub(super) fn product_of(&self, new: &mut Proposal<'_>, entry: &str) {
        let product = self.value_of(Some(entry), "Product2Id");
        new.set(
            "ProductCode",
            self.value_of(product.as_deref(), "ProductCode"),
        );
        new.set("ListPrice", self.value_of(Some(entry), "UnitPrice"));
        new.set("Product2Id", product);
    }

    /// The price books whose entries are standard prices. Every org has one; where generated data marks none, it
    /// is the first.
    fn standard_books(&mut self) -> Vec<String> {
        let mut books = self.referring("Pricebook2", "IsStandard", "true");
        if books.is_empty() {
            books.extend(self.schema.find("Pricebook2").map(|(at, _)| (at, 0)));
        }
        books.into_iter().map(|book| self.id_of(book)).collect()
    }
}

/// Numbers that have no default although the column is not nillable.
pub(super) fn required(new: &Proposal<'_>, fields: &[&str]) -> Result<(), SaveError> {
    let missing: Vec<&str> = fields
        .iter()
        .copied()
        .filter(|field| !new.given_value(field))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(SaveError::missing(&missing))
}

fn entry_error(why: &str) -> SaveError {
    SaveError::of(
        "FIELD_INTEGRITY_EXCEPTION",
        format!("field integrity exception: PricebookEntryId ({why})"),
        "PricebookEntryId",
    )
}

/// A new line item has a unit price or a total price; the other one follows.
fn price(new: &mut Proposal<'_>) -> Result<(), SaveError> {
    let quantity = Amount::read(new.get("Quantity"));
    match (new.get("UnitPrice"), new.get("TotalPrice")) {
        (None, None) => Err(SaveError::missing(&["TotalPrice"])),
        (Some(_), Some(_)) => Err(SaveError::of_all(
            "FIELD_INTEGRITY_EXCEPTION",
            "field integrity exception: TotalPrice, UnitPrice (may not specify both)",
            &["TotalPrice", "UnitPrice"],
        )),
        (Some(unit), None) => {
            let total = Amount::read(Some(unit)).times(quantity);
            new.set("TotalPrice", Some(total.to_string()));
            Ok(())
        }
        (None, Some(total)) => {
            let unit = Amount::read(Some(total)).over(quantity);
            new.set("UnitPrice", unit.map(|unit| unit.to_string()));
            Ok(())
        }
    }
}

/// A changed line item: its total follows from quantity and unit price, or the unit price from the total.
fn change_price(new: &mut Proposal<'_>) -> Result<(), SaveError> {
    let moved = |field: &str| new.given_value(field) && new.changes(field);
    let (unit, total) = (moved("UnitPrice"), moved("TotalPrice"));
    if unit && total {
        return Err(SaveError::of(
            "INVALID_FIELD",
            "Cannot change both 'UnitPrice' and 'TotalPrice' in update call",
            "UnitPrice",
        ));
    }
    let quantity = Amount::read(new.get("Quantity"));
    if total {
        let price = Amount::read(new.get("TotalPrice")).over(quantity);
        new.set("UnitPrice", price.map(|price| price.to_string()));
    } else if unit || new.changes("Quantity") {
        let price = Amount::read(new.get("UnitPrice")).times(quantity);
        new.set("TotalPrice", Some(price.to_string()));
    }
    Ok(())
}
