//! The functions by name, and how many arguments each takes.

/// One function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    AddMonths,
    And,
    Begins,
    BlankValue,
    Case,
    CaseSafeId,
    Ceiling,
    Contains,
    Date,
    DateTimeValue,
    DateValue,
    Day,
    Find,
    Floor,
    Hour,
    If,
    Includes,
    IsBlank,
    IsChanged,
    IsNew,
    IsNull,
    IsNumber,
    IsPickVal,
    Left,
    Len,
    Lower,
    Max,
    Mid,
    Min,
    Minute,
    Mod,
    Month,
    Not,
    Now,
    NullValue,
    Or,
    PriorValue,
    Right,
    Round,
    Second,
    Substitute,
    Text,
    Today,
    Trim,
    Upper,
    Value,
    Weekday,
    Year,
}

/// Name, function, fewest and most arguments.
const FUNCTIONS: [(&str, Function, usize, usize); 49] = [
    ("ABS", Function::Abs, 1, 1),
    ("ADDMONTHS", Function::AddMonths, 2, 2),
    ("AND", Function::And, 1, 99),
    ("BEGINS", Function::Begins, 2, 2),
    ("BLANKVALUE", Function::BlankValue, 2, 2),
    ("CASE", Function::Case, 4, 99),
    ("CASESAFEID", Function::CaseSafeId, 1, 1),
    ("CEILING", Function::Ceiling, 1, 1),
    ("CONTAINS", Function::Contains, 2, 2),
    ("DATE", Function::Date, 3, 3),
    ("DATETIMEVALUE", Function::DateTimeValue, 1, 1),
    ("DATEVALUE", Function::DateValue, 1, 1),
    ("DAY", Function::Day, 1, 1),
    ("FIND", Function::Find, 2, 3),
    ("FLOOR", Function::Floor, 1, 1),
    ("HOUR", Function::Hour, 1, 1),
    ("IF", Function::If, 3, 3),
    ("INCLUDES", Function::Includes, 2, 2),
    ("ISBLANK", Function::IsBlank, 1, 1),
    ("ISCHANGED", Function::IsChanged, 1, 1),
    ("ISNEW", Function::IsNew, 0, 0),
    ("ISNULL", Function::IsNull, 1, 1),
    ("ISNUMBER", Function::IsNumber, 1, 1),
    ("ISPICKVAL", Function::IsPickVal, 2, 2),
    ("LEFT", Function::Left, 2, 2),
    ("LEN", Function::Len, 1, 1),
    ("LOWER", Function::Lower, 1, 2),
    ("MAX", Function::Max, 1, 99),
    ("MID", Function::Mid, 3, 3),
    ("MIN", Function::Min, 1, 99),
    ("MINUTE", Function::Minute, 1, 1),
    ("MOD", Function::Mod, 2, 2),
    ("MONTH", Function::Month, 1, 1),
    ("NOT", Function::Not, 1, 1),
    ("NOW", Function::Now, 0, 0),
    ("NULLVALUE", Function::NullValue, 2, 2),
    ("OR", Function::Or, 1, 99),
    ("PRIORVALUE", Function::PriorValue, 1, 1),
    ("RIGHT", Function::Right, 2, 2),
    ("ROUND", Function::Round, 2, 2),
    ("SECOND", Function::Second, 1, 1),
    ("SUBSTITUTE", Function::Substitute, 3, 3),
    ("TEXT", Function::Text, 1, 1),
    ("TODAY", Function::Today, 0, 0),
    ("TRIM", Function::Trim, 1, 1),
    ("UPPER", Function::Upper, 1, 2),
    ("VALUE", Function::Value, 1, 1),
    ("WEEKDAY", Function::Weekday, 1, 1),
    ("YEAR", Function::Year, 1, 1),
];

impl Function {
    /// The function called `name`, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        let mut all = FUNCTIONS.iter();
        all.find(|(known, ..)| known.eq_ignore_ascii_case(name))
            .map(|(_, function, ..)| *function)
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        let mut all = FUNCTIONS.iter();
        all.find(|(_, function, ..)| *function == self)
            .map_or("", |(name, ..)| name)
    }

    /// Fewest and most arguments.
    pub(super) fn arguments(self) -> (usize, usize) {
        let mut all = FUNCTIONS.iter();
        all.find(|(_, function, ..)| *function == self)
            .map_or((0, 0), |(_, _, least, most)| (*least, *most))
    }

    /// It can take a picklist field as its first argument.
    pub(super) const fn takes_picklist(self) -> bool {
        matches!(
            self,
            Self::Case
                | Self::Includes
                | Self::IsBlank
                | Self::IsChanged
                | Self::IsNull
                | Self::IsPickVal
                | Self::PriorValue
                | Self::Text
        )
    }

    /// It is about a field, not about a value.
    pub(super) const fn of_field(self) -> bool {
        matches!(
            self,
            Self::IsChanged | Self::PriorValue | Self::IsPickVal | Self::Includes
        )
    }
}
