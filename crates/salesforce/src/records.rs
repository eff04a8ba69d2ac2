//! Records by their Ids and by their values, in as few calls as it takes.

use std::collections::BTreeMap;

use holdfast_model::{Failure, ObjectName, SalesforceId};

use crate::client::Client;
use crate::name::Columns;
use crate::rest::IDS_PER_CALL;
use crate::rows::RowBatch;
use crate::soql::{self, Scope};

/// Bytes of values in the address of one call, percent-encoded.
const ADDRESS_BYTES_MAX: usize = 6_000;
const ID: &str = "Id";
const IS_DELETED: &str = "IsDeleted";

/// Values of records as they are, by Id, which is one of the values; fields without a value are left out.
pub type Records = BTreeMap<SalesforceId, BTreeMap<String, String>>;

impl Client {
    /// Fields of records as users see them. Of those that are not there, nothing.
    pub async fn records(
        &self,
        object: &ObjectName,
        fields: &[&str],
        ids: &[SalesforceId],
    ) -> Result<Records, Failure> {
        let columns = columns(fields);
        let mut records = Records::new();
        for ids in ids.chunks(IDS_PER_CALL) {
            let found = self.retrieve(object, ids, &columns).await?;
            take(&mut records, &columns, &found)?;
        }
        Ok(records)
    }

    /// The same of an object whose records are archived in time: those are there, and only `queryAll` sees them (SOAP guide,
    /// Archived Activities).
    pub async fn records_and_archived(
        &self,
        object: &ObjectName,
        fields: &[&str],
        ids: &[SalesforceId],
    ) -> Result<Records, Failure> {
        let mut records = self.records(object, fields, ids).await?;
        let left = ids.iter().filter(|id| !records.contains_key(id));
        let left: Vec<_> = left.map(SalesforceId::as_str).collect();
        let mut fields = fields.to_vec();
        if !fields.contains(&IS_DELETED) {
            fields.push(IS_DELETED);
        }
        let mut archived = self
            .records_with(object, &fields, (ID, &left), Scope::All)
            .await?;
        archived.retain(|_, row| row.get(IS_DELETED).is_some_and(|is| is == "false"));
        records.extend(archived);
        Ok(records)
    }

    /// Fields of records with one of these values in a field.
    pub async fn records_with(
        &self,
        object: &ObjectName,
        fields: &[&str],
        (field, values): (&str, &[&str]),
        scope: Scope,
    ) -> Result<Records, Failure> {
        let mut records = Records::new();
        let each = async |some| {
            records.extend(some);
            Ok(())
        };
        self.for_records_with(object, fields, (field, values), scope, each)
            .await?;
        Ok(records)
    }

    /// The same, a page of an answer at a time.
    pub async fn for_records_with(
        &self,
        object: &ObjectName,
        fields: &[&str],
        (field, values): (&str, &[&str]),
        scope: Scope,
        mut each: impl AsyncFnMut(Records) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let columns = columns(fields);
        let names: Vec<_> = columns.names().iter().map(String::as_str).collect();
        let mut left = values;
        while !left.is_empty() {
            let mut bytes = 0;
            let fits = left.iter().take_while(|value| {
                bytes += 3 * value.len() + 9;
                bytes <= ADDRESS_BYTES_MAX
            });
            let (some, rest) = left.split_at(fits.count().max(1));
            left = rest;
            let soql = soql::with_values(object, &names, field, some);
            let mut pages = self.query(&soql, &columns, scope);
            while let Some(page) = pages.next_page().await? {
                let mut records = Records::new();
                take(&mut records, &columns, &page)?;
                each(records).await?;
            }
        }
        Ok(())
    }
}

fn columns(fields: &[&str]) -> Columns {
    let fields = fields.iter().filter(|field| **field != ID);
    let names = [ID].into_iter().chain(fields.copied());
    names.map(str::to_owned).collect()
}

/// Adds rows whose first column is their Id.
fn take(records: &mut Records, columns: &Columns, found: &RowBatch) -> Result<(), Failure> {
    for row in found.rows() {
        let id = SalesforceId::parse(row.value(0).unwrap_or_default().as_bytes())?;
        let names = columns.names().iter().enumerate();
        let values =
            names.filter_map(|(column, name)| Some((name.clone(), row.value(column)?.to_owned())));
        records.insert(id, values.collect());
    }
    Ok(())
}
