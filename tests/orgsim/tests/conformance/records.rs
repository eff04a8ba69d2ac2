//! Recorded records as records of our org, and the Ids that bring about the recorded outcome.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{
    names::is_id,
    replay::{Made, Replay, answer_of, no_stand_in},
    verdict::errors,
};

impl Replay<'_> {
    pub(crate) async fn object(&mut self, name: &str) -> Made<String> {
        // What needs a required field is refused by an object that has one.
        if self.expects("REQUIRED_FIELD_MISSING") && self.world.object(name).await.is_none() {
            return Ok("Account".to_owned());
        }
        let keep = self.keeps_names() && !name.ends_with("__c")
            || self
                .expected
                .iter()
                .any(|(_, text)| text == "The requested resource does not exist")
                && self.exchange.method == "POST";
        self.names
            .object(self.world, name, keep)
            .await
            .ok_or_else(no_stand_in)
    }

    /// The code that result number `at` of the recorded answer carries, if it is an error.
    pub(crate) fn code_at(&self, at: usize) -> Option<String> {
        let recorded = answer_of(self.exchange);
        let result = recorded.as_array()?.get(at)?.clone();
        errors(&result).first().map(|(code, _)| code.clone())
    }

    /// The Id that makes our org answer as the recorded one did.
    pub(crate) async fn row_id(&mut self, object: &str, id: &str, at: usize) -> Made<String> {
        let code = if self.exchange.status >= 400 {
            self.expected.first().map(|(code, _)| code.clone())
        } else {
            self.code_at(at)
        };
        let ours = match code.as_deref() {
            Some("ENTITY_IS_DELETED") => self.world.deleted(object).await,
            Some("NOT_FOUND") if !is_id(id) => return Ok(id.to_owned()),
            Some("NOT_FOUND" | "INVALID_CROSS_REFERENCE_KEY") => self.world.missing(object).await,
            Some("MALFORMED_ID" | "MALFORMED_QUERY") => return Ok(id.to_owned()),
            Some("CANNOT_UPDATE_CONVERTED_LEAD") => {
                let found = self
                    .world
                    .query("SELECT Id FROM Lead WHERE IsConverted = true LIMIT 1")
                    .await
                    .json();
                found["records"][0]["Id"].as_str().map(ToOwned::to_owned)
            }
            _ if !is_id(id) => return Ok(id.to_owned()),
            // A record that nothing else refers to.
            None if self.exchange.method == "DELETE" => {
                let record = self.world.filled(object, &json!({})).await;
                self.world.create(object, &record).await
            }
            _ => {
                return self
                    .names
                    .id(self.world, id, Some(object))
                    .await
                    .ok_or_else(no_stand_in);
            }
        };
        ours.ok_or_else(no_stand_in)
    }

    /// A recorded record in our fields.
    pub(crate) async fn record(&mut self, object: &str, record: &Value, at: usize) -> Made<Value> {
        let described = self.world.object(object).await;
        let refused: HashSet<String> = answer_of(self.exchange)
            .to_string()
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .map(str::to_lowercase)
            .collect();
        let wants_bad_pick = self.expects("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
        let mut ours = Map::new();
        let mut taken: HashSet<String> = HashSet::new();
        for (key, value) in record.as_object().into_iter().flatten() {
            if key == "attributes" {
                let mut attributes = value.clone();
                attributes["type"] = json!(object);
                ours.insert(key.clone(), attributes);
                continue;
            }
            if key.eq_ignore_ascii_case("Id") {
                let id = value.as_str().unwrap_or_default();
                let id = self.row_id(object, id, at).await?;
                ours.insert(key.clone(), json!(id));
                continue;
            }
            let Some(described) = &described else {
                ours.insert(key.clone(), value.clone());
                continue;
            };
            if value.is_object() {
                ours.insert(key.clone(), value.clone());
                continue;
            }
            if self.expects("INVALID_FIELD") && refused.contains(&key.to_lowercase()) {
                ours.insert(key.clone(), value.clone());
                continue;
            }
            let name = if wants_bad_pick && refused.contains(&key.to_lowercase()) {
                described
                    .fields
                    .iter()
                    .find(|f| f["restrictedPicklist"] == true)
                    .and_then(|f| f["name"].as_str().map(ToOwned::to_owned))
            } else {
                self.names
                    .field(described, key, Some(value), &mut taken, true)
            };
            let Some(name) = name else { continue };
            let field = described.field(&name).cloned().unwrap_or_default();
            if field["updateable"] != true && field["createable"] != true {
                continue;
            }
            let value = match value.as_str() {
                Some(id) if field["type"] == "reference" && is_id(id) => {
                    let target = field["referenceTo"][0].as_str().map(ToOwned::to_owned);
                    let refused = self.expects("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY");
                    let target = target.ok_or_else(no_stand_in)?;
                    let ours = if refused {
                        self.world.missing(&target).await
                    } else {
                        self.names.id(self.world, id, Some(&target)).await
                    };
                    json!(ours.ok_or_else(no_stand_in)?)
                }
                _ => value.clone(),
            };
            ours.insert(name, value);
        }
        Ok(Value::Object(ours))
    }
}
