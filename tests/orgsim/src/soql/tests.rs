use std::collections::BTreeMap;

use super::{ast::Condition, number::Fixed, *};
use crate::{
    generate::{Volume, generate},
    schema::Schema,
    store::{Store, row::text},
};

const NOW: i64 = 1_795_000_000_000;

struct Org {
    schema: Schema,
    store: Store,
}

fn org() -> Org {
    let schema = Schema::load().unwrap();
    let volume = Volume {
        records: 4_000,
        objects: BTreeMap::new(),
        seed: 4,
        username: "backup@acme.example".to_owned(),
    };
    let store = generate(&schema, &volume, NOW).unwrap();
    Org { schema, store }
}

impl Org {
    fn bound(&self, query: &str) -> Result<Bound, SoqlError> {
        bind(&self.schema, query, &parse(query)?, NOW, false)
    }

    fn view(&self) -> View<'_> {
        View {
            schema: &self.schema,
            store: &self.store,
        }
    }

    fn slots(&self, query: &str) -> Vec<usize> {
        select(self.view(), &self.bound(query).unwrap(), false)
    }

    fn column(&self, query: &str) -> Vec<Option<String>> {
        let bound = self.bound(query).unwrap();
        let Output::Rows(columns) = &bound.output else {
            panic!("no rows")
        };
        let rows = select(self.view(), &bound, false).into_iter();
        rows.map(|slot| {
            let row = self
                .store
                .slot(bound.object, slot)
                .unwrap()
                .row
                .as_ref()
                .unwrap();
            let value = self.view().value(&columns[0].source, row);
            value.map(|v| String::from_utf8(v.to_vec()).unwrap())
        })
        .collect()
    }

    fn refusal(&self, query: &str) -> String {
        let error = self.bound(query).unwrap_err();
        format!("{}: {}", error.code, error.message.lines().last().unwrap())
    }
}

#[test]
fn syntax_errors_name_the_token_and_its_place() {
    let error = parse("SELEKT Id FROM Account").unwrap_err();
    assert_eq!(error.code, "MALFORMED_QUERY");
    // As recorded: what does not begin as a query has no place.
    assert_eq!(error.message, "unexpected token: SELEKT");
    let error = parse("SELECT FROM Account").unwrap_err();
    assert!(
        error.message.contains("ERROR at Row:1:Column:8"),
        "{}",
        error.message
    );
    assert!(error.message.ends_with("unexpected token: FROM"));
    for bad in [
        "",
        "SELECT FROM Account",
        "SELECT Id FROM Account WHERE",
        "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
        "SELECT Id FROM Account WHERE (Name = 'a'",
        "SELECT Id FROM Account WHERE Name = 'a",
        "SELECT Id FROM Account WHERE Name = 'a\\q'",
        "SELECT Id FROM Account LIMIT x",
        "SELECT Id FROM Account LIMIT 1 LIMIT 2",
        "SELECT Id, FROM Account",
        "SELECT Id FROM Account WHERE Name ~ 'a'",
    ] {
        assert_eq!(parse(bad).unwrap_err().code, "MALFORMED_QUERY", "{bad}");
    }
    let long = format!(
        "SELECT Id FROM Account WHERE Name = '{}'",
        "x".repeat(100_000)
    );
    assert!(parse(&long).unwrap_err().message.contains("100000"));
    let deep = format!(
        "SELECT Id FROM Account WHERE {}Id = null{}",
        "(".repeat(5_000),
        ")".repeat(5_000)
    );
    assert_eq!(parse(&deep).unwrap_err().code, "QUERY_TOO_COMPLICATED");
}

#[test]
fn parentheses_decide_how_conditions_nest() {
    let query = parse("SELECT Id FROM Account WHERE (Name = 'a' OR NOT Name = 'b') AND Id != null")
        .unwrap();
    let Some(Condition::All(parts)) = query.filter else {
        panic!("not a conjunction")
    };
    assert!(matches!(&parts[0], Condition::Any(inner) if matches!(inner[1], Condition::Not(_))));
}

#[test]
fn unknown_names_are_refused_with_their_codes() {
    let org = org();
    for (query, refusal) in [
        (
            "SELECT Id FROM Accout",
            "INVALID_TYPE: sObject type 'Accout' is not supported.",
        ),
        (
            "SELECT Bacon__c FROM Account",
            "INVALID_FIELD: No such column 'Bacon__c' on entity 'Account'.",
        ),
        (
            "SELECT Boss.Name FROM Account",
            "INVALID_FIELD: Didn't understand relationship 'Boss'",
        ),
        (
            "SELECT Id FROM AccountChangeEvent",
            "INVALID_TYPE_FOR_OPERATION: entity type AccountChangeEvent",
        ),
        (
            "SELECT Id FROM Account WHERE Description = 'x'",
            "INVALID_FIELD: field 'Description' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Account WHERE SystemModstamp > '2026-01-01T00:00:00Z'",
            "INVALID_FIELD: value of filter criterion for field 'SystemModstamp' must be of type dateTime and \
             should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 5",
            "INVALID_FIELD: value of filter criterion for field 'Name'",
        ),
        (
            "SELECT Id FROM Account WHERE Id = 'x'",
            "INVALID_QUERY_FILTER_OPERATOR: invalid ID field: x",
        ),
        (
            "SELECT Id FROM Account ORDER BY Description",
            "INVALID_FIELD: field 'Description' can not be sorted",
        ),
        (
            "SELECT Id FROM Account OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
        ),
        (
            "SELECT Id, Id FROM Account",
            "MALFORMED_QUERY: duplicate field selected: Id",
        ),
        (
            "SELECT Name, COUNT(Id) FROM Account",
            "MALFORMED_QUERY: Field must be grouped or aggregated: Name",
        ),
        (
            "SELECT FIELDS(ALL) FROM Account",
            "MALFORMED_QUERY: The SOQL FIELDS function must have a LIMIT",
        ),
    ] {
        let seen = org.refusal(query);
        assert!(seen.starts_with(refusal), "{query}\n{seen}");
    }
}

#[test]
fn a_window_of_stamps_is_half_open_and_complete() {
    let org = org();
    let all = org.slots("SELECT Id FROM Contact").len();
    let middle = "2023-01-01T00:00:00Z";
    let before = org
        .slots(&format!(
            "SELECT Id FROM Contact WHERE SystemModstamp < {middle}"
        ))
        .len();
    let after = org
        .slots(&format!(
            "SELECT Id FROM Contact WHERE SystemModstamp >= {middle}"
        ))
        .len();
    assert!(before > 0 && after > 0);
    assert_eq!(before + after, all);
    let zoned = "SELECT Id FROM Contact WHERE SystemModstamp >= 2023-01-01T01:00:00+01:00";
    assert_eq!(org.slots(zoned).len(), after);
    let stamps =
        org.column("SELECT SystemModstamp FROM Contact ORDER BY SystemModstamp DESC LIMIT 1");
    let newest = stamps[0].clone().unwrap();
    let equal = format!("SELECT Id FROM Contact WHERE SystemModstamp = {newest}");
    assert!(!org.slots(&equal).is_empty());
    assert!(org.slots(&equal.replace('=', ">")).is_empty());
}

#[test]
fn text_ignores_case_and_ids_do_not() {
    let org = org();
    let names = org.column("SELECT LastName FROM Contact WHERE LastName = 'o\\'brien'");
    assert!(!names.is_empty() && names.iter().all(|name| name.as_deref() == Some("O'Brien")));
    let like = org.column("SELECT LastName FROM Contact WHERE LastName LIKE 'o\\'BR_%'");
    assert_eq!(like, names);
    assert!(
        org.slots("SELECT Id FROM Contact WHERE LastName LIKE '\\%'")
            .is_empty()
    );
    let id = org.column("SELECT Id FROM Contact LIMIT 1")[0]
        .clone()
        .unwrap();
    assert_eq!(
        org.slots(&format!("SELECT Id FROM Contact WHERE Id = '{id}'"))
            .len(),
        1
    );
    assert_eq!(
        org.slots(&format!(
            "SELECT Id FROM Contact WHERE Id IN ('{}')",
            &id[..15]
        ))
        .len(),
        1
    );
    assert_eq!(
        org.slots(&format!(
            "SELECT Id FROM Contact WHERE Id = '{}'",
            id[..15].to_lowercase()
        ))
        .len(),
        0
    );
}

#[test]
fn nulls_match_only_what_says_so() {
    let org = org();
    let all = org.slots("SELECT Id FROM Account").len();
    let null = org
        .slots("SELECT Id FROM Account WHERE ParentId = null")
        .len();
    let set = org
        .slots("SELECT Id FROM Account WHERE ParentId != null")
        .len();
    assert!(null > 0 && set > 0);
    assert_eq!(null + set, all);
    let hot = org
        .slots("SELECT Id FROM Account WHERE Rating = 'hot'")
        .len();
    let not_hot = org
        .slots("SELECT Id FROM Account WHERE Rating != 'Hot'")
        .len();
    assert_eq!(hot + not_hot, all, "a null differs from every value");
    assert_eq!(
        org.slots("SELECT Id FROM Account WHERE NOT Rating IN ('Hot', null)")
            .len(),
        {
            org.slots("SELECT Id FROM Account WHERE Rating NOT IN ('Hot') AND Rating != null")
                .len()
        }
    );
}

/// SOQL reference: Use null in WHERE; null Values in Lookup Relationships and Outer Joins.
#[test]
fn an_empty_text_is_null_and_a_checkbox_never_is() {
    let org = org();
    let count = |condition: &str| {
        let query = format!("SELECT Id FROM Project__c WHERE {condition}");
        org.slots(&query).len()
    };
    let all = org.slots("SELECT Id FROM Project__c").len();
    assert_eq!(count("Stage__c = ''"), count("Stage__c = null"));
    assert_eq!(count("Stage__c NOT IN ('')"), count("Stage__c != null"));
    assert_eq!(
        count("Is_Strategic__c = null"),
        count("Is_Strategic__c = false")
    );
    assert_eq!(
        count("Is_Strategic__c = null") + count("Is_Strategic__c != null"),
        all
    );
    let without = "Region__c = null AND Region__r.Manager__r.IsActive = false";
    assert!(count("Region__c = null") > 0);
    assert_eq!(count(without), count("Region__c = null"));
}

#[test]
fn case_counts_in_fields_that_describe_says_so_of() {
    let org = org();
    let key = org
        .column("SELECT External_Key__c FROM Project__c WHERE External_Key__c != null LIMIT 1")[0]
        .clone()
        .unwrap();
    let count = |key: &str| {
        let query = format!("SELECT Id FROM Project__c WHERE External_Key__c = '{key}'");
        org.slots(&query).len()
    };
    let other = if key == key.to_lowercase() {
        key.to_uppercase()
    } else {
        key.to_lowercase()
    };
    assert_ne!(key, other);
    assert_eq!((count(&key), count(&other)), (1, 0));
}

/// Object reference: Name.
#[test]
fn a_parent_of_several_types_is_called_by_its_title() {
    let org = org();
    let names = org.column("SELECT What.Name FROM Task WHERE What.Type = 'Case'");
    assert!(!names.is_empty() && names.iter().all(Option::is_some));
    let numbers = org.column("SELECT CaseNumber FROM Case");
    assert!(names.iter().any(|name| numbers.contains(name)));
}

#[test]
fn parents_are_reached_through_relationships() {
    let org = org();
    let users = org.column("SELECT Owner.Name FROM Account");
    assert!(users.iter().all(Option::is_some));
    let types = org.column("SELECT What.Type FROM Task WHERE What.Type = 'Account'");
    assert!(!types.is_empty() && types.iter().all(|t| t.as_deref() == Some("Account")));
    let deep =
        "SELECT Account.Parent.Owner.Profile.Name FROM Contact WHERE Account.Parent.Name != null";
    assert!(org.column(deep).iter().all(Option::is_some));
    assert!(!org.slots(deep).is_empty());
    assert_eq!(
        org.slots("SELECT a.Id FROM Account a WHERE a.Name != null LIMIT 3")
            .len(),
        3
    );
}

#[test]
fn numbers_and_multiple_picklists_compare_by_value() {
    let org = org();
    let large =
        org.column("SELECT Serial__c FROM Measurement__c WHERE Serial__c >= 100000000000000000");
    assert!(large.iter().flatten().all(|n| n.len() >= 20), "{large:?}");
    let ordered =
        org.column("SELECT Value__c FROM Measurement__c WHERE Value__c != null ORDER BY Value__c");
    let numbers: Vec<Fixed> = ordered
        .iter()
        .flatten()
        .map(|n| Fixed::parse(n).unwrap())
        .collect();
    assert!(numbers.len() > 10 && numbers.is_sorted());
    let rust =
        org.column("SELECT Skills__c FROM Employee__c WHERE Skills__c INCLUDES ('Rust;SQL','C++')");
    assert!(!rust.is_empty());
    for skills in rust.iter().flatten() {
        assert!(skills.contains("C++") || (skills.contains("Rust") && skills.contains("SQL")));
    }
    let none = "SELECT Id FROM Employee__c WHERE Skills__c INCLUDES ('Rust') AND Skills__c EXCLUDES ('rust')";
    assert!(org.slots(none).is_empty());
}

#[test]
fn order_puts_nulls_where_asked_and_limits_cut() {
    let org = org();
    let first = org.column("SELECT Rating FROM Account ORDER BY Rating");
    assert_eq!(first[0], None);
    let last = org.column("SELECT Rating FROM Account ORDER BY Rating DESC NULLS LAST");
    assert_eq!(last[0].as_deref(), Some("Warm"));
    assert_eq!(last[last.len() - 1], None);
    let page = org.column("SELECT Id FROM Account ORDER BY Id LIMIT 5 OFFSET 2");
    assert_eq!(page, org.column("SELECT Id FROM Account ORDER BY Id")[2..7]);
}

#[test]
fn groups_count_every_row_once() {
    let org = org();
    let bound = org
        .bound("SELECT Industry, COUNT(Id) n, MAX(AnnualRevenue) FROM Account GROUP BY Industry")
        .unwrap();
    let groups = groups(org.view(), &bound, false);
    let counted: usize = groups
        .iter()
        .map(|group| group[1].1.parse::<usize>().unwrap())
        .sum();
    assert_eq!(counted, org.slots("SELECT Id FROM Account").len());
    assert_eq!(
        groups[0]
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        ["Industry", "n", "expr0"]
    );
    let total = org
        .bound("SELECT COUNT() FROM Account WHERE Industry = 'energy'")
        .unwrap();
    let energy = count(org.view(), &total, false).to_string();
    let group = groups
        .iter()
        .find(|group| group[0].1 == "\"Energy\"")
        .unwrap();
    assert_eq!(group[1].1, energy);
}

#[test]
fn the_recycle_bin_is_seen_only_by_query_all() {
    let org = org();
    let bound = org.bound("SELECT Id FROM Contact").unwrap();
    let live = select(org.view(), &bound, false).len();
    let all = select(org.view(), &bound, true);
    assert!(all.len() > live);
    let deleted = org.schema.objects[bound.object]
        .field("IsDeleted")
        .unwrap()
        .0;
    let rows = all.iter().map(|slot| {
        org.store
            .slot(bound.object, *slot)
            .unwrap()
            .row
            .clone()
            .unwrap()
    });
    assert_eq!(
        rows.filter(|row| text(row, deleted) == Some("false"))
            .count(),
        live
    );
}

#[test]
fn date_literals_mean_days_of_the_orgs_clock() {
    let org = org();
    let years = org
        .slots("SELECT Id FROM Account WHERE CreatedDate = LAST_N_YEARS:3")
        .len();
    let days = "SELECT Id FROM Account WHERE CreatedDate >= 2023-01-01T00:00:00Z AND CreatedDate < 2026-01-01T00:00:00Z";
    assert_eq!(years, org.slots(days).len());
    assert!(years > 0);
    assert!(
        org.bound("SELECT Id FROM Account WHERE CreatedDate = SOMEDAY")
            .is_err()
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_row_of_tokens_is_parsed_or_refused(
        tokens in proptest::collection::vec(
            proptest::sample::select(vec![
                "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "(", ")", ",", "=", "<>", "IN", "LIKE", "Id", "Name",
                "a.b", "'x'", "'", "\\", "1", "-", "2026-01-01", "2026-01-01T00:00:00Z", "TODAY", "LAST_N_DAYS:9",
                "ORDER", "BY", "GROUP", "LIMIT", "OFFSET", "NULLS", "FIRST", "TYPEOF", "END", "COUNT", "FIELDS",
            ]),
            0..24,
        )
    ) {
        if let Err(error) = parse(&tokens.join(" ")) {
            proptest::prop_assert!(!error.message.is_empty());
        }
    }
}
