//! What the histories of a job and of its child executions show so far.

use aws_sdk_sfn::types::{
    ExecutionStatus, HistoryEvent, HistoryEventType, StateEnteredEventDetails,
};
use holdfast_e2e::{Execution, Stack};
use serde_json::Value;

use super::machine::Sign;

/// Most events that one call answers; a tiny job has about sixty.
const EVENTS_MAX: i32 = 1_000;

/// A job so far.
pub(crate) struct History {
    events: Vec<HistoryEvent>,
    children: Vec<Child>,
}

/// One block.
struct Child {
    status: ExecutionStatus,
    events: Vec<HistoryEvent>,
}

impl History {
    /// Reads the history of the job itself.
    pub(crate) async fn of_job(stack: &Stack, execution: &Execution) -> Self {
        Self {
            events: events(stack, &execution.arn).await,
            children: Vec::new(),
        }
    }

    /// Reads the histories of its child executions, too.
    pub(crate) async fn of_job_and_children(stack: &Stack, execution: &Execution) -> Self {
        // Whether the job has ended is looked at first: of a job that has, nothing is missing.
        let mut history = Self::of_job(stack, execution).await;
        let maps = stack.sfn.list_map_runs().execution_arn(&execution.arn);
        for map in maps.send().await.unwrap().map_runs {
            let children = stack.sfn.list_executions().map_run_arn(map.map_run_arn);
            for child in children.send().await.unwrap().executions {
                history.children.push(Child {
                    events: events(stack, &child.execution_arn).await,
                    status: child.status,
                });
            }
        }
        history
    }

    /// Whether the state called `name` was entered.
    pub(crate) fn shows(&self, name: &str, sign: &Sign) -> bool {
        let any = |shows: &dyn Fn(&Child) -> bool| self.children.iter().any(shows);
        match sign {
            Sign::Named => self.entered().any(|entered| entered == name),
            Sign::ChildCalls(function) => any(&|child| child.calls(function)),
            Sign::ChildChooses => any(&|child| child.answers().next().is_some()),
            Sign::ChildWaits => any(&|child| {
                let mut answers = child.answers();
                answers.any(|answer| answer["wait_seconds"].as_u64() > Some(0))
            }),
            Sign::ChildSucceeds => any(&|child| child.status == ExecutionStatus::Succeeded),
            Sign::ChildFails => any(&|child| child.status == ExecutionStatus::Failed),
        }
    }

    /// Whether the job has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.events.iter().any(is_end)
    }

    /// The state that the job was in when it ended, or is in.
    pub(crate) fn last_state(&self) -> String {
        let last = self.entered().last();
        last.unwrap_or("(before the first state)").to_owned()
    }

    /// How many calls of functions ended without an answer.
    pub(crate) fn broken_calls(&self) -> usize {
        let children = self.children.iter().flat_map(|child| &child.events);
        let all = self.events.iter().chain(children);
        all.filter_map(HistoryEvent::task_failed_event_details)
            .filter(|failed| {
                failed
                    .error()
                    .is_some_and(|error| error.starts_with("Runtime."))
            })
            .count()
    }

    /// States in the order in which they were entered, until the end. The local AWS notes what it comes to after that.
    fn entered(&self) -> impl Iterator<Item = &str> {
        let before_end = self.events.iter().take_while(|event| !is_end(event));
        before_end
            .filter_map(HistoryEvent::state_entered_event_details)
            .map(StateEnteredEventDetails::name)
    }
}

impl Child {
    fn calls(&self, function: &str) -> bool {
        let mut scheduled = self
            .events
            .iter()
            .filter_map(HistoryEvent::task_scheduled_event_details);
        scheduled.any(|scheduled| scheduled.resource().ends_with(function))
    }

    fn answers(&self) -> impl Iterator<Item = Value> {
        let succeeded = self
            .events
            .iter()
            .filter_map(HistoryEvent::task_succeeded_event_details);
        succeeded.filter_map(|succeeded| serde_json::from_str(succeeded.output()?).ok())
    }
}

fn is_end(event: &HistoryEvent) -> bool {
    matches!(
        event.r#type,
        HistoryEventType::ExecutionAborted
            | HistoryEventType::ExecutionFailed
            | HistoryEventType::ExecutionSucceeded
            | HistoryEventType::ExecutionTimedOut
    )
}

async fn events(stack: &Stack, arn: &str) -> Vec<HistoryEvent> {
    let history = stack
        .sfn
        .get_execution_history()
        .execution_arn(arn)
        .max_results(EVENTS_MAX);
    let page = history.send().await.unwrap();
    assert_eq!(page.next_token, None, "a longer history than expected");
    page.events
}
