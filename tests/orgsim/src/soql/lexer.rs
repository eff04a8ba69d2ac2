//! SOQL text to tokens.

use super::SoqlError;

/// A token and the character at which it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Names, keywords and date literals; may contain dots and a colon with a number.
    Word(String),
    Text(String),
    Number(String),
    Date(String),
    DateTime(String),
    Symbol(&'static str),
    End,
}

pub(super) fn tokens(query: &str) -> Result<Vec<Token>, SoqlError> {
    let characters: Vec<char> = query.chars().collect();
    let mut lexer = Lexer {
        characters: &characters,
        at: 0,
    };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.token()?;
        let end = token.kind == Kind::End;
        tokens.push(token);
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    characters: &'a [char],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(c) = self.peek(0).filter(|c| wanted(*c)) {
            text.push(c);
            self.at += 1;
        }
        text
    }

    fn token(&mut self) -> Result<Token, SoqlError> {
        self.take_while(char::is_whitespace);
        let at = self.at;
        let Some(first) = self.peek(0) else {
            return Ok(Token {
                kind: Kind::End,
                at,
            });
        };
        let kind = match first {
            '\'' => self.text()?,
            '+' | '-' | '0'..='9' | '.' => self.number_or_date(),
            c if c.is_alphabetic() || c == '_' => {
                let mut word = self.take_while(|c| c.is_alphanumeric() || c == '_' || c == '.');
                if self.peek(0) == Some(':') && self.peek(1).is_some_and(|c| c.is_ascii_digit()) {
                    self.at += 1;
                    word.push(':');
                    word.push_str(&self.take_while(|c| c.is_ascii_digit()));
                }
                Kind::Word(word)
            }
            _ => self.symbol()?,
        };
        Ok(Token { kind, at })
    }

    fn symbol(&mut self) -> Result<Kind, SoqlError> {
        const SYMBOLS: [&str; 10] = ["!=", "<>", "<=", ">=", "(", ")", ",", "=", "<", ">"];
        let here: String = self.characters.iter().skip(self.at).take(2).collect();
        let symbol = SYMBOLS.into_iter().find(|symbol| here.starts_with(symbol));
        let symbol = symbol.ok_or_else(|| {
            let character = here.chars().next().unwrap_or(' ');
            SoqlError::malformed(format!(
                "line 1:{} no viable alternative at character '{character}'",
                self.at
            ))
        })?;
        self.at += symbol.len();
        Ok(Kind::Symbol(symbol))
    }

    /// `'…'` with the escapes of the SOQL reference. `\%` and `\_` stay, for LIKE.
    fn text(&mut self) -> Result<Kind, SoqlError> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let character = self.peek(0);
            self.at += 1;
            match character {
                None => {
                    let message =
                        format!("line 1:{start} mismatched character '<EOF>' expecting '''");
                    return Err(SoqlError::malformed(message));
                }
                Some('\'') => return Ok(Kind::Text(text)),
                Some('\\') => {
                    let escaped = self.peek(0);
                    self.at += 1;
                    match escaped {
                        Some('n' | 'N') => text.push('\n'),
                        Some('r' | 'R') => text.push('\r'),
                        Some('t' | 'T') => text.push('\t'),
                        Some('b' | 'B') => text.push('\u{8}'),
                        Some('f' | 'F') => text.push('\u{C}'),
                        Some(c @ ('\'' | '"' | '\\')) => text.push(c),
                        Some(c @ ('%' | '_')) => text.extend(['\\', c]),
                        Some('u') => text.push(self.code_point()?),
                        _ => return Err(self.bad_escape()),
                    }
                }
                Some(c) => text.push(c),
            }
        }
    }

    fn code_point(&mut self) -> Result<char, SoqlError> {
        let digits: String = self.characters.iter().skip(self.at).take(4).collect();
        self.at += 4;
        let code = u32::from_str_radix(&digits, 16)
            .ok()
            .and_then(char::from_u32);
        code.ok_or_else(|| self.bad_escape())
    }

    fn bad_escape(&self) -> SoqlError {
        SoqlError::malformed(format!(
            "Invalid string literal: illegal escape sequence at column {}",
            self.at
        ))
    }

    fn number_or_date(&mut self) -> Kind {
        let text =
            self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | ':'));
        let date = text.len() >= 10
            && text
                .bytes()
                .take(10)
                .enumerate()
                .all(|(place, byte)| match place {
                    4 | 7 => byte == b'-',
                    _ => byte.is_ascii_digit(),
                });
        match (date, text.len()) {
            (true, 10) => Kind::Date(text),
            (true, _) => Kind::DateTime(text),
            _ => Kind::Number(text),
        }
    }
}
