//! The pattern of LIKE: `%` stands for any characters, `_` for one (SOQL: Comparison Operators).

/// A pattern, ready to be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Just(char),
}

impl Pattern {
    /// The text must be folded like the texts that it will be matched with.
    pub(super) fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            pieces.push(match c {
                '%' => Piece::Any,
                '_' => Piece::One,
                '\\' => Piece::Just(rest.next().unwrap_or('\\')),
                c => Piece::Just(c),
            });
        }
        Self(pieces)
    }

    /// Goes back to the last `%` only, so that the time is at most text times pattern.
    pub(super) fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut pieces = self.0.as_slice();
        let mut back = None;
        loop {
            let before = rest.clone();
            match (pieces.split_first(), rest.next()) {
                (Some((Piece::Any, after)), _) => {
                    back = Some((after, before.clone()));
                    (pieces, rest) = (after, before);
                    continue;
                }
                (Some((Piece::One, after)), Some(_)) => {
                    pieces = after;
                    continue;
                }
                (Some((Piece::Just(wanted), after)), Some(found)) if *wanted == found => {
                    pieces = after;
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            let Some((after, mut from)) = back.take() else {
                return false;
            };
            if from.next().is_none() {
                return false;
            }
            back = Some((after, from.clone()));
            (pieces, rest) = (after, from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_and_escaped_ones_do_not() {
        for (pattern, text, matches) in [
            ("appl%", "appleton", true),
            ("appl%", "bappl", false),
            ("appl_%", "appl", false),
            ("%a%b%", "xxaxxbxx", true),
            ("%a%b%", "xxbxxaxx", false),
            (r"50\%", "50%", true),
            (r"50\%", "500", false),
            (r"a\_b%", "a_bc", true),
            ("%", "", true),
            ("_", "", false),
            ("_", "é", true),
            ("", "", true),
            ("%aab", "aaaab", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                matches,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn many_wildcards_do_not_take_for_ever() {
        let pattern = Pattern::new(&"%a".repeat(1_000));
        assert!(!pattern.matches(&"a".repeat(900).repeat(3).replace("aaa", "b")));
    }
}
