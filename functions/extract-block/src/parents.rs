//! By REST, the children of some parents at a time: for objects that give nothing else.

use std::ops::ControlFlow;

use holdfast_model::{ErrorCode, Failure, ObjectName, SalesforceId};
use holdfast_salesforce::soql::{self, Among};
use holdfast_salesforce::{ByParent, Client, Columns};

use crate::Step;
use crate::extraction::Extraction;

/// Reads all children. A repeat goes on behind the last parent whose children are sealed.
pub(crate) async fn step(
    extraction: &mut Extraction<'_>,
    client: &Client,
    way: &ByParent,
) -> Result<Step, Failure> {
    let columns = Columns::of(&extraction.schema);
    let place = Place::parse(extraction.locator())?;
    let end = each(client, way, place, async |parents, place| {
        let among = Among {
            parents: Some((way.field, parents)),
            ..extraction.among()
        };
        let soql = soql::select(&extraction.schema, among)?;
        let mut children = client.query_all(&soql, &columns);
        while let Some(batch) = children.next_page().await? {
            extraction.take(&batch).await?;
            extraction.last_page_done(batch.bytes() as u64);
        }
        extraction.add_reported(children.total_size().unwrap_or(0));
        let hurry = extraction.deadline_is_near() || client.budget().is_low();
        extraction.note_calls(client.budget().used());
        extraction.gathered(place.print(), hurry).await?;
        Ok(if hurry {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })
    .await?;
    if end.is_break() {
        return Ok(Step::More);
    }
    extraction.note_calls(client.budget().used());
    extraction.verify_all_reported().await?;
    extraction.commit().await?;
    Ok(Step::Done)
}

/// Hands on some parents after the other, in the order of their Ids, and the place behind them.
pub(crate) async fn each(
    client: &Client,
    way: &ByParent,
    from: Place,
    mut take: impl AsyncFnMut(&[SalesforceId], Place) -> Result<ControlFlow<()>, Failure>,
) -> Result<ControlFlow<()>, Failure> {
    let columns: Columns = ["Id".to_owned()].into_iter().collect();
    let mut last = from.last;
    for (object, parent) in way.parents.iter().enumerate().skip(from.object) {
        let parent = ObjectName::parse(*parent)?;
        let mut parents = client.query_all(&soql::ids_behind(&parent, last.take()), &columns);
        loop {
            let page = match parents.next_page().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                // An org without such parents has no children of them either.
                Err(failure) if failure.code == ErrorCode::ObjectGone => break,
                Err(failure) => return Err(failure),
            };
            let ids: Vec<_> = page
                .rows()
                .map(|row| SalesforceId::parse(row.value(0).unwrap_or_default().as_bytes()))
                .collect::<Result<_, _>>()?;
            for some in ids.chunks(way.at_once) {
                let last = some.last().copied();
                if take(some, Place { object, last }).await?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// How far the parents were gone through.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    /// Which of the objects that parents may be of.
    object: usize,
    last: Option<SalesforceId>,
}

impl Place {
    fn parse(locator: Option<&str>) -> Result<Self, Failure> {
        let malformed = || Failure::new(ErrorCode::Internal, "place among parents is malformed");
        let Some(text) = locator else {
            return Ok(Self::default());
        };
        let (object, last) = text.split_once(':').ok_or_else(malformed)?;
        Ok(Self {
            object: object.parse().map_err(|_| malformed())?,
            last: Some(SalesforceId::parse(last.as_bytes())?),
        })
    }

    fn print(self) -> String {
        let last = self.last.map_or_else(String::new, |id| id.to_string());
        format!("{}:{last}", self.object)
    }
}
