//! Records by their Ids and by their values, in as few calls as it takes.

use std::collections::BTreeMap;

use holdfast_model::{Failure, ObjectName, SalesforceId};
use holdfast_plan::restore::Row;
use holdfast_salesforce::{Client, Columns, IDS_PER_CALL, Scope, soql};

use crate::org::known;

/// Bytes of values in the address of one call, percent-encoded.
const ADDRESS_BYTES_MAX: usize = 6_000;

/// Values of records as they are, by Id.
pub(crate) type Rows = BTreeMap<SalesforceId, Row>;

/// Live records by Id.
pub(crate) async fn retrieved(
    client: &Client,
    object: &ObjectName,
    ids: &[SalesforceId],
    columns: &[&str],
) -> Result<Rows, Failure> {
    let names: Columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut rows = Rows::new();
    for ids in ids.chunks(IDS_PER_CALL) {
        let found = client.retrieve(object, ids, &names).await?;
        for row in found.rows() {
            take(&mut rows, columns, |column| row.value(column))?;
        }
    }
    Ok(rows)
}

/// Records with one of these values in a field; nothing when the user may not ask.
pub(crate) async fn selected(
    client: &Client,
    object: &ObjectName,
    columns: &[&str],
    (field, values): (&str, &[&str]),
    scope: Scope,
) -> Result<Option<Rows>, Failure> {
    let names: Columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut rows = Rows::new();
    let mut left = values;
    while !left.is_empty() {
        let mut bytes = 0;
        let fits = left.iter().take_while(|value| {
            bytes += 3 * value.len() + 9;
            bytes <= ADDRESS_BYTES_MAX
        });
        let (some, rest) = left.split_at(fits.count().max(1));
        left = rest;
        let soql = soql::with_values(object, columns, field, some);
        let mut pages = client.query(&soql, &names, scope);
        loop {
            let Some(page) = known(pages.next_page().await)? else {
                return Ok(None);
            };
            let Some(page) = page else { break };
            for row in page.rows() {
                take(&mut rows, columns, |column| row.value(column))?;
            }
        }
    }
    Ok(Some(rows))
}

/// Adds a row whose first column is its Id.
fn take<'v>(
    rows: &mut Rows,
    columns: &[&str],
    value: impl Fn(usize) -> Option<&'v str>,
) -> Result<(), Failure> {
    let id = SalesforceId::parse(value(0).unwrap_or_default().as_bytes())?;
    let values = columns
        .iter()
        .enumerate()
        .filter_map(|(column, name)| Some(((*name).to_owned(), value(column)?.to_owned())));
    rows.insert(id, values.collect());
    Ok(())
}
