//! What is compared: the objects of both sides, with the schemas of their times.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use holdfast_catalog::{Catalog, ObjectItem};
use holdfast_model::{ErrorCode, Failure, JobId, ObjectName, Stamp};
use holdfast_plan::compare::{
    Doubt, Line, Moment, Plan, PlannedObject, PlannedSide, Request, plan_name,
};
use holdfast_runtime::{Environment, now};

use crate::filters;

/// Objects looked up side by side.
const AT_ONCE: usize = 16;

/// The list that the map goes through.
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) objects: usize,
}

/// Plans the job. The first plan of a job stays, whoever wrote it.
pub(crate) async fn make(
    environment: &Environment,
    request: &Request,
    job: &JobId,
) -> Result<Listed, Failure> {
    let catalog = environment.catalog();
    let (left, right) = (
        side(catalog, &request.left).await?,
        side(catalog, &request.right).await?,
    );
    let names: BTreeSet<_> = left.keys().chain(right.keys()).cloned().collect();
    check_names(request, &names)?;
    let objects = names.into_iter().map(|object| PlannedObject {
        left: left.get(&object).cloned(),
        right: right.get(&object).cloned(),
        object,
    });
    let all: Vec<_> = objects.collect();
    filters::check(environment, request, &all).await?;
    let wanted = |object: &PlannedObject| {
        let objects = request.objects.as_ref();
        objects.is_none_or(|names| names.contains(&object.object))
    };
    let plan = Plan {
        request: request.clone(),
        planned_at: now(),
        compared: all
            .iter()
            .filter(|object| wanted(object))
            .map(|object| object.object.clone())
            .collect(),
        objects: all,
    };
    let vault = environment.vault(&request.left.org).await?;
    vault.put_document(&plan_name(job), &plan).await?;
    let plan: Plan = vault.document(&plan_name(job)).await?;
    let lines = plan.compared.iter().map(|object| Line {
        org: request.left.org.clone(),
        job: job.clone(),
        object: object.clone(),
    });
    Ok(Listed {
        key: vault.put_lines(job, lines).await?,
        objects: plan.compared.len(),
    })
}

/// An object that is asked for by name must be on one side.
fn check_names(request: &Request, names: &BTreeSet<ObjectName>) -> Result<(), Failure> {
    let asked = request
        .objects
        .iter()
        .flatten()
        .map(|name| ("objects", name));
    let filtered = request.filters.keys().map(|name| ("filters", name));
    let unknown = asked
        .chain(filtered)
        .find(|(_, name)| !names.contains(*name));
    unknown.map_or(Ok(()), |(field, name)| {
        Err(Failure::new(
            ErrorCode::InputInvalid,
            format!("input: `{field}` names an object that neither side has: `{name}`"),
        ))
    })
}

/// The objects that an org had at the time.
async fn side(
    catalog: &Catalog,
    moment: &Moment,
) -> Result<BTreeMap<ObjectName, PlannedSide>, Failure> {
    let objects = catalog.objects(&moment.org).await?;
    let planned = stream::iter(objects)
        .map(|item| planned(catalog, item, moment.at))
        .buffer_unordered(AT_ONCE);
    planned
        .try_filter_map(async |found| Ok(found))
        .try_collect()
        .await
}

async fn planned(
    catalog: &Catalog,
    item: ObjectItem,
    at: Option<Stamp>,
) -> Result<Option<(ObjectName, PlannedSide)>, Failure> {
    let mut doubts = Vec::new();
    let schema = match at {
        None => item.readable_schema().map(str::to_owned),
        Some(at) => {
            let described = catalog.described_at(&item.org, &item.object, at).await?;
            if described.as_ref().is_some_and(|(_, first)| at < *first) {
                doubts.push(Doubt::BeforeFirstBackup);
            }
            described.map(|(schema, _)| schema)
        }
    };
    let Some(schema) = schema else {
        return Ok(None);
    };
    if !item.coverage.is_complete() {
        doubts.push(Doubt::HistoryIncomplete);
    }
    let lost = item
        .last_exception
        .as_ref()
        .map(|exception| exception.window.from);
    if lost.is_some_and(|from| at.is_none_or(|at| from.is_none_or(|from| from <= at))) {
        doubts.push(Doubt::NotCaptured);
    }
    Ok(Some((item.object, PlannedSide { schema, doubts })))
}
