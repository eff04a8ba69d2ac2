//! Rules as components: validation rules, triggers, flows, workflow rules, duplicate and matching rules, and
//! assignment rules. Deploying one switches the rule that `save` runs.
//!
//! Sources: Metadata API Developer Guide, the types of these names; reference notes on what can be switched.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    catalogue::Content,
    kind::Kind,
    problem::Problem,
    trigger::{flow_events, trigger},
};
use crate::{
    rules::{Rule, RuleKind, Rules},
    schema::Schema,
    soap::Element,
};

/// API version of the components that the org ships with.
const VERSION: &str = "60.0";

/// The kind of rules behind a type of components.
fn rule_kind(kind: &Kind) -> Option<RuleKind> {
    Some(match kind.name {
        "ValidationRule" => RuleKind::Validation,
        "ApexTrigger" => RuleKind::Trigger,
        "Flow" | "FlowDefinition" => RuleKind::Flow,
        "WorkflowRule" | "Workflow" => RuleKind::Workflow,
        "DuplicateRule" | "MatchingRule" | "MatchingRules" => RuleKind::Duplicate,
        "AssignmentRule" | "AssignmentRules" => RuleKind::Assignment,
        _ => return None,
    })
}

/// Full name of the component of type `kind` that a rule is, or is in.
fn full_name(kind: &Kind, rule: &Rule) -> String {
    match kind.name {
        "ApexTrigger" | "Flow" | "FlowDefinition" => rule.name.clone(),
        "Workflow" | "MatchingRules" | "AssignmentRules" => rule.object.clone(),
        "MatchingRule" => {
            let facts = facts(rule);
            let name = at(&facts, "matching_rule")
                .as_str()
                .filter(|name| !name.is_empty());
            format!("{}.{}", rule.object, name.unwrap_or(&rule.name))
        }
        _ => format!("{}.{}", rule.object, rule.name),
    }
}

/// Names of the components of a type that are rules.
pub(crate) fn names(kind: &Kind, rules: &Rules) -> Vec<String> {
    let Some(wanted) = rule_kind(kind) else {
        return Vec::new();
    };
    let of_kind = rules.list().iter().filter(|rule| rule.kind() == wanted);
    let mut names: Vec<String> = of_kind.map(|rule| full_name(kind, rule)).collect();
    names.sort();
    names.dedup();
    names
}

/// The rule behind a component.
fn find<'r>(kind: &Kind, name: &str, rules: &'r Rules) -> Option<&'r Rule> {
    let wanted = rule_kind(kind)?;
    let mut of_kind = rules.list().iter().filter(|rule| rule.kind() == wanted);
    of_kind.find(|rule| full_name(kind, rule).eq_ignore_ascii_case(name))
}

/// The content of a component that is a rule.
pub(crate) fn content(kind: &Kind, name: &str, rules: &Rules) -> Option<Content> {
    let rule = find(kind, name, rules)?;
    let facts = facts(rule);
    let text = |key: &str| at(&facts, key).as_str().unwrap_or_default();
    let active = rule.active;
    let mut out = Element::named(kind.name);
    let mut body = None;
    match kind.name {
        "ValidationRule" => {
            out.put("active", active)
                .put("errorConditionFormula", text("condition"))
                .maybe("errorDisplayField", at(&facts, "field").as_str())
                .put("errorMessage", text("message"));
        }
        "ApexTrigger" => {
            out.put("apiVersion", VERSION)
                .put("status", if active { "Active" } else { "Inactive" });
            let events: Vec<String> = list(at(&facts, "events"), |event| event.replace('_', " "));
            let events = events.join(", ");
            let source = format!(
                "trigger {} on {} ({events}) {{\n}}\n",
                rule.name, rule.object
            );
            body = Some(Bytes::from(source));
        }
        "Flow" => flow(&mut out, rule, &facts),
        "FlowDefinition" => {
            out.put("activeVersionNumber", u8::from(active));
        }
        "WorkflowRule" => {
            out.put("active", active)
                .put("formula", text("condition"))
                .put("triggerType", text("trigger_type"));
        }
        "DuplicateRule" => duplicate(&mut out, rule, &facts),
        "MatchingRule" => {
            out.put("label", name.split_once('.').map_or(name, |(_, own)| own));
            for field in list(at(&facts, "fields"), str::to_owned) {
                let mut item = Element::named("matchingRuleItems");
                item.put("blankValueBehavior", "NullNotAllowed")
                    .put("fieldName", field)
                    .put("matchingMethod", "Exact");
                out.push("matchingRuleItems", item);
            }
            out.put("ruleStatus", if active { "Active" } else { "Inactive" });
        }
        "AssignmentRule" => {
            out.put("active", active);
            for entry in at(&facts, "entries").as_array().into_iter().flatten() {
                let mut item = Element::named("ruleEntry");
                item.maybe("assignedTo", at(entry, "owner").as_str())
                    .put("assignedToType", "User")
                    .maybe("formula", at(entry, "condition").as_str());
                out.push("ruleEntry", item);
            }
        }
        _ => {}
    }
    Some(Content {
        properties: out,
        body,
        ..Content::default()
    })
}

fn flow(out: &mut Element, rule: &Rule, facts: &Value) {
    let events = list(at(facts, "events"), str::to_owned);
    let has = |event: &str| events.iter().any(|known| known.ends_with(event));
    let before = events.iter().any(|event| event.starts_with("before"));
    let mut start = Element::named("start");
    start
        .put("locationX", 50)
        .put("locationY", 0)
        .maybe("filterFormula", at(facts, "condition").as_str())
        .put("object", &rule.object)
        .put(
            "recordTriggerType",
            match (has("insert"), has("update")) {
                (true, true) => "CreateAndUpdate",
                (false, true) => "Update",
                (_, false) if has("delete") => "Delete",
                _ => "Create",
            },
        )
        .put(
            "triggerType",
            if before {
                "RecordBeforeSave"
            } else {
                "RecordAfterSave"
            },
        );
    out.put("apiVersion", VERSION)
        .put("label", rule.name.replace('_', " "))
        .put("processType", "AutoLaunchedFlow")
        .push("start", start)
        .put("status", if rule.active { "Active" } else { "Draft" });
}

fn duplicate(out: &mut Element, rule: &Rule, facts: &Value) {
    let action = |key: &str| {
        if at(facts, key) == "block" {
            "Block"
        } else {
            "Allow"
        }
    };
    out.put("actionOnInsert", action("on_insert"))
        .put("actionOnUpdate", action("on_update"))
        .maybe("alertText", at(facts, "alert").as_str());
    let mut matches = Element::named("duplicateRuleMatchRules");
    matches
        .put("matchRuleSObjectType", &rule.object)
        .maybe("matchingRule", at(facts, "matching_rule").as_str());
    out.push("duplicateRuleMatchRules", matches)
        .put("isActive", rule.active)
        .put("masterLabel", rule.name.replace('_', " "))
        .put("securityOption", "EnforceSharingRules")
        .put("sortOrder", 1);
    // An alert is an action of a rule that allows.
    for (key, element) in [
        ("on_insert", "operationsOnInsert"),
        ("on_update", "operationsOnUpdate"),
    ] {
        if at(facts, key) == "alert" {
            out.put(element, "Alert");
        }
    }
    out.sort();
}

/// What the rule itself knows better than a text that was deployed earlier: whether it is on.
pub(crate) fn refresh(kind: &Kind, kept: &mut Content, computed: &Content) {
    if let Some(element) = switch(kind) {
        let now = computed.properties.value(element).unwrap_or_default();
        let said = kept.properties.value(element).unwrap_or_default();
        // An inactive flow is a draft or obsolete: both are off.
        let on = |text: &str| {
            matches!(text, "Active" | "true") || text.parse::<u32>().is_ok_and(|n| n > 0)
        };
        if on(now) != on(said) {
            kept.properties.set(element, now);
        }
    }
}

/// The element that says whether a component is on.
fn switch(kind: &Kind) -> Option<&'static str> {
    Some(match kind.name {
        "ValidationRule" | "WorkflowRule" | "AssignmentRule" => "active",
        "ApexTrigger" | "Flow" => "status",
        "DuplicateRule" => "isActive",
        "MatchingRule" => "ruleStatus",
        "FlowDefinition" => "activeVersionNumber",
        _ => return None,
    })
}

/// Whether the content says that the component is on; nothing when it does not say.
fn says_on(kind: &Kind, content: &Element) -> Result<Option<bool>, Problem> {
    let Some(element) = switch(kind) else {
        return Ok(None);
    };
    let Some(text) = content.given(element) else {
        return Ok(None);
    };
    let on = match (kind.name, text) {
        ("ApexTrigger" | "Flow" | "MatchingRule", "Active") => true,
        ("ApexTrigger", "Inactive" | "Deleted")
        | ("Flow", "Draft" | "Obsolete" | "InvalidDraft")
        | ("MatchingRule", "Inactive" | "Deactivating" | "DeactivationFailed") => false,
        ("FlowDefinition", number) => {
            let number: u32 = number
                .parse()
                .map_err(|_| Problem::invalid(element, text))?;
            number > 0
        }
        (_, "true" | "1") if kind.name != "ApexTrigger" => true,
        (_, "false" | "0") if kind.name != "ApexTrigger" => false,
        _ => return Err(Problem::invalid(element, text)),
    };
    Ok(Some(on))
}

/// Puts a rule in force as its component says.
pub(crate) fn put(
    kind: &Kind,
    name: &str,
    content: &Element,
    body: Option<&Bytes>,
    schema: &Schema,
    rules: &mut Rules,
) -> Result<(), Problem> {
    let Some(of_kind) = rule_kind(kind) else {
        return Ok(());
    };
    let on = says_on(kind, content)?;
    let known = find(kind, name, rules).map(|rule| (rule.object.clone(), rule.name.clone()));
    // The parts of a matching rule and the version numbers of a flow belong to rules that exist.
    let by_switch = matches!(kind.name, "MatchingRule" | "FlowDefinition");
    let declared = if by_switch {
        None
    } else {
        declaration(kind, name, content, body, schema)?
    };
    if let (Some((object, own)), Some(on)) = (&known, on) {
        // A matching rule that is off finds nothing, whatever its duplicate rule says; the other way it changes nothing.
        if kind.name != "MatchingRule" || !on {
            let switched = rules.set_active(schema, (of_kind, object, own), on);
            switched.map_err(|error| refused(&error))?;
        }
    }
    let Some(mut declared) = declared else {
        return Ok(());
    };
    if known.is_some() {
        // What a trigger or a flow does is not in its declaration, so that stays.
        let old = find(kind, name, rules).map(facts).unwrap_or_default();
        merge(&mut declared, &old);
    }
    let rule: Rule =
        serde_json::from_value(declared).map_err(|error| Problem::integrity(error.to_string()))?;
    rules.put(schema, rule).map_err(|error| refused(&error))
}

/// Takes a rule out of force.
pub(crate) fn remove(kind: &Kind, name: &str, schema: &Schema, rules: &mut Rules) -> bool {
    let (Some(of_kind), Some(rule)) = (rule_kind(kind), find(kind, name, rules)) else {
        return false;
    };
    if matches!(
        kind.name,
        "Workflow" | "MatchingRules" | "AssignmentRules" | "MatchingRule"
    ) {
        return false;
    }
    let (object, own) = (rule.object.clone(), rule.name.clone());
    rules
        .remove(schema, (of_kind, &object, &own))
        .unwrap_or(false)
}

/// A rule in the notation of the rules; nothing for what is no rule that `save` could run.
fn declaration(
    kind: &Kind,
    name: &str,
    content: &Element,
    body: Option<&Bytes>,
    schema: &Schema,
) -> Result<Option<Value>, Problem> {
    let active = says_on(kind, content)?.unwrap_or(false);
    let split = name.split_once('.');
    let text = |element: &str| {
        let given = content.given(element);
        given.ok_or_else(|| Problem::missing(element))
    };
    let object = |object: &str| {
        let found = schema.find(object).map(|(_, object)| object.name.clone());
        found.ok_or_else(|| Problem::unknown("CustomObject", object))
    };
    Ok(Some(match (kind.name, split) {
        ("ValidationRule", Some((on, own))) => {
            let mut rule = json!({
                "kind": "validation", "object": object(on)?, "name": own, "active": active,
                "condition": text("errorConditionFormula")?, "message": text("errorMessage")?,
            });
            if let (Some(field), Some(rule)) =
                (content.given("errorDisplayField"), rule.as_object_mut())
            {
                rule.insert("field".to_owned(), field.into());
            }
            rule
        }
        ("ApexTrigger", _) => {
            let Some(body) = body else { return Ok(None) };
            let (on, events) = trigger(&String::from_utf8_lossy(body), name)?;
            json!({"kind": "trigger", "object": object(&on)?, "name": name, "active": active, "events": events})
        }
        ("Flow", _) => {
            let Some(start) = content.child("start") else {
                return Ok(None);
            };
            let Some(on) = start.given("object") else {
                return Ok(None);
            };
            let Some(events) = flow_events(start) else {
                return Ok(None);
            };
            let mut rule = json!({"kind": "flow", "object": object(on)?, "name": name, "active": active, "events": events});
            if let (Some(condition), Some(rule)) =
                (start.given("filterFormula"), rule.as_object_mut())
            {
                rule.insert("condition".to_owned(), condition.into());
            }
            rule
        }
        ("WorkflowRule", Some((on, own))) => {
            let Some(condition) = content.given("formula") else {
                return Ok(None);
            };
            json!({
                "kind": "workflow", "object": object(on)?, "name": own, "active": active, "condition": condition,
                "trigger_type": content.given("triggerType").unwrap_or("onCreateOrTriggeringUpdate"),
            })
        }
        _ => return Ok(None),
    }))
}

/// A rule's declaration, as the control interface shows it.
fn facts(rule: &Rule) -> Value {
    serde_json::to_value(rule).unwrap_or_default()
}

fn at<'v>(value: &'v Value, key: &str) -> &'v Value {
    value.get(key).unwrap_or(&Value::Null)
}

fn list(value: &Value, each: impl Fn(&str) -> String) -> Vec<String> {
    let values = value.as_array().into_iter().flatten();
    values
        .filter_map(|value| value.as_str().map(&each))
        .collect()
}

/// Adds what `old` has and `new` does not say.
fn merge(new: &mut Value, old: &Value) {
    if let (Some(new), Some(old)) = (new.as_object_mut(), old.as_object()) {
        for (key, value) in old {
            // A field at fault that is no longer named is no longer at fault.
            if key != "field" && !new.contains_key(key) {
                new.insert(key.clone(), value.clone());
            }
        }
    }
}

fn refused(error: &crate::rules::RuleError) -> Problem {
    Problem::integrity(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_outside_the_list_is_refused() {
        let kind = Kind::named("ApexTrigger").unwrap();
        let content = |status: &str| {
            let mut content = Element::named("ApexTrigger");
            content.put("status", status);
            content
        };
        assert_eq!(says_on(kind, &content("Inactive")), Ok(Some(false)));
        assert_eq!(says_on(kind, &content("Active")), Ok(Some(true)));
        assert!(says_on(kind, &content("true")).is_err());
        assert_eq!(says_on(kind, &Element::default()), Ok(None));
    }
}
