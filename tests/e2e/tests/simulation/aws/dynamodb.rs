//! `DynamoDB`: one table with the keys `pk` and `sk`; items as the protocol writes them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::aws::{Answer, Refusal, text};

/// A page ends behind so many bytes, here of JSON.
const PAGE_BYTES: usize = 1 << 20;

type Key = (String, String);

/// By partition and sort key.
#[derive(Debug, Default)]
pub(crate) struct Table(BTreeMap<Key, Item>);

/// An item to judge conditions by, and as it is answered.
#[derive(Debug)]
struct Item {
    attributes: Value,
    text: Box<RawValue>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Page<'t> {
    count: usize,
    items: Vec<&'t RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_key: Option<Value>,
}

impl Table {
    pub(super) fn answer(&mut self, action: &str, input: &Value) -> Answer {
        match action {
            "GetItem" => {
                let item = self.read(input, &input["Key"]).map(|item| ("Item", item));
                Ok(text(&item.into_iter().collect::<BTreeMap<_, _>>()))
            }
            "BatchGetItem" => Ok(self.batch(input)),
            "Query" => Ok(text(&self.query(input))),
            "PutItem" => {
                if !self.allows(input) {
                    return Err(Refusal::new("ConditionalCheckFailedException"));
                }
                self.put(input);
                Ok(text(&json!({})))
            }
            "BatchWriteItem" => {
                let tables = input["RequestItems"].as_object().unwrap().values();
                let requests: Vec<_> = tables.flat_map(|all| all.as_array().unwrap()).collect();
                let puts = requests.iter().map(|request| &request["PutRequest"]);
                assert_distinct(puts.clone().map(named));
                assert!(requests.len() <= 25, "the call has more items than it may");
                puts.for_each(|put| self.put(put));
                Ok(text(&json!({})))
            }
            "TransactWriteItems" => self.transact(input),
            _ => panic!("the simulation has no {action}"),
        }
    }

    fn read(&self, request: &Value, key: &Value) -> Option<&RawValue> {
        assert_eq!(request["ConsistentRead"], true, "a read may be stale");
        self.0.get(&key_of(key)).map(|item| &*item.text)
    }

    fn batch(&self, input: &Value) -> Vec<u8> {
        let mut found = BTreeMap::new();
        for (table, request) in input["RequestItems"].as_object().unwrap() {
            let keys = request["Keys"].as_array().unwrap();
            assert_distinct(keys.iter());
            let items = keys.iter().filter_map(|key| self.read(request, key));
            found.insert(table, items.collect::<Vec<_>>());
        }
        text(&BTreeMap::from([("Responses", found)]))
    }

    fn query(&self, input: &Value) -> Page<'_> {
        assert_eq!(input["ConsistentRead"], true, "a read may be stale");
        assert_eq!(
            input["KeyConditionExpression"], "#pk = :pk AND begins_with(#sk, :prefix)",
            "the simulation has no other query"
        );
        assert_eq!(
            input["ExpressionAttributeNames"],
            json!({"#pk": "pk", "#sk": "sk"})
        );
        let given = |name: &str| input["ExpressionAttributeValues"][name]["S"].as_str();
        let (wanted, prefix) = (given(":pk").unwrap(), given(":prefix").unwrap());
        let backward = input["ScanIndexForward"] == false;
        let limit = input["Limit"].as_u64().unwrap_or(u64::MAX);

        let from = (wanted.to_owned(), prefix.to_owned());
        let in_range = |(pk, sk): &Key| pk == wanted && sk.starts_with(prefix);
        let range = self.0.range(from..);
        let mut found: Vec<_> = range.take_while(|(key, _)| in_range(key)).collect();
        if backward {
            found.reverse();
        }
        if let Some(start) = input.get("ExclusiveStartKey").map(key_of) {
            let at = found.iter().position(|(key, _)| **key == start);
            found.drain(..=at.unwrap());
        }
        let (mut page, mut bytes) = (Page::default(), 0);
        for ((pk, sk), item) in found {
            page.items.push(&item.text);
            bytes += item.text.get().len();
            if page.items.len() as u64 == limit || bytes > PAGE_BYTES {
                page.last_evaluated_key = Some(json!({"pk": {"S": pk}, "sk": {"S": sk}}));
                break;
            }
        }
        page.count = page.items.len();
        page
    }

    /// All or nothing.
    fn transact(&mut self, input: &Value) -> Answer {
        let parts = input["TransactItems"].as_array().unwrap();
        let parts: Vec<_> = parts
            .iter()
            .map(|part| {
                part.get("Put")
                    .or_else(|| part.get("ConditionCheck"))
                    .unwrap()
            })
            .collect();
        assert_distinct(parts.iter().map(|part| named(part)));
        if parts.iter().all(|part| self.allows(part)) {
            for put in parts.iter().filter(|part| part.get("Item").is_some()) {
                self.put(put);
            }
            return Ok(text(&json!({})));
        }
        let reason = |part: &&Value| {
            let allowed = self.allows(part);
            json!({"Code": if allowed { "None" } else { "ConditionalCheckFailed" }})
        };
        let Refusal(mut error) = Refusal::new("TransactionCanceledException");
        error["CancellationReasons"] = parts.iter().map(reason).collect();
        Err(Refusal(error))
    }

    /// Whether the condition of a write holds for the item that is there.
    fn allows(&self, write: &Value) -> bool {
        let item = self.0.get(&key_of(named(write)));
        let condition = write.get("ConditionExpression");
        let item = item.map(|item| &item.attributes);
        condition.is_none_or(|condition| holds(condition.as_str().unwrap(), write, item))
    }

    fn put(&mut self, request: &Value) {
        let attributes = request["Item"].clone();
        let text = to_raw_value(&attributes).unwrap();
        let item = Item { attributes, text };
        self.0.insert(key_of(&item.attributes), item);
    }
}

/// What a write names: the item that it puts, or the key of the one that it asks for.
fn named(write: &Value) -> &Value {
    write.get("Item").unwrap_or_else(|| &write["Key"])
}

/// A call that names an item twice is refused.
fn assert_distinct<'k>(keys: impl Iterator<Item = &'k Value>) {
    let mut seen = BTreeSet::new();
    assert!(keys.map(key_of).all(|key| seen.insert(key)), "named twice");
}

fn key_of(item: &Value) -> Key {
    let part = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
    (part("pk"), part("sk"))
}

/// Whether a condition holds: that a path leads nowhere, or to this value.
fn holds(expression: &str, request: &Value, item: Option<&Value>) -> bool {
    let at = |path: &str| {
        let names = path.split('.').map(|name| {
            let name = request["ExpressionAttributeNames"][name].as_str();
            name.unwrap_or_else(|| panic!("the simulation has no expression {expression}"))
        });
        let mut value = item;
        for (depth, name) in names.enumerate() {
            value = value.and_then(|value| if depth == 0 { value } else { &value["M"] }.get(name));
        }
        value
    };
    let given = |name: &str| {
        let value = request["ExpressionAttributeValues"].get(name);
        value.unwrap_or_else(|| panic!("the simulation has no expression {expression}"))
    };
    if let Some(path) = expression.strip_prefix("attribute_not_exists(") {
        at(path.trim_end_matches(')')).is_none()
    } else {
        let (path, value) = expression.split_once(" = ").unwrap();
        at(path) == Some(given(value))
    }
}
