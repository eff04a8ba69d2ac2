//! Differences as CSV (RFC 4180): whole rows of records that one side has, or the fields that differ.

use holdfast_model::{ErrorCode, Failure, ObjectName};
use holdfast_plan::ComparedFields;
use holdfast_plan::compare::{Difference, Plan};
use holdfast_plan::diff::{Change, ChangeKind};
use holdfast_runtime::Environment;
use serde::{Deserialize, Serialize};

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Table {
    /// Records that only the left has: `Id` and every field.
    OnlyLeft,
    /// Records that only the right has.
    OnlyRight,
    /// Fields that differ: `Id`, `Kind`, `Field`, `Left`, `Right`.
    Changes,
}

/// A table in the making.
pub(crate) struct Writer {
    table: Table,
    /// Of whole rows, without the Id.
    columns: Vec<String>,
    csv: csv::Writer<Vec<u8>>,
}

impl Writer {
    pub(crate) async fn open(
        environment: &Environment,
        plan: &Plan,
        object: &ObjectName,
        table: Table,
    ) -> Result<Self, Failure> {
        let planned = plan.object(object);
        let side = match table {
            Table::OnlyLeft => planned.and_then(|planned| planned.left.as_ref()),
            Table::OnlyRight => planned.and_then(|planned| planned.right.as_ref()),
            Table::Changes => None,
        };
        let org = match table {
            Table::OnlyLeft | Table::Changes => &plan.request.left.org,
            Table::OnlyRight => &plan.request.right.org,
        };
        let mut columns = Vec::new();
        if let Some(side) = side {
            let schema = environment
                .vault(org)
                .await?
                .schema(object, &side.schema)
                .await?;
            let fields = ComparedFields::of(Some(&schema), None, &plan.request.ignore);
            columns.extend(fields.left().map(str::to_owned));
        }
        Ok(Self {
            table,
            columns,
            csv: csv::Writer::from_writer(Vec::new()),
        })
    }

    /// The line with the names of the columns.
    pub(crate) fn names(&mut self) -> Result<(), Failure> {
        let fixed: &[&str] = match self.table {
            Table::OnlyLeft | Table::OnlyRight => &["Id"],
            Table::Changes => &["Id", "Kind", "Field", "Left", "Right"],
        };
        let names = fixed
            .iter()
            .copied()
            .chain(self.columns.iter().map(String::as_str));
        self.csv.write_record(names).map_err(|_| unwritable())
    }

    /// The lines of a record, if it belongs to the table.
    pub(crate) fn add(&mut self, difference: &Difference) -> Result<(), Failure> {
        let id = difference.id.as_str();
        match (self.table, difference.kind) {
            (Table::OnlyLeft, ChangeKind::OnlyLeft) | (Table::OnlyRight, ChangeKind::OnlyRight) => {
                let texts = self.columns.iter().map(|name| {
                    let text = difference.row.get(name);
                    text.map_or("", String::as_str)
                });
                let row = std::iter::once(id).chain(texts);
                self.csv.write_record(row).map_err(|_| unwritable())
            }
            (
                Table::Changes,
                ChangeKind::Changed | ChangeKind::Recalculated | ChangeKind::Touched,
            ) => {
                for change in &difference.changes {
                    let Change {
                        field, left, right, ..
                    } = change;
                    self.csv
                        .serialize((id, difference.kind, field, left, right))
                        .map_err(|_| unwritable())?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn finish(self) -> Result<String, Failure> {
        let bytes = self.csv.into_inner().map_err(|_| unwritable())?;
        String::from_utf8(bytes).map_err(|_| unwritable())
    }
}

fn unwritable() -> Failure {
    Failure::new(ErrorCode::Internal, "CSV could not be written")
}
