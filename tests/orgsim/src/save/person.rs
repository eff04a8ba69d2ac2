//! Person accounts: an account that is a person, and the contact that goes with it.
//!
//! Sources: Apex Developer Guide, notes on person accounts; Object Reference, Account and Contact; Salesforce Help
//! 000386207.

use super::{Save, SaveError, delete::Record, platform::Stamps, proposal::Proposal, value_of};
use crate::{
    schema::{Object, Schema},
    store::{
        Store, Visible,
        row::{Row, RowWriter},
    },
};

/// The record type of person accounts, as enabling them makes it.
const RECORD_TYPE: &str = "PersonAccount";

impl Save<'_> {
    /// The record type decides whether an account is a person, and that which fields it has.
    pub(super) fn account(&mut self, new: &mut Proposal<'_>) -> Result<(), SaveError> {
        if new.object.field("IsPersonAccount").is_none() {
            return Ok(());
        }
        let was = new.old("IsPersonAccount") == Some("true");
        let is = match new.get("RecordTypeId") {
            Some(record_type) => self.is_person_type(record_type),
            None => false,
        };
        if !new.is_new() && was != is {
            return self.switch(new, is);
        }
        let wrong: Vec<&str> = if is {
            // The name that follows from its parts was not the caller's.
            let parts = [new.get("FirstName"), new.get("LastName")];
            let whole: Vec<&str> = parts.into_iter().flatten().collect();
            let own = new.get("Name").is_some_and(|name| name != whole.join(" "));
            if own { vec!["Name"] } else { Vec::new() }
        } else {
            let fields = new.object.fields.iter();
            let own = fields.filter(|field| field.name != "IsPersonAccount");
            own.filter(|field| of_contact(&field.name).is_some() && !shared(&field.name))
                .map(|field| field.name.as_str())
                .collect()
        };
        bad_names(new, &wrong)?;
        if is && new.get("LastName").is_none() {
            return Err(SaveError::missing(&["LastName"]));
        }
        new.set("IsPersonAccount", Some(is.to_string()));
        Ok(())
    }

    /// A person's contact is made with the account and follows it.
    pub(super) fn account_saved(&mut self, object: &Object, record: Record, before: Option<&Row>) {
        if object.field("IsPersonAccount").is_none() {
            return;
        }
        let is = self.value(record, "IsPersonAccount").as_deref() == Some("true");
        let was = before.and_then(|row| value_of(row, object, "IsPersonAccount")) == Some("true");
        if was && !is {
            let contact = before.and_then(|row| value_of(row, object, "PersonContactId"));
            if let Some(contact) = contact.and_then(|contact| self.named(contact)) {
                let plain = [("IsPersonAccount", Some("false".to_owned()))];
                self.adjust(contact, &plain, Stamps::Audit);
            }
            return;
        }
        if !is {
            return;
        }
        let names: Vec<(String, &str)> = object
            .fields
            .iter()
            .filter_map(|field| Some((of_contact(&field.name)?, field.name.as_str())))
            .collect();
        let mut values: Vec<(&str, Option<String>)> = names
            .iter()
            .map(|(contact, account)| (contact.as_str(), self.value(record, account)))
            .collect();
        values.push(("Name", self.value(record, "Name")));
        values.push(("IsPersonAccount", Some("true".to_owned())));
        values.push(("AccountId", Some(self.id_of(record))));
        let contact = self.value(record, "PersonContactId");
        match contact.and_then(|contact| self.named(&contact)) {
            Some(contact) => self.adjust(contact, &values, Stamps::Audit),
            None => {
                if let Some(contact) = self.add("Contact", &values) {
                    let contact = [("PersonContactId", Some(self.id_of(contact)))];
                    self.adjust(record, &contact, Stamps::System);
                }
            }
        }
    }

    /// A person has no contacts but his own, and that one is written through the account.
    pub(super) fn contact(&self, new: &Proposal<'_>) -> Result<(), SaveError> {
        let person =
            |id: Option<&str>| self.value_of(id, "IsPersonAccount").as_deref() == Some("true");
        if new.old("IsPersonAccount") == Some("true") {
            return Err(misuse(
                "The contact of a person account is changed through the account",
            ));
        }
        if new.given_value("AccountId") && person(new.get("AccountId")) {
            return Err(misuse("A person account cannot have contacts"));
        }
        Ok(())
    }

    /// A person's contact goes with the account.
    pub(super) fn not_a_person(&self, contact: Record) -> Result<(), SaveError> {
        if self.value(contact, "IsPersonAccount").as_deref() == Some("true") && !self.caller.by_test
        {
            return Err(misuse(
                "The contact of a person account is deleted with the account",
            ));
        }
        Ok(())
    }

    /// An account becomes a person or ceases to be one: a change of its own.
    fn switch(&mut self, new: &mut Proposal<'_>, is: bool) -> Result<(), SaveError> {
        let others: Vec<&str> = new
            .object
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .filter(|name| *name != "RecordTypeId")
            .collect();
        bad_names(new, &others)?;
        new.set("IsPersonAccount", Some(is.to_string()));
        if !is {
            let name = new.owned("Name");
            new.set("PersonContactId", None);
            for field in [
                "LastName",
                "FirstName",
                "Salutation",
                "MiddleName",
                "Suffix",
            ] {
                new.set(field, None);
            }
            new.set("Name", name);
            return Ok(());
        }
        let contacts = self.referring("Contact", "AccountId", &self.id_of(new.record));
        let [contact] = contacts.as_slice() else {
            return Err(misuse(
                "An account becomes a person account when it has exactly one contact",
            ));
        };
        if new.get("ParentId").is_some() {
            return Err(misuse("A person account has no parent account"));
        }
        for field in &new.object.fields {
            if let Some(source) = of_contact(&field.name).filter(|_| !shared(&field.name)) {
                new.set(&field.name, self.value(*contact, &source));
            }
        }
        new.set("Name", self.value(*contact, "Name"));
        new.set("PersonContactId", Some(self.id_of(*contact)));
        Ok(())
    }

    fn is_person_type(&self, record_type: &str) -> bool {
        self.value_of(Some(record_type), "IsPersonType").as_deref() == Some("true")
    }
}

/// Adds the record type that enabling person accounts makes.
pub(crate) fn add_record_type(schema: &Schema, store: &mut Store, now_ms: i64) {
    let Some((at, object)) = schema.find("RecordType") else {
        return;
    };
    let user = schema.find("User").map(|(_, user)| user.mint.id(0));
    let user = user.unwrap_or_default();
    let stamp = crate::clock::utc_datetime(now_ms.div_euclid(1_000) * 1_000);
    let id = object.mint.id(store.next_slot(at));
    let mut writer = RowWriter::default();
    for field in &object.fields {
        let value = match field.name.as_str() {
            "Id" => std::str::from_utf8(&id).ok(),
            "Name" => Some("Person Account"),
            "DeveloperName" => Some(RECORD_TYPE),
            "SobjectType" => Some("Account"),
            "IsActive" | "IsPersonType" => Some("true"),
            "CreatedById" | "LastModifiedById" => std::str::from_utf8(&user).ok(),
            "CreatedDate" | "LastModifiedDate" | "SystemModstamp" => Some(stamp.as_str()),
            _ => None,
        };
        writer.cell(value.map(str::as_bytes));
    }
    store.insert(at, writer.finish(), Visible::Now, now_ms);
}

/// The contact's field that an account's field shows.
fn of_contact(field: &str) -> Option<String> {
    match field {
        "PersonContactId" | "IsPersonAccount" => None,
        "LastName" | "FirstName" | "Salutation" | "MiddleName" | "Suffix" => Some(field.to_owned()),
        _ if shared(field) => Some(field.to_owned()),
        _ => match (field.strip_prefix("Person"), field.strip_suffix("__pc")) {
            (Some(name), _) => Some(name.to_owned()),
            (_, Some(stem)) => Some(format!("{stem}__c")),
            _ => None,
        },
    }
}

/// Fields that businesses and persons both have.
fn shared(field: &str) -> bool {
    matches!(field, "Phone" | "Fax" | "OwnerId")
}

fn bad_names(new: &Proposal<'_>, names: &[&str]) -> Result<(), SaveError> {
    let given: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| new.given(name))
        .collect();
    if given.is_empty() {
        return Ok(());
    }
    let message = format!(
        "Account: bad field names on insert/update call: {}",
        given.join(", ")
    );
    Err(SaveError::of_all(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        message,
        &given,
    ))
}

fn misuse(why: &str) -> SaveError {
    SaveError::new("INVALID_PERSON_ACCOUNT_OPERATION", why)
}
