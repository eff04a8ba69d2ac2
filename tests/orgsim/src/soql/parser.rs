//! Tokens to a syntax tree, by recursive descent.

use super::{
    STATEMENT_CHARACTERS_MAX, SoqlError,
    ast::{Condition, Function, Item, Literal, Name, Operator, Order, Query, TypeOf},
    lexer::{self, Kind, Token},
};

/// Deepest nesting of parentheses: a bound on the parser's own stack.
const DEPTH_MAX: usize = 100;

/// Reads a statement.
pub(crate) fn parse(query: &str) -> Result<Query, SoqlError> {
    if query.chars().count() > STATEMENT_CHARACTERS_MAX {
        return Err(SoqlError::malformed(format!(
            "SOQL statements can not be longer than {STATEMENT_CHARACTERS_MAX} characters"
        )));
    }
    let tokens = lexer::tokens(query)?;
    let mut parser = Parser {
        query,
        tokens: &tokens,
        place: 0,
        depth: 0,
    };
    let parsed = parser.statement(Parser::object)?;
    match parser.kind() {
        Kind::End => Ok(parsed),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    query: &'a str,
    tokens: &'a [Token],
    place: usize,
    depth: usize,
}

impl Parser<'_> {
    fn kind(&self) -> &Kind {
        self.tokens
            .get(self.place)
            .map_or(&Kind::End, |token| &token.kind)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.place).map_or(0, |token| token.at)
    }

    fn is_word(&self, ahead: usize, wanted: &str) -> bool {
        let token = self.tokens.get(self.place + ahead);
        matches!(token, Some(Token { kind: Kind::Word(word), .. }) if word.eq_ignore_ascii_case(wanted))
    }

    fn is_symbol(&self, ahead: usize, wanted: &str) -> bool {
        let token = self.tokens.get(self.place + ahead);
        matches!(token, Some(Token { kind: Kind::Symbol(symbol), .. }) if *symbol == wanted)
    }

    fn took_word(&mut self, wanted: &str) -> bool {
        let found = self.is_word(0, wanted);
        self.place += usize::from(found);
        found
    }

    fn took_symbol(&mut self, wanted: &str) -> bool {
        let found = self.is_symbol(0, wanted);
        self.place += usize::from(found);
        found
    }

    fn unexpected(&self) -> SoqlError {
        let shown = match self.kind() {
            Kind::Word(text) | Kind::Number(text) | Kind::Date(text) | Kind::DateTime(text) => {
                text.clone()
            }
            Kind::Text(text) => format!("'{text}'"),
            Kind::Symbol(symbol) => (*symbol).to_owned(),
            Kind::End => "<EOF>".to_owned(),
        };
        let text = format!("unexpected token: {shown}");
        // What does not begin as a query has no place to show.
        if self.place == 0 {
            return SoqlError::malformed(text);
        }
        SoqlError::located("MALFORMED_QUERY", self.query, self.at(), &text)
    }

    fn expect_word(&mut self, wanted: &str) -> Result<(), SoqlError> {
        if self.took_word(wanted) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn expect_symbol(&mut self, wanted: &str) -> Result<(), SoqlError> {
        if self.took_symbol(wanted) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn name(&mut self) -> Result<Name, SoqlError> {
        match self.kind() {
            Kind::Word(word) if !reserved(word) && !word.contains(':') => {
                let name = Name {
                    path: word.clone(),
                    at: self.at(),
                };
                self.place += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Objects may be called `Group` and `Order`.
    fn object(&mut self) -> Result<Name, SoqlError> {
        match self.kind() {
            Kind::Word(word) if !word.contains(['.', ':']) => {
                let name = Name {
                    path: word.clone(),
                    at: self.at(),
                };
                self.place += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// The children of a sub-select, perhaps with the parent's name before them: `Account.Contacts`.
    fn relationship(&mut self) -> Result<Name, SoqlError> {
        match self.kind() {
            Kind::Word(word) if word.contains('.') => self.name(),
            _ => self.object(),
        }
    }

    fn names(&mut self) -> Result<Vec<Name>, SoqlError> {
        let mut names = vec![self.name()?];
        while self.took_symbol(",") {
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// A whole statement; `source` reads what stands after FROM.
    fn statement(
        &mut self,
        source: impl Fn(&mut Self) -> Result<Name, SoqlError>,
    ) -> Result<Query, SoqlError> {
        self.expect_word("SELECT")?;
        let mut select = vec![self.item()?];
        while self.took_symbol(",") {
            select.push(self.item()?);
        }
        self.expect_word("FROM")?;
        let from = source(self)?;
        let _ = self.took_word("AS");
        let alias = self.alias();
        if self.took_word("USING") {
            self.expect_word("SCOPE")?;
            self.name()?;
        }
        let filter = if self.took_word("WHERE") {
            Some(self.condition()?)
        } else {
            None
        };
        let group_by = if self.took_word("GROUP") {
            self.expect_word("BY")?;
            self.names()?
        } else {
            Vec::new()
        };
        let order_by = if self.took_word("ORDER") {
            self.expect_word("BY")?;
            self.orders()?
        } else {
            Vec::new()
        };
        let limit = if self.took_word("LIMIT") {
            Some(self.count()?)
        } else {
            None
        };
        let offset = if self.took_word("OFFSET") {
            Some(self.count()?)
        } else {
            None
        };
        Ok(Query {
            select,
            from,
            alias,
            filter,
            group_by,
            order_by,
            limit,
            offset,
        })
    }

    fn alias(&mut self) -> Option<String> {
        match self.kind() {
            Kind::Word(word) if !reserved(word) => {
                let alias = word.clone();
                self.place += 1;
                Some(alias)
            }
            _ => None,
        }
    }

    fn item(&mut self) -> Result<Item, SoqlError> {
        let at = self.at();
        if self.took_symbol("(") {
            self.deeper()?;
            let query = Box::new(self.statement(Self::relationship)?);
            self.depth -= 1;
            self.expect_symbol(")")?;
            return Ok(Item::Children { at, query });
        }
        if self.took_word("TYPEOF") {
            return self.type_of(at);
        }
        if !self.is_symbol(1, "(") {
            let name = self.name()?;
            return Ok(Item::Field {
                name,
                alias: self.alias(),
            });
        }
        let Kind::Word(call) = self.kind() else {
            return Err(self.unexpected());
        };
        let call = call.to_uppercase();
        let function = match call.as_str() {
            "FIELDS" => None,
            "COUNT" => Some(Function::Count),
            "COUNT_DISTINCT" => Some(Function::CountDistinct),
            "SUM" => Some(Function::Sum),
            "AVG" => Some(Function::Avg),
            "MIN" => Some(Function::Min),
            "MAX" => Some(Function::Max),
            _ => return Err(self.unexpected()),
        };
        self.place += 2;
        if function == Some(Function::Count) && self.took_symbol(")") {
            return Ok(Item::Count);
        }
        let name = self.name()?;
        self.expect_symbol(")")?;
        Ok(match function {
            Some(function) => Item::Aggregate {
                function,
                name,
                alias: self.alias(),
            },
            None => Item::Fields {
                group: name.path.to_uppercase(),
                at,
            },
        })
    }

    fn type_of(&mut self, at: usize) -> Result<Item, SoqlError> {
        let relation = self.name()?;
        let mut cases = Vec::new();
        while self.took_word("WHEN") {
            let object = self.object()?;
            self.expect_word("THEN")?;
            cases.push((object, self.names()?));
        }
        if cases.is_empty() {
            return Err(self.unexpected());
        }
        let otherwise = if self.took_word("ELSE") {
            self.names()?
        } else {
            Vec::new()
        };
        self.expect_word("END")?;
        Ok(Item::TypeOf(TypeOf {
            relation,
            cases,
            otherwise,
            at,
        }))
    }

    /// One more parenthesis is open.
    fn deeper(&mut self) -> Result<(), SoqlError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(SoqlError::new(
                "QUERY_TOO_COMPLICATED",
                "Query is too complicated",
            ));
        }
        Ok(())
    }

    /// One level of a condition: AND or OR, not both without parentheses.
    fn condition(&mut self) -> Result<Condition, SoqlError> {
        let mut parts = vec![self.operand()?];
        let word = ["AND", "OR"].into_iter().find(|word| self.is_word(0, word));
        let Some(word) = word else {
            return parts.pop().ok_or_else(|| self.unexpected());
        };
        while self.took_word(word) {
            parts.push(self.operand()?);
        }
        if self.is_word(0, "AND") || self.is_word(0, "OR") {
            return Err(self.unexpected());
        }
        Ok(if word == "AND" {
            Condition::All(parts)
        } else {
            Condition::Any(parts)
        })
    }

    fn operand(&mut self) -> Result<Condition, SoqlError> {
        self.deeper()?;
        let operand = if self.took_word("NOT") {
            Condition::Not(Box::new(self.operand()?))
        } else if self.took_symbol("(") {
            let inner = self.condition()?;
            self.expect_symbol(")")?;
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(operand)
    }

    fn test(&mut self) -> Result<Condition, SoqlError> {
        let name = self.name()?;
        let operator = self.operator()?;
        let list = matches!(
            operator,
            Operator::In | Operator::NotIn | Operator::Includes | Operator::Excludes
        );
        let values = if list {
            self.expect_symbol("(")?;
            let mut values = vec![self.literal()?];
            while self.took_symbol(",") {
                values.push(self.literal()?);
            }
            self.expect_symbol(")")?;
            values
        } else {
            vec![self.literal()?]
        };
        Ok(Condition::Test {
            name,
            operator,
            values,
        })
    }

    fn operator(&mut self) -> Result<Operator, SoqlError> {
        let operator = match self.kind() {
            Kind::Symbol("=") => Operator::Equal,
            Kind::Symbol("!=" | "<>") => Operator::NotEqual,
            Kind::Symbol("<") => Operator::Less,
            Kind::Symbol("<=") => Operator::LessOrEqual,
            Kind::Symbol(">") => Operator::Greater,
            Kind::Symbol(">=") => Operator::GreaterOrEqual,
            Kind::Word(word) => match word.to_uppercase().as_str() {
                "LIKE" => Operator::Like,
                "IN" => Operator::In,
                "INCLUDES" => Operator::Includes,
                "EXCLUDES" => Operator::Excludes,
                "NOT" if self.is_word(1, "IN") => {
                    self.place += 1;
                    Operator::NotIn
                }
                _ => return Err(self.unexpected()),
            },
            _ => return Err(self.unexpected()),
        };
        self.place += 1;
        Ok(operator)
    }

    fn literal(&mut self) -> Result<Literal, SoqlError> {
        let literal = match self.kind() {
            Kind::Text(text) => Literal::Text(text.clone()),
            Kind::Number(text) => Literal::Number(text.clone()),
            Kind::Date(text) => Literal::Date(text.clone()),
            Kind::DateTime(text) => Literal::DateTime(text.clone()),
            Kind::Word(word) => {
                let upper = word.to_uppercase();
                let (name, count) = match upper.split_once(':') {
                    Some((name, count)) => (name.to_owned(), count.parse().ok()),
                    None => (upper, None),
                };
                match name.as_str() {
                    "NULL" => Literal::Null,
                    "TRUE" => Literal::Boolean(true),
                    "FALSE" => Literal::Boolean(false),
                    _ if super::dates::known(&name, count.is_some()) => {
                        Literal::Relative { name, count }
                    }
                    _ => return Err(self.unexpected()),
                }
            }
            _ => return Err(self.unexpected()),
        };
        self.place += 1;
        Ok(literal)
    }

    fn orders(&mut self) -> Result<Vec<Order>, SoqlError> {
        let mut orders = Vec::new();
        loop {
            let name = self.name()?;
            let descending = self.took_word("DESC");
            if !descending {
                self.took_word("ASC");
            }
            let mut nulls_last = false;
            if self.took_word("NULLS") {
                nulls_last = self.took_word("LAST");
                if !nulls_last {
                    self.expect_word("FIRST")?;
                }
            }
            orders.push(Order {
                name,
                descending,
                nulls_last,
            });
            if !self.took_symbol(",") {
                return Ok(orders);
            }
        }
    }

    fn count(&mut self) -> Result<usize, SoqlError> {
        match self.kind() {
            Kind::Number(text) => {
                let count = text.parse().map_err(|_| self.unexpected())?;
                self.place += 1;
                Ok(count)
            }
            _ => Err(self.unexpected()),
        }
    }
}

fn reserved(word: &str) -> bool {
    [
        "AND", "ASC", "DESC", "EXCLUDES", "FIRST", "FROM", "GROUP", "HAVING", "IN", "INCLUDES",
        "LAST", "LIKE", "LIMIT", "NOT", "NULL", "NULLS", "OFFSET", "OR", "ORDER", "SELECT",
        "USING", "WHERE", "WITH", "FOR",
    ]
    .iter()
    .any(|reserved| reserved.eq_ignore_ascii_case(word))
}
