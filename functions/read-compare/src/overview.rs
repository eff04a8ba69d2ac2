//! The objects of a compare, and how far it is.

use holdfast_catalog::{ComparisonCounts, ComparisonItem, ComparisonState, JobItem, JobStatus};
use holdfast_model::{Failure, JobId, ObjectName, OrgName, Stamp};
use holdfast_plan::compare::{Doubt, Plan, PlannedObject, Request};
use serde::{Deserialize, Serialize};

use crate::{Input, has_result};

/// A compare.
#[derive(Debug, Serialize)]
pub struct Overview {
    org: OrgName,
    job: JobId,
    status: JobStatus,
    started_at: Stamp,
    finished_at: Option<Stamp>,
    /// Why it failed, or the first reason why it is partial.
    error: Option<Failure>,
    /// What was asked for; nothing before it is planned.
    request: Option<Request>,
    /// Of its objects, those that are compared.
    objects_done: usize,
    objects_planned: usize,
    percent: u8,
    /// The rest once the job has ended well.
    #[serde(flatten)]
    result: Option<Result>,
}

#[derive(Debug, Serialize)]
struct Result {
    /// Objects, by what became of them.
    summary: Summary,
    /// Of all objects together.
    counts: ComparisonCounts,
    /// Those that were asked for.
    objects: Vec<ObjectResult>,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    alike: usize,
    different: usize,
    only_left: usize,
    only_right: usize,
    exceptions: usize,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Show {
    /// No record differs.
    Alike,
    /// Some do.
    Different,
    /// The right side has no such object.
    OnlyLeft,
    /// The left side has no such object.
    OnlyRight,
    /// It could not be compared.
    Exceptions,
}

#[derive(Debug, Serialize)]
struct ObjectResult {
    object: ObjectName,
    result: Show,
    counts: ComparisonCounts,
    /// Why a side may not be what the org had at its time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_doubts: Vec<Doubt>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    right_doubts: Vec<Doubt>,
    error: Option<Failure>,
}

impl Overview {
    pub(crate) fn of(
        job: JobItem,
        plan: Option<&Plan>,
        comparisons: &[ComparisonItem],
        input: &Input,
    ) -> Self {
        let planned = plan.map_or(0, |plan| plan.compared.len());
        let done = comparisons
            .iter()
            .filter(|item| item.state != ComparisonState::Open);
        let done = done.count();
        let percent = (done * 100).checked_div(planned).unwrap_or(0);
        let result = plan.filter(|_| has_result(&job));
        Self {
            result: result.map(|plan| Result::of(plan, comparisons, input)),
            request: plan.map(|plan| plan.request.clone()),
            objects_done: done,
            objects_planned: planned,
            percent: u8::try_from(percent).unwrap_or(100),
            org: job.org,
            job: job.job,
            status: job.status,
            started_at: job.started_at,
            finished_at: job.finished_at,
            error: job.error,
        }
    }
}

impl Result {
    fn of(plan: &Plan, comparisons: &[ComparisonItem], input: &Input) -> Self {
        let mut summary = Summary::default();
        let mut counts = ComparisonCounts::default();
        let mut objects = Vec::new();
        for item in comparisons {
            let Some(planned) = plan.object(&item.object) else {
                continue;
            };
            let object = object(item, planned);
            *match object.result {
                Show::Alike => &mut summary.alike,
                Show::Different => &mut summary.different,
                Show::OnlyLeft => &mut summary.only_left,
                Show::OnlyRight => &mut summary.only_right,
                Show::Exceptions => &mut summary.exceptions,
            } += 1;
            if object.error.is_none() {
                counts.add(&object.counts);
            }
            let shown = input.show.is_none_or(|show| show == object.result);
            if shown && is_named_like(&object.object, input.search.as_deref()) {
                objects.push(object);
            }
        }
        Self {
            summary,
            counts,
            objects,
        }
    }
}

fn object(item: &ComparisonItem, planned: &PlannedObject) -> ObjectResult {
    let counts = item.progress.counts;
    let (left, right) = (planned.left.as_ref(), planned.right.as_ref());
    let error = match &item.state {
        ComparisonState::Exception { failure } => Some(failure.clone()),
        ComparisonState::Open | ComparisonState::Done => None,
    };
    let result = match (&error, left, right) {
        (Some(_), ..) => Show::Exceptions,
        (None, Some(_), None) => Show::OnlyLeft,
        (None, None, _) => Show::OnlyRight,
        (None, Some(_), Some(_)) if counts.differing() == 0 => Show::Alike,
        (None, Some(_), Some(_)) => Show::Different,
    };
    ObjectResult {
        object: item.object.clone(),
        result,
        counts,
        left_doubts: left.map_or_else(Vec::new, |side| side.doubts.clone()),
        right_doubts: right.map_or_else(Vec::new, |side| side.doubts.clone()),
        error,
    }
}

fn is_named_like(object: &ObjectName, search: Option<&str>) -> bool {
    search.is_none_or(|search| {
        let name = object.as_str().to_ascii_lowercase();
        name.contains(&search.to_ascii_lowercase())
    })
}
