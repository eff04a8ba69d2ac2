//! Reads objects once more whose values change without a stamp: those with formulas, every so often.

use holdfast_catalog::{Catalog, ObjectItem, Settings};
use holdfast_model::{Failure, Stamp, Window};

/// Begins what is due. A first reading is as good as a refresh, so an object's time runs from the end of its backfill.
pub(crate) async fn begin_due(
    catalog: &Catalog,
    settings: &Settings,
    objects: &mut [ObjectItem],
    now: Stamp,
) -> Result<(), Failure> {
    let period = settings.formula_refresh_seconds;
    for item in objects {
        let calculated = item.facts.as_ref().is_some_and(|facts| facts.calculated);
        let at_work = item.refresh.is_some() || !item.coverage.is_complete();
        if period == 0 || !calculated || at_work || item.cursor_field().is_none() {
            continue;
        }
        match item.refreshed_at {
            None => *item = catalog.note_refreshed(&item.org, &item.object, now).await?,
            Some(at) if at.plus_seconds(period) <= now => {
                *item = catalog.begin_refresh(&item.org, &item.object, now).await?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The windows that are left of a refresh.
pub(crate) fn left(object: &ObjectItem) -> Vec<Window> {
    let refresh = object.refresh.as_ref();
    refresh.map_or_else(Vec::new, |refresh| refresh.done.gaps(refresh.until))
}
