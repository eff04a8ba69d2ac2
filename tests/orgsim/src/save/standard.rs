//! Which rules of single standard objects run when: before a record is written, after it, before it is deleted and
//! when it has gone or come back. The rules themselves are in one file per family.
//!
//! Sources: Object Reference for the Salesforce Platform, the pages of the objects named here.

use std::collections::HashSet;

use super::{Draft, Save, SaveError, delete::Record, proposal::Proposal, service::group};
use crate::{schema::Object, store::row::Row};

impl Save<'_> {
    /// Checks a record and adds what follows from its values, before its required fields are looked at.
    pub(super) fn derive(&mut self, draft: &mut Draft<'_>) -> Result<(), SaveError> {
        let mut proposal = draft.proposal();
        self.acyclic(&proposal)?;
        self.before_write(&mut proposal)?;
        let changes = proposal.into_changes();
        draft.take(changes);
        Ok(())
    }

    fn before_write(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        match new.object.name.as_str() {
            "Account" => self.account(new)?,
            "Contact" => self.contact(new)?,
            "ContentVersion" => self.content_version(new)?,
            "ContentDocumentLink" => self.content_document_link(new)?,
            "Document" => self.document(new),
            "Task" => self.task(new)?,
            "Event" => self.event(new)?,
            "EmailMessage" => email_message(new),
            "Product2" => new.set_default("ProductClass", "Simple"),
            "PricebookEntry" => self.pricebook_entry(new)?,
            "Opportunity" => self.opportunity(new)?,
            "OpportunityLineItem" => self.opportunity_line_item(new)?,
            "Quote" => self.quote(new)?,
            "QuoteLineItem" => self.quote_line_item(new)?,
            "Order" => self.order(new)?,
            "OrderItem" => self.order_item(new)?,
            "Contract" => self.contract(new)?,
            "CampaignMember" => self.campaign_member(new)?,
            "Case" => self.case(new),
            "Asset" => self.asset(new)?,
            "User" => self.user(new)?,
            // Those that the platform brings are not made by a caller.
            "PermissionSet" if new.is_new() => new.set("IsCustom", Some("true".to_owned())),
            "Group" => group(new),
            _ => {}
        }
        Ok(())
    }

    /// What else follows from a record that was written; `before` is nothing for a new one.
    pub(super) fn after_write(&mut self, object: &Object, record: Record, before: Option<&Row>) {
        self.field_history(object, record, before);
        match object.name.as_str() {
            "Account" => self.account_saved(object, record, before),
            "ContentVersion" => self.content_version_saved(record, before),
            "ContentDocument" => self.content_document_saved(object, record, before),
            "PricebookEntry" => self.standard_price_changed(record),
            "Opportunity" => self.opportunity_saved(object, record, before),
            "OpportunityLineItem" => self.opportunity_totals(record),
            "OpportunityContactRole" => self.primary_contact_role(record),
            "QuoteLineItem" => self.quote_totals_of(record),
            "Quote" => self.quote_totals(record),
            "OrderItem" => self.order_total_of(record),
            "Campaign" if before.is_none() => self.default_member_statuses(record),
            "CampaignMember" => self.count_member(object, record, before),
            "Case" => self.case_comment(record),
            "User" | "PermissionSet" | "PermissionSetAssignment" => {
                self.setup_changed(object, record, before);
            }
            _ => {}
        }
    }

    /// Refuses a deletion that no describe flag forbids; true when the platform does something else instead.
    pub(super) fn before_delete(&mut self, record: Record) -> Result<bool, SaveError> {
        let Some(object) = self.schema.object(record.0) else {
            return Ok(false);
        };
        if !object.can('D') && !self.caller.by_test {
            return Err(SaveError::new(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                format!("entity type {} does not support delete", object.name),
            ));
        }
        match object.name.as_str() {
            "Contact" => self.not_a_person(record).map(|()| false),
            "ContentDocumentLink" => self.owner_link_stays(record).map(|()| false),
            "PricebookEntry" => Ok(self.archived_instead(record)),
            "OrderItem" => self.order_is_draft(record).map(|()| false),
            "Order" | "Contract" => self.not_activated(record).map(|()| false),
            _ => Ok(false),
        }
    }

    /// True when a record that would go with its parent keeps the parent from being deleted.
    pub(super) fn holds_its_parent(&self, (at, slot): Record) -> bool {
        if self.caller.by_test {
            return false;
        }
        let Some(object) = self.schema.object(at) else {
            return false;
        };
        match object.name.as_str() {
            "Opportunity" => self.value((at, slot), "IsWon").as_deref() == Some("true"),
            "Contract" | "Order" => {
                self.value((at, slot), "Status").as_deref() == Some("Activated")
            }
            _ => false,
        }
    }

    /// What follows from records that went into the bin or for good, or came back (`back`).
    pub(super) fn after_move(&mut self, family: &[Record], back: bool) {
        let together: HashSet<Record> = family.iter().copied().collect();
        for record in family {
            let Some(object) = self.schema.object(record.0) else {
                continue;
            };
            match object.name.as_str() {
                "OpportunityLineItem" => self.opportunity_totals(*record),
                "QuoteLineItem" => self.quote_totals_of(*record),
                "OrderItem" => self.order_total_of(*record),
                "CampaignMember" => self.uncount_member(*record, &together, back),
                "Opportunity" => self.count_opportunity(*record, &together, back),
                "PermissionSet" | "PermissionSetAssignment" if !back => self.setup_removed(*record),
                _ => {}
            }
        }
    }

    /// A record cannot be its own ancestor.
    fn acyclic(&self, new: &Proposal<'_>) -> Result<(), SaveError> {
        let field = match new.object.name.as_str() {
            "Account" | "Asset" | "Campaign" | "Case" => "ParentId",
            "Contact" => "ReportsToId",
            "UserRole" => "ParentRoleId",
            _ => return Ok(()),
        };
        if !new.given_value(field) {
            return Ok(());
        }
        let own = self.id_of(new.record);
        let mut above = new.owned(field);
        // Hierarchies end long before; generated ones may hold a loop of their own.
        for _ in 0..1_000 {
            match above {
                None => return Ok(()),
                Some(id) if id == own => {
                    return Err(SaveError::of(
                        "CIRCULAR_DEPENDENCY",
                        "attempt to violate hierarchy constraints",
                        field,
                    ));
                }
                Some(id) => above = self.value_of(Some(&id), field),
            }
        }
        Ok(())
    }
}

/// The name of an e-mail is its subject, and its status says which way it went.
fn email_message(new: &mut Proposal<'_>) {
    if new.is_new() || new.given("Subject") {
        new.set(
            "Name",
            Some(
                new.owned("Subject")
                    .unwrap_or_else(|| "(no subject)".to_owned()),
            ),
        );
    }
    let status = if new.is_true("Incoming") { "0" } else { "3" };
    new.set_default("Status", status);
}
