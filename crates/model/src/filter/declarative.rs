//! The tree as JSON: `{"field": …, "operator": …, "value": …}` in groups `{"and": […]}`, `{"or": […]}`, `{"not": …}`.
//!
//! A value is a JSON text, number, boolean or null; whatever else SOQL has is `{"literal": "LAST_N_DAYS:30"}` and
//! read by the grammar of SOQL. Operators with a list take an array.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::parse;
use super::{
    CONDITIONS_MAX, Condition, DECLARATIVE_CHARS_MAX, DEPTH_MAX, FieldPath, Filter, FilterError,
    LIST_VALUES_MAX, Number, Operator, Place, Reason, TEXT_CHARS_MAX, Value,
};

impl Filter {
    /// Reads the JSON form.
    pub fn from_declarative(json: &str) -> Result<Self, FilterError> {
        let whole = |reason| fault("$", None, reason);
        if json.len() > DECLARATIVE_CHARS_MAX {
            let what = "number of bytes of a filter";
            let max = DECLARATIVE_CHARS_MAX;
            return Err(whole(Reason::TooLong { what, max }));
        }
        // The reader's own limit of nesting is above ours; an error of it may quote the text and is dropped.
        let node: Node = serde_json::from_str(json).map_err(|_| whole(Reason::NotDeclarative))?;
        let mut conditions = 0;
        read(node, "", 0, &mut conditions)
    }

    /// The JSON form.
    pub fn to_declarative(&self) -> String {
        serde_json::to_string(&write(self)).unwrap_or_default()
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Node {
    #[serde(skip_serializing_if = "Option::is_none")]
    and: Option<Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    or: Option<Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
    /// As text, so that no number becomes a float.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    value: Option<Box<RawValue>>,
}

/// A member that is null is there.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(value).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Literal {
    literal: String,
}

fn fault(member: &str, field: Option<&str>, reason: Reason) -> FilterError {
    FilterError {
        place: Place::Member(if member.is_empty() { "$" } else { member }.to_owned()),
        field: field.map(str::to_owned),
        reason,
    }
}

fn read(
    node: Node,
    member: &str,
    depth: usize,
    conditions: &mut usize,
) -> Result<Filter, FilterError> {
    // A condition is no group: the same depth as in SOQL, where only groups have parentheses.
    if depth > DEPTH_MAX && node.field.is_none() {
        let what = "depth of groups";
        let max = DEPTH_MAX;
        return Err(fault(member, None, Reason::TooLong { what, max }));
    }
    let dot = if member.is_empty() { "" } else { "." };
    let mut group = |nodes: Vec<Node>, name: &str| {
        if nodes.len() < 2 {
            return Err(fault(member, None, Reason::Empty));
        }
        let members = nodes.into_iter().enumerate().map(|(number, node)| {
            let member = format!("{member}{dot}{name}[{number}]");
            read(node, &member, depth + 1, conditions)
        });
        members.collect::<Result<Vec<_>, _>>()
    };
    let Node {
        and,
        or,
        not,
        field,
        operator,
        value,
    } = node;
    match (and, or, not, field, operator, value) {
        (Some(nodes), None, None, None, None, None) => group(nodes, "and").map(Filter::All),
        (None, Some(nodes), None, None, None, None) => group(nodes, "or").map(Filter::Any),
        (None, None, Some(node), None, None, None) => {
            let member = format!("{member}{dot}not");
            let inner = read(*node, &member, depth + 1, conditions)?;
            Ok(Filter::Not(Box::new(inner)))
        }
        (None, None, None, Some(field), Some(operator), Some(value)) => {
            *conditions += 1;
            if *conditions > CONDITIONS_MAX {
                let what = "number of conditions";
                let max = CONDITIONS_MAX;
                return Err(fault(member, None, Reason::TooLong { what, max }));
            }
            let path = FieldPath::parse(&field).map_err(|reason| fault(member, None, reason))?;
            condition(path, &operator, &value, member)
                .map(Filter::Test)
                .map_err(|reason| fault(member, Some(&field), reason))
        }
        _ => Err(fault(member, None, Reason::NotDeclarative)),
    }
}

fn condition(
    path: FieldPath,
    operator: &str,
    json: &RawValue,
    member: &str,
) -> Result<Condition, Reason> {
    let operator = Operator::parse(operator).ok_or(Reason::Expected("an operator"))?;
    let values = if operator.takes_list() {
        let list: Vec<&RawValue> =
            serde_json::from_str(json.get()).map_err(|_| Reason::Expected("an array of values"))?;
        if list.len() > LIST_VALUES_MAX {
            let what = "number of values of a list";
            let max = LIST_VALUES_MAX;
            return Err(Reason::TooLong { what, max });
        }
        list.into_iter().map(value).collect::<Result<_, _>>()?
    } else {
        vec![value(json)?]
    };
    let member = if member.is_empty() { "$" } else { member };
    Condition::new(path, operator, values, Place::Member(member.to_owned()))
}

fn value(json: &RawValue) -> Result<Value, Reason> {
    let text = json.get();
    let wrong = |_| Reason::Expected("a value");
    match text.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(text).map_err(wrong)?;
            if text.chars().count() > TEXT_CHARS_MAX {
                let what = "number of characters of a text";
                let max = TEXT_CHARS_MAX;
                return Err(Reason::TooLong { what, max });
            }
            Ok(Value::Text(text))
        }
        Some(b'{') => {
            let literal: Literal = serde_json::from_str(text).map_err(wrong)?;
            parse::value(&literal.literal)
        }
        Some(b'n') => Ok(Value::Null),
        Some(b't') => Ok(Value::Boolean(true)),
        Some(b'f') => Ok(Value::Boolean(false)),
        Some(b'[') => Err(Reason::Expected("one value")),
        _ => Number::parse(text).map(Value::Number),
    }
}

fn write(filter: &Filter) -> Node {
    let all = |members: &[Filter]| Some(members.iter().map(write).collect());
    match filter {
        Filter::All(members) => Node {
            and: all(members),
            ..Node::default()
        },
        Filter::Any(members) => Node {
            or: all(members),
            ..Node::default()
        },
        Filter::Not(inner) => Node {
            not: Some(Box::new(write(inner))),
            ..Node::default()
        },
        Filter::Test(condition) => {
            let values: Vec<_> = condition.values().iter().map(json).collect();
            let value = if condition.operator().takes_list() {
                format!("[{}]", values.join(","))
            } else {
                values.concat()
            };
            Node {
                field: Some(condition.path().to_string()),
                operator: Some(condition.operator().text().to_owned()),
                value: RawValue::from_string(value).ok(),
                ..Node::default()
            }
        }
    }
}

fn json(value: &Value) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match value {
        Value::Null | Value::Boolean(_) | Value::Number(_) => value.to_string(),
        Value::Text(text) | Value::Pattern(text) => quoted(text),
        other => format!("{{\"literal\":{}}}", quoted(&other.to_string())),
    }
}
