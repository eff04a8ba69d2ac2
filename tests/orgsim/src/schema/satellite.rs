//! The objects that accompany another one: its field history, sharing rows and change events.

use std::fmt::Write as _;

/// The declaration of satellite `part` (`history`, `fieldhistory`, `share=KEY`, `event`) of an
/// object, or nothing for an unknown word.
pub(super) fn declare(object: &str, weight: usize, part: &str) -> Option<String> {
    let custom = object.strip_suffix("__c");
    let name = |suffix: &str| {
        custom.map_or_else(
            || format!("{object}{suffix}"),
            |stem| format!("{stem}__{suffix}"),
        )
    };
    let parent = custom.map_or_else(|| format!("{object}Id"), |_| "ParentId".to_owned());
    let relation = custom.map_or(object, |_| "Parent");
    let mut text = String::new();
    let written = match part.split_once('=').unwrap_or((part, "")) {
        ("history", _) => history(
            &mut text,
            &name("History"),
            object,
            &parent,
            relation,
            weight / 2,
        ),
        ("fieldhistory", _) => history(
            &mut text,
            &name("FieldHistory"),
            object,
            &parent,
            relation,
            weight / 2,
        ),
        ("share", key) => {
            let access = custom.map_or_else(
                || format!("{object}AccessLevel"),
                |_| "AccessLevel".to_owned(),
            );
            writeln!(
                text,
                "object {} key={key} can=QRCUD weight={} satellite=Share:{object}\n \
                 {parent} ->{object} ! rel={relation} child=Shares cascade once\n \
                 UserOrGroupId ->Group|User ! rel=UserOrGroup once\n \
                 {access} picklist ! values=Read|Edit|All\n \
                 RowCause picklist ! once values=Owner|Manual|Rule|ImplicitParent\n \
                 LastModifiedDate datetime ! ro\n \
                 LastModifiedById ->User ! rel=LastModifiedBy ro\n \
                 +deleted",
                name("Share"),
                weight / 8,
            )
        }
        ("event", _) => writeln!(
            text,
            "object {} can=RT satellite=ChangeEvent:{object}\n \
             ReplayId string(80) ro nofilter nosort\n \
             ChangeEventHeader complexvalue ! ro\n \
             CreatedDate datetime ro nofilter nosort\n \
             LastModifiedDate datetime ro nofilter nosort",
            name("ChangeEvent"),
        ),
        _ => return None,
    };
    written.ok().map(|()| text)
}

fn history(
    text: &mut String,
    name: &str,
    object: &str,
    parent: &str,
    relation: &str,
    weight: usize,
) -> std::fmt::Result {
    writeln!(
        text,
        "object {name} key=-017 can=QRP weight={weight} satellite=History:{object}\n \
         +deleted\n \
         {parent} ->{object} ! rel={relation} child=Histories cascade ro\n \
         CreatedById ->User ! rel=CreatedBy ro\n \
         CreatedDate datetime ! ro\n \
         Field picklist ! ro values=Name|OwnerId|Status|created\n \
         DataType picklist ro values=Text|DynamicEnum|EntityId\n \
         OldValue anyType ro\n \
         NewValue anyType ro",
    )
}
