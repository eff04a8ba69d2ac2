//! Reads and writes of records. The only file that calls `DynamoDB`.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::{BuildError, SdkError},
    operation::{
        query::builders::QueryFluentBuilder, transact_write_items::TransactWriteItemsError,
    },
    types::{
        AttributeValue, ConditionCheck, KeysAndAttributes, Put, PutRequest, TransactWriteItem,
        WriteRequest,
    },
};
use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use holdfast_model::{ErrorCode, Failure};

use crate::{
    fault::{conflict, failure},
    keys::{Key, PK, Range, SK},
    record::{Item, Record, VERSION_ATTRIBUTE, decode, encode, written},
};

/// Keys in one `BatchGetItem` (`DynamoDB` API reference).
const BATCH_KEYS_MAX: usize = 100;

/// Items in one `BatchWriteItem` (`DynamoDB` API reference).
const BATCH_ITEMS_MAX: usize = 25;
/// Batches written side by side.
const BATCHES_AT_ONCE: usize = 4;

/// The table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    client: Client,
    name: String,
}

/// What an update makes of a record.
pub(crate) enum Change<T> {
    /// Nothing is written.
    Keep(T),
    /// This takes its place.
    Write(T),
}

/// One part of a transaction.
pub(crate) struct Part(TransactWriteItem);

/// Why a transaction did nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The condition of the part at this position does not hold.
    At(usize),
    /// Anything else; `CATALOG_CONFLICT` when it collided with another transaction.
    Failed(Failure),
}

impl Table {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    pub(crate) async fn get<T: Record>(&self, key: Key) -> Result<Option<T>, Failure> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.into_attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failure(&error))?;
        answer.item.map(decode).transpose()
    }

    /// Writes the record if it is still as it was read (or still not there) and gives it back as it is now.
    pub(crate) async fn put<T: Record>(&self, record: T) -> Result<T, Failure> {
        let read = record.version();
        let record = written(record);
        let (condition, names, values) = unchanged(read);
        self.client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(encode(&record)?))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .send()
            .await
            .map_err(|error| failure(&error))?;
        Ok(record)
    }

    /// Reads, changes and writes, again when somebody else wrote in between.
    pub(crate) async fn update<T: Record>(
        &self,
        key: Key,
        change: impl Fn(Option<T>) -> Result<Change<T>, Failure> + Send + Sync,
    ) -> Result<T, Failure> {
        let attempt = || async {
            match change(self.get(key.clone()).await?)? {
                Change::Keep(record) => Ok(record),
                Change::Write(record) => self.put(record).await,
            }
        };
        attempt.retry(collisions()).when(is_conflict).await
    }

    /// All or nothing. Tried again while it collides with other transactions.
    pub(crate) async fn transact(&self, parts: Vec<Part>) -> Result<(), Refusal> {
        let parts: Vec<_> = parts.into_iter().map(|Part(part)| part).collect();
        let attempt = || self.try_transact(parts.clone());
        let collided = |refusal: &Refusal| matches!(refusal, Refusal::Failed(f) if is_conflict(f));
        attempt.retry(collisions()).when(collided).await
    }

    async fn try_transact(&self, parts: Vec<TransactWriteItem>) -> Result<(), Refusal> {
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(parts))
            .send()
            .await;
        answer.map(drop).map_err(|error| refusal(&error))
    }

    /// The part of a transaction that [`put`](Self::put) would be on its own.
    pub(crate) fn put_part<T: Record>(&self, record: T) -> Result<(Part, T), Failure> {
        let (condition, names, values) = unchanged(record.version());
        let record = written(record);
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(encode(&record)?))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .build()
            .map_err(|_| incomplete())?;
        Ok((Part(TransactWriteItem::builder().put(put).build()), record))
    }

    /// The part of a transaction that only asks: the text at this path of the item must have this value.
    pub(crate) fn check_part(
        &self,
        key: Key,
        (outer, inner): (&str, &str),
        value: &str,
    ) -> Result<Part, Failure> {
        let check = ConditionCheck::builder()
            .table_name(&self.name)
            .set_key(Some(key.into_attributes()))
            .condition_expression("#outer.#inner = :value")
            .expression_attribute_names("#outer", outer)
            .expression_attribute_names("#inner", inner)
            .expression_attribute_values(":value", AttributeValue::S(value.to_owned()))
            .build()
            .map_err(|_| incomplete())?;
        Ok(Part(
            TransactWriteItem::builder().condition_check(check).build(),
        ))
    }

    /// All records of the range, in the order of their sort keys.
    pub(crate) async fn list<T: Record>(&self, range: Range) -> Result<Vec<T>, Failure> {
        let mut items = self.query(range).into_paginator().items().send();
        let mut records = Vec::new();
        while let Some(item) = items.next().await {
            records.push(decode(item.map_err(|error| failure(&error))?)?);
        }
        Ok(records)
    }

    /// The last records of the range, last first.
    pub(crate) async fn list_last<T: Record>(
        &self,
        range: Range,
        count: u16,
    ) -> Result<Vec<T>, Failure> {
        let mut items = self
            .query(range)
            .scan_index_forward(false)
            .limit(i32::from(count.max(1)))
            .into_paginator()
            .items()
            .send();
        let mut records = Vec::new();
        while records.len() < usize::from(count)
            && let Some(item) = items.next().await
        {
            records.push(decode(item.map_err(|error| failure(&error))?)?);
        }
        Ok(records)
    }

    /// The records of those keys that exist.
    pub(crate) async fn get_all<T: Record>(
        &self,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<HashMap<Key, T>, Failure> {
        let mut found = HashMap::new();
        let mut wanted: Vec<Key> = keys.into_iter().collect();
        wanted.sort_unstable();
        wanted.dedup(); // a call that names a key twice is refused
        for keys in wanted.chunks(BATCH_KEYS_MAX) {
            for item in self.batch(keys).await? {
                let record: T = decode(item)?;
                found.insert(record.key(), record);
            }
        }
        Ok(found)
    }

    /// One batch, asked again for what was left over (16 MB were full, or the table is busy).
    async fn batch(&self, keys: &[Key]) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::new();
        let mut pauses = collisions().build();
        let mut left: Vec<_> = keys.iter().cloned().map(Key::into_attributes).collect();
        loop {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(left))
                .consistent_read(true)
                .build()
                .map_err(|_| incomplete())?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.name, request)
                .send()
                .await
                .map_err(|error| failure(&error))?;
            let received = items.len();
            items.extend(
                answer
                    .responses
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, items)| items),
            );
            left = answer
                .unprocessed_keys
                .into_iter()
                .flatten()
                .flat_map(|(_, request)| request.keys)
                .collect();
            if left.is_empty() {
                return Ok(items);
            }
            if items.len() == received {
                pause(&mut pauses, "dynamodb leaves keys of a batch unanswered").await?;
            }
        }
    }

    /// Writes records whatever was there: of several writers the last one counts. No two may have one key.
    pub(crate) async fn put_all<T: Record>(
        &self,
        records: impl IntoIterator<Item = T>,
    ) -> Result<(), Failure> {
        let items = records.into_iter().map(|record| encode(&written(record)));
        let items: Vec<Item> = items.collect::<Result<_, _>>()?;
        stream::iter(items.chunks(BATCH_ITEMS_MAX))
            .map(|items| self.put_batch(items))
            .buffer_unordered(BATCHES_AT_ONCE)
            .try_collect()
            .await
    }

    /// One batch, sent again for what was left over (the table is busy).
    async fn put_batch(&self, items: &[Item]) -> Result<(), Failure> {
        let mut pauses = collisions().build();
        let put = |item: &Item| PutRequest::builder().set_item(Some(item.clone())).build();
        let put = |item| Ok(WriteRequest::builder().put_request(put(item)?).build());
        let mut left: Vec<_> = items
            .iter()
            .map(put)
            .collect::<Result<_, BuildError>>()
            .map_err(|_| incomplete())?;
        loop {
            let sent = left.len();
            let answer = self
                .client
                .batch_write_item()
                .request_items(&self.name, left)
                .send()
                .await
                .map_err(|error| failure(&error))?;
            let unprocessed = answer.unprocessed_items.into_iter().flatten();
            left = unprocessed.flat_map(|(_, requests)| requests).collect();
            if left.is_empty() {
                return Ok(());
            }
            if left.len() == sent {
                pause(&mut pauses, "dynamodb leaves items of a batch unwritten").await?;
            }
        }
    }

    fn query(&self, range: Range) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.name)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":pk", AttributeValue::S(range.pk))
            .expression_attribute_values(":prefix", AttributeValue::S(range.sk_prefix))
            .consistent_read(true)
    }
}

/// How often and how far apart a write is tried again after somebody else's: up to about ten seconds in all,
/// which is enough for dozens of writers of one item.
pub(crate) fn collisions() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(10))
        .with_max_delay(Duration::from_secs(1))
        .with_max_times(14)
}

/// Waits before what is left of a batch is sent again; fails when there was enough of it.
async fn pause(
    pauses: &mut impl Iterator<Item = Duration>,
    left: &'static str,
) -> Result<(), Failure> {
    let Some(pause) = pauses.next() else {
        return Err(Failure::new(ErrorCode::AwsUnavailable, left));
    };
    tokio::time::sleep(pause).await;
    Ok(())
}

pub(crate) fn is_conflict(failure: &Failure) -> bool {
    failure.code == ErrorCode::CatalogConflict
}

/// Of several conditions that do not hold, the first.
fn refusal<R>(error: &SdkError<TransactWriteItemsError, R>) -> Refusal
where
    R: std::fmt::Debug + 'static,
{
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return Refusal::Failed(failure(error));
    };
    let reasons = cancelled.cancellation_reasons();
    let find = |code| {
        reasons
            .iter()
            .position(|reason| reason.code() == Some(code))
    };
    if let Some(at) = find("ConditionalCheckFailed") {
        return Refusal::At(at);
    }
    Refusal::Failed(match find("TransactionConflict") {
        Some(_) => conflict(),
        None => failure(error),
    })
}

type Condition = (
    &'static str,
    Option<HashMap<String, String>>,
    Option<HashMap<String, AttributeValue>>,
);

/// Holds while the item has the version that was read; 0 is an item that is not there.
fn unchanged(version: u64) -> Condition {
    if version == 0 {
        let names = HashMap::from([("#pk".to_owned(), PK.to_owned())]);
        return ("attribute_not_exists(#pk)", Some(names), None);
    }
    let names = HashMap::from([("#version".to_owned(), VERSION_ATTRIBUTE.to_owned())]);
    let values = HashMap::from([(":read".to_owned(), AttributeValue::N(version.to_string()))]);
    ("#version = :read", Some(names), Some(values))
}

/// The builders of the SDK ask for what every call here gives.
fn incomplete() -> Failure {
    Failure::new(ErrorCode::Internal, "a catalog request was left incomplete")
}

/// What the local AWS never answers: its transactions do not overlap.
#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{CancellationReason, error::TransactionCanceledException};

    use super::*;

    fn cancelled(reasons: &[&str]) -> Refusal {
        let mut exception = TransactionCanceledException::builder();
        for reason in reasons {
            let reason = CancellationReason::builder().code(*reason).build();
            exception = exception.cancellation_reasons(reason);
        }
        let error = TransactWriteItemsError::TransactionCanceledException(exception.build());
        refusal(&SdkError::service_error(error, ()))
    }

    #[test]
    fn a_condition_that_does_not_hold_outweighs_a_collision() {
        let reasons = ["None", "TransactionConflict", "ConditionalCheckFailed"];
        assert_eq!(cancelled(&reasons), Refusal::At(2));
    }

    #[test]
    fn a_collision_of_transactions_is_a_conflict_and_a_busy_table_is_not() {
        let collided = cancelled(&["None", "TransactionConflict", "ThrottlingError"]);
        assert_eq!(collided, Refusal::Failed(conflict()));
        let Refusal::Failed(throttled) = cancelled(&["ThrottlingError", "None"]) else {
            panic!("no condition was refused");
        };
        assert_eq!(throttled.code, ErrorCode::AwsUnavailable);
    }
}
