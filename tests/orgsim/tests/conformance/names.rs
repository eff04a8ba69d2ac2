//! Objects, fields and records of our org that stand in for those of a recorded one.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::world::{Object, World};

/// Stands in for every custom object that our org lacks.
const STAND_IN: &str = "Project__c";

/// Looks like a record Id: 15 or 18 letters and digits that begin as Ids do.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18)
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && text.bytes().take(8).any(|b| b.is_ascii_digit())
        && text
            .get(3..)
            .is_some_and(|rest| rest.bytes().any(|b| b.is_ascii_digit()))
}

/// What recorded names mean here.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Recorded key to our key, for reading the recorded answer.
    pub(crate) renames: HashMap<String, String>,
    /// Recorded paths that nothing of ours stands for.
    pub(crate) dropped: Vec<String>,
    fields: HashMap<(String, String), String>,
    ids: HashMap<String, String>,
}

impl Names {
    /// Our object for a recorded one.
    pub(crate) async fn object(
        &mut self,
        world: &mut World,
        name: &str,
        keep_unknown: bool,
    ) -> Option<String> {
        if let Some(object) = world.object(name).await {
            return Some(object.name);
        }
        if keep_unknown {
            return Some(name.to_owned());
        }
        name.ends_with("__c").then(|| STAND_IN.to_owned())
    }

    /// Makes a recorded Id mean `ours`.
    pub(crate) fn means(&mut self, recorded: &str, ours: String) {
        self.ids.insert(recorded.to_owned(), ours);
    }

    /// Our Id for a recorded one that has come up before.
    pub(crate) fn known(&self, recorded: &str) -> Option<String> {
        self.ids.get(recorded).cloned()
    }

    /// Our Id for a recorded one of `object`, or of the object that its prefix tells.
    pub(crate) async fn id(
        &mut self,
        world: &mut World,
        recorded: &str,
        object: Option<&str>,
    ) -> Option<String> {
        if let Some(known) = self.ids.get(recorded) {
            return Some(known.clone());
        }
        let by_prefix = world
            .object_of_id(recorded)
            .filter(|name| !name.ends_with("__c"))
            .map(ToOwned::to_owned);
        let object = by_prefix.or_else(|| object.map(ToOwned::to_owned))?;
        let ours = world.live(&object).await?;
        self.means(recorded, ours.clone());
        Some(ours)
    }

    /// Our field, or path of relationships and a field, for a recorded one.
    pub(crate) async fn path(
        &mut self,
        world: &mut World,
        object: &str,
        path: &str,
        hint: Option<&Value>,
        taken: &mut HashSet<String>,
    ) -> Option<String> {
        let described = world.object(object).await?;
        let path = match path.split_once('.') {
            // `Account.Name` of Account itself.
            Some((first, rest))
                if first.eq_ignore_ascii_case(object) && described.parent(first).is_none() =>
            {
                rest
            }
            _ => path,
        };
        let Some((relation, rest)) = path.split_once('.') else {
            return self.field(&described, path, hint, taken, false);
        };
        let known = described.parent(relation).cloned();
        let field = known.or_else(|| {
            described
                .fields
                .iter()
                .find(|f| {
                    f["type"] == "reference"
                        && f["referenceTo"].as_array().is_some_and(|t| t.len() == 1)
                        && f["relationshipName"]
                            .as_str()
                            .is_some_and(|n| n.ends_with("__r"))
                        && !taken.contains(f["relationshipName"].as_str().unwrap_or_default())
                })
                .cloned()
        })?;
        let ours = field["relationshipName"].as_str()?.to_owned();
        if !ours.eq_ignore_ascii_case(relation) {
            self.renames.insert(relation.to_owned(), ours.clone());
        }
        let targets = field["referenceTo"].as_array().cloned().unwrap_or_default();
        if targets.len() > 1 {
            return Some(path.to_owned());
        }
        let target = targets.first()?.as_str()?.to_owned();
        let rest = Box::pin(self.path(world, &target, rest, hint, taken)).await?;
        Some(format!("{ours}.{rest}"))
    }

    /// Our field for a recorded one: the same, or another of the type that the value tells.
    pub(crate) fn field(
        &mut self,
        object: &Object,
        name: &str,
        hint: Option<&Value>,
        taken: &mut HashSet<String>,
        write: bool,
    ) -> Option<String> {
        if let Some(field) = object.field(name) {
            let ours = field["name"].as_str()?.to_owned();
            taken.insert(ours.clone());
            return Some(ours);
        }
        let key = (object.name.clone(), name.to_lowercase());
        if let Some(known) = self.fields.get(&key) {
            return Some(known.clone());
        }
        let wanted: &[&str] = match hint {
            Some(Value::Bool(_)) => &["boolean"],
            Some(Value::Number(_)) => &["double", "currency", "percent", "int"],
            Some(Value::Object(_)) => &["address", "location"],
            Some(Value::String(text)) if text.len() == 10 && text.matches('-').count() == 2 => {
                &["date"]
            }
            Some(Value::String(text))
                if text.contains('T') && text.matches('-').count() >= 2 && text.contains(':') =>
            {
                &["datetime"]
            }
            _ => &["string", "textarea", "phone", "url", "picklist"],
        };
        let free = object.fields.iter().find(|f| {
            let name = f["name"].as_str().unwrap_or_default();
            wanted.contains(&f["type"].as_str().unwrap_or_default())
                && f["filterable"] == true
                && f["nameField"] == false
                && f["restrictedPicklist"] == false
                && f["unique"] == false
                && (!write || f["updateable"] == true)
                && !taken.contains(name)
        })?;
        let ours = free["name"].as_str()?.to_owned();
        taken.insert(ours.clone());
        self.fields.insert(key, ours.clone());
        self.renames.insert(name.to_owned(), ours.clone());
        Some(ours)
    }
}
