//! The closed registry of error codes. Each has a class, a hint and a page `docs/errors/<CODE>.md`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong, as everybody outside a crate sees it: a registered code and a message.
///
/// The message never holds a secret or the content of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// The registered code.
    pub code: ErrorCode,
    /// Lower case, names the field and the reason, values last in backticks.
    pub message: String,
}

impl Failure {
    /// A failure with a code and a message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The class of the code.
    pub fn class(&self) -> ErrorClass {
        self.code.class()
    }
}

/// Decides what is done about an error: in the function (retry) and in the state machine (`Retry`, `Catch`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorClass {
    /// The other side asks for fewer calls; wait, then repeat.
    Throttled,
    /// What may be used for a day is used up; the job is suspended: repeat in a quarter of an hour, and again.
    Exhausted,
    /// The other side or the way to it is down; repeat with back-off.
    Unavailable,
    /// Somebody else was faster; read again and repeat.
    Conflict,
    /// The input is wrong; repeating does not help.
    Invalid,
    /// The thing that was named does not exist.
    NotFound,
    /// The credentials or the permissions do not allow it.
    Denied,
    /// Bytes or counts are not what they must be; nothing of them was used.
    Integrity,
    /// Salesforce or Holdfast cannot do this.
    Unsupported,
    /// A bug of ours.
    Internal,
}

impl ErrorClass {
    /// The name that a function returns as its error type and that state machines match on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttled => "Throttled",
            Self::Exhausted => "Exhausted",
            Self::Unavailable => "Unavailable",
            Self::Conflict => "Conflict",
            Self::Invalid => "Invalid",
            Self::NotFound => "NotFound",
            Self::Denied => "Denied",
            Self::Integrity => "Integrity",
            Self::Unsupported => "Unsupported",
            Self::Internal => "Internal",
        }
    }

    /// Whether the same call may succeed when it is repeated later.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Conflict)
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! registry {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $class:ident, $hint:literal;)+) => {
        /// The registry: alphabetical, append-only; a code is never given a new meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name as users see it and as its page is called.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The class, which decides about repeating.
            pub const fn class(self) -> ErrorClass {
                match self { $(Self::$variant => ErrorClass::$class,)+ }
            }

            /// One sentence about what to do.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)+ }
            }
        }
    };
}

registry! {
    /// The share of Salesforce API calls that Holdfast may use is used up.
    ApiBudgetExhausted = "API_BUDGET_EXHAUSTED", Exhausted, "the job waits by itself; raise `api_cap_percent` to let it use more";
    /// A restore switched automation off that it could not switch on again.
    AutomationLeftOff = "AUTOMATION_LEFT_OFF", Integrity, "switch the named components on by hand, or mend the cause and start the quiet-sweep machine";
    /// Automation that a restore was to switch off stays on.
    AutomationStaysOn = "AUTOMATION_STAYS_ON", Invalid, "nothing was written; see the message of Salesforce, or run the restore without this kind of automation in `quiet`";
    /// An AWS service refuses the call for lack of permission.
    AwsDenied = "AWS_DENIED", Denied, "compare the role of the function with the template; a bucket answers so too for an object that is not there when `s3:ListBucket` is missing";
    /// An AWS service answered that it cannot be used now, or not at all.
    AwsUnavailable = "AWS_UNAVAILABLE", Unavailable, "repeats by itself; look at the health of the named AWS service if it lasts";
    /// A Bulk job failed or was aborted on the side of Salesforce.
    BulkJobFailed = "BULK_JOB_FAILED", Integrity, "the next job reads the block again; see the message of Salesforce";
    /// The number of rows received differs from the number that Salesforce reports.
    CountMismatch = "COUNT_MISMATCH", Integrity, "nothing was kept of the block; the next job reads it again";
    /// Another writer changed the same catalog item first.
    CatalogConflict = "CATALOG_CONFLICT", Conflict, "repeats by itself";
    /// A catalog item does not have the shape that this version writes.
    CatalogCorrupt = "CATALOG_CORRUPT", Integrity, "rebuild the catalog from the manifests";
    /// A catalog item would need more bytes than `DynamoDB` allows for one.
    CatalogItemTooLarge = "CATALOG_ITEM_TOO_LARGE", Unsupported, "raise `HOLDFAST_SEGMENT_BYTES`, so that a block has fewer segments";
    /// An answer of Salesforce ended early or does not have its documented shape.
    DamagedAnswer = "DAMAGED_ANSWER", Integrity, "nothing was kept of the answer; the next job reads it again";
    /// Salesforce's log of deletions does not tell all of them.
    DeleteLogIncomplete = "DELETE_LOG_INCOMPLETE", Integrity, "records that were deleted for good in that time may look alive; run jobs at least every fortnight";
    /// The cursor field of the object cannot be filtered by, whatever its describe says.
    FieldNotFilterable = "FIELD_NOT_FILTERABLE", Invalid, "the object is read whole by itself";
    /// The org has no such field, or hides it from the integration user, since the object was described.
    FieldUnknown = "FIELD_UNKNOWN", Invalid, "the object is described anew by itself; see the message of Salesforce if it lasts";
    /// A filter is not one: its text, a field, an operator or a value is wrong.
    FilterInvalid = "FILTER_INVALID", Invalid, "correct the filter at the named place; `docs/FILTERS.md` says what a filter may be";
    /// A condition on a parent record needs more memory than it may have.
    FilterTooWide = "FILTER_TOO_WIDE", Unsupported, "narrow the condition on the parent, or raise the number of parents that are kept";
    /// A filter uses something of SOQL that cannot be answered from stored records.
    FilterUnsupported = "FILTER_UNSUPPORTED", Unsupported, "write the condition with fields, operators and values only";
    /// The input of a function is malformed.
    InputInvalid = "INPUT_INVALID", Invalid, "correct the named field";
    /// A bug of ours.
    Internal = "INTERNAL", Internal, "report it with the message";
    /// The job has no result: it still runs, failed, or was cancelled.
    JobHasNoResult = "JOB_HAS_NO_RESULT", Invalid, "wait for the job to end, or start it again";
    /// No job of this name was begun for the org.
    JobUnknown = "JOB_UNKNOWN", NotFound, "check the name of the execution";
    /// The customer's own key is not the Base64 of 32 bytes.
    KeyInvalid = "KEY_INVALID", Invalid, "make one with `openssl rand -base64 32`";
    /// A wrapped key does not open under the key of this org for this object.
    KeyMismatch = "KEY_MISMATCH", Integrity, "check that the org's key was not replaced; restore the object or its entry from a former version";
    /// KMS refused to unwrap the key of the org, or the unwrapped key is not the right one.
    KeyUnavailable = "KEY_UNAVAILABLE", Denied, "check the state of the KMS key and the customer key of the org";
    /// Another job holds the org.
    LeaseLost = "LEASE_LOST", Invalid, "another job took over the org; this one stops";
    /// The Salesforce login was refused.
    LoginRefused = "LOGIN_REFUSED", Denied, "check the credentials in the org's secret and the app's policies";
    /// Another job appended its manifest first.
    ManifestConflict = "MANIFEST_CONFLICT", Conflict, "repeats by itself";
    /// A manifest is damaged, or does not continue the chain.
    ManifestDamaged = "MANIFEST_DAMAGED", Integrity, "restore the object from a former version of the bucket";
    /// The page ended without the marker that says there is no more.
    MarkerMissing = "MARKER_MISSING", Integrity, "nothing was kept of the page; the next job reads it again";
    /// The object exists in the plan but not in the org, or not for this user.
    ObjectGone = "OBJECT_GONE", NotFound, "check the permissions of the integration user";
    /// Salesforce or Holdfast cannot read this object.
    ObjectUnsupported = "OBJECT_UNSUPPORTED", Unsupported, "the object is reported with its reason and left out";
    /// The credentials lead to another Salesforce organization than the one that this name stands for.
    OrgMismatch = "ORG_MISMATCH", Invalid, "connect the other organization under a name of its own";
    /// No org of this name is connected.
    OrgUnknown = "ORG_UNKNOWN", NotFound, "connect it with the connect-org function";
    /// Fewer rows arrived in a page than its header announces.
    PageShort = "PAGE_SHORT", Integrity, "nothing was kept of the page; the next job reads it again";
    /// Salesforce does not finish the query: it takes too long, or has too many rows.
    QueryTooLarge = "QUERY_TOO_LARGE", Invalid, "the block is split by itself; a second of time, or an object without a cursor, cannot be";
    /// The query asks for more fields than Salesforce computes at once.
    QueryTooWide = "QUERY_TOO_WIDE", Invalid, "the fields are read in several queries by themselves";
    /// The query is refused by Salesforce.
    QueryRefused = "QUERY_REFUSED", Invalid, "see the message of Salesforce";
    /// The record is in no committed segment of the object.
    RecordUnknown = "RECORD_UNKNOWN", NotFound, "check the Id and the object";
    /// Salesforce refuses the request for lack of permission.
    SalesforceDenied = "SALESFORCE_DENIED", Denied, "check the permissions of the integration user";
    /// Salesforce cannot be reached.
    SalesforceUnreachable = "SALESFORCE_UNREACHABLE", Unavailable, "repeats by itself; check the login address if it lasts";
    /// Salesforce limits the rate or the number of calls.
    SalesforceThrottled = "SALESFORCE_THROTTLED", Throttled, "repeats by itself later";
    /// Salesforce answered with a server error.
    SalesforceUnavailable = "SALESFORCE_UNAVAILABLE", Unavailable, "repeats by itself; see the status page of the instance if it lasts";
    /// A restore has run, and not all records are as they were to be.
    RestoreIncomplete = "RESTORE_INCOMPLETE", Integrity, "see the receipts with `read-restore`: each says what became of a record, and what to do";
    /// A sealed object was changed: its seal does not hold.
    SealBroken = "SEAL_BROKEN", Integrity, "restore the object from a former version of the bucket";
    /// A whole sealed object lies under the name of another.
    SealSwapped = "SEAL_SWAPPED", Integrity, "restore the object from a former version of the bucket";
    /// Something is larger than the vault seals in one piece.
    SealTooLarge = "SEAL_TOO_LARGE", Unsupported, "the item is reported and left out";
    /// A sealed object is shorter than it must be.
    SealTruncated = "SEAL_TRUNCATED", Integrity, "restore the object from a former version of the bucket";
    /// The secret with the credentials of the org is missing or malformed.
    SecretInvalid = "SECRET_INVALID", Invalid, "see the README for the form of the secret";
    /// A setting has a value that is not allowed.
    SettingInvalid = "SETTING_INVALID", Invalid, "correct the named setting";
    /// The sealed object is not there.
    VaultObjectMissing = "VAULT_OBJECT_MISSING", Integrity, "restore the object from a former version of the bucket";
    /// The object was written by a version of Holdfast that this one does not know.
    VersionUnknown = "VERSION_UNKNOWN", Unsupported, "use a newer version of Holdfast";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_upper_case() {
        let mut names: Vec<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        assert!(
            names
                .iter()
                .all(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }
}
