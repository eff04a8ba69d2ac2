//! The states of the backup machine, read from its file, so that one that is added later is killed as well.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value};

/// A state that a job can be in.
pub(crate) struct State {
    pub(crate) name: String,
    /// How a history shows that it was entered.
    pub(crate) sign: Sign,
    /// Functions that may be at work in it.
    pub(crate) functions: BTreeSet<String>,
}

/// How a history shows that a state was entered. Of a child execution of a map, the local AWS writes down the calls of
/// its tasks, their answers and how it ended, and no states; what comes between follows from these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The job's own history names it.
    Named,
    /// A child calls this function.
    ChildCalls(String),
    /// A child has an answer, and decides what is next.
    ChildChooses,
    /// A child was told to wait.
    ChildWaits,
    /// A child succeeded.
    ChildSucceeds,
    /// A child failed.
    ChildFails,
}

/// Every state, those inside of maps after the map.
pub(crate) fn states() -> Vec<State> {
    let file = xtask::place::root().join("statemachines/backup.asl.json");
    let machine: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut states = Vec::new();
    for (name, outer) in states_of(&machine) {
        let functions = functions_of(outer);
        states.push(State {
            name: name.clone(),
            sign: Sign::Named,
            functions: functions.clone(),
        });
        if outer["Type"] == "Map" {
            let inner = states_of(&outer["ItemProcessor"]);
            states.extend(inner.iter().map(|(name, inner)| State {
                name: name.clone(),
                sign: sign_of_child(inner),
                functions: functions.clone(),
            }));
        }
    }
    states
}

/// The functions that the machine calls.
pub(crate) fn functions() -> Vec<String> {
    let all: BTreeSet<_> = states()
        .into_iter()
        .flat_map(|state| state.functions)
        .collect();
    all.into_iter().collect()
}

fn states_of(machine: &Value) -> &Map<String, Value> {
    machine["States"].as_object().unwrap()
}

fn sign_of_child(state: &Value) -> Sign {
    match state["Type"].as_str().unwrap() {
        "Task" => Sign::ChildCalls(functions_of(state).pop_first().unwrap()),
        "Choice" => Sign::ChildChooses,
        "Wait" => Sign::ChildWaits,
        "Succeed" => Sign::ChildSucceeds,
        "Fail" => Sign::ChildFails,
        other => panic!("no history of a child shows a state of type `{other}`"),
    }
}

/// The functions that a state calls, itself or in the states inside of it.
fn functions_of(state: &Value) -> BTreeSet<String> {
    let mut functions = BTreeSet::new();
    functions.extend(state["Resource"].as_str().and_then(function));
    if let Some(inner) = state["ItemProcessor"]["States"].as_object() {
        functions.extend(inner.values().flat_map(functions_of));
    }
    functions
}

/// `${BeginJob}` is substituted by the function `begin-job`.
fn function(resource: &str) -> Option<String> {
    let name = resource.strip_prefix("${")?.strip_suffix('}')?;
    let mut function = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !function.is_empty() {
            function.push('-');
        }
        function.extend(letter.to_lowercase());
    }
    Some(function)
}
