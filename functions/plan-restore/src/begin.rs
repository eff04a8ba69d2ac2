//! What is restored, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::{ComparisonItem, ComparisonState, JobKind, JobStatus};
use holdfast_model::{ErrorCode, Failure, JobId, ObjectName, ObjectSchema, Stamp};
use holdfast_plan::compare::{self, PlannedSide};
use holdfast_plan::restore::plan::{Plan, PlannedObject, Request, plan_name};
use holdfast_plan::restore::{Restored, RestoredFields, order};
use holdfast_runtime::{Environment, now};

/// The plan of the job; the first one stays.
pub(crate) async fn plan(
    environment: &Environment,
    request: &Request,
    job: &JobId,
) -> Result<Plan, Failure> {
    let vault = environment.vault(&request.org).await?;
    if let Some(plan) = vault.find_document(&plan_name(job)).await? {
        return Ok(plan);
    }
    let plan = make(environment, request).await?;
    vault.put_document(&plan_name(job), &plan).await?;
    vault.document(&plan_name(job)).await
}

/// An object that may be restored: it was there then, and is there now.
struct Candidate {
    then: PlannedSide,
    now: PlannedSide,
    pages: u32,
}

async fn make(environment: &Environment, request: &Request) -> Result<Plan, Failure> {
    let catalog = environment.catalog();
    let Request { org, compare, .. } = request;
    let source = request.source();
    let job = catalog.job(source, compare).await?;
    if job.kind != JobKind::Compare {
        return Err(invalid(format!("`compare` is not a compare: `{compare}`")));
    }
    if !matches!(job.status, JobStatus::Succeeded | JobStatus::Partial) {
        return Err(Failure::new(
            ErrorCode::JobHasNoResult,
            format!("the job has no result: `{compare}`"),
        ));
    }
    let (of_source, vault) = (
        environment.vault(source).await?,
        environment.vault(org).await?,
    );
    let compared: compare::Plan = of_source.document(&compare::plan_name(compare)).await?;
    let (then, now_at) = moments(request, &compared)?;
    let comparisons = catalog.comparisons(source, compare).await?;
    let whole = whole(request, &compared, &comparisons);
    let ignored = compared.request.ignore.fields.clone();
    let candidates = candidates(request, compared, comparisons)?;
    let hashes = |side: fn(&Candidate) -> &PlannedSide| {
        let hashes = candidates.iter();
        let hashes = hashes.map(move |(object, one)| (object.clone(), side(one).schema.clone()));
        hashes.collect::<Vec<_>>()
    };
    let schemas_then = of_source.schemas(hashes(|one| &one.then)).await?;
    let schemas_now = vault.schemas(hashes(|one| &one.now)).await?;
    check_fields(request, &schemas_then)?;
    let among: BTreeSet<_> = candidates.keys().cloned().collect();
    let restored: Vec<_> = schemas_now
        .values()
        .map(|schema| Restored::of(schema, &among))
        .collect();
    let objects = order(&restored).into_iter().filter_map(|turn| {
        let one = candidates.get(&turn.object)?;
        let (then, now) = (
            schemas_then.get(&turn.object)?,
            schemas_now.get(&turn.object)?,
        );
        let fields = RestoredFields::of(then, now, chosen(request, &turn.object), "");
        Some(PlannedObject {
            schema_then: one.then.schema.clone(),
            schema_now: one.now.schema.clone(),
            pages: one.pages,
            missing: fields.missing().to_vec(),
            turn,
        })
    });
    Ok(Plan {
        objects: objects.collect(),
        whole,
        ignored,
        request: request.clone(),
        planned_at: now(),
        then,
        now: now_at,
    })
}

/// The fields that are chosen of an object; nothing for all.
pub(crate) fn chosen<'r>(
    request: &'r Request,
    object: &ObjectName,
) -> Option<&'r BTreeSet<String>> {
    let selection = request.objects.as_ref()?.get(object)?;
    selection.fields.as_ref()
}

/// Then and now.
fn moments(request: &Request, compared: &compare::Plan) -> Result<(Stamp, Option<Stamp>), Failure> {
    let (left, right) = (&compared.request.left, &compared.request.right);
    let is_asked_for = left.org == *request.source() && right.org == request.org;
    match left.at {
        Some(then) if is_asked_for => Ok((then, right.at)),
        _ => Err(invalid(
            "`compare` must have a moment of the past on its left side, of the org `from` if that is given, and `org` on its right one",
        )),
    }
}

/// The objects with differences that are asked for. One that is asked for by name must be one of them.
fn candidates(
    request: &Request,
    compared: compare::Plan,
    comparisons: Vec<ComparisonItem>,
) -> Result<BTreeMap<ObjectName, Candidate>, Failure> {
    let done = comparisons.into_iter();
    let done = done.filter(|item| item.state == ComparisonState::Done && item.progress.pages > 0);
    let pages: BTreeMap<_, _> = done
        .map(|item| (item.object, item.progress.pages))
        .collect();
    let both = compared.objects.into_iter().filter_map(|object| {
        let candidate = Candidate {
            then: object.left?,
            now: object.right?,
            pages: *pages.get(&object.object)?,
        };
        Some((object.object, candidate))
    });
    let mut candidates: BTreeMap<_, _> = both.collect();
    if let Some(wanted) = &request.objects {
        let unknown = wanted
            .keys()
            .find(|object| !candidates.contains_key(object));
        if let Some(unknown) = unknown {
            return Err(invalid(format!(
                "`objects` names one in which the compare found nothing to restore: `{unknown}`"
            )));
        }
        candidates.retain(|object, _| wanted.contains_key(object));
    }
    Ok(candidates)
}

/// The objects that are asked for and that no filter narrows, with the hash of their schema now.
fn whole(
    request: &Request,
    compared: &compare::Plan,
    comparisons: &[ComparisonItem],
) -> BTreeMap<ObjectName, String> {
    let done = comparisons.iter();
    let done = done.filter(|item| item.state == ComparisonState::Done);
    let done: BTreeSet<_> = done.map(|item| &item.object).collect();
    let is_whole = |one: &&compare::PlannedObject| {
        let asked_for = request.objects.as_ref();
        one.left.is_some()
            && done.contains(&one.object)
            && !compared.request.filters.contains_key(&one.object)
            && asked_for.is_none_or(|objects| objects.contains_key(&one.object))
    };
    let whole = compared.objects.iter().filter(is_whole);
    let whole =
        whole.filter_map(|one| Some((one.object.clone(), one.right.as_ref()?.schema.clone())));
    whole.collect()
}

fn check_fields(
    request: &Request,
    schemas: &BTreeMap<ObjectName, ObjectSchema>,
) -> Result<(), Failure> {
    for (object, schema) in schemas {
        let known: BTreeSet<_> = schema.stored_fields().map(|field| &field.name).collect();
        let mut asked = chosen(request, object).into_iter().flatten();
        if let Some(unknown) = asked.find(|field| !known.contains(field)) {
            let shown: String = unknown.chars().take(60).collect();
            return Err(invalid(format!(
                "`objects.{object}.fields` names a field that was not stored: `{}`",
                shown.escape_debug()
            )));
        }
    }
    Ok(())
}

fn invalid(message: impl std::fmt::Display) -> Failure {
    Failure::new(ErrorCode::InputInvalid, format!("input: {message}"))
}
