//! What conditions mean for stored text; each rule with the page of the SOQL and SOSL Reference that says so.

use std::collections::BTreeMap;

use super::org;
use crate::filter::{Filter, IdSet, Parents, Selection};
use crate::{ErrorCode, SalesforceId};

type Row = BTreeMap<String, Option<String>>;
/// Names and texts.
type Fields<'a> = &'a [(&'a str, &'a str)];

fn row(fields: Fields<'_>) -> Row {
    let texts = fields
        .iter()
        .map(|(name, text)| ((*name).into(), Some((*text).into())));
    texts.collect()
}

/// In Berlin, on a Wednesday morning.
fn selection(soql: &str) -> Selection {
    let filter = Filter::parse(soql).unwrap_or_else(|error| panic!("{soql}: {error}"));
    let checked = org::checked(&filter).unwrap_or_else(|error| panic!("{soql}: {error}"));
    checked.at(&org::calendar("2026-11-18T10:00:00Z", "Europe/Berlin"))
}

fn holds(soql: &str, fields: Fields<'_>) -> bool {
    selection(soql).matches(&row(fields), &Parents::default())
}

#[track_caller]
fn check(cases: &[(&str, Fields<'_>, bool)]) {
    for (soql, fields, expected) in cases {
        assert_eq!(holds(soql, fields), *expected, "{soql} for {fields:?}");
        // NOT: true if what stands behind it is false (Logical Operators).
        assert_eq!(
            holds(&format!("NOT ({soql})"), fields),
            !expected,
            "NOT {soql} for {fields:?}"
        );
    }
}

#[test]
fn null_equals_null_and_the_empty_text_and_nothing_else() {
    check(&[
        ("Name = null", &[], true),
        ("Name = ''", &[], true),
        ("Name = ''", &[("Name", "")], true),
        ("Name = 'x'", &[], false),
        ("Name != 'x'", &[], true),
        ("Name != null", &[], false),
        ("Name != ''", &[("Name", "x")], true),
        ("Name IN ('x',null)", &[], true),
        ("Name IN ('x')", &[], false),
        ("Name NOT IN ('x')", &[], true),
        ("Name NOT IN ('x',null)", &[], false),
        ("Name LIKE '%'", &[], false),
        ("Number__c < 5", &[], false),
        ("Number__c >= 5", &[], false),
        ("At__c != TODAY", &[], true),
        ("Account__c = ''", &[], true),
        ("Picks__c EXCLUDES ('a')", &[], true),
        ("Picks__c INCLUDES ('a')", &[], false),
    ]);
}

/// Use null in WHERE: "null matches FALSE values".
#[test]
fn a_checkbox_is_never_null() {
    check(&[
        ("Flag__c = null", &[("Flag__c", "false")], true),
        ("Flag__c != null", &[("Flag__c", "false")], false),
        ("Flag__c != null", &[("Flag__c", "true")], true),
        ("Flag__c = false", &[], true),
        ("Flag__c IN (true)", &[], false),
    ]);
}

/// Comparison Operators: "case-sensitive for unique case-sensitive fields and case-insensitive for all other fields".
#[test]
fn case_counts_only_where_describe_says_so() {
    check(&[
        ("Name = 'ÄCME'", &[("Name", "äcme")], true),
        ("Name IN ('a','ACME')", &[("Name", "Acme")], true),
        ("Name LIKE 'AC%e'", &[("Name", "acmE")], true),
        ("Name < 'b'", &[("Name", "A")], true),
        ("Pick__c = 'HOT'", &[("Pick__c", "Hot")], true),
        ("Key__c = 'k'", &[("Key__c", "K")], false),
        ("Key__c = 'K'", &[("Key__c", "K")], true),
        ("Key__c LIKE 'k%'", &[("Key__c", "K1")], false),
        ("Name LIKE '50\\%'", &[("Name", "50%")], true),
        ("Name LIKE '50\\%'", &[("Name", "500")], false),
    ]);
}

#[test]
fn numbers_compare_by_value_whatever_their_spelling() {
    check(&[
        ("Number__c = 350000000", &[("Number__c", "3.5E8")], true),
        ("Number__c = 1.50", &[("Number__c", "1.5")], true),
        (
            "Number__c < 123456789012345678",
            &[("Number__c", "123456789012345677")],
            true,
        ),
        ("Number__c > -2", &[("Number__c", "-1.99")], true),
        ("Price__c IN (1,2)", &[("Price__c", "2.0")], true),
    ]);
}

#[test]
fn ids_compare_in_both_lengths_and_with_case() {
    let id = "001D000000K0fXOIAZ";
    check(&[
        ("Id = '001D000000K0fXO'", &[("Id", id)], true),
        ("Id = '001D000000K0fXOIAZ'", &[("Id", id)], true),
        ("Id = '001D000000K0fxO'", &[("Id", id)], false),
        ("Id > '001D000000K0fXN'", &[("Id", id)], true),
    ]);
}

/// Date Formats and Date Literals in WHERE: `=` finds what lies in the range, `<` and `>` what lies beside it.
#[test]
fn a_date_literal_is_a_range_in_the_zone_of_the_user() {
    check(&[
        // Berlin is an hour ahead.
        (
            "At__c = TODAY",
            &[("At__c", "2026-11-17T23:00:00.000Z")],
            true,
        ),
        (
            "At__c = TODAY",
            &[("At__c", "2026-11-17T22:59:59.000+0000")],
            false,
        ),
        (
            "At__c < TODAY",
            &[("At__c", "2026-11-17T22:59:59.000Z")],
            true,
        ),
        (
            "At__c > TODAY",
            &[("At__c", "2026-11-18T22:59:59.000Z")],
            false,
        ),
        (
            "At__c > TODAY",
            &[("At__c", "2026-11-18T23:00:00.000Z")],
            true,
        ),
        (
            "At__c <= TODAY",
            &[("At__c", "2026-11-18T22:59:59.000Z")],
            true,
        ),
        (
            "At__c >= TODAY",
            &[("At__c", "2026-11-17T23:00:00.000Z")],
            true,
        ),
        (
            "At__c = 2026-11-18T01:00:00+01:00",
            &[("At__c", "2026-11-18T00:00:00.000Z")],
            true,
        ),
        ("Day__c = TODAY", &[("Day__c", "2026-11-18")], true),
        ("Day__c = LAST_N_DAYS:1", &[("Day__c", "2026-11-17")], true),
        (
            "Day__c IN (TODAY,2026-01-01)",
            &[("Day__c", "2026-01-01")],
            true,
        ),
        ("Day__c > LAST_MONTH", &[("Day__c", "2026-11-01")], true),
        ("Day__c <= LAST_MONTH", &[("Day__c", "2026-10-31")], true),
        ("Day__c = NEXT_N_DAYS:0", &[("Day__c", "2026-11-19")], false),
        (
            "Clock__c < 10:15:00Z",
            &[("Clock__c", "10:14:59.999Z")],
            true,
        ),
    ]);
}

/// Querying Multi-Select Picklists: a semicolon is AND, several values are OR.
#[test]
fn choices_are_sets() {
    let chosen = [("Picks__c", "Rust;C++;SQL")];
    check(&[
        ("Picks__c = 'sql;rust;c++'", &chosen, true),
        ("Picks__c = 'Rust;SQL'", &chosen, false),
        ("Picks__c != 'Rust;SQL'", &chosen, true),
        ("Picks__c INCLUDES ('SQL;Rust','Apex')", &chosen, true),
        ("Picks__c INCLUDES ('SQL;Apex')", &chosen, false),
        ("Picks__c EXCLUDES ('Apex')", &chosen, true),
        ("Picks__c EXCLUDES ('Apex','SQL')", &chosen, false),
        ("Picks__c INCLUDES ('C')", &chosen, false),
    ]);
}

#[test]
fn stored_text_that_is_no_value_of_its_type_equals_nothing() {
    check(&[
        ("Number__c = 1", &[("Number__c", "one")], false),
        ("Number__c != 1", &[("Number__c", "one")], true),
        ("Number__c = null", &[("Number__c", "one")], false),
        ("Day__c < 2026-01-01", &[("Day__c", "2026")], false),
    ]);
}

const ACCOUNTS: [(&str, &str, Option<&str>, Option<&str>); 4] = [
    // Id, name, owner, parent
    (
        "001000000000001AAA",
        "Acme",
        Some("005000000000001AAA"),
        None,
    ),
    (
        "001000000000002AAA",
        "Bolt",
        Some("005000000000002AAA"),
        Some("001000000000001AAA"),
    ),
    ("001000000000003AAA", "", None, Some("001000000000002AAA")),
    (
        "001000000000004AAA",
        "Coil",
        Some("005000000000099AAA"),
        Some("001000000000003AAA"),
    ),
];

/// Answers the steps of a selection from accounts, two users, a group and a case.
fn parents(selection: &Selection, room: usize) -> Result<Parents, crate::Failure> {
    let mut parents = Parents::default();
    for step in selection.steps() {
        let mut set = IdSet::with_room(room - parents.len());
        for object in step.objects() {
            let rows: Vec<Row> = match object.as_str() {
                "Account" => ACCOUNTS
                    .iter()
                    .map(|(id, name, owner, parent)| {
                        let fields = [("OwnerId", *owner), ("ParentId", *parent)];
                        let given = fields
                            .iter()
                            .filter_map(|(field, id)| Some((*field, (*id)?)));
                        row(&[("Id", *id), ("Name", *name)]
                            .into_iter()
                            .chain(given)
                            .collect::<Vec<_>>())
                    })
                    .collect(),
                "User" => vec![
                    row(&[
                        ("Id", "005000000000001AAA"),
                        ("Name", "Ada"),
                        ("Username", "ada@x"),
                    ]),
                    row(&[
                        ("Id", "005000000000002AAA"),
                        ("Name", "Bob"),
                        ("Username", "bob@x"),
                    ]),
                ],
                "Group" => vec![row(&[("Id", "00G000000000001EAA"), ("Name", "Queue")])],
                "Case" => vec![row(&[
                    ("Id", "500000000000001AAA"),
                    ("CaseNumber", "00001026"),
                ])],
                other => panic!("{other}"),
            };
            for row in rows
                .iter()
                .filter(|row| step.selects(object, *row, &parents))
            {
                set.add(SalesforceId::parse(row["Id"].as_ref().unwrap().as_bytes()).unwrap())?;
            }
        }
        parents.put(&step, set);
    }
    Ok(parents)
}

fn of_parent(soql: &str, field: &str, id: Option<&str>) -> bool {
    let selection = selection(soql);
    let parents = parents(&selection, 100).unwrap();
    let fields: Vec<_> = id.iter().map(|id| (field, *id)).collect();
    selection.matches(&row(&fields), &parents)
}

/// null Values in Lookup Relationships and Outer Joins: a record without a parent has null for its fields, and false
/// for its checkboxes.
#[test]
fn a_record_without_a_parent_has_null_in_its_place() {
    for (soql, account, expected) in [
        ("Account__r.Name = 'acme'", Some(1), true),
        ("Account__r.Name = 'acme'", None, false),
        ("Account__r.Name != 'acme'", Some(1), false),
        ("Account__r.Name != 'acme'", Some(2), true),
        ("Account__r.Name != 'acme'", Some(3), true),
        ("Account__r.Name != 'acme'", None, true),
        ("Account__r.Name = null", None, true),
        ("Account__r.Name = null", Some(3), true),
        ("Account__r.Name = null", Some(1), false),
        // An account that is not stored.
        ("Account__r.Name = null", Some(9), true),
        ("Account__r.Name != 'acme'", Some(9), true),
        ("Account__r.Name LIKE 'a%'", Some(9), false),
        ("Account__r.Active__c = false", None, true),
        ("Account__r.Active__c = true", None, false),
        ("Account__r.Name NOT IN ('Acme','Bolt')", Some(2), false),
        ("NOT Account__r.Name IN ('Acme')", None, true),
        ("Account__r.Id = '001000000000001'", Some(1), true),
        ("Account__r.Id = null", None, true),
        ("Account__r.Owner.Name = 'Ada'", Some(1), true),
        ("Account__r.Owner.Name = 'Ada'", Some(2), false),
        ("Account__r.Owner.Name != 'Ada'", Some(3), true),
        ("Account__r.Owner.Name != 'Ada'", Some(4), true),
        ("Account__r.Owner.Name = null", Some(4), true),
        ("Account__r.Owner.Name = null", None, true),
        (
            "Account__r.Parent.Parent.Parent.Owner.Name = 'Ada'",
            Some(4),
            true,
        ),
        (
            "Account__r.Parent.Parent.Parent.Owner.Name = 'Ada'",
            Some(3),
            false,
        ),
        (
            "Account__r.Parent.Parent.Parent.Owner.Name = null",
            Some(3),
            true,
        ),
        ("Thing__c.Account__r.Name = 'Bolt'", Some(2), true),
    ] {
        let id = account.map(|number| format!("00100000000000{number}AAA"));
        assert_eq!(
            of_parent(soql, "Account__c", id.as_deref()),
            expected,
            "{soql} of {account:?}"
        );
    }
}

/// Understanding Relationship Fields and Polymorphic Fields.
#[test]
fn a_parent_of_several_types_has_a_type_and_a_name() {
    for (soql, id, expected) in [
        ("What.Type = 'account'", "001000000000001AAA", true),
        ("What.Type != 'Account'", "500000000000001AAA", true),
        (
            "What.Type IN ('Case','Account')",
            "a01000000000001AAA",
            false,
        ),
        ("What.Name = 'Acme'", "001000000000001AAA", true),
        ("What.Name = '00001026'", "500000000000001AAA", true),
        ("What.Name = null", "a01000000000001AAA", true),
        ("What.Id = '001000000000001'", "001000000000001AAA", true),
    ] {
        assert_eq!(of_parent(soql, "WhatId", Some(id)), expected, "{soql}");
    }
    for (soql, id, expected) in [
        ("Owner.Name = 'Queue'", "00G000000000001EAA", true),
        ("Owner.Name LIKE 'A%'", "005000000000001AAA", true),
        ("Owner.Username = 'ada@x'", "005000000000001AAA", true),
        ("Owner.Username = null", "00G000000000001EAA", true),
    ] {
        assert_eq!(of_parent(soql, "OwnerId", Some(id)), expected, "{soql}");
    }
}

#[test]
fn more_parents_than_there_is_room_for_are_an_error() {
    let wide = selection("Account__r.Name = null AND Account__r.Owner.Name = 'Ada'");
    // Three accounts have a name; one user is called Ada, who owns one account.
    assert_eq!(parents(&wide, 5).unwrap().len(), 5);
    assert_eq!(
        parents(&wide, 4).unwrap_err().code,
        ErrorCode::FilterTooWide
    );
}

#[test]
fn only_the_columns_of_the_object_itself_are_asked_for() {
    let selection = selection("Name = 'x' AND (Account__r.Owner.Name = 'y' OR What.Type = 'Case')");
    let columns: Vec<_> = selection.columns().into_iter().collect();
    assert_eq!(columns, ["Account__c", "Name", "WhatId"]);
}

#[test]
fn a_checked_filter_prints_the_names_of_the_schema() {
    let filter = Filter::parse(
        "thing__C.account__R.OWNER.name = 'x' OR whatid = null OR owner.type = 'Group'",
    )
    .unwrap();
    let checked = org::checked(&filter).unwrap();
    assert_eq!(
        checked.to_string(),
        "Account__r.Owner.Name = 'x' OR WhatId = null OR Owner.Type = 'Group'"
    );
}
