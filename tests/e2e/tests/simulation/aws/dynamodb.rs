//! `DynamoDB`: one table with the keys `pk` and `sk`; items as the protocol writes them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::aws::Refusal;

/// A page ends behind so many bytes.
const PAGE_BYTES: usize = 1 << 20;

type Key = (String, String);

#[derive(Debug, Default)]
pub(crate) struct Table(BTreeMap<Key, Value>);

impl Table {
    pub(super) fn answer(&mut self, action: &str, input: &Value) -> Result<Value, Refusal> {
        match action {
            "GetItem" => {
                let item = self.read(input, &input["Key"]);
                Ok(item.map_or_else(|| json!({}), |item| json!({"Item": item})))
            }
            "BatchGetItem" => Ok(self.batch(input)),
            "Query" => Ok(self.query(input)),
            "PutItem" => {
                if !self.allows(input) {
                    return Err(Refusal::new("ConditionalCheckFailedException"));
                }
                self.put(input);
                Ok(json!({}))
            }
            "TransactWriteItems" => self.transact(input),
            _ => panic!("the simulation has no {action}"),
        }
    }

    fn read(&self, request: &Value, key: &Value) -> Option<&Value> {
        assert_eq!(request["ConsistentRead"], true, "a read may be stale");
        self.0.get(&key_of(key))
    }

    fn batch(&self, input: &Value) -> Value {
        let mut answers = json!({});
        for (table, request) in input["RequestItems"].as_object().unwrap() {
            let keys = request["Keys"].as_array().unwrap();
            assert_distinct(keys.iter());
            let items: Vec<_> = keys
                .iter()
                .filter_map(|key| self.read(request, key).cloned())
                .collect();
            answers[table] = Value::Array(items);
        }
        json!({"Responses": answers, "UnprocessedKeys": {}})
    }

    fn query(&self, input: &Value) -> Value {
        assert_eq!(input["ConsistentRead"], true, "a read may be stale");
        let backward = input["ScanIndexForward"] == false;
        let limit = input["Limit"].as_u64().unwrap_or(u64::MAX);
        let condition = input["KeyConditionExpression"].as_str().unwrap();
        let mut found: Vec<_> = self
            .0
            .iter()
            .filter(|(_, item)| holds(condition, input, Some(item)))
            .collect();
        if backward {
            found.reverse();
        }
        if let Some(start) = input.get("ExclusiveStartKey").map(key_of) {
            found.retain(|(key, _)| {
                if backward {
                    **key < start
                } else {
                    **key > start
                }
            });
        }
        let (mut items, mut bytes, mut last) = (Vec::new(), 0, None);
        for ((pk, sk), item) in found {
            bytes += size(item);
            items.push(item.clone());
            if items.len() as u64 == limit || bytes > PAGE_BYTES {
                last = Some(json!({"pk": {"S": pk}, "sk": {"S": sk}}));
                break;
            }
        }
        let mut page = json!({"Count": items.len()});
        page["Items"] = Value::Array(items);
        if let Some(last) = last {
            page["LastEvaluatedKey"] = last;
        }
        page
    }

    /// All or nothing.
    fn transact(&mut self, input: &Value) -> Result<Value, Refusal> {
        let parts = input["TransactItems"].as_array().unwrap();
        let parts: Vec<_> = parts
            .iter()
            .map(|part| {
                part.get("Put")
                    .or_else(|| part.get("ConditionCheck"))
                    .unwrap()
            })
            .collect();
        assert_distinct(parts.iter().map(|part| written(part)));
        if parts.iter().all(|part| self.allows(part)) {
            for put in parts.iter().filter(|part| part.get("Item").is_some()) {
                self.put(put);
            }
            return Ok(json!({}));
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
        let item = self.0.get(&key_of(written(write)));
        let condition = write.get("ConditionExpression");
        condition.is_none_or(|condition| holds(condition.as_str().unwrap(), write, item))
    }

    fn put(&mut self, request: &Value) {
        let item = &request["Item"];
        self.0.insert(key_of(item), item.clone());
    }
}

/// What a write names: the item that it puts, or the key of the one that it asks for.
fn written(write: &Value) -> &Value {
    write.get("Item").unwrap_or_else(|| &write["Key"])
}

/// A call that names an item twice is refused.
fn assert_distinct<'k>(keys: impl Iterator<Item = &'k Value>) {
    let mut seen = BTreeSet::new();
    assert!(keys.map(key_of).all(|key| seen.insert(key)), "named twice");
}

/// Bytes of names and texts; what else there is does not fill a page.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(size).sum(),
        Value::Object(values) => values
            .iter()
            .map(|(name, value)| name.len() + size(value))
            .sum(),
        _ => 1,
    }
}

fn key_of(item: &Value) -> Key {
    let part = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
    (part("pk"), part("sk"))
}

/// Whether an expression holds: terms of three kinds, joined by `AND`.
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
    expression.split(" AND ").all(|term| {
        let arguments = |function| term.strip_prefix(function)?.strip_suffix(')');
        if let Some(path) = arguments("attribute_not_exists(") {
            at(path).is_none()
        } else if let Some((path, prefix)) =
            arguments("begins_with(").and_then(|both| both.split_once(", "))
        {
            let prefix = given(prefix)["S"].as_str().unwrap();
            at(path).is_some_and(|value| value["S"].as_str().unwrap().starts_with(prefix))
        } else if let Some((path, value)) = term.split_once(" = ") {
            at(path) == Some(given(value))
        } else {
            panic!("the simulation has no expression {expression}")
        }
    })
}
