//! A lead becomes an account, a contact and an opportunity.
//!
//! Source: SOAP API Developer Guide, `convertLead()`; the fields that move are those of the default mapping.

use axum::response::Response;
use serde_json::{Map, Value, json, value::to_raw_value};

use super::{
    recycle::locate,
    write::{check_size, write_error},
};
use crate::{
    api::write::saving,
    clock::utc_datetime,
    org::Org,
    save::{Save, SaveError, Values},
    soap::{Call, Element, Fault},
    store::{
        Changes, audit,
        row::{Row, text},
    },
};

/// How long an opportunity from a lead stays open: to the end of the quarter on the platform.
const QUARTER_DAYS: i64 = 90;
const DAY_MS: i64 = 86_400_000;

/// Fields of the lead by fields of the account.
const TO_ACCOUNT: [(&str, &str); 10] = [
    ("Name", "Company"),
    ("Phone", "Phone"),
    ("Website", "Website"),
    ("Industry", "Industry"),
    ("AnnualRevenue", "AnnualRevenue"),
    ("NumberOfEmployees", "NumberOfEmployees"),
    ("BillingStreet", "Street"),
    ("BillingCity", "City"),
    ("BillingPostalCode", "PostalCode"),
    ("BillingCountry", "Country"),
];

/// Fields of the lead by fields of the contact.
const TO_CONTACT: [(&str, &str); 11] = [
    ("FirstName", "FirstName"),
    ("LastName", "LastName"),
    ("Salutation", "Salutation"),
    ("Title", "Title"),
    ("Email", "Email"),
    ("Phone", "Phone"),
    ("MobilePhone", "MobilePhone"),
    ("LeadSource", "LeadSource"),
    ("MailingStreet", "Street"),
    ("MailingCity", "City"),
    ("MailingCountry", "Country"),
];

struct Converted {
    lead: String,
    account: String,
    contact: String,
    opportunity: Option<String>,
}

/// `convertLead`
pub(super) fn convert(org: &Org, call: &Call) -> Result<Response, Fault> {
    let requests: Vec<&Element> = call.operation.all("leadConverts").collect();
    check_size(requests.len())?;
    let results: Vec<Result<Converted, SaveError>> = saving(org, &call.caller, |save| {
        let one = |request: &&Element| {
            save.store.begin();
            let done = convert_one(save, request);
            if done.is_ok() {
                save.store.keep();
            } else {
                save.store.roll_back();
            }
            done
        };
        requests.iter().map(one).collect()
    });
    Ok(call.answer(|xml| {
        for result in results {
            xml.within("result", |xml| match result {
                Ok(done) => {
                    xml.leaf("accountId", &done.account);
                    xml.leaf("contactId", &done.contact);
                    xml.leaf("leadId", &done.lead);
                    xml.maybe("opportunityId", done.opportunity.as_deref());
                    xml.plain("success", true);
                }
                Err(error) => {
                    xml.nil("accountId");
                    xml.nil("contactId");
                    write_error(xml, error.fields, &error.message, error.code);
                    xml.nil("leadId");
                    xml.nil("opportunityId");
                    xml.plain("success", false);
                }
            });
        }
    }))
}

fn convert_one(save: &mut Save<'_>, request: &Element) -> Result<Converted, SaveError> {
    let given = |name: &str| request.value(name).filter(|value| !value.is_empty());
    let lead = locate(save, given("leadId").unwrap_or_default())?;
    let declared = save.schema.object(lead.0).ok_or_else(SaveError::unknown)?;
    if declared.name != "Lead" {
        return Err(SaveError::new(
            "INVALID_ID_FIELD",
            "Lead ID: id value of incorrect type",
        ));
    }
    let row = save.live(lead)?;
    let of_lead = |row: &Row, name: &str| {
        let (number, _) = declared.field(name)?;
        text(row, number).map(str::to_owned)
    };
    if of_lead(&row, "IsConverted").as_deref() == Some("true") {
        let message = "cannot reference converted lead";
        return Err(SaveError::new("CANNOT_UPDATE_CONVERTED_LEAD", message));
    }
    let Some(status) = given("convertedStatus") else {
        let message = "convertedStatus is required";
        return Err(SaveError::new("INVALID_STATUS", message));
    };
    let owner = given("ownerId")
        .map(str::to_owned)
        .or_else(|| of_lead(&row, "OwnerId"));
    let mapped = |pairs: &[(&str, &str)]| -> Map<String, Value> {
        let values = pairs
            .iter()
            .filter_map(|(to, from)| Some(((*to).to_owned(), json!(of_lead(&row, from)?))));
        values.collect()
    };
    let user_owner = owner.filter(|owner| owner.starts_with("005"));
    let assigned = |mut values: Map<String, Value>| {
        if let Some(owner) = &user_owner {
            values.insert("OwnerId".to_owned(), json!(owner));
        }
        values
    };
    let account = match given("accountId") {
        Some(id) => id_of(save, id)?,
        None => create(save, "Account", assigned(mapped(&TO_ACCOUNT)))?,
    };
    let contact = if let Some(id) = given("contactId") {
        id_of(save, id)?
    } else {
        let mut values = assigned(mapped(&TO_CONTACT));
        values.insert("AccountId".to_owned(), json!(account));
        create(save, "Contact", values)?
    };
    let opportunity = if request.flag("doNotCreateOpportunity") {
        None
    } else {
        let name = given("opportunityName").map(str::to_owned);
        let name = name.or_else(|| of_lead(&row, "Company"));
        let closes = utc_datetime(save.now_ms + QUARTER_DAYS * DAY_MS);
        let stage = save
            .schema
            .find("Opportunity")
            .and_then(|(_, object)| object.field("StageName")?.1.values.first().cloned());
        let values = json!({
            "Name": name,
            "AccountId": account,
            "StageName": stage.unwrap_or_else(|| "Prospecting".to_owned()),
            "CloseDate": closes.get(..10),
        });
        let Value::Object(values) = values else {
            return Err(SaveError::unknown());
        };
        Some(create(save, "Opportunity", assigned(values))?)
    };
    let mut changes = audit(declared, save.stamp_ms, &save.caller.user);
    let today = utc_datetime(save.now_ms);
    for (name, value) in [
        ("Status", Some(status)),
        ("IsConverted", Some("true")),
        ("ConvertedDate", today.get(..10)),
        ("ConvertedAccountId", Some(account.as_str())),
        ("ConvertedContactId", Some(contact.as_str())),
        ("ConvertedOpportunityId", opportunity.as_deref()),
    ] {
        if let Some((number, _)) = declared.field(name) {
            changes.insert(number, value.map(str::to_owned));
        }
    }
    write(save, lead, &changes);
    Ok(Converted {
        lead: String::from_utf8_lossy(&declared.mint.id(lead.1)).into_owned(),
        account,
        contact,
        opportunity,
    })
}

fn write(save: &mut Save<'_>, record: (usize, usize), changes: &Changes) {
    save.store
        .change(record, changes, save.visible, save.now_ms);
}

/// The long Id of a live record.
fn id_of(save: &Save<'_>, given: &str) -> Result<String, SaveError> {
    let record = locate(save, given)?;
    let row = save.live(record)?;
    Ok(text(&row, 0).unwrap_or_default().to_owned())
}

fn create(
    save: &mut Save<'_>,
    object: &str,
    values: Map<String, Value>,
) -> Result<String, SaveError> {
    let (at, declared) = save.schema.find(object).ok_or_else(SaveError::unknown)?;
    let values: Values = values
        .into_iter()
        .filter(|(name, _)| declared.field(name).is_some())
        .filter_map(|(name, value)| Some((name, to_raw_value(&value).ok()?)))
        .collect();
    let slot = save.create(at, &values)?;
    Ok(String::from_utf8_lossy(&declared.mint.id(slot)).into_owned())
}
