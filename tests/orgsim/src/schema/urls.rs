//! The addresses that a describe names.
//!
//! Source: recorded Describe Global results; which objects have layouts of which kind follows no
//! flag, so the exceptions are listed.

use serde_json::{Map, Value, json};

use super::{Object, since::version_number};

/// Have a page layout alone.
const NO_COMPACT_LAYOUTS: &[&str] = &["CaseComment", "CollaborationGroupMember", "FeedItem"];

/// Standard objects whose records can be approved.
const APPROVAL_LAYOUTS: &[&str] = &[
    "Account",
    "Asset",
    "AssetRelationship",
    "AssociatedLocation",
    "AuthorizationForm",
    "AuthorizationFormConsent",
    "AuthorizationFormDataUse",
    "AuthorizationFormText",
    "Campaign",
    "Case",
    "ChangeRequest",
    "Contact",
    "ContactPointAddress",
    "ContactPointConsent",
    "ContactPointEmail",
    "ContactPointPhone",
    "ContactPointTypeConsent",
    "Contract",
    "DataUseLegalBasis",
    "DataUsePurpose",
    "DuplicateRecordItem",
    "DuplicateRecordSet",
    "EmailMessage",
    "Entitlement",
    "Lead",
    "Location",
    "MessagingEndUser",
    "MessagingSession",
    "Opportunity",
    "Order",
    "PartyConsent",
    "Product2",
    "ServiceContract",
    "Solution",
    "WorkOrder",
    "WorkOrderLineItem",
    "WorkPlan",
    "WorkPlanTemplate",
    "WorkPlanTemplateEntry",
    "WorkStep",
    "WorkStepTemplate",
];

/// Objects with layouts that have no quick actions.
const NO_QUICK_ACTIONS: &[&str] = &[
    "AccountPartner",
    "ApexClass",
    "AssociatedLocation",
    "BusinessHours",
    "CampaignMember",
    "CampaignMemberStatus",
    "CaseComment",
    "CaseContactRole",
    "CaseMilestone",
    "CollaborationGroupMember",
    "CollaborationGroupRecord",
    "ContactPointConsent",
    "ContactPointTypeConsent",
    "ContactRequest",
    "ContentDocument",
    "ContentDocumentLink",
    "ContentFolderItem",
    "ContentVersion",
    "ContentWorkspace",
    "ContractContactRole",
    "CspTrustedSite",
    "CustomPermission",
    "Dashboard",
    "DataUseLegalBasis",
    "DuplicateRecordItem",
    "DuplicateRecordSet",
    "DuplicateRule",
    "EmailTemplate",
    "Entitlement",
    "EntitlementContact",
    "FlowInterview",
    "Holiday",
    "Idea",
    "ListEmail",
    "Macro",
    "Note",
    "OpportunityLineItem",
    "OpportunityPartner",
    "OrderItem",
    "PermissionSetLicense",
    "Pricebook2",
    "PricebookEntry",
    "QuickText",
    "SessionPermSetActivation",
    "SlaProcess",
    "Solution",
    "TimeSlot",
    "Topic",
    "UserRole",
];

/// Objects whose list views have an address.
const LIST_VIEWS: &[&str] = &[
    "Account",
    "Asset",
    "Campaign",
    "Case",
    "CollaborationGroup",
    "Contact",
    "Contract",
    "Dashboard",
    "Lead",
    "Opportunity",
    "Report",
    "WorkOrder",
];

/// `urls` of a result of Describe Global.
pub(super) fn urls(object: &Object, version: &str) -> Map<String, Value> {
    let name = object.name.as_str();
    let root = format!("/services/data/{version}/sobjects/{name}");
    let layouts = object.can('L');
    let change_event = object
        .satellite
        .as_ref()
        .is_some_and(|(kind, _)| kind == "ChangeEvent");
    // Key, path, whether the object has it, and the first version that a recording shows it in.
    let below = [
        ("describe", "describe", true, 0),
        ("rowTemplate", "{ID}", true, 0),
        ("layouts", "describe/layouts", layouts, 0),
        (
            "compactLayouts",
            "describe/compactLayouts",
            layouts && !NO_COMPACT_LAYOUTS.contains(&name),
            0,
        ),
        (
            "approvalLayouts",
            "describe/approvalLayouts",
            layouts && (object.custom() || APPROVAL_LAYOUTS.contains(&name)),
            34,
        ),
        (
            "quickActions",
            "quickActions",
            layouts && !NO_QUICK_ACTIONS.contains(&name),
            0,
        ),
        ("listviews", "listviews", LIST_VIEWS.contains(&name), 34),
        (
            "namedLayouts",
            "describe/namedLayouts/{LayoutName}",
            name == "User",
            42,
        ),
        ("passwordUtilities", "{ID}/password", name == "User", 0),
        (
            "eventSeriesUpdates",
            "{ID}/fromThisEventOnwards",
            name == "Event",
            42,
        ),
        (
            "caseArticleSuggestions",
            "suggestedArticles",
            name == "Case",
            34,
        ),
        (
            "caseRowArticleSuggestions",
            "{ID}/suggestedArticles",
            name == "Case",
            34,
        ),
        ("eventSchema", "eventSchema", change_event, 42),
    ];
    let number = version_number(version);
    let mut urls: Map<String, Value> = below
        .into_iter()
        .filter(|(_, _, there, since)| *there && number >= *since)
        .map(|(key, path, ..)| (key.to_owned(), json!(format!("{root}/{path}"))))
        .collect();
    urls.insert("sobject".to_owned(), json!(root));
    urls
}

/// Adds the addresses of pages for people, which only the describe of one object names.
pub(super) fn add_pages(urls: &mut Map<String, Value>, object: &Object, host: &str) {
    let (true, Some(prefix)) = (object.can('L'), &object.key_prefix) else {
        return;
    };
    for (key, path) in [
        ("uiDetailTemplate", "{ID}".to_owned()),
        ("uiEditTemplate", "{ID}/e".to_owned()),
        ("uiNewRecord", format!("{prefix}/e")),
    ] {
        urls.insert(key.to_owned(), json!(format!("{host}/{path}")));
    }
}
