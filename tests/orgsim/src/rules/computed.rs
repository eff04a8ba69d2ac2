//! What the org works out by itself: formula fields and roll-up summary fields, with every name looked up.
//!
//! A formula that means nothing to us, or reads what is not there, is left alone: its values stay as they are.

use crate::{
    formula::{Bound, Formula},
    schema::{Field, Object, Schema},
};

/// Everything that is worked out, by object number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Computed {
    formulas: Vec<Vec<FormulaField>>,
    roll_ups: Vec<Vec<RollUp>>,
    readers: Vec<Vec<Reader>>,
}

/// A formula field.
#[derive(Clone, Debug)]
pub(crate) struct FormulaField {
    /// Its number.
    pub field: usize,
    /// How it is worked out.
    pub formula: Bound,
    /// A number that is not there counts as zero.
    pub blank_is_zero: bool,
}

/// A roll-up summary field, kept with the object whose records it sums up.
#[derive(Clone, Debug)]
pub(crate) struct RollUp {
    /// Object number and field of the summary.
    pub summary: (usize, usize),
    /// The detail's reference to its master.
    pub reference: usize,
    /// What is done with the values.
    pub operation: Operation,
    /// The detail's field; nothing for a count.
    pub source: Option<usize>,
    /// Which details count.
    pub condition: Option<Bound>,
}

/// Source: Metadata API Developer Guide, `CustomField.summaryOperation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `count`
    Count,
    /// `sum`
    Sum,
    /// `min`
    Min,
    /// `max`
    Max,
}

/// Records of another object whose formulas read a field of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    /// The field that is read.
    pub field: usize,
    /// The object with the formula.
    pub object: usize,
    /// Its reference to this object.
    pub reference: usize,
}

impl Computed {
    /// Looks everything up.
    pub(super) fn compile(schema: &Schema) -> Self {
        let count = schema.objects.len();
        let mut found = Self {
            formulas: vec![Vec::new(); count],
            roll_ups: vec![Vec::new(); count],
            readers: vec![Vec::new(); count],
        };
        for (at, object) in schema.objects.iter().enumerate() {
            let formulas = in_order(formulas(schema, at, object));
            for formula in &formulas {
                for (reference, (parent, field)) in formula.formula.reads_of_parents() {
                    let reader = Reader {
                        field,
                        object: at,
                        reference,
                    };
                    let readers = found.readers.get_mut(parent);
                    if let Some(readers) = readers.filter(|readers| !readers.contains(&reader)) {
                        readers.push(reader);
                    }
                }
            }
            if let Some(place) = found.formulas.get_mut(at) {
                *place = formulas;
            }
            for (number, field) in object.fields.iter().enumerate() {
                let declared = field.roll_up.as_deref();
                let Some((detail, summary)) =
                    declared.and_then(|text| roll_up(schema, (at, number), text))
                else {
                    continue;
                };
                if let Some(place) = found.roll_ups.get_mut(detail) {
                    place.push(summary);
                }
            }
        }
        found
    }

    /// The formula fields of an object, those first that others read.
    pub(crate) fn formulas(&self, at: usize) -> &[FormulaField] {
        self.formulas.get(at).map_or(&[], Vec::as_slice)
    }

    /// The summaries of other objects' records over records of this object.
    pub(crate) fn roll_ups(&self, at: usize) -> &[RollUp] {
        self.roll_ups.get(at).map_or(&[], Vec::as_slice)
    }

    /// Who reads this object's fields.
    pub(crate) fn readers(&self, at: usize) -> &[Reader] {
        self.readers.get(at).map_or(&[], Vec::as_slice)
    }
}

fn formulas(schema: &Schema, at: usize, object: &Object) -> Vec<FormulaField> {
    let fields = object.fields.iter().enumerate();
    let bound = fields.filter_map(|(number, field): (usize, &Field)| {
        let formula = Formula::parse(field.formula.as_deref()?).ok()?;
        Some(FormulaField {
            field: number,
            formula: formula.bind(schema, at).ok()?,
            blank_is_zero: field.kind.numeric(),
        })
    });
    bound.collect()
}

/// A formula after the ones that it reads; those that read each other stay as they come.
fn in_order(mut open: Vec<FormulaField>) -> Vec<FormulaField> {
    let mut ordered = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let waiting: Vec<usize> = open.iter().map(|formula| formula.field).collect();
        let ready = open.iter().position(|formula| {
            let mut reads = formula.formula.reads().into_iter();
            !reads.any(|field| field != formula.field && waiting.contains(&field))
        });
        ordered.push(open.remove(ready.unwrap_or(0)));
    }
    ordered
}

/// Reads `SUM:Child.Reference.Field:condition`; the child's number with it.
fn roll_up(schema: &Schema, summary: (usize, usize), text: &str) -> Option<(usize, RollUp)> {
    let mut parts = text.splitn(3, ':');
    let operation = match parts.next()? {
        "COUNT" => Operation::Count,
        "SUM" => Operation::Sum,
        "MIN" => Operation::Min,
        "MAX" => Operation::Max,
        _ => return None,
    };
    let mut path = parts.next()?.split('.');
    let (at, detail) = schema.find(path.next()?)?;
    let (reference, _) = detail.field(path.next()?)?;
    let source = path
        .next()
        .and_then(|name| detail.field(name))
        .map(|(number, _)| number);
    let condition = parts.next().map(|text| text.trim_start_matches(':'));
    let condition = condition.filter(|text| !text.is_empty());
    let condition = match condition {
        Some(text) => Some(Formula::parse(text).ok()?.bind(schema, at).ok()?),
        None => None,
    };
    (operation == Operation::Count || source.is_some()).then_some((
        at,
        RollUp {
            summary,
            reference,
            operation,
            source,
            condition,
        },
    ))
}
