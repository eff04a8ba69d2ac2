//! The text of a field against the values of a condition.

use std::cmp::Ordering;

use super::kind::{Kind, Scalar, day_number, millisecond};
use super::like::Pattern;
use super::{Calendar, Condition, Operator, Value};

/// A condition, ready for many records.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    kind: Kind,
    operator: Operator,
    /// Whether null is among the values.
    null: bool,
    /// In order.
    scalars: Vec<Scalar>,
    /// From, and until without its end.
    spans: Vec<(i64, i64)>,
    pattern: Option<Pattern>,
}

impl Comparison {
    pub(super) fn new(kind: Kind, condition: &Condition, calendar: &Calendar) -> Self {
        let mut comparison = Self {
            kind,
            operator: condition.operator(),
            null: false,
            scalars: Vec::new(),
            spans: Vec::new(),
            pattern: None,
        };
        for value in condition.values() {
            comparison.add(value, calendar);
        }
        comparison.scalars.sort_unstable();
        comparison
    }

    fn add(&mut self, value: &Value, calendar: &Calendar) {
        match value {
            // A checkbox is never null: null is false (SOQL: Use null in WHERE).
            Value::Null if self.kind == Kind::Boolean => self.scalars.push(Scalar::Flag(false)),
            _ if value.is_null() => self.null = true,
            Value::Pattern(text) => self.pattern = Some(Pattern::new(&self.kind.fold(text))),
            Value::Span(literal) => {
                let (from, until) = calendar.days(*literal);
                let number = |day| match self.kind {
                    Kind::Date => day_number(day),
                    _ => calendar.midnight(day).millis(),
                };
                self.spans.push((number(from), number(until)));
            }
            Value::Text(text) => self.scalars.extend(self.kind.read(text)),
            Value::Date(day) => self.scalars.push(Scalar::Moment(day_number(*day))),
            Value::DateTime(stamp) => self.scalars.push(Scalar::Moment(stamp.millis())),
            Value::Time(time) => self.scalars.push(Scalar::Moment(millisecond(*time))),
            Value::Boolean(flag) => self.scalars.push(Scalar::Flag(*flag)),
            Value::Number(number) => self.scalars.extend(self.kind.read(number.as_str())),
            Value::Null => {}
        }
    }

    /// Whether the condition holds for the text of a field; an empty text is null.
    pub(super) fn holds(&self, text: Option<&str>) -> bool {
        use Operator::{Equal, Excludes, In, Includes, Like, NotEqual, NotIn};
        let text = match text.filter(|text| !text.is_empty()) {
            None if self.kind == Kind::Boolean => Some("false"),
            text => text,
        };
        let opposite = matches!(self.operator, NotEqual | NotIn | Excludes);
        let Some(text) = text else {
            let equals = matches!(self.operator, Equal | NotEqual | In | NotIn) && self.null;
            return equals != opposite;
        };
        let Some(value) = self.kind.read(text) else {
            return opposite;
        };
        match self.operator {
            Equal | NotEqual | In | NotIn => self.equals_one(&value) != opposite,
            Includes | Excludes => self.includes_one(&value) != opposite,
            Like => match (&value, &self.pattern) {
                (Scalar::Text(text), Some(pattern)) => pattern.matches(text),
                _ => false,
            },
            _ => self.is_in_order(&value),
        }
    }

    fn equals_one(&self, value: &Scalar) -> bool {
        self.scalars.binary_search(value).is_ok()
            || matches!(value, Scalar::Moment(at)
                if self.spans.iter().any(|(from, until)| from <= at && at < until))
    }

    fn includes_one(&self, value: &Scalar) -> bool {
        let Scalar::Choices(chosen) = value else {
            return false;
        };
        self.scalars.iter().any(|wanted| match wanted {
            Scalar::Choices(wanted) => wanted.iter().all(|one| chosen.binary_search(one).is_ok()),
            _ => false,
        })
    }

    /// Beside a span means before its start or behind its end.
    fn is_in_order(&self, value: &Scalar) -> bool {
        let order = match (value, self.spans.first(), self.scalars.first()) {
            (Scalar::Moment(at), Some((from, until)), _) => match at {
                at if at < from => Ordering::Less,
                at if at >= until => Ordering::Greater,
                _ => Ordering::Equal,
            },
            (value, None, Some(other)) => value.cmp(other),
            _ => return false,
        };
        match self.operator {
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Greater => order.is_gt(),
            _ => order.is_ge(),
        }
    }
}
