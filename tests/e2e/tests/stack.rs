//! The local stack itself: what is deployed answers, and nothing outlives it.

use std::process::Command;

use holdfast_e2e::{Options, Stack};
use serde_json::json;

#[tokio::test]
async fn a_function_answers_with_the_class_and_the_code_of_its_error() {
    let stack = Stack::shared().await.unwrap();
    let input = json!({ "org": "nobody", "object": "Account", "id": "001000000000001" });
    let error = stack.invoke("read-record", &input).await.unwrap_err();
    assert_eq!(error.kind, "NotFound");
    assert!(error.message.starts_with("ORG_UNKNOWN: "), "{error}");
}

#[tokio::test]
async fn a_backup_of_an_unknown_org_fails_with_the_error_of_the_state_that_failed() {
    let stack = Stack::shared().await.unwrap();
    let execution = stack.start_backup("nobody").await.unwrap();
    let outcome = stack.wait(&execution).await.unwrap();
    assert_eq!(
        (outcome.status.as_str(), outcome.error.as_str()),
        ("FAILED", "NotFound")
    );
    assert!(outcome.cause.contains("ORG_UNKNOWN"), "{}", outcome.cause);
}

#[tokio::test]
async fn a_killed_process_of_a_function_is_replaced() {
    let stack = Stack::shared().await.unwrap();
    let input = json!({ "org": "nobody", "object": "Account", "id": "001000000000001" });
    stack.invoke("read-record", &input).await.unwrap_err();
    let workers = stack.workers("read-record");
    assert!(!workers.is_empty());
    for worker in &workers {
        assert!(worker.peak_memory().unwrap() > 0);
        worker.kill().unwrap();
    }
    // Who is handed a call while its process is ending fails with it; state machines repeat that.
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind == "Runtime.ExitError") {
        assert!(kinds.len() <= workers.len(), "a new process answers");
        let error = stack.invoke("read-record", &input).await.unwrap_err();
        kinds.push(error.kind);
    }
    assert_eq!(kinds.last().unwrap(), "NotFound", "a new process answers");
    assert!(
        workers
            .iter()
            .all(|worker| !stack.workers("read-record").contains(worker))
    );
}

#[tokio::test]
async fn a_stack_ends_with_everything_that_it_started() {
    let stack = Stack::start(Options::with_records(10)).await.unwrap();
    stack
        .invoke("connect-org", &json!({ "org": "nobody" }))
        .await
        .unwrap_err();
    assert!(!stack.workers("connect-org").is_empty());
    let addresses = stack.addresses().clone();
    assert!(addresses.is_alive());
    drop(stack);
    assert!(!addresses.is_alive());
    assert!(!addresses.folder.exists());
}

#[test]
fn the_demo_runs_to_its_end() {
    let demo = Command::new(env!("CARGO_BIN_EXE_holdfast-local"))
        .args(["demo", "--records", "10000"])
        .output()
        .unwrap();
    let (told, errors) = (
        String::from_utf8_lossy(&demo.stdout),
        String::from_utf8_lossy(&demo.stderr),
    );
    assert!(demo.status.success(), "{told}{errors}");
    assert!(told.contains("nothing else moved"), "{told}");
}
