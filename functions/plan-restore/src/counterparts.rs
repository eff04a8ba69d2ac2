//! Who takes the place of users, record types and the like in another org, as both backups tell.

use holdfast_model::{Failure, ObjectName, OrgName, Stamp};
use holdfast_plan::restore::counterpart::{Counterparts, Names, named};
use holdfast_plan::restore::plan::Plan;
use holdfast_runtime::Environment;
use holdfast_vault::{Fields, Filter};

use crate::object::END_OF_TIME;

/// Nobody takes anybody's place in the org itself.
pub(crate) async fn of(environment: &Environment, plan: &Plan) -> Result<Counterparts, Failure> {
    let (source, target) = (plan.request.source(), &plan.request.org);
    let mut counterparts = Counterparts::default();
    if source == target {
        return Ok(counterparts);
    }
    let now = plan.now.unwrap_or(END_OF_TIME);
    for (object, fields) in named() {
        let of_source = names(environment, (source, plan.then), &object, fields).await?;
        let of_target = names(environment, (target, now), &object, fields).await?;
        counterparts.note(object.as_str(), &of_source, &of_target);
    }
    Ok(counterparts)
}

/// An org has hundreds of them, or some thousands of users; not as many as records.
async fn names(
    environment: &Environment,
    (org, at): (&OrgName, Stamp),
    object: &ObjectName,
    fields: &[&str],
) -> Result<Names, Failure> {
    let segments = environment.catalog().segments(org, object).await?;
    let vault = environment.vault(org).await?;
    let mut scan = vault.scan(&segments, at, Fields::Named(fields), Filter::Live);
    let mut names = Names::default();
    while let Some(row) = scan.next().await? {
        let texts = row.fields();
        let texts = texts.filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned())));
        names.note(object.as_str(), row.id(), &texts.collect());
    }
    Ok(names)
}
