//! The tree as SOQL. Names, numbers and dates are of types that hold nothing else, texts are escaped: whatever a
//! filter was made of, its text is one WHERE clause and no more.

use std::fmt::{self, Display as _, Write as _};

use super::{Condition, Filter, Value};

/// The WHERE clause, without the word WHERE.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(members) => group(f, members, " AND "),
            Self::Any(members) => group(f, members, " OR "),
            Self::Not(inner) => {
                f.write_str("NOT ")?;
                member(f, inner)
            }
            Self::Test(condition) => condition.fmt(f),
        }
    }
}

fn group(f: &mut fmt::Formatter<'_>, members: &[Filter], join: &str) -> fmt::Result {
    for (number, inner) in members.iter().enumerate() {
        if number > 0 {
            f.write_str(join)?;
        }
        member(f, inner)?;
    }
    Ok(())
}

fn member(f: &mut fmt::Formatter<'_>, inner: &Filter) -> fmt::Result {
    match inner {
        Filter::Test(condition) => condition.fmt(f),
        group => write!(f, "({group})"),
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.path(), self.operator().text())?;
        match self.values() {
            values if self.operator().takes_list() => {
                f.write_char('(')?;
                for (number, value) in values.iter().enumerate() {
                    f.write_str(if number > 0 { "," } else { "" })?;
                    value.fmt(f)?;
                }
                f.write_char(')')
            }
            values => values.iter().try_for_each(|value| value.fmt(f)),
        }
    }
}

/// The literal of SOQL.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(flag) => flag.fmt(f),
            Self::Number(number) => f.write_str(number.as_str()),
            Self::Text(text) => quoted(f, text, r"\\"),
            // Its backslashes are the escapes of what follows.
            Self::Pattern(text) => quoted(f, text, r"\"),
            Self::Date(date) => date.fmt(f),
            // Documented formats have no fraction; one of zeros is left out.
            Self::DateTime(stamp) if stamp.whole_second() == *stamp => f.write_str(&stamp.soql()),
            Self::DateTime(stamp) => stamp.fmt(f),
            Self::Time(time) => write!(f, "{time:.3}Z"),
            Self::Span(literal) => literal.fmt(f),
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str, backslash: &str) -> fmt::Result {
    f.write_char('\'')?;
    for c in text.chars() {
        match c {
            '\'' => f.write_str("\\'")?,
            '\\' => f.write_str(backslash)?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}
