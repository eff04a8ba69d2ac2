//! The state machines: what cfn-lint and the emulator let pass (design, section 10).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Finding, list, members, text};

/// The types of state that AWS and the local stack execute alike and that we need.
const TYPES: [&str; 6] = ["Choice", "Fail", "Map", "Succeed", "Task", "Wait"];
/// What a task may call beside our own functions.
const NESTED_JOB: &str = "arn:aws:states:::states:startExecution.sync:2";
const READER: &str = "arn:aws:states:::s3:getObject";
/// Classes that pass by themselves, so that every task repeats them.
const TRANSIENT: [&str; 3] = ["Throttled", "Unavailable", "Conflict"];

/// Checks one machine. `declared` are the substitutions that the template gives it.
pub(super) fn check(path: &str, machine: &str, declared: &BTreeSet<String>) -> Vec<Finding> {
    let machine: Value = match serde_json::from_str(machine) {
        Ok(machine) => machine,
        Err(error) => return vec![Finding::new(path, format!("is not JSON: {error}"))],
    };
    let mut check = Check {
        path,
        findings: Vec::new(),
        used: BTreeSet::new(),
    };
    if machine.get("TimeoutSeconds").is_none() {
        check.find("(machine)", "has no TimeoutSeconds");
    }
    check.scope(&machine);
    for unused in declared.difference(&check.used) {
        check.findings.push(Finding::new(
            path,
            format!("the template substitutes `{unused}`, which no state uses"),
        ));
    }
    for undeclared in check.used.difference(declared) {
        check.findings.push(Finding::new(
            path,
            format!("the template does not substitute `{undeclared}`"),
        ));
    }
    check.findings
}

struct Check<'a> {
    path: &'a str,
    findings: Vec<Finding>,
    used: BTreeSet<String>,
}

impl Check<'_> {
    fn find(&mut self, state: &str, message: impl Into<String>) {
        self.findings
            .push(Finding::new(format!("{}: {state}", self.path), message));
    }

    /// A machine, or the inside of a map: states see only the states beside them.
    fn scope(&mut self, scope: &Value) {
        let start = text(scope, "/StartAt");
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(name) = open.pop() {
            if reached.insert(name) {
                let state = scope.get("States").and_then(|states| states.get(name));
                match state {
                    Some(state) => open.extend(targets(state)),
                    None => self.find(name, "is a target, but no such state exists"),
                }
            }
        }
        for (name, state) in members(scope, "/States") {
            if !reached.contains(name.as_str()) {
                self.find(name, "cannot be reached");
            }
            self.state(name, state);
        }
    }

    fn state(&mut self, name: &str, state: &Value) {
        let kind = text(state, "/Type");
        if !TYPES.contains(&kind) {
            self.find(name, format!("has a type that we do not use: `{kind}`"));
        }
        if !name.starts_with(|c: char| c.is_ascii_uppercase())
            || !name.chars().all(|c| c.is_ascii_alphanumeric())
        {
            self.find(name, "is not named in PascalCase");
        }
        if text(state, "/Comment").is_empty() {
            self.find(name, "does not say in a Comment why it exists");
        }
        match kind {
            "Choice" if text(state, "/Default").is_empty() => self.find(name, "has no Default"),
            "Task" | "Map" | "Wait"
                if text(state, "/Next").is_empty()
                    && state.get("End") != Some(&Value::Bool(true)) =>
            {
                self.find(name, "has neither Next nor End");
            }
            _ => {}
        }
        for field in [
            "QueryLanguage",
            "ItemBatcher",
            "ResultWriter",
            "HeartbeatSeconds",
        ] {
            if state.get(field).is_some() {
                self.find(
                    name,
                    format!("uses `{field}`, which does not run the same everywhere"),
                );
            }
        }
        match kind {
            "Task" => self.task(name, state),
            "Map" => self.map(name, state),
            _ => {}
        }
        self.paths(name, state);
    }

    fn task(&mut self, name: &str, state: &Value) {
        // A nested job is started by the machine that the template names.
        let called = match text(state, "/Resource") {
            NESTED_JOB => text(state, "/Parameters/StateMachineArn"),
            resource => resource,
        };
        match called
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'))
        {
            Some(substitution) => {
                self.used.insert(substitution.to_owned());
            }
            None => self.find(
                name,
                format!("calls something else than our functions and machines: `{called}`"),
            ),
        }
        if !state.get("TimeoutSeconds").is_some_and(Value::is_u64) {
            self.find(name, "has no TimeoutSeconds");
        }
        let repeated: Vec<&str> = retries(state).flat_map(|retry| errors(retry)).collect();
        for class in TRANSIENT {
            if !repeated.contains(&class) {
                self.find(name, format!("does not Retry `{class}`"));
            }
        }
        self.guards(name, state);
    }

    fn map(&mut self, name: &str, state: &Value) {
        let mode = text(state, "/ItemProcessor/ProcessorConfig/Mode");
        if mode == "DISTRIBUTED" {
            let (reader, kind) = (
                text(state, "/ItemReader/Resource"),
                text(state, "/ItemReader/ReaderConfig/InputType"),
            );
            if reader != READER || kind != "JSONL" {
                self.find(name, "must read its items as JSON lines from the vault");
            }
        }
        if !state.get("MaxConcurrency").is_some_and(Value::is_u64) {
            self.find(name, "has no MaxConcurrency");
        }
        self.guards(name, state);
        match state.get("ItemProcessor") {
            Some(inside) => self.scope(inside),
            None => self.find(name, "has no ItemProcessor"),
        }
    }

    /// Retry with an end and jitter; Catch of everything, which keeps the input.
    fn guards(&mut self, name: &str, state: &Value) {
        if retries(state).next().is_none() {
            self.find(name, "has no Retry");
        }
        for retry in retries(state) {
            for field in ["MaxAttempts", "MaxDelaySeconds", "JitterStrategy"] {
                if retry.get(field).is_none() {
                    self.find(name, format!("has a Retry without {field}"));
                }
            }
        }
        let catches = list(state.get("Catch"));
        if !catches
            .iter()
            .any(|catch| errors(catch).contains(&"States.ALL"))
        {
            self.find(name, "does not Catch States.ALL");
        }
        for catch in catches {
            if !text(catch, "/ResultPath").starts_with("$.") {
                self.find(
                    name,
                    "has a Catch that drops the input: it needs a ResultPath",
                );
            }
        }
    }

    /// Shaping is done in Rust: every `x.$` is a reference path, never a call.
    fn paths(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (key, inner) in fields {
                    match inner {
                        // the states inside a map are looked at one by one
                        Value::Object(_) if key == "States" => {}
                        Value::String(path) if key.ends_with(".$") && !path.starts_with('$') => {
                            self.find(name, format!("`{key}` is not a reference path: `{path}`"));
                        }
                        _ => self.paths(name, inner),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|inner| self.paths(name, inner)),
            _ => {}
        }
    }
}

/// Where a state may go.
fn targets(state: &Value) -> Vec<&str> {
    let own = [state.get("Next"), state.get("Default")]
        .into_iter()
        .flatten();
    let choices = list(state.get("Choices"))
        .into_iter()
        .filter_map(|choice| choice.get("Next"));
    let catches = list(state.get("Catch"))
        .into_iter()
        .filter_map(|catch| catch.get("Next"));
    own.chain(choices)
        .chain(catches)
        .filter_map(Value::as_str)
        .collect()
}

fn retries(state: &Value) -> impl Iterator<Item = &Value> {
    list(state.get("Retry")).into_iter()
}

fn errors(rule: &Value) -> Vec<&str> {
    list(rule.get("ErrorEquals"))
        .into_iter()
        .filter_map(Value::as_str)
        .collect()
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
