//! The page layout that every object has.
//!
//! Source: Metadata API Developer Guide (Layout).

use crate::{
    schema::{Object, Trait},
    soap::Element,
};

/// Name of an object's own layout.
pub(crate) fn name(object: &Object) -> String {
    format!("{}-{} Layout", object.name, object.label())
}

/// One section with every field that people fill in, in two columns.
pub(crate) fn definition(object: &Object) -> Element {
    let fields = object
        .live_fields()
        .map(|(_, field)| field)
        .filter(|field| field.createable(object) && field.compound.is_none());
    let mut columns = [Element::named(""), Element::named("")];
    for (place, field) in fields.enumerate() {
        let behavior = if field.is(Trait::Required) || field.is(Trait::Title) {
            "Required"
        } else {
            "Edit"
        };
        let mut item = Element::named("layoutItems");
        item.put("behavior", behavior).put("field", &field.name);
        if let Some(column) = columns.get_mut(place % 2) {
            column.push("layoutItems", item);
        }
    }
    let mut section = Element::named("layoutSections");
    section
        .put("customLabel", "false")
        .put("detailHeading", "false")
        .put("editHeading", "true")
        .put("label", "Information");
    for column in columns {
        section.push("layoutColumns", column);
    }
    section.put("style", "TwoColumnsTopToBottom");
    let mut layout = Element::named("Layout");
    layout
        .push("layoutSections", section)
        .put("showEmailCheckbox", "false")
        .put("showHighlightsPanel", "false")
        .put("showInteractionLogPanel", "false")
        .put("showRunAssignmentRulesCheckbox", "false")
        .put("showSubmitAndAttachButton", "false");
    layout
}
