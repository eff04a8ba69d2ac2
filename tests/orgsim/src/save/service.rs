//! Cases, assets, users and groups: what follows from their other fields.
//!
//! Sources: Object Reference, Case, `CaseComment`, Asset, User, Group; Salesforce Help 000381924.

use super::{
    Save, SaveError, delete::Record, files::developer_name, platform::Stamps, proposal::Proposal,
};
use crate::clock::utc_datetime;

impl Save<'_> {
    /// A case is closed by its status and shows how its contact can be reached.
    pub(super) fn case(&self, new: &mut Proposal<'_>) {
        let contact = new.owned("ContactId");
        if new.is_new() || new.given("ContactId") {
            let of = |field: &str| self.value_of(contact.as_deref(), field);
            for (field, source) in [
                ("ContactPhone", "Phone"),
                ("ContactMobile", "MobilePhone"),
                ("ContactEmail", "Email"),
                ("ContactFax", "Fax"),
            ] {
                new.set(field, of(source));
            }
            if !new.given("AccountId")
                && let Some(account) = of("AccountId")
            {
                new.set("AccountId", Some(account));
            }
        }
        if new.is_new() || new.changes("Status") {
            let closed = new.get("Status") == Some("Closed");
            new.set("IsClosed", Some(closed.to_string()));
            new.set("ClosedDate", closed.then(|| utc_datetime(self.stamp_ms)));
        }
    }

    /// What was written into `Comments` is a comment of its own, and the field is empty again.
    pub(super) fn case_comment(&mut self, record: Record) {
        if let Some(text) = self.value(record, "Comments") {
            let comment = [
                ("ParentId", Some(self.id_of(record))),
                ("CommentBody", Some(text)),
            ];
            self.add("CaseComment", &comment);
            self.adjust(record, &[("Comments", None)], Stamps::System);
        }
    }

    /// An asset belongs to somebody and knows the top of its hierarchy.
    pub(super) fn asset(&self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        let alone = new.get("AccountId").is_none() && new.get("ContactId").is_none();
        let asked = new.is_new() || new.given("AccountId") || new.given("ContactId");
        if alone && asked {
            return Err(SaveError::of_all(
                "FIELD_INTEGRITY_EXCEPTION",
                "Every asset needs an account, a contact, or both.",
                &["AccountId", "ContactId"],
            ));
        }
        if new.is_new() || new.given("ParentId") {
            let parent = new.owned("ParentId");
            let own = self.id_of(new.record);
            let root = parent.as_ref().map_or(Some(own), |parent| {
                let above = self.value_of(Some(parent), "RootAssetId");
                above.or_else(|| Some(parent.clone()))
            });
            let above = self.value_of(parent.as_deref(), "AssetLevel");
            let above = above.and_then(|level| level.parse::<usize>().ok());
            let level = parent.map_or(1, |_| above.unwrap_or(1) + 1);
            new.set("RootAssetId", root);
            new.set("AssetLevel", Some(level.to_string()));
        }
        if new.is_new() || new.given("Product2Id") {
            let product = new.owned("Product2Id");
            new.set(
                "ProductCode",
                self.value_of(product.as_deref(), "ProductCode"),
            );
        }
        Ok(())
    }

    /// No two users share a name, in whatever org.
    pub(super) fn user(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        let (Some(name), true) = (new.owned("Username"), new.changes("Username")) else {
            return Ok(());
        };
        let others = self.referring("User", "Username", &name);
        if others.into_iter().any(|other| other != new.record) {
            return Err(SaveError::of(
                "DUPLICATE_USERNAME",
                "Duplicate Username.<br>The username already exists in this or another Salesforce organization. Usernames must be unique across all Salesforce organizations. To resolve, use a different username (it doesn't need to match the user's email address). ",
                "Username",
            ));
        }
        if new.is_new() {
            if !new.given("IsActive") {
                new.set("IsActive", Some("true".to_owned()));
            }
            new.set("UserType", Some("Standard".to_owned()));
            let nickname = name.split('@').next().unwrap_or_default();
            let nickname: String = nickname.chars().take(40).collect();
            new.set_default("CommunityNickname", nickname);
        }
        Ok(())
    }
}

/// A group has an API name.
pub(super) fn group(new: &mut Proposal<'_>) {
    if let (true, Some(name)) = (new.is_new(), new.owned("Name")) {
        new.set_default("DeveloperName", developer_name(&name));
        new.set_default("Type", "Regular");
    }
}
