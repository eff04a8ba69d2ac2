//! A recorded query in words that our org knows: its fields instead of another org's own fields,
//! its records' Ids instead of recorded ones.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    names::{Names, is_id},
    world::World,
};

const WORDS: &[&str] = &[
    "select",
    "from",
    "where",
    "and",
    "or",
    "not",
    "in",
    "like",
    "includes",
    "excludes",
    "order",
    "by",
    "asc",
    "desc",
    "nulls",
    "first",
    "last",
    "limit",
    "offset",
    "group",
    "having",
    "null",
    "true",
    "false",
    "typeof",
    "when",
    "then",
    "else",
    "end",
    "with",
    "for",
    "view",
    "reference",
    "update",
    "scope",
    "using",
    "security_enforced",
    "today",
    "yesterday",
    "tomorrow",
    "rollup",
    "cube",
    "all",
    "rows",
    "standard",
    "custom",
];

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Space(String),
    Name(String),
    Text(String),
    Other(String),
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::Space(text) | Self::Name(text) | Self::Text(text) | Self::Other(text) => text,
        }
    }

    fn word(&self, word: &str) -> bool {
        matches!(self, Self::Name(name) if name.eq_ignore_ascii_case(word))
    }
}

/// A name that some recorder's encoding put a digit before.
fn odd_name(rest: &str) -> bool {
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    rest[..end].ends_with("__c")
}

fn tokens(soql: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = soql;
    while let Some(first) = rest.chars().next() {
        let length = |keep: &dyn Fn(char) -> bool| rest.find(|c| !keep(c)).unwrap_or(rest.len());
        let (token, length) = if first.is_whitespace() {
            let length = length(&char::is_whitespace);
            (Token::Space(rest[..length].to_owned()), length)
        } else if first == '\'' {
            let close = rest[1..].find('\'').map_or(rest.len(), |at| at + 2);
            (Token::Text(rest[..close].to_owned()), close)
        } else if first.is_ascii_alphabetic() || first == '_' || odd_name(rest) {
            let length = length(&|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
            (Token::Name(rest[..length].to_owned()), length)
        } else if first.is_ascii_digit() {
            let length =
                length(&|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '+'));
            (Token::Other(rest[..length].to_owned()), length)
        } else {
            (Token::Other(first.to_string()), first.len_utf8())
        };
        found.push(token);
        rest = &rest[length..];
    }
    found
}

/// The query for our org; nothing when no object of ours can stand in. `records` are the recorded
/// ones, whose values tell the types of fields that we do not know.
pub(crate) async fn translate(
    world: &mut World,
    names: &mut Names,
    soql: &str,
    records: &[Value],
    keep_unknown: bool,
) -> Option<String> {
    // The collector took the quotes away with the address.
    let soql = soql
        .replace("%masked@example.invalid'", "'masked@example.invalid'")
        .replace("masked@example.invalid", "'masked@example.invalid'")
        .replace("''masked@example.invalid''", "'masked@example.invalid'");
    let tokens = tokens(&soql);
    let mut objects: Vec<String> = Vec::new();
    let mut depth_of: Vec<usize> = Vec::new();
    let mut depth = 0;
    let mut out = String::new();
    let mut taken: HashSet<String> = HashSet::new();
    own_names(world, names, &tokens, keep_unknown, &mut taken).await;
    // What is selected by the type of the parent is of that type, not of the object.
    let mut by_type = false;
    for (at, token) in tokens.iter().enumerate() {
        by_type = (by_type || token.word("typeof")) && !token.word("end");
        let next = tokens[at + 1..]
            .iter()
            .find(|t| !matches!(t, Token::Space(_)));
        let before = tokens[..at].iter().rfind(|t| !matches!(t, Token::Space(_)));
        match token {
            Token::Other(mark) if mark == "(" => depth += 1,
            Token::Other(mark) if mark == ")" => {
                if depth_of.last() == Some(&depth) {
                    depth_of.pop();
                    objects.pop();
                }
                depth -= 1;
            }
            _ => {}
        }
        if token.word("select") {
            let parent = objects.last().cloned();
            let source = source(&tokens[at..])?;
            let object = match (&parent, before.map(Token::text)) {
                // A list of children, unless it is a semi-join.
                (Some(parent), Some("(")) if !semi_join(&tokens[..at]) => {
                    let relation = source.rsplit('.').next().unwrap_or(&source).to_lowercase();
                    world
                        .object(parent)
                        .await?
                        .children
                        .get(&relation)
                        .cloned()?
                }
                _ => names.object(world, &source, keep_unknown).await?,
            };
            objects.push(object);
            depth_of.push(depth);
        }
        let text = match token {
            Token::Name(name) if before.is_some_and(|t| t.word("from")) => match objects.len() {
                0 | 1 => objects.first().cloned().unwrap_or_else(|| name.clone()),
                _ if semi_join(&tokens[..at]) => objects.last().cloned()?,
                _ => name.clone(),
            },
            Token::Name(name)
                if !WORDS.contains(&name.to_lowercase().as_str())
                    && !by_type
                    && next.is_none_or(|t| t.text() != "(")
                    && !name.contains(':')
                    && !name.to_lowercase().starts_with("last_n")
                    && !objects.is_empty() =>
            {
                let object = objects.last().cloned().unwrap_or_default();
                let hint = literal(&tokens[at + 1..]).or_else(|| value_at(records, name));
                if keep_unknown {
                    name.clone()
                } else {
                    let compared = literal(&tokens[at + 1..]).is_some();
                    match names
                        .path(world, &object, name, hint.as_ref(), &mut taken)
                        .await
                    {
                        Some(ours) => ours,
                        None if compared => "Name".to_owned(),
                        None => {
                            names.dropped.push(name.clone());
                            DROPPED.to_owned()
                        }
                    }
                }
            }
            Token::Text(text) if is_id(text.trim_matches('\'')) => {
                let object = objects.last().cloned().unwrap_or_default();
                format!(
                    "'{}'",
                    names
                        .id(world, text.trim_matches('\''), Some(&object))
                        .await?
                )
            }
            other => other.text().to_owned(),
        };
        out.push_str(&text);
    }
    Some(without_dropped(&out))
}

/// What the query names itself cannot stand in for something else.
async fn own_names(
    world: &mut World,
    names: &mut Names,
    tokens: &[Token],
    keep_unknown: bool,
    taken: &mut HashSet<String>,
) {
    let Some(object) = source(tokens) else {
        return;
    };
    let object = names.object(world, &object, keep_unknown).await;
    if let Some(described) = world.object(&object.unwrap_or_default()).await {
        let known = tokens
            .iter()
            .filter_map(|token| described.field(token.text()));
        taken.extend(known.filter_map(|field| field["name"].as_str().map(ToOwned::to_owned)));
    }
}

/// Stands where a field was that our org has nothing like.
const DROPPED: &str = "\u{0}";

/// The list without the dropped fields and their commas.
fn without_dropped(soql: &str) -> String {
    let parts: Vec<&str> = soql.split(',').collect();
    let mut out: Vec<String> = Vec::new();
    for part in parts {
        if !part.contains(DROPPED) {
            out.push(part.to_owned());
            continue;
        }
        // The words around it stay: `SELECT x`, `x FROM Account`.
        let rest = part.replace(DROPPED, "");
        let opens = rest.trim().to_lowercase().ends_with("select");
        match out.last_mut() {
            Some(last) if !opens => last.push_str(&rest),
            _ => out.push(format!("{rest} {OPEN}")),
        }
    }
    let joined = out.join(",");
    joined.replace(&format!("{OPEN},"), "").replace(OPEN, "Id")
}

/// A list that lost its first field.
const OPEN: &str = "\u{1}";

/// What the SELECT at the start of `tokens` selects from.
fn source(tokens: &[Token]) -> Option<String> {
    let mut depth = 0_i32;
    let mut at_from = false;
    for token in tokens {
        match token {
            Token::Other(mark) if mark == "(" => depth += 1,
            Token::Other(mark) if mark == ")" => depth -= 1,
            Token::Name(name) if depth == 0 && at_from => return Some(name.clone()),
            token if depth == 0 && token.word("from") => at_from = true,
            _ => {}
        }
    }
    None
}

/// The parenthesis before belongs to `IN (SELECT …)`.
fn semi_join(before: &[Token]) -> bool {
    let mut words = before
        .iter()
        .rev()
        .filter(|t| !matches!(t, Token::Space(_)));
    words
        .find(|t| t.text() != "(" && !t.word("select"))
        .is_some_and(|t| t.word("in"))
}

/// The first literal that a condition compares with.
fn literal(after: &[Token]) -> Option<Value> {
    let mut words = after.iter().filter(|t| !matches!(t, Token::Space(_)));
    let operator = words.next()?;
    let compares = matches!(operator.text(), "=" | "!" | "<" | ">")
        || ["in", "like", "not"].iter().any(|w| operator.word(w));
    if !compares {
        return None;
    }
    let value = words.find(|t| !matches!(t.text(), "=" | "(" | ">" | "<") && !t.word("in"))?;
    match value {
        Token::Text(text) => Some(Value::from(text.trim_matches('\''))),
        Token::Name(name)
            if name.eq_ignore_ascii_case("true") || name.eq_ignore_ascii_case("false") =>
        {
            Some(Value::Bool(true))
        }
        Token::Other(text) if text.contains(':') || text.matches('-').count() == 2 => {
            Some(Value::from(text.clone()))
        }
        Token::Other(text) => text.parse::<f64>().ok().map(Value::from),
        _ => None,
    }
}

fn value_at(records: &[Value], path: &str) -> Option<Value> {
    records.iter().find_map(|record| {
        let mut value = record;
        for part in path.split('.') {
            value = value
                .as_object()?
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(part))?
                .1;
        }
        (!value.is_null()).then(|| value.clone())
    })
}

/// The query without its outermost condition.
pub(crate) fn without_condition(soql: &str) -> String {
    let mut depth = 0_i32;
    let mut skips = false;
    let mut out = String::new();
    for token in tokens(soql) {
        match token.text() {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 && token.word("where") {
            skips = true;
        } else if depth == 0
            && ["order", "limit", "group", "offset"]
                .iter()
                .any(|word| token.word(word))
        {
            skips = false;
        }
        if !skips {
            out.push_str(token.text());
        }
    }
    out
}

/// Takes what was not asked for out of recorded records.
pub(crate) fn drop_paths(recorded: &mut Value, paths: &[String]) {
    let records = recorded.get_mut("records").and_then(Value::as_array_mut);
    for record in records.into_iter().flatten() {
        for path in paths {
            let parts: Vec<&str> = path.split('.').collect();
            drop_path(record, &parts);
        }
    }
}

fn drop_path(record: &mut Value, parts: &[&str]) {
    let (Some(map), Some((first, rest))) = (record.as_object_mut(), parts.split_first()) else {
        return;
    };
    let Some(key) = map
        .keys()
        .find(|key| key.eq_ignore_ascii_case(first))
        .cloned()
    else {
        return;
    };
    if rest.is_empty() {
        map.remove(&key);
    } else if let Some(parent) = map.get_mut(&key) {
        drop_path(parent, rest);
        if parent
            .as_object()
            .is_some_and(|parent| parent.keys().all(|key| key == "attributes"))
        {
            map.remove(&key);
        }
    }
}

/// Recorded records with our names for their fields.
pub(crate) fn renamed(value: &Value, names: &HashMap<String, String>) -> Value {
    match value {
        Value::Array(values) => values.iter().map(|value| renamed(value, names)).collect(),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (names.get(key).unwrap_or(key).clone(), renamed(value, names)))
                .collect(),
        ),
        other => other.clone(),
    }
}
