//! What a search looks for: words, phrases, `*` and `?`, AND, OR and NOT.
//!
//! Source: SOQL and SOSL Reference, `FIND {SearchQuery}`.

use super::Malformed;

/// Deepest nesting, and longest list of words.
const PARTS_MAX: usize = 200;

/// A search term in disjunctive form: alternatives of words that must all be there, or must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term(Vec<Vec<Word>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    /// One pattern for each word of a phrase, in lower case.
    patterns: Vec<Vec<char>>,
    absent: bool,
}

impl Term {
    /// Reads the text between the braces. Words next to each other must all be there; AND binds closer than OR.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let mut alternatives = vec![Vec::new()];
        let mut absent = false;
        for (count, token) in tokens(text).into_iter().enumerate() {
            if count == PARTS_MAX {
                return Err(Malformed("The search term is too long.".to_owned()));
            }
            match token {
                Token::Plain(word) if word.eq_ignore_ascii_case("AND") => {}
                Token::Plain(word) if word.eq_ignore_ascii_case("OR") => {
                    alternatives.push(Vec::new());
                }
                Token::Plain(word) if word.eq_ignore_ascii_case("NOT") => absent = true,
                Token::Plain(text) | Token::Quoted(text) => {
                    let patterns: Vec<Vec<char>> = words(&text, true).collect();
                    if let (false, Some(all)) = (patterns.is_empty(), alternatives.last_mut()) {
                        all.push(Word { patterns, absent });
                    }
                    absent = false;
                }
            }
        }
        alternatives.retain(|all| !all.is_empty());
        let letters = |word: &Word| {
            word.patterns
                .iter()
                .flatten()
                .filter(|c| **c != '*')
                .count()
        };
        if alternatives.is_empty() || alternatives.iter().flatten().any(|word| letters(word) < 2) {
            let message = format!("search term must be longer than one character: {text}");
            return Err(Malformed(message));
        }
        Ok(Self(alternatives))
    }

    /// True for a record with these texts.
    pub(crate) fn finds<'t>(&self, texts: impl Iterator<Item = &'t str>) -> bool {
        let texts: Vec<Vec<Vec<char>>> = texts.map(|text| words(text, false).collect()).collect();
        self.0.iter().any(|all| {
            all.iter()
                .all(|word| texts.iter().any(|text| word.within(text)) != word.absent)
        })
    }
}

impl Word {
    /// The patterns stand in the text one after the other.
    fn within(&self, text: &[Vec<char>]) -> bool {
        text.windows(self.patterns.len()).any(|part| {
            let pairs = part.iter().zip(&self.patterns);
            pairs.into_iter().all(|(word, pattern)| fits(pattern, word))
        })
    }
}

enum Token {
    Plain(String),
    Quoted(String),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let ends = if quoted {
            letter == '"'
        } else {
            letter == '"' || letter.is_whitespace() || letter == '(' || letter == ')'
        };
        if ends {
            if !word.is_empty() {
                let word = std::mem::take(&mut word);
                found.push(if quoted {
                    Token::Quoted(word)
                } else {
                    Token::Plain(word)
                });
            }
            quoted = !quoted && letter == '"';
        } else if letter == '\\' {
            // Reserved characters are escaped; they stand between words anyway.
            word.push(letters.next().filter(|c| !"*?".contains(*c)).unwrap_or(' '));
        } else {
            word.push(letter);
        }
    }
    if !word.is_empty() {
        found.push(Token::Plain(word));
    }
    found
}

/// The words of a text, letter by letter in lower case; a pattern keeps its wildcards.
fn words(text: &str, pattern: bool) -> impl Iterator<Item = Vec<char>> {
    let inside = move |c: char| c.is_alphanumeric() || pattern && "*?".contains(c);
    text.split(move |c: char| !inside(c))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().chars().collect())
}

/// `*` stands for any letters, `?` for one.
fn fits(pattern: &[char], word: &[char]) -> bool {
    let (mut at, mut place) = (0, 0);
    // Where the last `*` was, and how far it reaches so far.
    let mut star: Option<(usize, usize)> = None;
    while let Some(letter) = word.get(place) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == letter => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((stood, reached)) = star else {
                    return false;
                };
                star = Some((stood, reached + 1));
                at = stood + 1;
                place = reached + 1;
            }
        }
    }
    pattern
        .get(at..)
        .unwrap_or_default()
        .iter()
        .all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(term: &str, texts: &[&str]) -> bool {
        Term::parse(term).unwrap().finds(texts.iter().copied())
    }

    #[test]
    fn words_are_whole_unless_a_star_says_otherwise() {
        let texts = ["Acme Holding", "info@acme.example"];
        for found in [
            "acme",
            "ACME holding",
            "hold*",
            "*ding",
            "h?lding",
            "\"acme holding\"",
            "nothing OR acme",
            "acme AND NOT void",
            "info@acme.example",
            "acme\\-holding",
        ] {
            assert!(finds(found, &texts), "{found}");
        }
        for lost in [
            "acm",
            "holding acme zzz",
            "\"holding acme\"",
            "acme AND NOT holding",
            "h?ding",
        ] {
            assert!(!finds(lost, &texts), "{lost}");
        }
    }

    #[test]
    fn a_single_letter_is_no_search() {
        for short in ["", "a", "*", "a*", "  ", "acme OR b"] {
            assert!(Term::parse(short).is_err(), "{short}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(term in any::<String>(), text in any::<String>()) {
            if let Ok(term) = Term::parse(&term) {
                term.finds(std::iter::once(text.as_str()));
            }
        }

        #[test]
        fn a_word_finds_itself(word in "[a-z]{2,9}", before in "[a-z ]{0,9}") {
            prop_assume!(!["and", "or", "not"].contains(&word.as_str()));
            let text = format!("{before} {word}");
            prop_assert!(finds(&word, &[&text]));
        }
    }
}
