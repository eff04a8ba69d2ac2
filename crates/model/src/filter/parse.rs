//! SOQL to the tree, by recursive descent (SOQL: Condition Expression Syntax).

use winnow::LocatingSlice;

use super::token::{Fault, Input, Parsed, literal, sees, sees_word, space, took, took_word, word};
use super::{
    CONDITIONS_MAX, Condition, DEPTH_MAX, FILTER_CHARS_MAX, FieldPath, Filter, FilterError,
    LIST_VALUES_MAX, Operator, Place, Reason, Value,
};

impl Filter {
    /// Reads a WHERE clause, without the word WHERE.
    ///
    /// ```
    /// use holdfast_model::filter::Filter;
    /// let filter = Filter::parse("Name LIKE 'A%' AND (Amount__c > 1000 OR CloseDate = LAST_N_DAYS:30)").unwrap();
    /// assert_eq!(Filter::from_declarative(&filter.to_declarative()).unwrap(), filter);
    /// ```
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        // Bytes first: counting characters of something huge takes time.
        if text.len() > 4 * FILTER_CHARS_MAX || text.chars().count() > FILTER_CHARS_MAX {
            let what = "number of characters of a filter";
            let max = FILTER_CHARS_MAX;
            return Err(FilterError {
                place: Place::Unknown,
                field: None,
                reason: Reason::TooLong { what, max },
            });
        }
        let mut parser = Parser {
            text,
            conditions: 0,
            field: None,
        };
        let mut input = LocatingSlice::new(text);
        let filter = parser.level(&mut input, 0).and_then(|filter| {
            space(&mut input);
            let end = input.is_empty();
            let rest = Reason::Expected("AND, OR or the end");
            end.then_some(filter)
                .ok_or_else(|| Fault::here(&input, rest))
        });
        filter.map_err(|fault| FilterError {
            place: parser.place(fault.at),
            field: parser.field,
            reason: fault.reason,
        })
    }
}

/// A value as SOQL writes it, for the declarative form.
pub(super) fn value(text: &str) -> Result<Value, Reason> {
    let mut input = LocatingSlice::new(text);
    let value = literal(&mut input, false).map_err(|fault| fault.reason)?;
    space(&mut input);
    let end = input.is_empty();
    end.then_some(value).ok_or(Reason::Expected("one value"))
}

struct Parser<'t> {
    text: &'t str,
    conditions: usize,
    /// Of the condition that is being read.
    field: Option<String>,
}

impl Parser<'_> {
    /// Conditions joined by AND, by OR, or one behind NOT; mixed ones need parentheses.
    fn level(&mut self, input: &mut Input<'_>, depth: usize) -> Parsed<Filter> {
        if depth > DEPTH_MAX {
            let what = "depth of groups";
            let max = DEPTH_MAX;
            return Err(Fault::here(input, Reason::TooLong { what, max }));
        }
        if took_word(input, "NOT") {
            let inner = self.operand(input, depth)?;
            if joins(input) {
                return Err(Fault::here(input, Reason::MixedOperators));
            }
            return Ok(Filter::Not(Box::new(inner)));
        }
        let first = self.operand(input, depth)?;
        let Some(join) = ["AND", "OR"]
            .into_iter()
            .find(|join| sees_word(input, join))
        else {
            return Ok(first);
        };
        let mut members = vec![first];
        while took_word(input, join) {
            space(input);
            if sees_word(input, "NOT") {
                return Err(Fault::here(input, Reason::MixedOperators));
            }
            members.push(self.operand(input, depth)?);
        }
        if joins(input) {
            return Err(Fault::here(input, Reason::MixedOperators));
        }
        Ok(match join {
            "AND" => Filter::All(members),
            _ => Filter::Any(members),
        })
    }

    fn operand(&mut self, input: &mut Input<'_>, depth: usize) -> Parsed<Filter> {
        if !took(input, "(") {
            return self.condition(input).map(Filter::Test);
        }
        let inner = self.level(input, depth + 1)?;
        closed(input)?;
        Ok(inner)
    }

    fn condition(&mut self, input: &mut Input<'_>) -> Parsed<Condition> {
        self.field = None;
        space(input);
        let start = Fault::here(input, Reason::Expected("a condition"));
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            let what = "number of conditions";
            let max = CONDITIONS_MAX;
            return Err(Fault {
                reason: Reason::TooLong { what, max },
                ..start
            });
        }
        let at = start.at;
        let fault = |reason| Fault { at, reason };
        let name = word(input);
        if name.is_empty() {
            return Err(start);
        }
        if sees(input, "(") {
            return Err(fault(Reason::Unsupported("functions")));
        }
        let path = FieldPath::parse(name).map_err(fault)?;
        self.field = Some(path.to_string());
        let operator = operator(input)?;
        let values = if operator.takes_list() {
            list(input)?
        } else {
            vec![literal(input, operator == Operator::Like)?]
        };
        let condition = Condition::new(path, operator, values, self.place(at)).map_err(fault)?;
        self.field = None;
        Ok(condition)
    }

    /// The byte as a character, counted from 1.
    fn place(&self, at: usize) -> Place {
        let before = self.text.get(..at).unwrap_or(self.text);
        Place::Character(before.chars().count() + 1)
    }
}

fn operator(input: &mut Input<'_>) -> Parsed<Operator> {
    // The longer ones first.
    for symbol in ["!=", "<>", "<=", ">=", "=", "<", ">"] {
        if took(input, symbol) {
            let operator = Operator::parse(symbol);
            return operator.ok_or_else(|| Fault::here(input, Reason::Expected("an operator")));
        }
    }
    space(input);
    let wrong = Fault::here(input, Reason::Expected("an operator"));
    let name = word(input);
    if name.eq_ignore_ascii_case("NOT") && took_word(input, "IN") {
        return Ok(Operator::NotIn);
    }
    Operator::parse(name).ok_or(wrong)
}

fn list(input: &mut Input<'_>) -> Parsed<Vec<Value>> {
    space(input);
    if sees(input, ":") {
        return Err(Fault::here(input, Reason::Unsupported("bind variables")));
    }
    let start = Fault::here(input, Reason::Expected("a list of values in parentheses"));
    if !took(input, "(") {
        return Err(start);
    }
    if sees_word(input, "SELECT") {
        return Err(Fault {
            reason: Reason::Unsupported("sub-selects"),
            ..start
        });
    }
    let mut values = vec![literal(input, false)?];
    while took(input, ",") {
        values.push(literal(input, false)?);
        if values.len() > LIST_VALUES_MAX {
            let what = "number of values of a list";
            let max = LIST_VALUES_MAX;
            return Err(Fault {
                reason: Reason::TooLong { what, max },
                ..start
            });
        }
    }
    closed(input)?;
    Ok(values)
}

fn closed(input: &mut Input<'_>) -> Parsed<()> {
    let found = took(input, ")");
    let missing = Reason::Expected("a closing parenthesis");
    found
        .then_some(())
        .ok_or_else(|| Fault::here(input, missing))
}

fn joins(input: &mut Input<'_>) -> bool {
    space(input);
    sees_word(input, "AND") || sees_word(input, "OR")
}
