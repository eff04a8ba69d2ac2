//! Counts the records of an object that a filter chooses: those that Salesforce has, and those that are stored.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use holdfast_catalog::{Calls, Catalog, ObjectItem};
use holdfast_model::filter::{CalendarRequest, CheckedFilter, Filter};
use holdfast_model::{ErrorCode, Failure, ObjectName, ObjectSchema, OrgName, Stamp};
use holdfast_runtime::{Deadline, Environment, now};
use holdfast_salesforce::soql::{self, Among, Scope};
use holdfast_vault::Fields;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Objects looked up side by side.
const AT_ONCE: usize = 16;
/// Later than any stamp.
const END_OF_TIME: Stamp = Stamp::from_millis(253_402_300_799_999);
/// The count, and as much again for a session that ended.
const CALLS: Calls = Calls {
    api: 2,
    bulk_jobs: 0,
};

/// What to count.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    org: OrgName,
    object: ObjectName,
    /// Which records, as the WHERE clause of SOQL or as JSON (docs/FILTERS.md); all live ones, unless given.
    #[serde(default)]
    filter: Option<Value>,
    /// How the stored ones were at a time; as the newest backup has them, unless given.
    #[serde(default)]
    at: Option<Stamp>,
    /// How date literals are understood, with `at` as now. Salesforce uses the time zone of its own user.
    #[serde(default)]
    calendar: CalendarRequest,
    /// Whether Salesforce is asked, too, which costs an API call.
    #[serde(default)]
    ask_salesforce: bool,
}

/// How many there are.
#[derive(Debug, Serialize)]
pub struct Output {
    org: OrgName,
    object: ObjectName,
    /// The filter in both forms.
    filter: Option<String>,
    declarative: Option<Value>,
    /// Live records that are stored.
    stored: u64,
    /// Everything before this that was asked for as new is captured.
    captured_until: Option<Stamp>,
    /// Live records that Salesforce has now; nothing when it was not asked.
    salesforce: Option<u64>,
}

/// `FILTER_INVALID` with the place, `FILTER_UNSUPPORTED`, `FILTER_TOO_WIDE`; `QUERY_REFUSED` for a filter that is too long
/// to be asked.
pub async fn handle(
    environment: &Environment,
    _: Deadline,
    input: Input,
) -> Result<Output, Failure> {
    let Input {
        org,
        object,
        filter,
        at,
        calendar,
        ask_salesforce,
    } = input;
    let catalog = environment.catalog();
    let settings = catalog.org(&org).await?.settings;
    let items = catalog.objects(&org).await?;
    let item = items.iter().find(|item| item.object == object);
    let captured_until = item.and_then(|item| item.coverage.head());
    let schemas = schemas(environment, &org, &items, at).await?;
    let schema = schemas.get(&object).ok_or_else(|| {
        Failure::new(
            ErrorCode::InputInvalid,
            format!("input: `object` is not among those that the org has: `{object}`"),
        )
    })?;
    let filter = filter.as_ref().map(parse).transpose()?;
    let checked = filter
        .as_ref()
        .map(|filter| filter.check(&object, &schemas));
    let checked = checked.transpose()?;
    let salesforce = if ask_salesforce {
        let soql = match &checked {
            Some(filter) => soql::count_where(filter)?,
            None => soql::count(schema, Among::default()),
        };
        let count = environment.with_salesforce(&org, settings.caps(), CALLS, async |client| {
            client.count(&soql, Scope::Live).await
        });
        Some(count.await?)
    } else {
        None
    };
    let calendar = calendar.at(at.unwrap_or_else(now))?;
    let as_of = at.unwrap_or(END_OF_TIME);
    let vault = environment.vault(&org).await?;
    let segments = catalog.segments(&org, &object).await?;
    let live = holdfast_vault::Filter::Live;
    let scan = vault.scan(&segments, as_of, Fields::Named(&[]), live);
    let stored = match &checked {
        Some(filter) => {
            let choice = environment
                .choose(&org, filter.at(&calendar), as_of)
                .await?;
            scan.only(&choice).count().await?
        }
        None => scan.count().await?,
    };
    Ok(Output {
        filter: checked.as_ref().map(CheckedFilter::to_string),
        declarative: filter.as_ref().and_then(declarative),
        org,
        object,
        stored,
        captured_until,
        salesforce,
    })
}

fn parse(filter: &Value) -> Result<Filter, Failure> {
    Ok(match filter {
        Value::String(soql) => Filter::parse(soql)?,
        json => Filter::from_declarative(&json.to_string())?,
    })
}

fn declarative(filter: &Filter) -> Option<Value> {
    serde_json::from_str(&filter.to_declarative()).ok()
}

/// The schemas of an org's objects, as of a time: filters lead from one object to others.
async fn schemas(
    environment: &Environment,
    org: &OrgName,
    items: &[ObjectItem],
    at: Option<Stamp>,
) -> Result<BTreeMap<ObjectName, ObjectSchema>, Failure> {
    let catalog = environment.catalog();
    let hashes = stream::iter(items)
        .map(async |item| {
            let hash = schema_at(catalog, item, at).await?;
            Ok::<_, Failure>(hash.map(|hash| (item.object.clone(), hash)))
        })
        .buffer_unordered(AT_ONCE);
    let hashes: Vec<_> = hashes
        .try_filter_map(async |found| Ok(found))
        .try_collect()
        .await?;
    environment.vault(org).await?.schemas(hashes).await
}

async fn schema_at(
    catalog: &Catalog,
    item: &ObjectItem,
    at: Option<Stamp>,
) -> Result<Option<String>, Failure> {
    let Some(at) = at else {
        return Ok(item.readable_schema().map(str::to_owned));
    };
    let described = catalog.described_at(&item.org, &item.object, at).await?;
    Ok(described.map(|(schema, _)| schema))
}
