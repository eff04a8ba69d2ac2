//! Recorded paths and bodies as those of a call to our org.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{
    replay::{Made, Replay, answer_of, below, encode, no_stand_in},
    soql,
    world::Call,
};

impl Replay<'_> {
    /// Path below the version, with its query, and body.
    pub(crate) async fn resource(
        &mut self,
        root: &str,
        parts: &[&str],
        query: &str,
    ) -> Made<(String, Option<Value>)> {
        let recorded = answer_of(self.exchange);
        let user = self.world.user.clone();
        let body = self.exchange.body.as_ref().and_then(|text| {
            serde_json::from_str::<Value>(
                &text
                    .replace("__USER_ID__IAK", &user)
                    .replace("__USER_ID__", &user),
            )
            .ok()
        });
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let q = pairs
            .iter()
            .find(|(name, _)| name == "q")
            .map(|(_, q)| q.clone());
        match (parts, q) {
            (["query" | "queryAll"], Some(q)) => {
                let records = recorded["records"].as_array().cloned().unwrap_or_default();
                let keep = self.keeps_names();
                let q = soql::translate(self.world, &mut self.names, &q, &records, keep)
                    .await
                    .ok_or_else(no_stand_in)?;
                Ok((format!("/{}?{}", parts[0], encode(&[("q", &q)])), None))
            }
            ([kind @ ("query" | "queryAll"), _], _) => Ok((
                format!("/{kind}/{}", self.locator(root, &recorded).await?),
                None,
            )),
            (["sobjects", rest @ ..], _) if !rest.is_empty() => {
                self.sobjects(rest, &pairs, query, body).await
            }
            (["composite", rest @ ..], _) => self.composite(root, rest, &pairs, body).await,
            (["jobs", kind, _, rest @ ..], _) => self.own_job(root, kind, rest).await,
            _ => {
                let tail = if query.is_empty() {
                    String::new()
                } else {
                    format!("?{query}")
                };
                let path: String = below(parts);
                Ok((format!("{path}{tail}"), body))
            }
        }
    }

    /// What lies below `/sobjects`.
    async fn sobjects(
        &mut self,
        parts: &[&str],
        pairs: &[(String, String)],
        query: &str,
        body: Option<Value>,
    ) -> Made<(String, Option<Value>)> {
        let recorded = answer_of(self.exchange);
        let method = self.exchange.method.as_str();
        match parts {
            [object, "describe"] => {
                let object = self
                    .names
                    .object(self.world, object, false)
                    .await
                    .ok_or_else(no_stand_in)?;
                Ok((format!("/sobjects/{object}/describe"), None))
            }
            [object, kind @ ("updated" | "deleted")] => {
                let object = self
                    .names
                    .object(self.world, object, false)
                    .await
                    .ok_or_else(no_stand_in)?;
                if recorded["deletedRecords"]
                    .as_array()
                    .is_some_and(|list| !list.is_empty())
                {
                    self.world.deleted(&object).await.ok_or_else(no_stand_in)?;
                }
                let window = encode(&[
                    ("start", "2026-10-03T00:00:00+00:00"),
                    ("end", "2026-10-05T00:05:00+00:00"),
                ]);
                Ok((format!("/sobjects/{object}/{kind}?{window}"), None))
            }
            [object] if method == "POST" => {
                let mut record = body.unwrap_or_else(|| json!({}));
                let object = self.object(object).await?;
                record = self.record(&object, &record, 0).await?;
                if self.expects("REQUIRED_FIELD_MISSING") && object == "Account" {
                    record = json!({});
                }
                if self.exchange.status < 400 {
                    record = self.world.filled(&object, &record).await;
                }
                Ok((format!("/sobjects/{object}"), Some(record)))
            }
            [object] => Ok((format!("/sobjects/{}", self.object(object).await?), None)),
            [object, id] => {
                self.rows = method == "GET";
                let object = self.object(object).await?;
                let id = self.row_id(&object, id, 0).await?;
                let body = match body {
                    Some(body) if method == "PATCH" => Some(self.record(&object, &body, 0).await?),
                    // The recorder kept none.
                    None if method == "PATCH" => Some(json!({})),
                    other => other,
                };
                let tail = self.fields(&object, pairs).await?;
                Ok((format!("/sobjects/{object}/{id}{tail}"), body))
            }
            [object, key, value] => {
                self.rows = method == "GET";
                let object = self.object(object).await?;
                self.by_key(&object, key, value, body, query).await
            }
            other => Ok((format!("/sobjects{}", below(other)), body)),
        }
    }

    /// `/sobjects/X/field/value`
    async fn by_key(
        &mut self,
        object: &str,
        key: &str,
        value: &str,
        body: Option<Value>,
        query: &str,
    ) -> Made<(String, Option<Value>)> {
        let described = self.world.object(object).await.ok_or_else(no_stand_in)?;
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let tail = match self.fields(object, &pairs).await? {
            tail if tail.is_empty() && !query.is_empty() => format!("?{query}"),
            tail => tail,
        };
        let record = match body {
            Some(body) => Some(self.record(object, &body, 0).await?),
            None => None,
        };
        if key.eq_ignore_ascii_case("Id") {
            let id = self.row_id(object, value, 0).await?;
            return Ok((format!("/sobjects/{object}/{key}/{id}{tail}"), record));
        }
        let ours = described
            .field(key)
            .or_else(|| described.fields.iter().find(|f| f["externalId"] == true));
        let ours = ours
            .and_then(|f| f["name"].as_str())
            .ok_or_else(no_stand_in)?
            .to_owned();
        let mut value = if ours.eq_ignore_ascii_case(key) {
            value.to_owned()
        } else {
            self.world.fresh()
        };
        // Anything but a creation finds the record there.
        if self.exchange.status < 400 && self.exchange.status != 201 {
            value = self.world.fresh();
            let existing = self
                .world
                .filled(object, &json!({ours.clone(): value}))
                .await;
            self.world
                .create(object, &existing)
                .await
                .ok_or_else(no_stand_in)?;
        }
        let record = match record {
            Some(record) if self.exchange.status == 201 => {
                let mut record = self.world.filled(object, &record).await;
                if let Some(map) = record.as_object_mut() {
                    map.retain(|name, _| !name.eq_ignore_ascii_case(&ours));
                }
                Some(record)
            }
            other => other,
        };
        let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        Ok((format!("/sobjects/{object}/{ours}/{value}{tail}"), record))
    }

    /// `?fields=` in our names.
    async fn fields(&mut self, object: &str, pairs: &[(String, String)]) -> Made<String> {
        let Some((_, fields)) = pairs.iter().find(|(name, _)| name == "fields") else {
            return Ok(String::new());
        };
        let described = self.world.object(object).await.ok_or_else(no_stand_in)?;
        let recorded = answer_of(self.exchange);
        let mut taken = HashSet::new();
        let ours = fields.split(',').filter_map(|name| {
            self.names.field(
                &described,
                name.trim(),
                recorded.get(name.trim()),
                &mut taken,
                false,
            )
        });
        let ours: Vec<String> = ours.collect();
        Ok(format!("?{}", encode(&[("fields", &ours.join(","))])))
    }

    /// A locator of ours whose page ends as the recorded one did.
    async fn locator(&mut self, root: &str, recorded: &Value) -> Made<String> {
        let record = &recorded["records"][0];
        let object = record["attributes"]["type"]
            .as_str()
            .unwrap_or("Account")
            .to_owned();
        let object = self.object(&object).await?;
        let fields: Vec<String> = record
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone())
            .filter(|key| key != "attributes")
            .collect();
        let soql = format!(
            "SELECT {} FROM {object}",
            if fields.is_empty() {
                "Id".to_owned()
            } else {
                fields.join(", ")
            }
        );
        let records = recorded["records"].as_array().cloned().unwrap_or_default();
        let soql = soql::translate(self.world, &mut self.names, &soql, &records, false)
            .await
            .ok_or_else(no_stand_in)?;
        let last = recorded["done"] == true;
        let limit = if last { 300 } else { 500 };
        let mut call = Call::new(
            "GET",
            format!(
                "{root}/query?{}",
                encode(&[("q", &format!("{soql} LIMIT {limit}"))])
            ),
        );
        call.headers.push((
            "Sforce-Query-Options".to_owned(),
            "batchSize=200".to_owned(),
        ));
        let page = self.world.send(&call).await.json();
        let next = page["nextRecordsUrl"]
            .as_str()
            .ok_or_else(|| format!("no second page of {object}"))?;
        Ok(next.rsplit('/').next().unwrap_or_default().to_owned())
    }
}
