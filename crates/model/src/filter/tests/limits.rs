//! What is longer, deeper or more than it may be is refused before it costs anything.

use super::org;
use super::refused::error;
use crate::filter::{DEPTH_MAX, Filter};

#[test]
fn what_is_too_much_is_refused() {
    let nested = |depth| format!("{}Name = 'x'{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(DEPTH_MAX)).is_ok());
    let lists = |values: usize| format!("Name IN ({})", vec!["'x'"; values].join(","));
    let conditions = |count: usize| vec!["a=1"; count].join(" AND ");
    let texts = |length: usize| format!("Name = '{}'", "x".repeat(length));
    assert!(Filter::parse(&lists(10_000)).is_ok());
    assert!(Filter::parse(&conditions(1_000)).is_ok());
    assert!(Filter::parse(&texts(4_000)).is_ok());
    for (soql, what) in [
        (nested(DEPTH_MAX + 1), "depth of groups is more than 32"),
        (
            lists(10_001),
            "number of values of a list is more than 10000",
        ),
        (conditions(1_001), "number of conditions is more than 1000"),
        (
            texts(4_001),
            "number of characters of a text is more than 4000",
        ),
        (
            " ".repeat(100_001),
            "number of characters of a filter is more than 100000",
        ),
        ("(".repeat(90_000), "depth of groups is more than 32"),
        ("NOT ".repeat(20_000), "expected a field"),
    ] {
        assert!(
            error(&soql).to_string().starts_with(what),
            "{what}: {}",
            error(&soql)
        );
    }
    let nots = format!("{}{{}}{}", r#"{"not":"#.repeat(100), "}".repeat(100));
    assert!(
        Filter::from_declarative(&nots)
            .unwrap_err()
            .to_string()
            .contains("depth of groups")
    );
    let deeper = r#"{"not":"#.repeat(50_000);
    assert!(Filter::from_declarative(&deeper).is_err());
}

#[test]
fn what_one_form_takes_is_not_too_deep_for_the_other() {
    let deepest = format!(
        "{}Name = 'x' OR Id = null{}",
        "NOT (".repeat(DEPTH_MAX),
        ")".repeat(DEPTH_MAX)
    );
    let filter = Filter::parse(&deepest).unwrap();
    assert_eq!(
        Filter::from_declarative(&filter.to_declarative()),
        Ok(filter.clone())
    );
    assert!(org::checked(&filter).is_ok());
    let deeper = Filter::Not(Box::new(filter));
    assert!(Filter::parse(&deeper.to_string()).is_err());
    assert!(Filter::from_declarative(&deeper.to_declarative()).is_err());
    assert!(org::checked(&deeper).is_err());
}
