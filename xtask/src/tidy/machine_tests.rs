//! A machine that is right passes; each way of being wrong is found by name.

use serde_json::json;

use super::*;

fn declared() -> BTreeSet<String> {
    ["Begin", "Fail"].map(str::to_owned).into()
}

fn task(function: &str, next: &str) -> Value {
    json!({
        "Type": "Task", "Comment": "why", "Resource": format!("${{{function}}}"), "TimeoutSeconds": 10, "Next": next,
        "Parameters": { "org.$": "$.org" },
        "Retry": [{ "ErrorEquals": ["Throttled", "Unavailable", "Conflict"], "MaxAttempts": 2, "MaxDelaySeconds": 9, "JitterStrategy": "FULL" }],
        "Catch": [{ "ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Failed" }]
    })
}

/// Begin -> Blocks (map: Fail -> End) -> Done, with a Fail state at the side.
fn machine() -> Value {
    let mut map = task("Fail", "Done");
    let fields = map.as_object_mut().unwrap();
    fields.remove("Resource");
    fields.remove("TimeoutSeconds");
    fields.insert("Type".into(), "Map".into());
    fields.insert("MaxConcurrency".into(), 4.into());
    fields.insert(
        "ItemReader".into(),
        json!({ "Resource": READER, "ReaderConfig": { "InputType": "JSONL" } }),
    );
    fields.insert(
        "ItemProcessor".into(),
        json!({
            "ProcessorConfig": { "Mode": "DISTRIBUTED" }, "StartAt": "Inner",
            "States": { "Inner": task("Fail", "Failed"), "Failed": { "Type": "Fail", "Comment": "why" } }
        }),
    );
    json!({
        "StartAt": "Begin", "TimeoutSeconds": 100,
        "States": {
            "Begin": task("Begin", "Blocks"), "Blocks": map,
            "Done": { "Type": "Succeed", "Comment": "why" }, "Failed": { "Type": "Fail", "Comment": "why" }
        }
    })
}

/// The findings after one change at a JSON pointer; `null` takes the value away.
fn findings_after(pointer: &str, replacement: Value) -> Vec<String> {
    let mut machine = machine();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = machine.pointer_mut(parent).unwrap();
    if replacement.is_null() {
        parent.as_object_mut().unwrap().remove(key).unwrap();
    } else {
        parent[key] = replacement;
    }
    check("m", &machine.to_string(), &declared())
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[track_caller]
fn refused(pointer: &str, replacement: Value, expected: &str) {
    let findings = findings_after(pointer, replacement);
    assert!(
        findings.iter().any(|finding| finding.contains(expected)),
        "expected `{expected}`, got {findings:?}"
    );
}

#[test]
fn a_machine_that_keeps_the_rules_passes() {
    assert_eq!(check("m", &machine().to_string(), &declared()), []);
}

#[test]
fn a_missing_target_is_refused() {
    refused(
        "/States/Begin/Next",
        "Nowhere".into(),
        "Nowhere: is a target",
    );
    refused(
        "/States/Begin/Catch/0/Next",
        "Nowhere".into(),
        "Nowhere: is a target",
    );
    refused("/StartAt", "Nowhere".into(), "Nowhere: is a target");
    refused(
        "/States/Blocks/ItemProcessor/States/Inner/Next",
        "Done".into(),
        "Done: is a target",
    );
}

#[test]
fn a_state_that_nothing_leads_to_is_refused() {
    refused(
        "/States/Begin/Next",
        "Done".into(),
        "Blocks: cannot be reached",
    );
    refused(
        "/States/Extra",
        json!({ "Type": "Succeed", "Comment": "why" }),
        "Extra: cannot be reached",
    );
}

#[test]
fn a_state_that_leads_nowhere_is_refused() {
    refused("/States/Begin/Next", Value::Null, "neither Next nor End");
}

#[test]
fn a_task_without_its_guards_is_refused() {
    for pointer in ["/States/Begin", "/States/Blocks/ItemProcessor/States/Inner"] {
        refused(
            &format!("{pointer}/TimeoutSeconds"),
            Value::Null,
            "no TimeoutSeconds",
        );
        refused(&format!("{pointer}/Retry"), Value::Null, "no Retry");
        refused(&format!("{pointer}/Catch"), Value::Null, "does not Catch");
    }
    refused("/States/Blocks/Retry", Value::Null, "no Retry");
    refused("/States/Blocks/Catch", Value::Null, "does not Catch");
    refused(
        "/States/Begin/Retry/0/JitterStrategy",
        Value::Null,
        "without JitterStrategy",
    );
    refused(
        "/States/Begin/Retry/0/ErrorEquals",
        json!(["Throttled", "Conflict"]),
        "does not Retry `Unavailable`",
    );
    refused(
        "/States/Begin/Catch/0/ErrorEquals",
        json!(["Invalid"]),
        "does not Catch",
    );
    refused(
        "/States/Begin/Catch/0/ResultPath",
        Value::Null,
        "drops the input",
    );
    refused("/TimeoutSeconds", Value::Null, "no TimeoutSeconds");
}

#[test]
fn integrations_beside_our_functions_are_refused() {
    refused(
        "/States/Begin/Resource",
        "arn:aws:states:::aws-sdk:s3:putObject".into(),
        "something else than our functions",
    );
    refused(
        "/States/Begin/Type",
        "Parallel".into(),
        "a type that we do not use",
    );
    refused(
        "/States/Blocks/ItemBatcher",
        json!({ "MaxItemsPerBatch": 10 }),
        "uses `ItemBatcher`",
    );
    refused(
        "/States/Blocks/ResultWriter",
        json!({}),
        "uses `ResultWriter`",
    );
    refused(
        "/States/Blocks/ItemReader/ReaderConfig/InputType",
        "CSV".into(),
        "JSON lines",
    );
}

#[test]
fn shaping_outside_rust_is_refused() {
    refused(
        "/States/Begin/Parameters/org.$",
        "States.Format('{}', $.org)".into(),
        "not a reference path",
    );
}

#[test]
fn substitutions_and_template_must_agree() {
    refused(
        "/States/Begin/Resource",
        "${Start}".into(),
        "does not substitute `Start`",
    );
    refused(
        "/States/Begin/Resource",
        "${Start}".into(),
        "substitutes `Begin`, which no state uses",
    );
}

#[test]
fn text_that_is_not_json_is_refused() {
    assert!(
        check("m", "{", &declared())[0]
            .message
            .contains("is not JSON")
    );
}

#[test]
fn a_nested_job_is_a_machine_of_the_template() {
    let mut machine = machine();
    machine["States"]["Begin"]["Resource"] = NESTED_JOB.into();
    machine["States"]["Begin"]["Parameters"] =
        json!({ "StateMachineArn": "${Begin}", "Input.$": "$.backup" });
    assert!(check("m", &machine.to_string(), &declared()).is_empty());
    machine["States"]["Begin"]["Parameters"]["StateMachineArn"] = "arn:aws:states:elsewhere".into();
    let findings = check("m", &machine.to_string(), &declared());
    assert!(
        findings
            .iter()
            .any(|finding| finding.to_string().contains("machines"))
    );
}
