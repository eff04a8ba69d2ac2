//! What is restored, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::{ComparisonItem, ComparisonState, JobKind, JobStatus};
use holdfast_model::{ErrorCode, Failure, JobId, ObjectName, ObjectSchema, Stamp};
use holdfast_plan::compare::{self, PlannedSide, Which};
use holdfast_plan::restore::plan::{Plan, PlannedObject, Request, plan_name};
use holdfast_plan::restore::{Restored, RestoredFields, order};
use holdfast_runtime::{Deadline, Environment, now};

use crate::children::Family;

/// The plan of the job; the first one stays.
pub(crate) async fn plan(
    environment: &Environment,
    deadline: Deadline,
    request: &Request,
    job: &JobId,
) -> Result<Plan, Failure> {
    let vault = environment.vault(&request.org).await?;
    if let Some(plan) = vault.find_document(&plan_name(job)).await? {
        return Ok(plan);
    }
    let plan = make(environment, deadline, request).await?;
    vault.put_document(&plan_name(job), &plan).await?;
    vault.document(&plan_name(job)).await
}

/// An object that may be restored: it was there then, is there now, and its records differ.
pub(crate) struct Candidate {
    then: PlannedSide,
    now: PlannedSide,
    /// Of the compare.
    pub(crate) pages: u32,
    /// Records that are not there now.
    pub(crate) gone: u64,
}

async fn make(
    environment: &Environment,
    deadline: Deadline,
    request: &Request,
) -> Result<Plan, Failure> {
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
    let candidates = candidates(&compared, &comparisons);
    let schemas_then = of_source.schemas(described(&compared, Which::Left, |object| {
        let mut asked_for = request.objects.iter().flatten();
        candidates.contains_key(object) || asked_for.any(|(name, _)| name == object)
    }));
    let schemas_then = schemas_then.await?;
    let family = Family {
        catalog,
        vault: &of_source,
        request,
        then,
        candidates: &candidates,
        schemas: &schemas_then,
    };
    let request = &family.taken_along(deadline).await?;
    let among = among(request, &compared, &candidates)?;
    check_fields(request, &schemas_then)?;
    let hashes = described(&compared, Which::Right, |object| among.contains(object));
    let schemas_now = vault.schemas(hashes).await?;
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
        left_out: family.left_out(&among),
        whole: whole(request, &compared, &comparisons),
        ignored: compared.request.ignore.fields.clone(),
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

fn candidates(
    compared: &compare::Plan,
    comparisons: &[ComparisonItem],
) -> BTreeMap<ObjectName, Candidate> {
    let done = comparisons.iter();
    let done = done.filter(|item| item.state == ComparisonState::Done && item.progress.pages > 0);
    let candidates = done.filter_map(|item| {
        let object = compared.object(&item.object)?;
        let candidate = Candidate {
            then: object.left.clone()?,
            now: object.right.clone()?,
            pages: item.progress.pages,
            gone: item.progress.counts.only_left,
        };
        Some((item.object.clone(), candidate))
    });
    candidates.collect()
}

/// Hashes of the schemas of some objects on a side.
fn described(
    compared: &compare::Plan,
    which: Which,
    is_wanted: impl Fn(&ObjectName) -> bool,
) -> Vec<(ObjectName, String)> {
    let mut schemas: Vec<_> = compare::schemas(&compared.objects, which).collect();
    schemas.retain(|(object, _)| is_wanted(object));
    schemas
}

/// The objects that are restored. One that is asked for by name must differ, unless it is asked for with its children.
fn among(
    request: &Request,
    compared: &compare::Plan,
    candidates: &BTreeMap<ObjectName, Candidate>,
) -> Result<BTreeSet<ObjectName>, Failure> {
    let mut among: BTreeSet<_> = candidates.keys().cloned().collect();
    if let Some(wanted) = &request.objects {
        let unknown = wanted.iter().find(|(object, selection)| {
            let is_parent = selection.children && compared.object(object).is_some();
            !among.contains(*object) && !is_parent
        });
        if let Some((unknown, _)) = unknown {
            return Err(invalid(format!(
                "`objects` names one in which the compare found nothing to restore: `{unknown}`"
            )));
        }
        among.retain(|object| wanted.contains_key(object));
    }
    Ok(among)
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
