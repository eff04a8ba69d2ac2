//! Objects that refuse a query which does not filter by particular fields.
//!
//! Source: Object Reference, "SOQL Limits on Objects"; the texts as orgs of 2017 to 2026 printed
//! them to clients that read every object.

use super::version_number;
use crate::{
    org::Org,
    schema::Object,
    soql::{Bound, SoqlError},
};

/// From this version on, `ContentDocumentLink` can be read whole by who may query all files.
const LINKS_ARE_FREE_SINCE: u32 = 59;

/// Refuses a query of such an object unless `=` or `IN` pins one of the fields.
pub(crate) fn check_required_filter(
    org: &Org,
    bound: &Bound,
    version: &str,
) -> Result<(), SoqlError> {
    let Some(object) = org.schema.object(bound.object) else {
        return Ok(());
    };
    let free = object.name == "ContentDocumentLink"
        && version_number(version).is_some_and(|version| version >= LINKS_ARE_FREE_SINCE);
    if object.required_filter.is_empty() || free {
        return Ok(());
    }
    let fields: Vec<usize> = object
        .required_filter
        .iter()
        .filter_map(|name| object.field(name).map(|(at, _)| at))
        .collect();
    let pinned = bound
        .filter
        .as_ref()
        .is_some_and(|filter| filter.pins(&fields));
    if pinned { Ok(()) } else { Err(refusal(object)) }
}

fn refusal(object: &Object) -> SoqlError {
    let unsupported = |text: &str| SoqlError::new("EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION", text);
    let restriction =
        |text: &str| SoqlError::malformed(format!("Implementation restriction: {text}"));
    match object.name.as_str() {
        "ContentDocumentLink" => restriction(
            "ContentDocumentLink requires a filter by a single Id on ContentDocumentId or LinkedEntityId using the \
             equals operator or multiple Id's using the IN operator.",
        ),
        "ContentFolderItem" => restriction(
            "ContentFolderItem requires a filter by Id or ParentContentFolderId using the equals or 'IN' operator",
        ),
        "ContentFolderMember" => restriction(
            "ContentFolderMember requires a filter by a single Id, ChildRecordId or ParentContentFolderId using the \
             equals operator",
        ),
        "CollaborationGroupRecord" => restriction(
            "CollaborationGroupRecord requires a filter by a single Id, CollaborationGroupId or RecordId using the \
             equals operator",
        ),
        "Vote" => restriction(
            "When querying the Vote object, you must filter using the following syntax: ParentId = [single ID], \
             Parent.Type = [single Type], Id = [single ID], or Id IN [list of ID's].",
        ),
        "IdeaComment" => SoqlError::malformed(
            "Implementation restriction. When querying the Idea Comment object, you must filter using the following \
             syntax: CommunityId = [single ID], Id = [single ID], IdeaId = [single ID], Id IN [list of IDs], or \
             IdeaId IN [list of IDs].",
        ),
        "FlexQueueItem" => unsupported("The WHERE clause must contain a JobType field expression."),
        "ListViewChartInstance" => unsupported("Getting all ListViewChartInstances is unsupported"),
        // What is computed from the org's definitions names the columns that can be looked up by.
        name => SoqlError::malformed(format!(
            "{name}: a filter on a reified column is required [{}]",
            object.required_filter.join(",")
        )),
    }
}
