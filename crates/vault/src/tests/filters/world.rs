//! A simulated org, its records sealed, and questions to both.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use holdfast_model::filter::{Calendar, Filter};
use holdfast_model::{
    Failure, FieldSchema, JobId, ObjectName, ObjectSchema, SegmentEntry, Stamp, Transport,
};
use holdfast_orgsim::{Config, Running};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::{Memory, ring};
use crate::{Choice, Fields, Scan, SegmentBuffer};

/// What the org's clock says, with hours of the day left.
const NOW: &str = "2026-11-18T10:00:00Z";

/// Objects that are sealed: those that are asked about, and their parents.
const SEALED: [&str; 19] = [
    "Account",
    "Asset",
    "Campaign",
    "Case",
    "Contact",
    "Contract",
    "Employee__c",
    "Group",
    "Lead",
    "Measurement__c",
    "Opportunity",
    "Order",
    "Product2",
    "Profile",
    "Project__c",
    "Region__c",
    "Solution",
    "Task",
    "User",
];

pub(super) type Row = BTreeMap<String, Option<String>>;

pub(super) struct World {
    org: Running,
    http: reqwest::Client,
    token: String,
    pub(super) schemas: BTreeMap<ObjectName, ObjectSchema>,
    /// Newest state of every record, deleted ones too.
    pub(super) rows: BTreeMap<ObjectName, Vec<Row>>,
    memory: Memory,
    segments: BTreeMap<ObjectName, Vec<SegmentEntry>>,
    captured: Stamp,
}

/// The org counts days in UTC and weeks from Sunday; its fiscal year is the calendar's.
pub(super) fn calendar() -> Calendar {
    let sunday = jiff::civil::Weekday::Sunday;
    Calendar::new(Stamp::parse(NOW).unwrap(), "UTC", sunday, 1).unwrap()
}

impl World {
    pub(super) async fn start(rng: &mut Rng) -> Self {
        let config = Config {
            records: 1_500,
            seed: rng.u64(..),
            now: Some(NOW.parse().unwrap()),
            ..Config::default()
        };
        let org = holdfast_orgsim::start(config).await.unwrap();
        let mut world = Self {
            http: reqwest::Client::new(),
            token: String::new(),
            org,
            schemas: BTreeMap::new(),
            rows: BTreeMap::new(),
            memory: Memory::default(),
            segments: BTreeMap::new(),
            captured: Stamp::parse(NOW).unwrap(),
        };
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "holdfast-demo"),
            ("client_secret", "demo-secret"),
        ];
        let url = format!("{}/services/oauth2/token", world.org.url());
        let answer = world.http.post(url).form(&form).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut world.token);
        for name in SEALED {
            let describe: Value = world.get(&format!("sobjects/{name}/describe"), &[]).await;
            let schema = schema(&describe);
            world.schemas.insert(schema.name.clone(), schema);
        }
        world.read().await;
        world.change(rng).await;
        world
    }

    /// Values of small alphabets in some records, so that filters have something to tell apart; some records go.
    pub(super) async fn change(&mut self, rng: &mut Rng) {
        for object in super::ASKED {
            let name = ObjectName::parse(object).unwrap();
            let ids: Vec<_> = self.rows[&name]
                .iter()
                .filter_map(|row| row["Id"].clone())
                .collect();
            if ids.is_empty() {
                continue;
            }
            for _ in 0..6 {
                let some: Vec<_> = (0..4).filter_map(|_| rng.choice(&ids)).collect();
                let set = self.values(rng, &name);
                self.control("update", json!({"object": object, "ids": some, "set": set}))
                    .await;
            }
            if rng.bool() {
                let gone = json!({"object": object, "ids": [rng.choice(&ids)], "cascade": false});
                self.control("delete", gone).await;
            }
        }
        self.captured = self.captured.plus_seconds(3600);
        self.read().await;
    }

    /// New values for two fields.
    fn values(&self, rng: &mut Rng, object: &ObjectName) -> Value {
        let fields = self.schemas[object].fields.iter();
        let fields: Vec<_> = fields
            .filter(|field| field.updateable && field.filterable)
            .collect();
        let mut set = serde_json::Map::new();
        for _ in 0..2 {
            let field = rng.choice(&fields).unwrap();
            if let Some(value) = super::any::stored(rng, self, field) {
                set.insert(field.name.clone(), value);
            }
        }
        Value::Object(set)
    }

    /// Reads every object and seals it, in two segments for some overlap with what was sealed before.
    async fn read(&mut self) {
        for (name, schema) in self.schemas.clone() {
            let fields: Vec<_> = schema
                .stored_fields()
                .map(|field| field.name.clone())
                .collect();
            let soql = format!("SELECT {} FROM {name}", fields.join(","));
            let rows = self.query("queryAll", &soql).await;
            let job = JobId::parse("job").unwrap();
            for half in [0, 1] {
                let mut buffer = SegmentBuffer::new(&schema, &job, self.captured).unwrap();
                for row in rows.iter().skip(half).step_by(2) {
                    buffer
                        .push(|column| row[&fields[column]].as_deref())
                        .unwrap();
                }
                if rows.len() > half {
                    let entry = self.memory.put(buffer.sorted().seal(&ring()).unwrap());
                    self.segments.entry(name.clone()).or_default().push(entry);
                }
            }
            self.rows.insert(name, rows);
        }
    }

    /// Live records of an object.
    pub(super) fn live(&self, object: &ObjectName) -> usize {
        let live = |row: &&Row| {
            row.get("IsDeleted")
                .is_none_or(|flag| flag.as_deref() != Some("true"))
        };
        self.rows[object].iter().filter(live).count()
    }

    /// The Ids that Salesforce returns, and those that the sealed copy chooses.
    pub(super) async fn ask(
        &self,
        object: &ObjectName,
        filter: &Filter,
    ) -> (BTreeSet<String>, BTreeSet<String>) {
        let checked = filter.check(object, &self.schemas).unwrap();
        let soql = format!("SELECT Id FROM {object} WHERE {checked}");
        // A query hides archived activities too, of which the copy knows no more than a field.
        let archives = self.schemas[object]
            .fields
            .iter()
            .any(|field| field.name == "IsArchived");
        let (resource, scope) = if archives {
            ("queryAll", crate::Filter::All)
        } else {
            ("query", crate::Filter::Live)
        };
        let rows = self.query(resource, &soql).await;
        let live = rows
            .into_iter()
            .filter_map(|mut row| row.remove("Id").flatten())
            .collect();
        let choice = self.choice(object, filter, 100_000).await.unwrap();
        let mut scan = self.scan(object, Fields::Named(&[]), scope).only(&choice);
        let mut stored = BTreeSet::new();
        while let Some(row) = scan.next().await.unwrap() {
            stored.insert(row.id().to_string());
        }
        (live, stored)
    }

    pub(super) async fn choice(
        &self,
        object: &ObjectName,
        filter: &Filter,
        room: usize,
    ) -> Result<Choice, Failure> {
        let checked = filter.check(object, &self.schemas)?;
        let scan = |object: &ObjectName, column: &str| {
            Some(self.scan(object, Fields::Named(&[column]), crate::Filter::All))
        };
        Choice::read(checked.at(&calendar()), room, scan).await
    }

    /// The smallest part of a filter about which the two differ, and on which records.
    pub(super) async fn least_difference(
        &self,
        object: &ObjectName,
        filter: &Filter,
    ) -> (Filter, Vec<String>, Vec<String>) {
        let mut least = filter.clone();
        'smaller: loop {
            let parts = match &least {
                Filter::All(members) | Filter::Any(members) => members.clone(),
                Filter::Not(inner) => vec![(**inner).clone()],
                Filter::Test(_) => Vec::new(),
            };
            for part in parts {
                let (live, stored) = self.ask(object, &part).await;
                if live != stored {
                    least = part;
                    continue 'smaller;
                }
            }
            let (live, stored) = self.ask(object, &least).await;
            let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
                a.difference(b).take(3).cloned().collect()
            };
            return (least, only(&live, &stored), only(&stored, &live));
        }
    }

    fn scan(&self, object: &ObjectName, fields: Fields<'_>, filter: crate::Filter) -> Scan {
        let segments = self.segments.get(object).map_or(&[][..], Vec::as_slice);
        let as_of = self.captured.plus_seconds(86_400);
        Scan::new(
            self.memory.ranges(),
            ring(),
            segments,
            as_of,
            fields,
            filter,
        )
    }

    /// All rows of a query; values are the text that was sent.
    async fn query(&self, resource: &str, soql: &str) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut page: Page = self.get(resource, &[("q", soql)]).await;
        loop {
            rows.extend(page.records.into_iter().map(|record| {
                let texts = record.into_iter().filter(|(name, _)| name != "attributes");
                texts.map(|(name, value)| (name, text(&value))).collect()
            }));
            let Some(next) = page.next_records_url else {
                return rows;
            };
            page = self.get(&next, &[]).await;
        }
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> T {
        let root = if path.starts_with('/') {
            ""
        } else {
            "/services/data/v60.0/"
        };
        let request = self
            .http
            .get(format!("{}{root}{path}", self.org.url()))
            .query(query);
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        let body = answer.text().await.unwrap();
        serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path} {query:?}: {body}"))
    }

    async fn control(&self, path: &str, body: Value) {
        let url = format!("{}/__sim/{path}", self.org.url());
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let status = answer.status();
        assert!(
            status.is_success(),
            "{path} {body}: {}",
            answer.text().await.unwrap()
        );
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    next_records_url: Option<String>,
    records: Vec<BTreeMap<String, Box<RawValue>>>,
}

fn text(value: &RawValue) -> Option<String> {
    let json = value.get();
    let text = if json.starts_with('"') {
        serde_json::from_str(json).unwrap()
    } else {
        json.to_owned()
    };
    (json != "null" && !text.is_empty()).then_some(text)
}

/// Of a describe (`DescribeSObjectResult`), what a filter needs.
fn schema(describe: &Value) -> ObjectSchema {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let flag = |value: &Value| value.as_bool().unwrap_or(false);
    let fields = describe["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| FieldSchema {
            name: text(&field["name"]).unwrap(),
            field_type: text(&field["type"]).unwrap(),
            nillable: flag(&field["nillable"]),
            createable: flag(&field["createable"]),
            updateable: flag(&field["updateable"]),
            calculated: flag(&field["calculated"]),
            filterable: flag(&field["filterable"]),
            reference_to: serde_json::from_value(field["referenceTo"].clone()).unwrap(),
            relationship_name: text(&field["relationshipName"]),
            case_sensitive: flag(&field["caseSensitive"]),
            name_field: flag(&field["nameField"]),
            ..FieldSchema::default()
        });
    ObjectSchema {
        name: ObjectName::parse(text(&describe["name"]).unwrap()).unwrap(),
        label: String::new(),
        key_prefix: text(&describe["keyPrefix"]),
        associate_entity_type: None,
        associate_parent_entity: None,
        comes_back_with_parent: false,
        transport: Transport::Bulk,
        cursor_field: Some("SystemModstamp".into()),
        fields: fields.collect(),
        children: Vec::new(),
    }
}
