//! What was asked about the target before a page of the plan is judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_model::SalesforceId;

use super::unique::Claims;
use crate::formula::Formula;

/// What is known of the target.
#[derive(Debug, Default)]
pub struct Facts {
    /// Records that are referred to, or that a pass is about, by Id; what was not asked for is absent.
    pub standing: BTreeMap<SalesforceId, Standing>,
    /// Users among them who are not active.
    pub inactive_users: BTreeSet<SalesforceId>,
    /// Whether the connected user may save records of inactive owners.
    pub keeps_inactive_owners: bool,
    /// What the plan does with records that are not there, of all objects before this one and of this one.
    pub fates: BTreeMap<SalesforceId, Fate>,
    /// Whether there were too many of them to be looked through.
    pub fates_are_incomplete: bool,
    /// Objects by the prefix of their Ids.
    pub objects: BTreeMap<String, BTreeSet<String>>,
    /// Records that hold unique values, by field and value.
    pub holders: BTreeMap<(String, String), BTreeSet<SalesforceId>>,
    /// Unique values that the plan itself gives to records, and takes from them.
    pub claims: Arc<Claims>,
    /// Validation rules; nothing when they cannot be seen.
    pub rules: Option<Arc<Rules>>,
    /// Active duplicate rules; what they find, only a save can tell.
    pub duplicate_rules: Vec<String>,
    /// Records in an approval process that the connected user may not change.
    pub locked: BTreeSet<SalesforceId>,
    /// Records that keep one from being deleted: by its Id.
    pub keeping: BTreeSet<SalesforceId>,
    /// The moment, in milliseconds since 1970.
    pub now_ms: i64,
}

/// How a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Users see it.
    Live,
    /// It lies in the Recycle Bin.
    InRecycleBin,
    /// It is gone, or never was.
    Gone,
}

/// What a plan does with a record that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It comes out of the Recycle Bin.
    Returns,
    /// It is made anew.
    Made,
    /// It should come back, and surely fails.
    Fails,
    /// It should come back, and may fail.
    Doubtful,
}

/// The active validation rules of an object.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// By name: the formula, nothing when it is not understood; and the field at fault.
    pub rules: Vec<(String, Option<Formula>, Option<String>)>,
    /// Whether something else may change records before the rules look at them: triggers, flows.
    pub is_blurred: bool,
}
