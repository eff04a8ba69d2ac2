//! The declarations as one user sees them: what a user may not read is not there, and what a user may not write says so.
//!
//! Source: SOAP API Developer Guide, `describeSObjects()` (fields without field-level security are absent).

use super::Access;
use crate::schema::{Schema, Trait};

impl Access {
    /// The declarations cut to what the user sees; nothing for who sees everything.
    pub(super) fn cut(&self, schema: &Schema) -> Option<Schema> {
        if self.unrestricted() {
            return None;
        }
        let mut view = schema.clone();
        for (at, object) in schema.objects.iter().enumerate() {
            if object.removed() {
                continue;
            }
            let crud = self.object(schema, at);
            if !crud.read {
                view.hide_object(at);
                continue;
            }
            let mut refused = Vec::new();
            for (may, letters) in [(crud.create, "C"), (crud.edit, "U"), (crud.delete, "DX")] {
                if !may {
                    refused.extend(letters.chars());
                }
            }
            if !refused.is_empty()
                && let Some(own) = view.object_mut(at)
            {
                own.capabilities.retain(|letter| !refused.contains(&letter));
            }
            for (number, field) in object.live_fields() {
                let access = self.field(schema, at, number);
                if !access.read {
                    view.remove_field(at, &field.name);
                } else if !access.edit
                    && let Some(own) = view.object_mut(at)
                    && let Some(own) = own.fields.get_mut(number)
                {
                    own.traits.push(Trait::ReadOnly);
                }
            }
        }
        Some(view)
    }
}
