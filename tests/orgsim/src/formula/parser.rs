//! Words become an expression.

use rust_decimal::Decimal;

use super::{
    FormulaError,
    function::Function,
    lexer::{Token, words},
};

/// Brackets and operators within each other.
const DEPTH_MAX: usize = 60;

/// A formula whose names are not looked up yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Text(String),
    Number(Decimal),
    Truth(bool),
    Null,
    /// A field, or a global such as `$User.Id`.
    Name(String),
    Call(Function, Vec<Expression>),
    Pair(Operator, Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Minus(Box<Expression>),
}

/// What stands between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Operators by how strongly they bind, weakest first.
const LEVELS: [&[(&str, Operator)]; 8] = [
    &[("||", Operator::Or)],
    &[("&&", Operator::And)],
    &[
        ("=", Operator::Equal),
        ("==", Operator::Equal),
        ("<>", Operator::Unequal),
        ("!=", Operator::Unequal),
    ],
    &[
        ("<", Operator::Less),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        (">=", Operator::GreaterOrEqual),
    ],
    &[("&", Operator::Join)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
    &[("^", Operator::Power)],
];

/// Reads a whole formula.
pub(super) fn parse(text: &str) -> Result<Expression, FormulaError> {
    let mut parser = Parser {
        words: words(text)?,
        at: 0,
    };
    let expression = parser.level(0, 0)?;
    match parser.peek() {
        None => Ok(expression),
        Some(Token::Mark(")")) => Err(FormulaError::new("Syntax error. Extra ')'")),
        Some(word) => Err(FormulaError::new(format!(
            "Syntax error. Extra {}",
            shown(word)
        ))),
    }
}

struct Parser {
    words: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.words.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }

    fn takes(&mut self, mark: &str) -> bool {
        let found = self
            .peek()
            .is_some_and(|word| matches!(word, Token::Mark(found) if *found == mark));
        if found {
            self.at += 1;
        }
        found
    }

    /// Operators of one strength and everything that binds more strongly.
    fn level(&mut self, level: usize, depth: usize) -> Result<Expression, FormulaError> {
        let Some(operators) = LEVELS.get(level) else {
            return self.operand(depth);
        };
        let mut left = self.level(level + 1, depth)?;
        // A long chain nests to the left; it must not be deeper than what is evaluated.
        let mut chain = depth;
        while let Some(Token::Mark(mark)) = self.peek() {
            let Some((_, operator)) = operators.iter().find(|(text, _)| text == mark) else {
                break;
            };
            chain += 1;
            if chain > DEPTH_MAX * 4 {
                return Err(too_deep());
            }
            self.at += 1;
            let right = self.level(level + 1, depth)?;
            left = Expression::Pair(*operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operand(&mut self, depth: usize) -> Result<Expression, FormulaError> {
        if depth > DEPTH_MAX {
            return Err(too_deep());
        }
        match self.next() {
            Some(Token::Text(text)) => Ok(Expression::Text(text)),
            Some(Token::Number(number)) => Ok(Expression::Number(number)),
            Some(Token::Mark("(")) => {
                let inner = self.level(0, depth + 1)?;
                self.closing()?;
                Ok(inner)
            }
            Some(Token::Mark("!")) => Ok(Expression::Not(Box::new(self.operand(depth + 1)?))),
            Some(Token::Mark("-")) => Ok(Expression::Minus(Box::new(self.operand(depth + 1)?))),
            Some(Token::Mark("+")) => self.operand(depth + 1),
            Some(Token::Name(name)) if self.takes("(") => self.call(&name, depth),
            Some(Token::Name(name)) => Ok(match name.to_ascii_lowercase().as_str() {
                "true" => Expression::Truth(true),
                "false" => Expression::Truth(false),
                "null" => Expression::Null,
                _ => Expression::Name(name),
            }),
            Some(word) => Err(FormulaError::new(format!(
                "Syntax error. Found {}",
                shown(&word)
            ))),
            None => Err(FormulaError::new("Syntax error. Missing value")),
        }
    }

    /// The arguments of a function, after its bracket.
    fn call(&mut self, name: &str, depth: usize) -> Result<Expression, FormulaError> {
        let function = Function::named(name).ok_or_else(|| {
            FormulaError::new(format!("Unknown function {name}. Check spelling."))
        })?;
        let mut arguments = Vec::new();
        if !self.takes(")") {
            loop {
                arguments.push(self.level(0, depth + 1)?);
                if !self.takes(",") {
                    break;
                }
            }
            self.closing()?;
        }
        let (least, most) = function.arguments();
        if arguments.len() < least || arguments.len() > most {
            return Err(FormulaError::new(format!(
                "Incorrect number of parameters for function '{}()'. Expected {}, received {}",
                function.name(),
                if arguments.len() < least { least } else { most },
                arguments.len()
            )));
        }
        Ok(Expression::Call(function, arguments))
    }

    fn closing(&mut self) -> Result<(), FormulaError> {
        if self.takes(")") {
            return Ok(());
        }
        Err(FormulaError::new("Syntax error. Missing ')'"))
    }
}

fn too_deep() -> FormulaError {
    FormulaError::new("Formula is too deeply nested")
}

fn shown(word: &Token) -> String {
    match word {
        Token::Name(text) | Token::Text(text) => format!("'{text}'"),
        Token::Number(number) => format!("'{number}'"),
        Token::Mark(mark) => format!("'{mark}'"),
    }
}
