//! SOSL, as far as clients search for names: `FIND {x} IN ALL FIELDS RETURNING Account(Id, Name WHERE … LIMIT n)`.
//!
//! Source: SOQL and SOSL Reference, SOSL Syntax.

mod parser;
mod term;

pub(crate) use parser::parse;
pub(crate) use term::Term;

/// Longest search.
pub(crate) const SEARCH_CHARACTERS_MAX: usize = 10_000;

/// A search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    /// What is looked for.
    pub term: Term,
    /// Where it is looked for.
    pub group: Group,
    /// The objects; empty for all of them.
    pub returning: Vec<Returning>,
    /// Records over all objects.
    pub limit: Option<usize>,
}

/// Which fields are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Group {
    /// Every searchable field.
    #[default]
    All,
    /// Names.
    Name,
    /// E-mail addresses.
    Email,
    /// Phone numbers.
    Phone,
}

impl Group {
    /// Reads `ALL`, `NAME`, `EMAIL`, `PHONE` and `SIDEBAR`.
    pub(crate) fn read(word: &str) -> Option<Self> {
        match word.to_ascii_uppercase().as_str() {
            "ALL" => Some(Self::All),
            "NAME" | "SIDEBAR" => Some(Self::Name),
            "EMAIL" => Some(Self::Email),
            "PHONE" => Some(Self::Phone),
            _ => None,
        }
    }
}

/// One object of the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Returning {
    /// The object.
    pub object: String,
    /// Its fields, as SOQL has them; empty for the Id alone.
    pub fields: String,
    /// `WHERE … ORDER BY …`, as SOQL has them.
    pub clauses: String,
    /// Records of this object.
    pub limit: Option<usize>,
}

/// Why a search is refused: the text of `MALFORMED_SEARCH`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub String);
