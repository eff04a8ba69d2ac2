//! Lookups that Salesforce fills when a record comes back out of the Recycle Bin: the ones that it emptied when the record went (SOAP
//! guide, `undelete()`). A restore empties those again that its plan does not fill.

use std::collections::BTreeSet;

use holdfast_model::{ObjectName, ObjectSchema};

use super::plan::Plan;

impl Plan {
    /// The lookups of an object that come back with records of another one, and that the restore may empty again: it knows how they
    /// were, and they were asked for. None, when the object was not compared whole.
    pub fn refilled<'c>(&self, parent: &ObjectSchema, child: &'c ObjectSchema) -> Vec<&'c str> {
        if !self.whole.contains_key(&child.name) {
            return Vec::new();
        }
        // A record that goes with its parent, or keeps it, never lost its lookup.
        let emptied: BTreeSet<_> = parent
            .children
            .iter()
            .filter(|one| !one.cascade_delete && !one.restricted_delete)
            .filter(|one| one.child == child.name.as_str())
            .map(|one| one.field.as_str())
            .collect();
        let fields = child.stored_fields().filter(|field| {
            field.updateable
                && field.nillable
                && emptied.contains(field.name.as_str())
                && self.is_restored(&child.name, &field.name)
        });
        fields.map(|field| field.name.as_str()).collect()
    }

    /// Whether a field was compared, and asked for.
    fn is_restored(&self, object: &ObjectName, field: &str) -> bool {
        let selection = self.request.objects.as_ref();
        let selection = selection.and_then(|objects| objects.get(object));
        let fields = selection.and_then(|selection| selection.fields.as_ref());
        let mut ignored = self.ignored.iter();
        !ignored.any(|ignored| ignored.eq_ignore_ascii_case(field))
            && fields.is_none_or(|fields| fields.contains(field))
    }
}
