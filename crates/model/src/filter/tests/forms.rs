//! What is printed is read back as the same tree, in both forms.

use proptest::prelude::*;

use super::any;
use crate::filter::{Filter, Operator, Value};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn soql_is_read_back_as_the_same_filter(filter in any::filter()) {
        let text = filter.to_string();
        prop_assert_eq!(Filter::parse(&text), Ok(filter), "{}", text);
    }

    #[test]
    fn json_is_read_back_as_the_same_filter(filter in any::filter()) {
        let json = filter.to_declarative();
        prop_assert_eq!(Filter::from_declarative(&json), Ok(filter), "{}", json);
    }

    #[test]
    fn either_form_says_what_the_other_says(filter in any::filter()) {
        let json = Filter::parse(&filter.to_string()).unwrap().to_declarative();
        let soql = Filter::from_declarative(&filter.to_declarative()).unwrap().to_string();
        prop_assert_eq!(&json, &filter.to_declarative());
        prop_assert_eq!(&soql, &filter.to_string());
    }

    /// A quote that is not escaped would end the text; nothing outside of quotes may come from one.
    #[test]
    fn no_text_leaves_its_quotes(text in "\\PC{0,20}['\\\\]{0,4}\\PC{0,20}") {
        let soql = Value::Text(text.clone()).to_string();
        let mut inside = soql.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap().chars();
        while let Some(c) = inside.next() {
            prop_assert_ne!(c, '\'');
            if c == '\\' {
                prop_assert!(inside.next().is_some(), "the last quote is escaped");
            }
        }
    }
}

#[test]
fn what_people_write_is_printed_in_one_way() {
    for (written, printed) in [
        ("name='O\\'Hara'", "name = 'O\\'Hara'"),
        ("( ( Name = 'x' ) )", "Name = 'x'"),
        ("a=1 and b=2 AND c=3", "a = 1 AND b = 2 AND c = 3"),
        ("a=1 AND (b=2 OR c<>3)", "a = 1 AND (b = 2 OR c != 3)"),
        ("Not a like 'x%'", "NOT a LIKE 'x%'"),
        ("a > 1 AND (NOT (b = 'x'))", "a > 1 AND (NOT b = 'x')"),
        ("NOT (NOT a = 1)", "NOT (NOT a = 1)"),
        ("a not in ('x' ,NULL)", "a NOT IN ('x',null)"),
        ("p includes ('A;B','C')", "p INCLUDES ('A;B','C')"),
        ("d = last_n_days:30", "d = LAST_N_DAYS:30"),
        (
            "d >= 2024-01-31T10:15:00+01:00",
            "d >= 2024-01-31T09:15:00Z",
        ),
        (
            "d >= 2024-01-31T10:15:00.007Z",
            "d >= 2024-01-31T10:15:00.007Z",
        ),
        ("d = 2024-01-31", "d = 2024-01-31"),
        ("t < 10:15:00Z", "t < 10:15:00.000Z"),
        ("n > +007.50", "n > 7.50"),
        ("n>-.5", "n > -0.5"),
        ("a = 'tab\\t \\u00e9 \\\"'", "a = 'tab\\t é \"'"),
        ("Account.Owner.Name = TRUE", "Account.Owner.Name = true"),
    ] {
        let filter = Filter::parse(written).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!(filter.to_string(), printed);
    }
}

#[test]
fn the_declarative_form_reads_as_documented() {
    let json = r#"{"and": [
        {"field": "Name", "operator": "like", "value": "O'H%"},
        {"or": [
            {"field": "Amount", "operator": ">", "value": 123456789012345678.01},
            {"not": {"field": "CreatedDate", "operator": "=", "value": {"literal": "LAST_N_DAYS:30"}}}
        ]},
        {"field": "Type", "operator": "not in", "value": ["a", null]},
        {"field": "IsActive", "operator": "=", "value": true},
        {"field": "ParentId", "operator": "=", "value": null}
    ]}"#;
    assert_eq!(
        Filter::from_declarative(json).unwrap().to_string(),
        "Name LIKE 'O\\'H%' AND (Amount > 123456789012345678.01 OR (NOT CreatedDate = LAST_N_DAYS:30)) \
         AND Type NOT IN ('a',null) AND IsActive = true AND ParentId = null"
    );
}

#[test]
fn every_operator_is_read_in_any_case() {
    for operator in Operator::ALL {
        assert_eq!(
            Operator::parse(&operator.text().to_lowercase()),
            Some(*operator)
        );
    }
}
