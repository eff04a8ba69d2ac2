//! The tree of a formula, by the precedence of its operators.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::vec::IntoIter;

use rust_decimal::Decimal;

use super::NotAFormula;
use super::function::Function;
use super::lexer::Word;

/// Brackets and operators within each other.
const DEPTH_MAX: usize = 48;
/// Operators in a row.
const CHAIN_MAX: usize = 100;

/// A part of a formula.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    Number(Decimal),
    Truth(bool),
    Null,
    /// A field of the record.
    Field(String),
    /// What lies outside of the record, or is not understood.
    Unknown {
        /// The field that a way to another record begins with.
        from: Option<String>,
        /// What it is about.
        parts: Vec<Node>,
    },
    Call(Function, Vec<Node>),
    Pair(Operator, Box<Node>, Box<Node>),
    Not(Box<Node>),
    Minus(Box<Node>),
}

/// What stands between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Join,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

impl Operator {
    /// The operator of a mark, and how tightly it binds.
    fn of(mark: &str) -> Option<(Self, u8)> {
        Some(match mark {
            "||" => (Self::Or, 1),
            "&&" => (Self::And, 2),
            "=" | "==" => (Self::Equal, 3),
            "<>" | "!=" => (Self::Unequal, 3),
            "<" => (Self::Less, 4),
            "<=" => (Self::LessOrEqual, 4),
            ">" => (Self::Greater, 4),
            ">=" => (Self::GreaterOrEqual, 4),
            "&" => (Self::Join, 5),
            "+" => (Self::Add, 6),
            "-" => (Self::Subtract, 6),
            "*" => (Self::Multiply, 7),
            "/" => (Self::Divide, 7),
            "^" => (Self::Power, 8),
            _ => return None,
        })
    }
}

impl Node {
    pub(super) fn fields<'n>(&'n self, found: &mut BTreeSet<&'n str>) {
        match self {
            Self::Field(name) => drop(found.insert(name)),
            Self::Unknown { from, parts } => {
                found.extend(from.as_deref());
                for part in parts {
                    part.fields(found);
                }
            }
            Self::Call(_, parts) => {
                for part in parts {
                    part.fields(found);
                }
            }
            Self::Pair(_, left, right) => {
                left.fields(found);
                right.fields(found);
            }
            Self::Not(inner) | Self::Minus(inner) => inner.fields(found),
            Self::Text(_) | Self::Number(_) | Self::Truth(_) | Self::Null => {}
        }
    }
}

pub(super) fn parse(words: Vec<Word>) -> Result<Node, NotAFormula> {
    let mut parser = Parser {
        words: words.into_iter().peekable(),
        depth: 0,
    };
    let node = parser.expression(0)?;
    match parser.words.next() {
        None => Ok(node),
        Some(_) => Err(NotAFormula),
    }
}

struct Parser {
    words: Peekable<IntoIter<Word>>,
    depth: usize,
}

impl Parser {
    fn expression(&mut self, tightness: u8) -> Result<Node, NotAFormula> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(NotAFormula);
        }
        let mut left = self.operand()?;
        // A chain leans to the left, and its tree is as deep as it is long.
        let mut chain = 0;
        while let Some(Word::Mark(mark)) = self.words.peek()
            && let Some((operator, binds)) =
                Operator::of(mark).filter(|(_, binds)| *binds > tightness)
        {
            chain += 1;
            if chain > CHAIN_MAX {
                return Err(NotAFormula);
            }
            self.words.next();
            let right = self.expression(binds)?;
            left = Node::Pair(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Node, NotAFormula> {
        match self.words.next().ok_or(NotAFormula)? {
            Word::Text(text) => Ok(Node::Text(text)),
            Word::Number(number) => Ok(Node::Number(number)),
            Word::Name(name) if self.is_next("(") => self.call(&name),
            Word::Name(name) => Ok(named(name)),
            Word::Mark("(") => {
                let inner = self.expression(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            Word::Mark("!") => Ok(Node::Not(Box::new(self.expression(9)?))),
            Word::Mark("-") => Ok(Node::Minus(Box::new(self.expression(9)?))),
            Word::Mark("+") => self.expression(9),
            Word::Mark(_) => Err(NotAFormula),
        }
    }

    fn call(&mut self, name: &str) -> Result<Node, NotAFormula> {
        self.expect("(")?;
        let mut parts = Vec::new();
        if !self.is_next(")") {
            parts.push(self.expression(0)?);
            while self.is_next(",") {
                self.words.next();
                parts.push(self.expression(0)?);
            }
        }
        self.expect(")")?;
        Ok(match Function::named(name) {
            Some(function) if function.takes(parts.len()) => Node::Call(function, parts),
            _ => Node::Unknown { from: None, parts },
        })
    }

    fn is_next(&mut self, mark: &str) -> bool {
        matches!(self.words.peek(), Some(Word::Mark(next)) if *next == mark)
    }

    fn expect(&mut self, mark: &str) -> Result<(), NotAFormula> {
        match self.words.next() {
            Some(Word::Mark(next)) if next == mark => Ok(()),
            _ => Err(NotAFormula),
        }
    }
}

fn named(name: String) -> Node {
    if name.eq_ignore_ascii_case("true") {
        return Node::Truth(true);
    }
    if name.eq_ignore_ascii_case("false") {
        return Node::Truth(false);
    }
    if name.eq_ignore_ascii_case("null") {
        return Node::Null;
    }
    match name.split_once('.') {
        None => Node::Field(name),
        Some((first, _)) => Node::Unknown {
            from: (!first.starts_with('$')).then(|| first.to_owned()),
            parts: Vec::new(),
        },
    }
}
