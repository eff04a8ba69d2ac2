//! Objects that a plain bulk query by time does not serve: the lists that long-lived connectors carry, merged
//! with "Object Query Limitations" of the SOQL reference. They age; an error at run time is reported all the same.

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
    "CollaborationGroupRecord",
    "ColorDefinition",
    "ContentDocumentLink",
    "ContentFolderItem",
    "ContentFolderMember",
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
    "IdeaComment",
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
        let mut all = lists.concat();
        let names = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), names);
    }
}
