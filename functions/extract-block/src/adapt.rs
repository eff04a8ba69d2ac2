//! What is done about a query that Salesforce does not serve as it is: it is asked for less at a time, for fewer fields,
//! for the fields that there are now, or by another interface.

use holdfast_catalog::{ObjectFacts, Way};
use holdfast_model::{ErrorCode, Failure};
use holdfast_runtime::now;
use holdfast_salesforce::{Client, by_parent};
use tracing::warn;

use crate::Step;
use crate::extraction::{Extraction, first_piece};

/// How often a block begins anew whose rows do not agree with a count.
const RESTARTS_MAX: u32 = 2;

/// Begins the block anew in a way that is left; gives the failure back when none is.
pub(crate) async fn adapt(
    extraction: &mut Extraction<'_>,
    client: &Client,
    failure: Failure,
) -> Result<Step, Failure> {
    let way = match failure.code {
        ErrorCode::QueryTooLarge => less(extraction, 2),
        ErrorCode::QueryTooWide => fewer_fields(extraction),
        ErrorCode::FieldUnknown => described_anew(extraction, client).await?,
        ErrorCode::FieldNotFilterable => unfiltered(extraction).await?,
        ErrorCode::ObjectUnsupported => by_parents(extraction),
        // What came does not agree with a count: perhaps it does the next time.
        ErrorCode::CountMismatch if extraction.restarts() < RESTARTS_MAX => {
            warn!(code = failure.code.name(), "block begins anew");
            extraction.note_calls(client.budget().used());
            extraction.restart().await?;
            return Ok(Step::More);
        }
        _ => None,
    };
    let Some(way) = way else {
        return Err(failure);
    };
    let object = extraction.schema.name.as_str();
    warn!(
        object,
        code = failure.code.name(),
        ?way,
        "asked in another way"
    );
    extraction.note_calls(client.budget().used());
    extraction.begin_anew(way).await?;
    Ok(Step::More)
}

/// The first of so many pieces of the window; the rest becomes the next part of the block.
pub(crate) fn less(extraction: &Extraction<'_>, pieces: u64) -> Option<Way> {
    let until = first_piece(extraction.among().window?, pieces)?;
    // Without a cursor field a window cuts nothing.
    extraction.schema.cursor_field.as_ref()?;
    Some(Way {
        until: Some(until),
        ..extraction.way().clone()
    })
}

/// Twice as many queries share the fields.
fn fewer_fields(extraction: &Extraction<'_>) -> Option<Way> {
    let queries = extraction.way().field_queries.max(1).saturating_mul(2);
    let fields = extraction.schema.stored_fields().count();
    (queries as usize <= fields).then(|| Way {
        field_queries: queries,
        ..extraction.way().clone()
    })
}

/// With the schema as it is now, if it is another one. Fields that were gained have their old values read later.
async fn described_anew(
    extraction: &Extraction<'_>,
    client: &Client,
) -> Result<Option<Way>, Failure> {
    let described = client.describe(&extraction.schema.name).await?;
    let replicateable = described.replicateable();
    let schema = described.schema()?;
    let hash = schema.hash();
    if hash == extraction.schema.hash() {
        return Ok(None);
    }
    extraction.vault().put_schema(&schema).await?;
    let (catalog, block) = (extraction.catalog(), extraction.block());
    if schema.gained_fields(&extraction.schema) {
        let at = client.server_time().unwrap_or_else(now);
        catalog.begin_refresh(&block.org, &block.object, at).await?;
    }
    let facts = ObjectFacts::of(&schema, replicateable);
    catalog
        .put_object_facts(&block.org, &block.object, &facts)
        .await?;
    Ok(Some(Way {
        schema: Some(hash),
        ..extraction.way().clone()
    }))
}

/// Everything, now and in later jobs.
async fn unfiltered(extraction: &Extraction<'_>) -> Result<Option<Way>, Failure> {
    let Some(field) = extraction.schema.cursor_field.as_ref() else {
        return Ok(None);
    };
    if extraction.among().window.is_none() {
        return Ok(None);
    }
    let block = extraction.block();
    extraction
        .catalog()
        .refuse_cursor(&block.org, &block.object, field)
        .await?;
    Ok(Some(Way {
        unfiltered: true,
        until: None,
        ..extraction.way().clone()
    }))
}

/// Some objects give some users nothing but the children of named parents.
fn by_parents(extraction: &Extraction<'_>) -> Option<Way> {
    let known = by_parent(&extraction.schema.name);
    known.filter(|_| !extraction.way().by_parent).map(|_| Way {
        by_parent: true,
        ..extraction.way().clone()
    })
}
