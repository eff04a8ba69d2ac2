//! Who and when on new records, set by callers who may: a restore brings the original dates and people along.
//!
//! Source: Object Reference, System Fields; Salesforce Help, Set Audit Fields upon Record Creation.

use super::{Draft, Save, SaveError};
use crate::{
    rules::{AUDIT_FIELDS, INACTIVE_OWNERS},
    schema::{Field, Object},
    store::parse_datetime,
};

/// Standard objects whose audit fields can be set; all custom objects besides.
const OBJECTS: [&str; 17] = [
    "Account",
    "ArticleVersion",
    "Attachment",
    "CampaignMember",
    "Case",
    "CaseComment",
    "Contact",
    "ContentVersion",
    "Contract",
    "Event",
    "Idea",
    "IdeaComment",
    "Lead",
    "Opportunity",
    "Question",
    "Task",
    "Vote",
];

/// The fields; `SystemModstamp` is never among them.
const FIELDS: [&str; 4] = [
    "CreatedById",
    "CreatedDate",
    "LastModifiedById",
    "LastModifiedDate",
];

/// A new record of this object can be made with a value in this audit field.
pub(crate) fn settable(object: &Object, field: &Field) -> bool {
    FIELDS.contains(&field.name.as_str())
        && object.can('C')
        && (object.name.ends_with("__c") && !object.custom_setting
            || OBJECTS.contains(&object.name.as_str()))
}

impl Save<'_> {
    /// The caller may set who and when.
    pub(super) fn sets_audit_fields(&self) -> bool {
        self.caller.may(AUDIT_FIELDS) || self.rules.grants.has(AUDIT_FIELDS, &self.caller.user)
    }

    /// The caller may save records whose owner is inactive.
    pub(super) fn keeps_inactive_owners(&self) -> bool {
        self.caller.may("UpdateWithInactiveOwner")
            || self.rules.grants.has(INACTIVE_OWNERS, &self.caller.user)
    }

    /// The dates that a caller set agree with each other and with the clock.
    pub(super) fn plausible(&self, draft: &Draft<'_>) -> Result<(), SaveError> {
        if !self.sets_audit_fields() {
            return Ok(());
        }
        let date = |name: &str| {
            draft
                .get(name)
                .and_then(|text| parse_datetime(text.as_bytes()))
        };
        let created = date("CreatedDate");
        let modified = date("LastModifiedDate");
        for (name, value) in [("CreatedDate", created), ("LastModifiedDate", modified)] {
            // Stamps are cut to the second; the clock runs on.
            if value.is_some_and(|value| value > self.stamp_ms.max(self.now_ms)) {
                return Err(SaveError::of(
                    "FIELD_INTEGRITY_EXCEPTION",
                    format!("{name}: value cannot be in the future"),
                    name,
                ));
            }
        }
        match (created, modified) {
            (Some(created), Some(modified)) if modified < created => Err(SaveError::of(
                "FIELD_INTEGRITY_EXCEPTION",
                "LastModifiedDate: value cannot be before CreatedDate",
                "LastModifiedDate",
            )),
            _ => Ok(()),
        }
    }
}
