//! A seeded org that recorded calls are replayed against, and the records of it that stand in for
//! recorded ones.

use std::collections::{BTreeMap, HashMap};

use holdfast_orgsim::{Config, Running, start};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::body;

/// What the org's clock says at the start, so that the report does not depend on the day.
pub(crate) const NOW: &str = "2026-10-05T00:00:00Z";

/// An answer of our org.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The body, whatever it is written in.
    pub(crate) fn body(&self) -> Value {
        body::read(&self.text, self.headers.get("content-type"))
    }
}

/// A call to our org.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) body: Option<String>,
    pub(crate) content_type: Option<String>,
    /// Nothing for the session of the integration user.
    pub(crate) token: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Call {
    pub(crate) fn new(method: &str, target: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            target: target.into(),
            ..Self::default()
        }
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string());
        self.content_type = Some("application/json".to_owned());
        self
    }
}

/// An object as its describe tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    pub(crate) name: String,
    pub(crate) fields: Vec<Value>,
    /// Child object by the name of the relationship, in lower case.
    pub(crate) children: HashMap<String, String>,
}

impl Object {
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|field| {
            field["name"]
                .as_str()
                .is_some_and(|n| n.eq_ignore_ascii_case(name))
        })
    }

    /// The field whose relationship has this name.
    pub(crate) fn parent(&self, relation: &str) -> Option<&Value> {
        self.fields.iter().find(|field| {
            field["relationshipName"]
                .as_str()
                .is_some_and(|n| n.eq_ignore_ascii_case(relation))
        })
    }
}

/// The org and what of it is taken.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) org: Running,
    pub(crate) token: String,
    /// The user who is logged in.
    pub(crate) user: String,
    http: Client,
    objects: HashMap<String, Option<Object>>,
    prefixes: HashMap<String, String>,
    pools: HashMap<String, Vec<String>>,
    made: usize,
}

impl World {
    pub(crate) async fn start() -> Self {
        let config = Config {
            records: 6_000,
            now: NOW.parse().ok(),
            // Enough for several pages of any object that recordings page through.
            objects: [("Account".to_owned(), 700), ("Project__c".to_owned(), 700)].into(),
            ..Config::default()
        };
        let org = start(config).await.expect("an org");
        let mut world = Self {
            org,
            token: String::new(),
            user: String::new(),
            http: Client::new(),
            objects: HashMap::new(),
            prefixes: HashMap::new(),
            pools: HashMap::new(),
            made: 0,
        };
        let mut login = Call::new("POST", "/services/oauth2/token");
        login.body = Some(
            "grant_type=client_credentials&client_id=holdfast-demo&client_secret=demo-secret"
                .to_owned(),
        );
        login.content_type = Some("application/x-www-form-urlencoded".to_owned());
        let session = world.send(&login).await.json();
        session["access_token"]
            .as_str()
            .expect("a session")
            .clone_into(&mut world.token);
        let state = world.get("/__sim/state").await.json();
        state["user_id"]
            .as_str()
            .expect("a user")
            .clone_into(&mut world.user);
        let global = world.get("/services/data/v60.0/sobjects").await.json();
        for object in global["sobjects"].as_array().expect("a list of objects") {
            let name = object["name"].as_str().unwrap_or_default().to_owned();
            if let Some(prefix) = object["keyPrefix"].as_str() {
                world.prefixes.entry(prefix.to_owned()).or_insert(name);
            }
        }
        world
    }

    pub(crate) async fn send(&self, call: &Call) -> Answer {
        let method = Method::from_bytes(call.method.as_bytes()).expect("a method");
        let mut request = self
            .http
            .request(method, format!("{}{}", self.org.url(), call.target));
        if !call.target.starts_with("/services/oauth2/token") {
            request = request.bearer_auth(call.token.as_ref().unwrap_or(&self.token));
        }
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(kind) = &call.content_type {
            request = request.header("Content-Type", kind);
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let response = request.send().await.expect("an answer");
        Answer {
            status: response.status().as_u16(),
            headers: response
                .headers()
                .iter()
                .filter_map(|(name, value)| {
                    Some((name.to_string(), value.to_str().ok()?.to_owned()))
                })
                .collect(),
            text: response.text().await.expect("a body"),
        }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(&Call::new("GET", target)).await
    }

    pub(crate) async fn query(&self, soql: &str) -> Answer {
        let q = form_urlencoded::Serializer::new(String::new())
            .append_pair("q", soql)
            .finish();
        self.get(&format!("/services/data/v60.0/query?{q}")).await
    }

    /// The object of that name, if our org has it.
    pub(crate) async fn object(&mut self, name: &str) -> Option<Object> {
        let key = name.to_lowercase();
        if let Some(known) = self.objects.get(&key) {
            return known.clone();
        }
        let answer = self
            .get(&format!("/services/data/v60.0/sobjects/{name}/describe"))
            .await;
        let object = (answer.status == 200).then(|| {
            let body = answer.json();
            let children = body["childRelationships"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            Object {
                name: body["name"].as_str().unwrap_or_default().to_owned(),
                fields: body["fields"].as_array().cloned().unwrap_or_default(),
                children: children
                    .iter()
                    .filter_map(|child| {
                        let relation = child["relationshipName"].as_str()?.to_lowercase();
                        Some((relation, child["childSObject"].as_str()?.to_owned()))
                    })
                    .collect(),
            }
        });
        self.objects.insert(key, object.clone());
        object
    }

    /// The object that Ids like this one belong to.
    pub(crate) fn object_of_id(&self, id: &str) -> Option<&str> {
        self.prefixes.get(id.get(..3)?).map(String::as_str)
    }

    /// The Id of a record that no other recorded Id stands for.
    pub(crate) async fn live(&mut self, object: &str) -> Option<String> {
        if !self.pools.contains_key(object) {
            // Older versions of a file cannot be changed.
            let filter = if object == "ContentVersion" {
                "WHERE IsLatest = true"
            } else {
                ""
            };
            let found = self
                .query(&format!(
                    "SELECT Id FROM {object} {filter} ORDER BY Id DESC LIMIT 200"
                ))
                .await
                .json();
            let ids = found["records"].as_array().cloned().unwrap_or_default();
            let ids = ids
                .iter()
                .filter_map(|r| r["Id"].as_str().map(ToOwned::to_owned))
                .collect();
            self.pools.insert(object.to_owned(), ids);
        }
        if let Some(id) = self.pools.get_mut(object).and_then(Vec::pop) {
            return Some(id);
        }
        let record = self.filled(object, &json!({})).await;
        self.create(object, &record).await
    }

    /// The Id of a new record.
    pub(crate) async fn create(&mut self, object: &str, record: &Value) -> Option<String> {
        let call =
            Call::new("POST", format!("/services/data/v60.0/sobjects/{object}")).json(record);
        self.send(&call).await.json()["id"]
            .as_str()
            .map(ToOwned::to_owned)
    }

    /// The Id of a record in the Recycle Bin.
    pub(crate) async fn deleted(&mut self, object: &str) -> Option<String> {
        let record = self.filled(object, &json!({})).await;
        let id = self.create(object, &record).await?;
        self.send(&Call::new(
            "DELETE",
            format!("/services/data/v60.0/sobjects/{object}/{id}"),
        ))
        .await;
        Some(id)
    }

    /// An Id that was never given away.
    pub(crate) async fn missing(&mut self, object: &str) -> Option<String> {
        let near = self.live(object).await?;
        self.pools.get_mut(object)?.push(near.clone());
        Some(format!("{}zzzzzzzzz", near.get(..6)?))
    }

    /// A text that no record holds yet.
    pub(crate) fn fresh(&mut self) -> String {
        self.made += 1;
        format!("stand-in-{}", self.made)
    }

    /// The record with a value in every field that a new one needs.
    pub(crate) async fn filled(&mut self, object: &str, record: &Value) -> Value {
        let mut record = record.as_object().cloned().unwrap_or_default();
        let Some(described) = self.object(object).await else {
            return Value::Object(record);
        };
        for field in &described.fields {
            let name = field["name"].as_str().unwrap_or_default();
            let needed = field["createable"] == true
                && field["nillable"] == false
                && field["defaultedOnCreate"] == false;
            if !needed || record.keys().any(|key| key.eq_ignore_ascii_case(name)) {
                continue;
            }
            let value = match field["type"].as_str().unwrap_or_default() {
                "reference" => {
                    let target = field["referenceTo"][0]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned();
                    match Box::pin(self.live(&target)).await {
                        Some(id) => json!(id),
                        None => continue,
                    }
                }
                "picklist" | "multipicklist" => field["picklistValues"][0]["value"]
                    .as_str()
                    .map_or_else(|| json!("Standard"), |v| json!(v)),
                "boolean" => json!(false),
                "int" | "double" | "currency" | "percent" => json!(1),
                "date" => json!("2026-01-02"),
                "datetime" => json!("2026-01-02T03:04:05.000+0000"),
                "email" => json!(format!("{}@example.com", self.fresh())),
                _ => json!(self.fresh().chars().rev().take(8).collect::<String>()),
            };
            record.insert(name.to_owned(), value);
        }
        Value::Object(record)
    }
}
