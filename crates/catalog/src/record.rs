//! What is stored: a shape with a format version, its own key and a count of its changes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use holdfast_model::{ErrorCode, Failure};
use serde::{Serialize, de::DeserializeOwned};

use crate::keys::{Key, PK, SK};

/// The format version of every shape that this crate writes.
pub(crate) const FORMAT: u32 = 1;
/// Attribute with the format version.
pub(crate) const FORMAT_ATTRIBUTE: &str = "v";
/// Attribute that every [`Record`] counts its changes in.
pub(crate) const VERSION_ATTRIBUTE: &str = "version";
/// Bytes that we let an item have. `DynamoDB` allows 400 KB; the rest is room for what our count cannot see.
pub(crate) const ITEM_BYTES_MAX: usize = 390_000;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// A shape that is stored as one item.
pub(crate) trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// What it is called in messages.
    const NAME: &'static str;

    /// Where it is stored.
    fn key(&self) -> Key;

    /// How often it was written; 0 when it never was. Serialized as `version`.
    fn version(&self) -> u64;

    /// For [`written`].
    fn version_mut(&mut self) -> &mut u64;

    /// What the types cannot promise about the parts.
    fn is_sound(&self) -> bool {
        true
    }
}

/// The record as its next write makes it.
pub(crate) fn written<T: Record>(mut record: T) -> T {
    *record.version_mut() += 1;
    record
}

/// The item of a record. Refuses what `DynamoDB` would not take.
pub(crate) fn encode<T: Record>(record: &T) -> Result<Item, Failure> {
    let mut item: Item = serde_dynamo::to_item(record).map_err(|error| {
        Failure::new(
            ErrorCode::Internal,
            format!("{} cannot be written: `{error}`", T::NAME),
        )
    })?;
    item.insert(
        FORMAT_ATTRIBUTE.to_owned(),
        AttributeValue::N(FORMAT.to_string()),
    );
    item.extend(record.key().into_attributes());
    let bytes: usize = item
        .iter()
        .map(|(name, value)| name.len() + size(value))
        .sum();
    if bytes > ITEM_BYTES_MAX {
        return Err(Failure::new(
            ErrorCode::CatalogItemTooLarge,
            format!(
                "{} has more bytes than an item may have: `{bytes}` of `{ITEM_BYTES_MAX}`",
                T::NAME
            ),
        ));
    }
    Ok(item)
}

/// The record in an item. Checks the format version before anything else, and that the item is where it belongs.
pub(crate) fn decode<T: Record>(item: Item) -> Result<T, Failure> {
    let format = item
        .get(FORMAT_ATTRIBUTE)
        .and_then(|value| value.as_n().ok())
        .and_then(|number| number.parse::<u32>().ok())
        .ok_or_else(|| corrupt::<T>("it has no format version"))?;
    if format != FORMAT {
        return Err(Failure::new(
            ErrorCode::VersionUnknown,
            format!("{} in the catalog has format version `{format}`", T::NAME),
        ));
    }
    let text = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let stored_at = text(PK).zip(text(SK));
    // The reason may quote the stored value, so it stays out of the message.
    let record: T =
        serde_dynamo::from_item(item).map_err(|_| corrupt::<T>("it does not have its shape"))?;
    if stored_at != Some((record.key().pk, record.key().sk)) {
        return Err(corrupt::<T>("it is stored under a key that is not its own"));
    }
    if !record.is_sound() {
        return Err(corrupt::<T>("its parts contradict each other"));
    }
    Ok(record)
}

fn corrupt<T: Record>(reason: &str) -> Failure {
    Failure::new(
        ErrorCode::CatalogCorrupt,
        format!("{} in the catalog is damaged: {reason}", T::NAME),
    )
}

/// Bytes of a value, never fewer than `DynamoDB` counts ("item sizes and formats" in its developer guide).
fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len() + 1,
        AttributeValue::L(values) => 3 + values.iter().map(|value| 1 + size(value)).sum::<usize>(),
        AttributeValue::M(values) => {
            3 + values
                .iter()
                .map(|(name, value)| 1 + name.len() + size(value))
                .sum::<usize>()
        }
        _ => 1, // booleans and nulls; we write no binaries and no sets
    }
}

#[cfg(test)]
mod tests;
