//! What the owner of an org may set, with defaults and ranges.

use std::ops::RangeInclusive;

use holdfast_model::{ErrorCode, Failure, ObjectName, Thresholds};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Caps;

/// Objects that may be excluded; an org has a few thousand in all, and they share one catalog item.
const EXCLUDE_OBJECTS_MAX: usize = 2_000;

/// The settings of an org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
// A setting that is newer than an org has its default there.
#[serde(default)]
pub struct Settings {
    /// Seconds by which a head window reaches back behind the last one, for rows that become visible late.
    pub overlap_seconds: u32,
    /// Seconds before Salesforce's own "now" at which a head window ends.
    pub guard_seconds: u32,
    /// Share of the org's daily API calls that Holdfast may use, in percent of the org's maximum.
    pub api_cap_percent: u8,
    /// Share of the org's daily Bulk query jobs that Holdfast may use, in percent of the org's maximum.
    pub bulk_cap_percent: u8,
    /// Rows from which an object is read by Bulk API instead of REST.
    pub bulk_rows_min: u32,
    /// Rows asked for in one page of Bulk results.
    pub bulk_page_rows: u32,
    /// Rows of history that one block should have; what a large object had of them when a job ends is kept.
    pub backfill_block_rows: u32,
    /// Seconds between two questions about objects that did not change for hours, and about deletions; jobs in between
    /// leave them out.
    pub quiet_poll_seconds: u32,
    /// Seconds after which an object with formulas is read once more, as their values change without a stamp; 0 is never.
    pub formula_refresh_seconds: u32,
    /// Records that a signal is about at least.
    pub signal_records_min: u32,
    /// Share of an object's live records whose deletion in one job is a signal, in percent; 0 is never.
    pub signal_deleted_percent: u8,
    /// Share of an object's live records whose change in one job is a signal, in percent; 0 is never.
    pub signal_modified_percent: u8,
    /// Share of the org's live records that one user changes or deletes between two jobs, in percent; 0 is never.
    pub signal_author_percent: u8,
    /// Hundredths of a bit per byte by which text says more than before; 0 is never.
    pub signal_entropy_centibits: u32,
    /// Seconds after which Salesforce has surely ended a request whose answer was lost; only then a restore looks for the records
    /// that it made.
    pub restore_settle_seconds: u32,
    /// Backups of the org are skipped.
    pub paused: bool,
    /// Objects that are left out, by API name.
    pub exclude_objects: Vec<ObjectName>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            overlap_seconds: 900,
            guard_seconds: 5,
            api_cap_percent: 80,
            bulk_cap_percent: 80,
            bulk_rows_min: 2_000,
            bulk_page_rows: 50_000,
            backfill_block_rows: 2_000_000,
            quiet_poll_seconds: 3_600,
            formula_refresh_seconds: 7 * 86_400,
            signal_records_min: 100,
            signal_deleted_percent: 10,
            signal_modified_percent: 50,
            signal_author_percent: 20,
            signal_entropy_centibits: 100,
            restore_settle_seconds: 120,
            paused: false,
            exclude_objects: Vec::new(),
        }
    }
}

impl Settings {
    /// What may be used of the org's limits.
    pub const fn caps(&self) -> Caps {
        Caps {
            api_percent: self.api_cap_percent,
            bulk_percent: self.bulk_cap_percent,
        }
    }

    /// From when on something is a signal.
    pub const fn thresholds(&self) -> Thresholds {
        Thresholds {
            records_min: self.signal_records_min as u64,
            deleted_percent: self.signal_deleted_percent,
            modified_percent: self.signal_modified_percent,
            author_percent: self.signal_author_percent,
            entropy_centibits: self.signal_entropy_centibits,
        }
    }

    /// The defaults with the given changes.
    ///
    /// # Errors
    /// As [`changed_by`](Self::changed_by).
    pub fn parse(changes: &Value) -> Result<Self, Failure> {
        Self::default().changed_by(changes)
    }

    /// These settings with those of a JSON object in their place.
    ///
    /// # Errors
    /// `SETTING_INVALID` for an unknown name, a wrong type or a value out of range; the message names the
    /// setting and what is allowed.
    pub fn changed_by(mut self, changes: &Value) -> Result<Self, Failure> {
        let Value::Object(changes) = changes else {
            return Err(invalid("settings must be a JSON object"));
        };
        for (name, value) in changes {
            match name.as_str() {
                "overlap_seconds" => self.overlap_seconds = number(name, value, 0..=86_400)?,
                "guard_seconds" => self.guard_seconds = number(name, value, 0..=3_600)?,
                "api_cap_percent" => self.api_cap_percent = number(name, value, 1..=100)?,
                "bulk_cap_percent" => self.bulk_cap_percent = number(name, value, 1..=100)?,
                "bulk_rows_min" => self.bulk_rows_min = number(name, value, 0..=1_000_000)?,
                "bulk_page_rows" => self.bulk_page_rows = number(name, value, 1..=250_000)?,
                "backfill_block_rows" => {
                    self.backfill_block_rows = number(name, value, 1_000..=20_000_000)?;
                }
                "quiet_poll_seconds" => self.quiet_poll_seconds = number(name, value, 0..=86_400)?,
                "formula_refresh_seconds" => {
                    self.formula_refresh_seconds = number(name, value, 0..=366 * 86_400)?;
                }
                "signal_records_min" => {
                    self.signal_records_min = number(name, value, 1..=1_000_000_000)?;
                }
                "signal_deleted_percent" => {
                    self.signal_deleted_percent = number(name, value, 0..=100)?;
                }
                "signal_modified_percent" => {
                    self.signal_modified_percent = number(name, value, 0..=100)?;
                }
                "signal_author_percent" => {
                    self.signal_author_percent = number(name, value, 0..=100)?;
                }
                "signal_entropy_centibits" => {
                    self.signal_entropy_centibits = number(name, value, 0..=800)?;
                }
                "restore_settle_seconds" => {
                    self.restore_settle_seconds = number(name, value, 0..=3_600)?;
                }
                "paused" => {
                    self.paused = value
                        .as_bool()
                        .ok_or_else(|| invalid(format!("`{name}` must be `true` or `false`")))?;
                }
                "exclude_objects" => self.exclude_objects = objects(name, value)?,
                _ => {
                    let shown: String = name.chars().take(60).collect();
                    return Err(invalid(format!(
                        "no setting has this name: `{}`",
                        shown.escape_debug()
                    )));
                }
            }
        }
        Ok(self)
    }
}

fn number<T>(name: &str, value: &Value, allowed: RangeInclusive<T>) -> Result<T, Failure>
where
    T: Copy + PartialOrd + std::fmt::Display + TryFrom<u64>,
{
    value
        .as_u64()
        .and_then(|number| T::try_from(number).ok())
        .filter(|number| allowed.contains(number))
        .ok_or_else(|| {
            let (least, most) = (allowed.start(), allowed.end());
            invalid(format!(
                "`{name}` must be a whole number from `{least}` to `{most}`"
            ))
        })
}

fn objects(name: &str, value: &Value) -> Result<Vec<ObjectName>, Failure> {
    let refused = || {
        invalid(format!(
            "`{name}` must be a list of at most `{EXCLUDE_OBJECTS_MAX}` API names of objects"
        ))
    };
    let list = value
        .as_array()
        .filter(|list| list.len() <= EXCLUDE_OBJECTS_MAX)
        .ok_or_else(refused)?;
    let mut objects = list
        .iter()
        .map(|object| ObjectName::parse(object.as_str().unwrap_or_default()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| refused())?;
    objects.sort_unstable();
    objects.dedup();
    Ok(objects)
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::SettingInvalid, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_page_of_the_error_lists_every_setting_with_its_default() {
        let page = include_str!("../../../docs/errors/SETTING_INVALID.md");
        let defaults = serde_json::to_value(Settings::default()).unwrap();
        for (name, default) in defaults.as_object().unwrap() {
            let default = match default {
                Value::Array(_) => "none".to_owned(),
                default => default.to_string(),
            };
            let line = format!("| `{name}` | {default} |");
            assert!(page.contains(&line), "{line}");
        }
    }

    #[test]
    fn what_is_not_given_stays() {
        let first = Settings::parse(&json!({"guard_seconds": 7})).unwrap();
        let second = first.changed_by(&json!({"api_cap_percent": 50})).unwrap();
        let expected = Settings {
            guard_seconds: 7,
            api_cap_percent: 50,
            ..Settings::default()
        };
        assert_eq!(second, expected);
    }

    #[test]
    fn a_refusal_names_the_setting_and_what_is_allowed() {
        for (changes, words) in [
            (
                json!({"overlap_seconds": -1}),
                ["`overlap_seconds`", "`86400`"],
            ),
            (
                json!({"overlap_seconds": 1.5}),
                ["`overlap_seconds`", "`86400`"],
            ),
            (
                json!({"guard_seconds": 3601}),
                ["`guard_seconds`", "`3600`"],
            ),
            (
                json!({"api_cap_percent": 0}),
                ["`api_cap_percent`", "`100`"],
            ),
            (
                json!({"api_cap_percent": 257}),
                ["`api_cap_percent`", "`100`"],
            ),
            (
                json!({"bulk_rows_min": "many"}),
                ["`bulk_rows_min`", "`1000000`"],
            ),
            (
                json!({"bulk_page_rows": 0}),
                ["`bulk_page_rows`", "`250000`"],
            ),
            (
                json!({"backfill_block_rows": 999}),
                ["`backfill_block_rows`", "`1000`"],
            ),
            (
                json!({"signal_records_min": 0}),
                ["`signal_records_min`", "`1`"],
            ),
            (
                json!({"signal_deleted_percent": 101}),
                ["`signal_deleted_percent`", "`100`"],
            ),
            (
                json!({"signal_entropy_centibits": 801}),
                ["`signal_entropy_centibits`", "`800`"],
            ),
            (json!({"paused": 1}), ["`paused`", "`true`"]),
            (
                json!({"quiet_poll_seconds": 86_401}),
                ["`quiet_poll_seconds`", "`86400`"],
            ),
            (
                json!({"exclude_objects": "Account"}),
                ["`exclude_objects`", "list"],
            ),
            (
                json!({"exclude_objects": ["a b"]}),
                ["`exclude_objects`", "API names"],
            ),
            (
                json!({"exclude_objects": [1]}),
                ["`exclude_objects`", "API names"],
            ),
            (json!({"color": 1}), ["`color`", "no setting"]),
            (json!([]), ["settings", "object"]),
        ] {
            let failure = Settings::parse(&changes).unwrap_err();
            assert_eq!(failure.code, ErrorCode::SettingInvalid);
            for word in words {
                assert!(failure.message.contains(word), "{changes}: {failure}");
            }
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (0_u64..1_100_000).prop_map(Value::from),
            "[A-Za-z_ ]{0,12}".prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let name = prop_oneof![
                Just("overlap_seconds".to_owned()),
                Just("guard_seconds".to_owned()),
                Just("api_cap_percent".to_owned()),
                Just("bulk_rows_min".to_owned()),
                Just("bulk_page_rows".to_owned()),
                Just("backfill_block_rows".to_owned()),
                Just("quiet_poll_seconds".to_owned()),
                Just("paused".to_owned()),
                Just("exclude_objects".to_owned()),
                ".{0,8}",
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_gives_settings_that_hold_or_a_refusal(changes in any_json()) {
            match Settings::parse(&changes) {
                Ok(settings) => {
                    // What was accepted is accepted again and means the same.
                    let again = serde_json::to_value(&settings).unwrap();
                    prop_assert_eq!(Settings::parse(&again).unwrap(), settings);
                }
                Err(failure) => prop_assert_eq!(failure.code, ErrorCode::SettingInvalid),
            }
        }
    }
}
