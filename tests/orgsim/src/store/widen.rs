//! Tables and values for objects and fields that are added while the org runs.

use super::{Row, Store, Table, cells};
use crate::{
    schema::{Field, Kind, Object, Schema},
    store::row::RowWriter,
};

impl Store {
    /// Makes room for the objects and fields of `schema` that are new.
    pub(crate) fn widen(&mut self, schema: &Schema) {
        for (at, object) in schema.objects.iter().enumerate() {
            match self.tables.get_mut(at) {
                None => self.tables.push(Table::new(object)),
                Some(table) if table.width < object.fields.len() => {
                    table.width = object.fields.len();
                    self.uncheck(at, object);
                }
                Some(_) => {}
            }
        }
    }

    /// A checkbox has no null, so records that are older than the field are not checked. Everything else that a row
    /// ends before is null. No stamp moves.
    fn uncheck(&mut self, at: usize, object: &Object) {
        let boolean = |(_, field): &(usize, &Field)| field.kind == Kind::Boolean;
        let Some((last, _)) = object.live_fields().filter(boolean).last() else {
            return;
        };
        let fill = |row: &Row| {
            widened(row, last, |number| {
                let field = object.fields.get(number);
                field.is_some_and(|field| field.kind == Kind::Boolean)
            })
        };
        let slots = self.tables.get_mut(at).map(|table| &mut table.slots);
        for slot in slots.into_iter().flatten() {
            if let Some(row) = slot.row.as_ref().and_then(fill) {
                slot.row = Some(row);
            }
        }
        for pending in self.pending.iter_mut().filter(|p| p.object == at) {
            if let Some(row) = fill(&pending.row) {
                pending.row = row;
            }
        }
    }
}

/// The row with a value for every field up to `last`, or nothing when it has them.
fn widened(row: &Row, last: usize, boolean: impl Fn(usize) -> bool) -> Option<Row> {
    let known = cells(row).count();
    if known > last {
        return None;
    }
    let mut writer = RowWriter::default();
    for cell in cells(row) {
        writer.cell(cell);
    }
    for number in known..=last {
        writer.cell(boolean(number).then_some(b"false"));
    }
    Some(writer.finish())
}
