//! Objects that a plain bulk query by time does not serve: the lists that long-lived connectors carry, merged
//! with "Object Query Limitations" of the SOQL reference. They age; an error at run time is reported all the same.

use holdfast_model::ObjectName;

/// Why the object is not read at all, or nothing when it may be.
pub(crate) fn unsupported(
    name: &str,
    queryable: bool,
    deprecated_and_hidden: bool,
    associate_entity_type: Option<&str>,
) -> Option<&'static str> {
    let ends_with = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    if associate_entity_type == Some("ChangeEvent") || ends_with(&["ChangeEvent"]) {
        Some("change events are a stream, not rows")
    } else if ends_with(&["__e", "EventStream"]) {
        Some("platform events are a stream, not rows")
    } else if ends_with(&["__x"]) {
        Some("rows of external objects are kept elsewhere")
    } else if ends_with(&["__b"]) || EVENT_STORES.contains(&name) {
        Some("big objects are not read yet")
    } else if !queryable || NOT_QUERYABLE.contains(&name) {
        Some("not queryable")
    } else if deprecated_and_hidden {
        Some("deprecated and hidden")
    } else if NEEDS_FILTER.contains(&name) {
        Some("queries need a filter that a backup cannot know")
    } else if associate_entity_type == Some("Feed") {
        Some("rows are read as FeedItem")
    } else if LEFT_OUT.contains(&name) || ends_with(&["ViewStat", "VoteStat"]) {
        Some("left out by default: a cache, a log or a setting of Salesforce")
    } else {
        None
    }
}

/// Why the object is read by REST and not by Bulk, or nothing when Bulk serves it.
pub(crate) fn rest_only(name: &str, associate_entity_type: Option<&str>) -> Option<&'static str> {
    if name.ends_with("__mdt") {
        Some("custom metadata is not in the Bulk API")
    } else if associate_entity_type == Some("Tag") || name.ends_with("Tag") {
        Some("tags are not in the Bulk API")
    } else if NOT_IN_BULK.contains(&name) {
        Some("not in the Bulk API")
    } else {
        None
    }
}

/// The way to an object of which only the children of named parents can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByParent {
    object: &'static str,
    /// The field that names the parent.
    pub field: &'static str,
    /// The objects that it may be of.
    pub parents: &'static [&'static str],
    /// Parents that one query may name.
    pub at_once: usize,
}

/// How the object is asked for by its parents, if that is known; nothing else may be possible for this user.
pub fn by_parent(object: &ObjectName) -> Option<&'static ByParent> {
    let name = object.as_str();
    BY_PARENT.iter().find(|way| way.object == name)
}

/// Whether nobody can ask for the object in another way.
pub(crate) fn only_by_parent(name: &str) -> bool {
    name != FREE_FOR_SOME && BY_PARENT.iter().any(|way| way.object == name)
}

/// Since version 59.0 a user with Query All Files reads it like any other object (Object Reference, `ContentDocumentLink`).
const FREE_FOR_SOME: &str = "ContentDocumentLink";

/// Ids of 18 characters, quoted and encoded, that leave room for the fields in an address of 14 KB.
const MANY: usize = 200;

/// SOQL reference, Object Query Limitations, and what Salesforce answers without such a filter.
const BY_PARENT: &[ByParent] = &[
    ByParent {
        object: "CollaborationGroupRecord",
        field: "CollaborationGroupId",
        parents: &["CollaborationGroup"],
        at_once: 1,
    },
    ByParent {
        object: "ContentDocumentLink",
        field: "ContentDocumentId",
        parents: &["ContentDocument"],
        at_once: MANY,
    },
    ByParent {
        object: "ContentFolderItem",
        field: "ParentContentFolderId",
        parents: &["ContentFolder"],
        at_once: MANY,
    },
    ByParent {
        object: "ContentFolderMember",
        field: "ParentContentFolderId",
        parents: &["ContentFolder"],
        at_once: 1,
    },
    ByParent {
        object: "IdeaComment",
        field: "IdeaId",
        parents: &["Idea"],
        at_once: MANY,
    },
];

/// Whether the time fields of the object cannot be filtered by, whatever its describe says.
pub(crate) fn no_time_filter(name: &str) -> bool {
    NO_TIME_FILTER.contains(&name)
}

/// In the list of objects, yet no query serves them.
const NOT_QUERYABLE: &[&str] = &[
    "AIPredictionEvent",
    "ActivityHistory",
    "AggregateResult",
    "AssetTokenEvent",
    "AsyncOperationEvent",
    "AsyncOperationStatus",
    "AttachedContentDocument",
    "AttachedContentNote",
    "BatchApexErrorEvent",
    "BulkApiResultEvent",
    "CombinedAttachment",
    "ContentBody",
    "DataType",
    "EmailStatus",
    "FeedLike",
    "FeedSignal",
    "FeedTrackedChange",
    "FlowExecutionErrorEvent",
    "FolderedContentDocument",
    "ListViewChartInstance",
    "LookedUpFromActivity",
    "Name",
    "NoteAndAttachment",
    "OpenActivity",
    "OrgLifecycleNotification",
    "OutgoingEmail",
    "OutgoingEmailRelation",
    "OwnedContentDocument",
    "PlatformStatusAlertEvent",
    "ProcessExceptionEvent",
    "ProcessInstanceHistory",
    "QuoteTemplateRichTextData",
    "RemoteKeyCalloutEvent",
    "UserRecordAccess",
];

/// Answer `MALFORMED_QUERY` unless filtered by particular fields.
const NEEDS_FILTER: &[&str] = &[
    "Announcement",
    "ApexTypeImplementor",
    "AppTabMember",
    "ColorDefinition",
    "DataStatistics",
    "DatacloudAddress",
    "DatacloudDandBCompany",
    "EntityParticle",
    "FieldDefinition",
    "FieldHistoryArchive",
    "FlexQueueItem",
    "FlowTestView",
    "FlowVariableView",
    "FlowVersionView",
    "IconDefinition",
    "NetworkUserHistoryRecent",
    "OwnerChangeOptionInfo",
    "PicklistValueInfo",
    "PlatformAction",
    "RecordActionHistory",
    "RelatedListColumnDefinition",
    "RelatedListDefinition",
    "RelationshipDomain",
    "RelationshipInfo",
    "SearchLayout",
    "SiteDetail",
    "UserEntityAccess",
    "UserFieldAccess",
    "Vote",
];

/// Answer `INVALIDENTITY` when a bulk job is created. (`Attachment` and `ContentVersion` are refused only for their
/// bodies, which are not selected.)
const NOT_IN_BULK: &[&str] = &[
    "AcceptedEventRelation",
    "CaseStatus",
    "CaseTeamMember",
    "CaseTeamRole",
    "CaseTeamTemplate",
    "CaseTeamTemplateMember",
    "CaseTeamTemplateRecord",
    "ContractStatus",
    "DeclinedEventRelation",
    "EventWhoRelation",
    "FieldSecurityClassification",
    "OrderStatus",
    "PartnerRole",
    "ServiceAppointmentStatus",
    "ShiftStatus",
    "SolutionStatus",
    "TaskPriority",
    "TaskStatus",
    "TaskWhoRelation",
    "UndecidedEventRelation",
    "WorkOrderLineItemStatus",
    "WorkOrderStatus",
    "WorkStepStatus",
];

/// Stores of Real-Time Event Monitoring: big objects, filtered by `EventDate` only.
const EVENT_STORES: &[&str] = &[
    "ApiEvent",
    "BulkApiResultEventStore",
    "IdentityProviderEventStore",
    "IdentityVerificationEvent",
    "LightningUriEvent",
    "ListViewEvent",
    "LoginAsEvent",
    "LoginEvent",
    "LogoutEvent",
    "ReportEvent",
    "UriEvent",
];

/// Have time fields that no query may filter by; read whole every time.
const NO_TIME_FILTER: &[&str] = &[
    "ActivityFieldHistory",
    "EmbeddedServiceDetail",
    "EmbeddedServiceLabel",
    "FormulaFunction",
    "FormulaFunctionAllowedType",
    "FormulaFunctionCategory",
    "Publisher",
    "TabDefinition",
];

/// Caches, logs and settings that nobody restores.
const LEFT_OUT: &[&str] = &[
    "ApexLog",
    "AsyncApexJob",
    "BackgroundOperation",
    "CronTrigger",
    "FlowInterviewLog",
    "FlowInterviewLogEntry",
    "PermissionSetTabSetting",
    "RecentlyViewed",
    "SearchActivity",
    "UserAppMenuItem",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_sorted_and_an_object_stands_in_one_list() {
        let lists = [
            NOT_QUERYABLE,
            NEEDS_FILTER,
            NOT_IN_BULK,
            EVENT_STORES,
            NO_TIME_FILTER,
            LEFT_OUT,
        ];
        for list in lists {
            assert!(list.is_sorted());
        }
        assert!(BY_PARENT.is_sorted_by_key(|way| way.object));
        let mut all = lists.concat();
        all.extend(BY_PARENT.iter().map(|way| way.object));
        let names = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), names);
    }
}
