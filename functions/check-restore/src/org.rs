//! What is asked about the org as a whole.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{ErrorCode, Failure, Stamp};
use holdfast_salesforce::{Client, Columns, ObjectList, Scope};

/// Its answer.
#[derive(Debug)]
pub(crate) struct OrgFacts {
    /// Objects by the prefix of their Ids.
    pub(crate) objects: BTreeMap<String, BTreeSet<String>>,
    /// Whether the connected user may save records of inactive owners.
    pub(crate) keeps_inactive_owners: bool,
    /// Whether the connected user may change what is in an approval process.
    pub(crate) modifies_all: bool,
    /// Whether any record is in an approval process.
    pub(crate) has_approvals: bool,
    /// Data storage that is left.
    pub(crate) storage_left_mb: Option<i64>,
    /// Calls below the cap.
    pub(crate) calls_left: i64,
    /// Salesforce's clock.
    pub(crate) at: Stamp,
}

impl OrgFacts {
    /// What the user may not ask about counts as not there.
    pub(crate) async fn ask(client: &Client, cap_percent: u8) -> Result<Self, Failure> {
        let limits = client.limits().await?;
        let mut objects: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        if let ObjectList::Modified { objects: list, .. } = client.describe_global(None).await? {
            for object in list {
                if let Some(prefix) = object.key_prefix {
                    let of_prefix = objects.entry(prefix).or_default();
                    of_prefix.insert(object.name.to_string());
                }
            }
        }
        let approvals = "SELECT COUNT() FROM ProcessInstance WHERE Status = 'Pending'";
        let approvals = known(client.count(approvals, Scope::Live).await)?;
        let calls = limits.get("DailyApiRequests");
        let calls_left = calls.map_or(0, |calls| {
            let cap = calls.max.saturating_mul(cap_percent.into()) / 100;
            cap - (calls.max - calls.remaining)
        });
        let storage = limits.get("DataStorageMB");
        Ok(Self {
            objects,
            keeps_inactive_owners: may(client, "PermissionsUpdateWithInactiveOwner").await?,
            modifies_all: may(client, "PermissionsModifyAllData").await?,
            has_approvals: approvals.is_some_and(|count| count > 0),
            storage_left_mb: storage.map(|storage| storage.remaining),
            calls_left,
            at: client.server_time().unwrap_or_else(holdfast_runtime::now),
        })
    }
}

/// Whether the connected user has a permission (Object Reference, `UserPermissionAccess`).
async fn may(client: &Client, permission: &str) -> Result<bool, Failure> {
    let soql = format!("SELECT {permission} FROM UserPermissionAccess");
    let columns: Columns = [permission.to_owned()].into_iter().collect();
    let page = client.query(&soql, &columns, Scope::Live).next_page().await;
    let page = known(page)?.flatten();
    let granted = page.is_some_and(|page| page.rows().any(|row| row.value(0) == Some("true")));
    Ok(granted)
}

/// The answer, unless it is that the user may not ask, or that there is nothing to ask about.
pub(crate) fn known<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if is_unknown(failure.code) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn is_unknown(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ObjectGone
            | ErrorCode::ObjectUnsupported
            | ErrorCode::FieldUnknown
            | ErrorCode::FieldNotFilterable
            | ErrorCode::QueryRefused
            | ErrorCode::SalesforceDenied
    )
}
