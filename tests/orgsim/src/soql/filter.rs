//! Which rows a condition holds for.

use super::{ast::Operator, number::Fixed};
use crate::{
    id::Id15,
    schema::{Kind, Schema},
    store::{Store, parse_datetime, row::cell},
};

/// Everything that a value can be looked up in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// The declarations.
    pub schema: &'a Schema,
    /// The records.
    pub store: &'a Store,
}

/// Where a value is, seen from a row of the queried object.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A field of the row.
    Own(usize),
    /// A field of the record that a reference points to; where it is depends on that object.
    Parent {
        /// Number of the reference field.
        reference: usize,
        /// By object.
        targets: Vec<(usize, Self)>,
    },
    /// The name of the object that a reference points to.
    ParentType(usize),
}

/// A condition.
#[derive(Debug)]
pub(crate) enum Filter {
    /// AND
    All(Vec<Self>),
    /// OR
    Any(Vec<Self>),
    /// NOT
    Not(Box<Self>),
    /// One comparison.
    Test(Test),
}

/// One comparison.
#[derive(Debug)]
pub(crate) struct Test {
    pub(super) source: Source,
    pub(super) kind: Kind,
    /// Case counts.
    pub(super) case: bool,
    pub(super) operator: Operator,
    pub(super) values: Vec<Value>,
}

/// A typed literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// null
    Null,
    /// In lower case where comparison ignores case.
    Text(String),
    /// Case matters in Ids.
    Id(Id15),
    /// An exact decimal.
    Number(Fixed),
    /// `[from, until)` in milliseconds: a moment, a day or what a date literal means.
    Span(i64, i64),
    /// The right side of LIKE.
    Pattern(Vec<Piece>),
}

/// A part of a LIKE pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// `%`
    Any,
    /// `_`
    One,
    /// A character, in lower case where comparison ignores case.
    Just(char),
}

impl<'a> View<'a> {
    /// The value at `source` for `row`; nothing for null.
    pub(crate) fn value(&self, source: &Source, row: &'a [u8]) -> Option<&'a [u8]> {
        match source {
            Source::Own(field) => cell(row, *field),
            Source::Parent { reference, targets } => {
                let (object, slot) = self.schema.locate(cell(row, *reference)?)?;
                let (_, source) = targets.iter().find(|(target, _)| *target == object)?;
                self.value(source, self.store.slot(object, slot)?.row.as_deref()?)
            }
            Source::ParentType(reference) => {
                let (object, _) = self.schema.locate(cell(row, *reference)?)?;
                Some(self.schema.object(object)?.name.as_bytes())
            }
        }
    }

    /// True when the condition holds for `row`.
    pub(crate) fn holds(&self, filter: &Filter, row: &'a [u8]) -> bool {
        match filter {
            Filter::All(parts) => parts.iter().all(|part| self.holds(part, row)),
            Filter::Any(parts) => parts.iter().any(|part| self.holds(part, row)),
            Filter::Not(inner) => !self.holds(inner, row),
            Filter::Test(test) => test.holds(self.value(&test.source, row)),
        }
    }
}

impl Filter {
    /// The span of milliseconds outside which the condition cannot hold, judged by `field` alone.
    pub(crate) fn window(&self, field: Option<usize>) -> (i64, i64) {
        const ALWAYS: (i64, i64) = (i64::MIN, i64::MAX);
        match self {
            Self::All(parts) => parts.iter().fold(ALWAYS, |(from, until), part| {
                let (other_from, other_until) = part.window(field);
                (from.max(other_from), until.min(other_until))
            }),
            Self::Test(Test {
                source: Source::Own(own),
                kind: Kind::DateTime,
                operator,
                values,
                ..
            }) if Some(*own) == field => {
                let [Value::Span(from, until)] = values.as_slice() else {
                    return ALWAYS;
                };
                match operator {
                    Operator::Equal => (*from, *until),
                    Operator::Less => (i64::MIN, *from),
                    Operator::LessOrEqual => (i64::MIN, *until),
                    Operator::Greater => (*until, i64::MAX),
                    Operator::GreaterOrEqual => (*from, i64::MAX),
                    _ => ALWAYS,
                }
            }
            _ => ALWAYS,
        }
    }

    /// The same for fields of the parents that `references` point to.
    pub(crate) fn pins_parent(&self, references: &[usize]) -> bool {
        match self {
            Self::All(parts) => parts.iter().any(|part| part.pins_parent(references)),
            Self::Test(Test {
                source: Source::Parent { reference, .. },
                operator: Operator::Equal | Operator::In,
                ..
            }) => references.contains(reference),
            _ => false,
        }
    }

    /// True when the condition narrows one of `fields` to given values.
    pub(crate) fn pins(&self, fields: &[usize]) -> bool {
        match self {
            Self::All(parts) => parts.iter().any(|part| part.pins(fields)),
            Self::Test(Test {
                source: Source::Own(own),
                operator: Operator::Equal | Operator::In,
                ..
            }) => fields.contains(own),
            _ => false,
        }
    }
}

impl Test {
    fn holds(&self, cell: Option<&[u8]>) -> bool {
        // A checkbox is never null, not even that of a parent which is not there (SOQL reference, Use null in WHERE).
        let cell = match self.kind {
            Kind::Boolean => Some(cell.unwrap_or(b"false")),
            _ => cell,
        };
        let Some(cell) = cell else {
            let null = self.values.contains(&Value::Null);
            return match self.operator {
                Operator::Equal | Operator::In => null,
                Operator::NotEqual | Operator::NotIn => !null,
                Operator::Excludes => true,
                _ => false,
            };
        };
        let any = |holds: &dyn Fn(&Value) -> bool| self.values.iter().any(holds);
        match self.operator {
            Operator::Equal | Operator::In => any(&|value| self.equals(cell, value)),
            Operator::NotEqual | Operator::NotIn => !any(&|value| self.equals(cell, value)),
            Operator::Like => any(&|value| like(cell, value, self.case)),
            Operator::Includes => any(&|value| includes(cell, value)),
            Operator::Excludes => !any(&|value| includes(cell, value)),
            Operator::Less => any(&|value| {
                self.compare(cell, value)
                    .is_some_and(std::cmp::Ordering::is_lt)
            }),
            Operator::LessOrEqual => any(&|value| {
                self.compare(cell, value)
                    .is_some_and(std::cmp::Ordering::is_le)
            }),
            Operator::Greater => any(&|value| {
                self.compare(cell, value)
                    .is_some_and(std::cmp::Ordering::is_gt)
            }),
            Operator::GreaterOrEqual => any(&|value| {
                self.compare(cell, value)
                    .is_some_and(std::cmp::Ordering::is_ge)
            }),
        }
    }

    fn equals(&self, cell: &[u8], value: &Value) -> bool {
        if let (Kind::MultiPicklist, Value::Text(text)) = (self.kind, value) {
            let mut wanted: Vec<&str> = text.split(';').collect();
            let stored = fold(cell, self.case);
            let mut stored: Vec<&str> = stored.split(';').collect();
            wanted.sort_unstable();
            stored.sort_unstable();
            return wanted == stored;
        }
        self.compare(cell, value)
            .is_some_and(std::cmp::Ordering::is_eq)
    }

    /// How the stored value compares with a literal; a span equals everything inside it.
    fn compare(&self, cell: &[u8], value: &Value) -> Option<std::cmp::Ordering> {
        Some(match value {
            Value::Null | Value::Pattern(_) => return None,
            Value::Text(text) => fold(cell, self.case).as_str().cmp(text),
            Value::Id(id) => cell.get(..15)?.cmp(id),
            Value::Number(number) => Fixed::parse(std::str::from_utf8(cell).ok()?)?.cmp(number),
            Value::Span(from, until) => {
                let moment = match self.kind {
                    Kind::Date => super::dates::date(std::str::from_utf8(cell).ok()?)?,
                    _ => parse_datetime(cell)?,
                };
                if moment < *from {
                    std::cmp::Ordering::Less
                } else if moment >= *until {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Equal
                }
            }
        })
    }
}

impl Value {
    /// The pattern of a LIKE: `%` and `_` are wild unless a backslash precedes them.
    pub(super) fn pattern(text: &str, case: bool) -> Self {
        let text = fold(text.as_bytes(), case);
        let mut pieces = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '%' => pieces.push(Piece::Any),
                '_' => pieces.push(Piece::One),
                '\\' => pieces.extend(characters.next().map(Piece::Just)),
                other => pieces.push(Piece::Just(other)),
            }
        }
        Self::Pattern(pieces)
    }
}

fn fold(cell: &[u8], case: bool) -> String {
    let text = String::from_utf8_lossy(cell);
    if case {
        text.into_owned()
    } else {
        text.to_lowercase()
    }
}

fn includes(cell: &[u8], value: &Value) -> bool {
    let Value::Text(wanted) = value else {
        return false;
    };
    let stored = fold(cell, false);
    wanted
        .split(';')
        .all(|one| stored.split(';').any(|other| other == one))
}

/// Matches with one mark to return to, so that the time is bounded by length times pieces.
fn like(cell: &[u8], value: &Value, case: bool) -> bool {
    let Value::Pattern(pieces) = value else {
        return false;
    };
    let text: Vec<char> = fold(cell, case).chars().collect();
    let (mut at, mut piece) = (0, 0);
    let mut mark = None;
    loop {
        match (pieces.get(piece), text.get(at)) {
            (Some(Piece::Any), _) => {
                mark = Some((piece + 1, at));
                piece += 1;
            }
            (Some(Piece::One), Some(_)) => (at, piece) = (at + 1, piece + 1),
            (Some(Piece::Just(wanted)), Some(found)) if wanted == found => {
                (at, piece) = (at + 1, piece + 1);
            }
            (None, None) => return true,
            _ => match mark {
                Some((after, from)) if from < text.len() => {
                    mark = Some((after, from + 1));
                    (at, piece) = (from + 1, after);
                }
                _ => return false,
            },
        }
    }
}
