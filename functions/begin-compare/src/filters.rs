//! The filters of a request, checked before anything begins.

use holdfast_model::Failure;
use holdfast_model::filter::Filter;
use holdfast_plan::compare::{PlannedObject, Request, Which, schemas};
use holdfast_runtime::Environment;

/// `FILTER_INVALID` with the place, or `FILTER_UNSUPPORTED`, for a filter that does not hold on a side that has its object.
pub(crate) async fn check(
    environment: &Environment,
    request: &Request,
    objects: &[PlannedObject],
) -> Result<(), Failure> {
    if request.filters.is_empty() {
        return Ok(());
    }
    for which in [Which::Left, Which::Right] {
        let vault = environment.vault(&request.moment(which).org).await?;
        let schemas = vault.schemas(schemas(objects, which)).await?;
        for (object, text) in &request.filters {
            if schemas.contains_key(object) {
                Filter::parse(text)?.check(object, &schemas)?;
            }
        }
    }
    Ok(())
}
