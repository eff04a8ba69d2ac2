//! Saving records, up to 200 in one call (REST guide, sObject Collections).

use holdfast_model::{ErrorCode, Failure, ObjectName, SalesforceId};
use reqwest::Method;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::answer::CallError;
use crate::call::Call;
use crate::client::Client;
use crate::refusal::{Refusal, cut};
use crate::rows::damaged;

/// Records that one call saves.
pub const RECORDS_PER_CALL: usize = 200;

/// How often the records of one call are parted; two bad ones among 200 are found with fewer. What is left then counts as refused
/// together.
const SPLITS_MAX: u32 = 16;

/// Alerts of duplicate rules do not stop a save; blocks do (REST guide, Duplicate Rule Header).
const ALLOW_ALERTS: (&str, &str) = ("sforce-duplicate-rule-header", "allowSave=true");

/// A record to be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its Id; nothing for one that is to be made.
    pub id: Option<SalesforceId>,
    /// Values by field.
    pub fields: Vec<(String, Value)>,
}

/// The value of a field in the form that its type wants in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A checkbox.
    Truth(bool),
    /// A number, digit by digit.
    Number(String),
    /// Everything else.
    Text(String),
}

impl Value {
    /// From stored text and the type of its field, as a describe calls it. A text that is no value of the type is sent as it
    /// is: Salesforce then says what it is missing.
    pub fn of(field_type: &str, text: Option<&str>) -> Self {
        let Some(text) = text else {
            return Self::Null;
        };
        let is_number = || serde_json::from_str::<serde_json::Number>(text).is_ok();
        match field_type {
            "boolean" if text == "true" => Self::Truth(true),
            "boolean" if text == "false" => Self::Truth(false),
            "int" | "long" | "double" | "currency" | "percent" if is_number() => {
                Self::Number(text.to_owned())
            }
            _ => Self::Text(text.to_owned()),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Truth(truth) => serializer.serialize_bool(*truth),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(digits) => RawValue::from_string(digits.clone())
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
        }
    }
}

/// What became of a record: its Id, or why it was not saved.
pub type Saved = Result<SalesforceId, SaveError>;

/// Why a record was not saved, in Salesforce's words. The message may repeat values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveError {
    /// E.g. `REQUIRED_FIELD_MISSING`.
    pub code: String,
    /// One line.
    pub message: String,
    /// Fields at fault, if Salesforce names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Outcome {
    #[serde(default)]
    id: Option<String>,
    success: bool,
    #[serde(default)]
    errors: Vec<OutcomeError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutcomeError {
    status_code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    fields: Vec<String>,
}

impl Client {
    /// Makes records of one object; an outcome for each, in their order. Assignment rules leave them alone. Not repeated when
    /// Salesforce may have acted: then some may be there.
    ///
    /// # Errors
    /// Those of a call; `DAMAGED_ANSWER` when there is not one outcome for each.
    pub async fn insert(
        &self,
        object: &ObjectName,
        drafts: &[Draft],
    ) -> Result<Vec<Saved>, Failure> {
        self.save(Method::POST, object, drafts).await
    }

    /// Changes records of one object, as [`insert`](Self::insert) makes them. Twice is as good as once.
    pub async fn update(
        &self,
        object: &ObjectName,
        drafts: &[Draft],
    ) -> Result<Vec<Saved>, Failure> {
        self.save(Method::PATCH, object, drafts).await
    }

    /// Puts records of one object into the Recycle Bin. Twice is as good as once: the second outcome says that it is there.
    pub async fn delete(&self, ids: &[SalesforceId]) -> Result<Vec<Saved>, Failure> {
        let list: Vec<_> = ids.iter().map(SalesforceId::to_string).collect();
        let call = Call::delete(self.path("composite/sobjects"))
            .query("ids", list.join(","))
            .query("allOrNone", "false");
        outcomes(ids.len(), self.json(&call).await?)
    }

    /// A call that is refused as a whole, for the form of one value, is sent again in parts, until that record is found.
    async fn save(
        &self,
        method: Method,
        object: &ObjectName,
        drafts: &[Draft],
    ) -> Result<Vec<Saved>, Failure> {
        let (mut saved, mut left, mut splits) = (Vec::new(), vec![drafts], 0);
        while let Some(some) = left.pop() {
            match self.save_once(method.clone(), object, some).await {
                Ok(outcomes) => saved.extend(outcomes),
                Err(CallError::Refused(refusal)) if refusal.is_about_form() => {
                    if some.len() > 1 && splits < SPLITS_MAX {
                        let (front, back) = some.split_at(some.len() / 2);
                        left.extend([back, front]);
                        splits += 1;
                    } else {
                        saved.extend(some.iter().map(|_| Err(refused(&refusal))));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(saved)
    }

    async fn save_once(
        &self,
        method: Method,
        object: &ObjectName,
        drafts: &[Draft],
    ) -> Result<Vec<Saved>, CallError> {
        let records = drafts.iter().map(|draft| Record { object, draft });
        let body = Collection {
            all_or_none: false,
            records: records.collect(),
        };
        let json = serde_json::to_string(&body)
            .map_err(|_| Failure::new(ErrorCode::Internal, "a record has no JSON"))?;
        let call = Call::save(method, self.path("composite/sobjects"), json)
            .header(ALLOW_ALERTS.0, ALLOW_ALERTS.1);
        Ok(outcomes(drafts.len(), self.json(&call).await?)?)
    }
}

/// A record whose call was refused.
fn refused(refusal: &Refusal) -> SaveError {
    SaveError {
        code: cut(refusal.code()),
        message: refusal.text(),
        fields: Vec::new(),
    }
}

/// One outcome for each record, or none can be told whose it is.
pub(crate) fn outcomes(records: usize, outcomes: Vec<Outcome>) -> Result<Vec<Saved>, Failure> {
    if outcomes.len() != records {
        return Err(damaged(
            "a save answers about other records than it was sent",
        ));
    }
    outcomes.into_iter().map(saved).collect()
}

fn saved(outcome: Outcome) -> Result<Saved, Failure> {
    if outcome.success {
        let id = outcome.id.unwrap_or_default();
        return Ok(Ok(SalesforceId::parse(id.as_bytes())?));
    }
    let first = outcome.errors.into_iter().next();
    let first = first.ok_or_else(|| damaged("a record was not saved, without a reason"))?;
    Ok(Err(SaveError {
        code: cut(&first.status_code),
        message: cut(&first.message),
        fields: first.fields,
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Collection<'a> {
    all_or_none: bool,
    records: Vec<Record<'a>>,
}

struct Record<'a> {
    object: &'a ObjectName,
    draft: &'a Draft,
}

#[derive(Serialize)]
struct Attributes<'a> {
    #[serde(rename = "type")]
    object: &'a str,
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut record = serializer.serialize_map(None)?;
        let attributes = Attributes {
            object: self.object.as_str(),
        };
        record.serialize_entry("attributes", &attributes)?;
        if let Some(id) = &self.draft.id {
            record.serialize_entry("id", &id.to_string())?;
        }
        for (field, value) in &self.draft.fields {
            record.serialize_entry(field, value)?;
        }
        record.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_every_digit_and_have_the_form_of_their_type() {
        let json = |field_type, text| serde_json::to_string(&Value::of(field_type, text)).unwrap();
        assert_eq!(
            json("currency", Some("123456789012345678.10")),
            "123456789012345678.10"
        );
        assert_eq!(json("double", Some("1.0E7")), "1.0E7");
        assert_eq!(json("int", Some("-3")), "-3");
        assert_eq!(json("boolean", Some("true")), "true");
        assert_eq!(json("string", Some("true \"x\"")), r#""true \"x\"""#);
        assert_eq!(json("date", None), "null");
        // Not of its type: Salesforce answers to that, and nothing else gets into the text.
        assert_eq!(json("int", Some("1,\"a\":2")), r#""1,\"a\":2""#);
        assert_eq!(json("boolean", Some("TRUE")), r#""TRUE""#);
    }

    #[test]
    fn an_answer_about_other_records_is_damaged() {
        let read = |json: &str| outcomes(1, serde_json::from_str(json).unwrap());
        let saved = read(r#"[{"id":"001D000000K0fXOIAZ","success":true,"errors":[]}]"#).unwrap();
        assert_eq!(saved[0].as_ref().unwrap().to_string(), "001D000000K0fXOIAZ");
        let refused = read(
            r#"[{"success":false,"errors":[{"statusCode":"STRING_TOO_LONG","message":"Name: too long","fields":["Name"]}]}]"#,
        );
        let error = refused.unwrap()[0].clone().unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.fields),
            ("STRING_TOO_LONG", vec!["Name".to_owned()])
        );
        for damage in ["[]", r#"[{"success":false}]"#, r#"[{"success":true}]"#] {
            assert!(read(damage).is_err(), "{damage}");
        }
    }
}
