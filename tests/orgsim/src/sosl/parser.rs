//! Reads a SOSL statement.

use super::{Group, Malformed, Returning, SEARCH_CHARACTERS_MAX, Search, Term};

/// Objects of one search.
const OBJECTS_MAX: usize = 200;

/// Reads `FIND {…} [IN … FIELDS] [RETURNING …] [LIMIT n]`.
pub(crate) fn parse(text: &str) -> Result<Search, Malformed> {
    if text.chars().count() > SEARCH_CHARACTERS_MAX {
        return Err(Malformed(format!(
            "SOSL statements can not be longer than {SEARCH_CHARACTERS_MAX} characters"
        )));
    }
    let text = text.trim();
    let rest = keyword(text, "FIND").ok_or_else(|| unexpected(text))?;
    let (term, mut rest) = braced(rest)?;
    let mut search = Search {
        term: Term::parse(term)?,
        group: Group::default(),
        returning: Vec::new(),
        limit: None,
    };
    if let Some(after) = keyword(rest, "IN") {
        let (word, after) = word(after);
        search.group = Group::read(word).ok_or_else(|| unexpected(word))?;
        rest = keyword(after, "FIELDS").ok_or_else(|| unexpected(after))?;
    }
    if let Some(after) = keyword(rest, "RETURNING") {
        let (returning, after) = returning(after)?;
        search.returning = returning;
        rest = after;
    }
    // Clauses that change nothing here come in any order before the limit.
    while let Some(after) = keyword(rest, "WITH").or_else(|| keyword(rest, "UPDATE")) {
        rest = after.find("LIMIT").map_or("", |at| after.split_at(at).1);
    }
    if let Some(after) = keyword(rest, "LIMIT") {
        let (number, after) = word(after);
        search.limit = Some(number.parse().map_err(|_| unexpected(number))?);
        rest = after;
    }
    if rest.trim().is_empty() {
        Ok(search)
    } else {
        Err(unexpected(rest))
    }
}

fn unexpected(at: &str) -> Malformed {
    let token = at.split_whitespace().next().unwrap_or("<EOF>");
    Malformed(format!("unexpected token: {token}"))
}

/// What is between the braces, and after them.
fn braced(text: &str) -> Result<(&str, &str), Malformed> {
    let missing = || {
        Malformed("No search term found. The search term must be enclosed in braces.".to_owned())
    };
    let inner = text.trim_start().strip_prefix('{').ok_or_else(missing)?;
    let mut escaped = false;
    for (at, letter) in inner.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '}' => {
                let (term, after) = inner.split_at(at);
                return Ok((term, after.strip_prefix('}').unwrap_or_default()));
            }
            _ => {}
        }
    }
    Err(missing())
}

/// The text after a keyword, when it begins with it.
fn keyword<'t>(text: &'t str, wanted: &str) -> Option<&'t str> {
    let text = text.trim_start();
    let (head, rest) = text.split_at_checked(wanted.len())?;
    let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (ends && head.eq_ignore_ascii_case(wanted)).then_some(rest)
}

/// The next word, and what is after it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    text.split_at(end.unwrap_or(text.len()))
}

fn returning(text: &str) -> Result<(Vec<Returning>, &str), Malformed> {
    let mut all = Vec::new();
    let mut rest = text;
    loop {
        let (object, after) = word(rest);
        if object.is_empty() || all.len() == OBJECTS_MAX {
            return Err(unexpected(rest));
        }
        rest = after.trim_start();
        let inner = if rest.starts_with('(') {
            let (inner, after) = parenthesised(rest)?;
            rest = after.trim_start();
            inner
        } else {
            ""
        };
        all.push(one(object, inner)?);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Ok((all, rest)),
        }
    }
}

/// What is between a parenthesis and the one that closes it, texts in quotes apart.
fn parenthesised(text: &str) -> Result<(&str, &str), Malformed> {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let (inner, after) = text.split_at(at);
                    let inner = inner.strip_prefix('(').unwrap_or_default();
                    return Ok((inner, after.strip_prefix(')').unwrap_or_default()));
                }
            }
            _ => {}
        }
    }
    Err(unexpected(""))
}

/// `Id, Name WHERE … ORDER BY … LIMIT n`
fn one(object: &str, inner: &str) -> Result<Returning, Malformed> {
    let (inner, limit) = match position(inner, "LIMIT") {
        Some(at) => {
            let (before, from) = inner.split_at(at);
            let (number, _) = word(keyword(from, "LIMIT").unwrap_or_default());
            let limit = number.parse().map_err(|_| unexpected(number))?;
            (before, Some(limit))
        }
        None => (inner, None),
    };
    let end = ["USING", "WHERE", "ORDER"]
        .iter()
        .filter_map(|clause| position(inner, clause))
        .min()
        .unwrap_or(inner.len());
    let (fields, clauses) = inner.split_at(end);
    Ok(Returning {
        object: object.to_owned(),
        fields: fields.trim().to_owned(),
        clauses: clauses.trim().to_owned(),
        limit,
    })
}

/// Where a keyword stands, outside of quotes.
fn position(text: &str, wanted: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        let starts = !(quoted || before.is_alphanumeric() || before == '_' || before == '.');
        if starts && letter.is_alphabetic() && keyword(text.split_at(at).1, wanted).is_some() {
            return Some(at);
        }
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '\'' => quoted = !quoted,
            _ => {}
        }
        before = letter;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_search_is_taken_apart() {
        let search = parse("find {Acme \\} \"x y\"} in name fields returning Account(Id, Name where Name != 'a) LIMIT' order by Name LIMIT 3), Contact, Lead() limit 20").unwrap();
        assert_eq!((search.group, search.limit), (Group::Name, Some(20)));
        assert_eq!(
            search.returning[0],
            Returning {
                object: "Account".to_owned(),
                fields: "Id, Name".to_owned(),
                clauses: "where Name != 'a) LIMIT' order by Name".to_owned(),
                limit: Some(3),
            }
        );
        assert_eq!(search.returning[1].object, "Contact");
        assert_eq!(search.returning.len(), 3);
        assert_eq!(parse("FIND {Acme}").unwrap().returning, []);
    }

    #[test]
    fn a_search_without_braces_says_so() {
        let expected = "No search term found. The search term must be enclosed in braces.";
        assert_eq!(parse("FIND Acme").unwrap_err().0, expected);
        for bad in [
            "",
            "SELECT Id",
            "FIND {Acme} IN",
            "FIND {Acme} IN SOME FIELDS",
            "FIND {Acme} RETURNING",
            "FIND {Acme} RETURNING A(",
            "FIND {Acme} LIMIT x",
            "FIND {Acme} nonsense",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "FIND ?\\{?.{0,20}\\}?( IN .{0,9}| RETURNING .{0,30}| LIMIT .{0,5}){0,3}") {
            let _ = parse(&text);
        }
    }
}
