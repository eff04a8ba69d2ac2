//! The filters of a request, checked before anything begins.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use holdfast_model::filter::Filter;
use holdfast_model::{Failure, ObjectName, ObjectSchema};
use holdfast_plan::compare::{PlannedObject, PlannedSide, Request};
use holdfast_runtime::Environment;

/// Schemas read side by side.
const AT_ONCE: usize = 16;

/// `FILTER_INVALID` with the place, or `FILTER_UNSUPPORTED`, for a filter that does not hold on a side that has its object.
pub(crate) async fn check(
    environment: &Environment,
    request: &Request,
    objects: &[PlannedObject],
) -> Result<(), Failure> {
    if request.filters.is_empty() {
        return Ok(());
    }
    let sides = [
        (
            &request.left.org,
            left as fn(&PlannedObject) -> Option<&PlannedSide>,
        ),
        (&request.right.org, right),
    ];
    for (org, side) in sides {
        let vault = environment.vault(org).await?;
        let described = objects
            .iter()
            .filter_map(|object| Some((object.object.clone(), side(object)?.schema.clone())));
        let schemas: BTreeMap<ObjectName, ObjectSchema> = stream::iter(described)
            .map(async |(object, hash)| {
                let schema = vault.schema(&object, &hash).await?;
                Ok::<_, Failure>((object, schema))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for (object, text) in &request.filters {
            if schemas.contains_key(object) {
                Filter::parse(text)?.check(object, &schemas)?;
            }
        }
    }
    Ok(())
}

fn left(object: &PlannedObject) -> Option<&PlannedSide> {
    object.left.as_ref()
}

fn right(object: &PlannedObject) -> Option<&PlannedSide> {
    object.right.as_ref()
}
