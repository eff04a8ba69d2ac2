//! What is wrong is refused with its place, its field and the reason.

use super::org;
use crate::filter::{Filter, FilterError, Place};
use crate::{ErrorCode, Failure};

pub(super) fn error(soql: &str) -> FilterError {
    let checked = Filter::parse(soql).and_then(|filter| org::checked(&filter));
    checked.expect_err(soql)
}

#[test]
fn soql_that_is_wrong_names_character_field_and_reason() {
    for (soql, place, field, reason) in WRONG_SOQL {
        let (place, field, reason) = (*place, *field, *reason);
        let error = error(soql);
        assert_eq!(error.place, Place::Character(place), "{soql}: {error}");
        assert_eq!(
            error.field.as_deref().unwrap_or_default(),
            field,
            "{soql}: {error}"
        );
        assert!(
            error.to_string().starts_with(reason) || error.to_string().contains(reason),
            "{soql}: {error}"
        );
        assert_eq!(
            Failure::from(error).code,
            ErrorCode::FilterInvalid,
            "{soql}"
        );
    }
}

#[test]
fn what_soql_has_and_a_filter_has_not_is_unsupported() {
    for (soql, what) in [
        ("Id IN (SELECT Account__c FROM Other__c)", "sub-selects"),
        ("Id NOT IN ( select Id from X)", "sub-selects"),
        ("CALENDAR_YEAR(At__c) = 2024", "functions"),
        (
            "DISTANCE(Place__c, GEOLOCATION(1,2), 'mi') < 20",
            "functions",
        ),
        ("Price__c > USD5000", "currency literals"),
        ("Name = :name", "bind variables"),
        ("Name IN :names", "bind variables"),
        (
            "Owner.Profile.Name = 'x'",
            "paths beyond a parent of several types",
        ),
    ] {
        let failure = Failure::from(error(soql));
        assert_eq!(
            failure.code,
            ErrorCode::FilterUnsupported,
            "{soql}: {failure}"
        );
        assert!(
            failure
                .message
                .contains(&format!("{what} are not supported")),
            "{failure}"
        );
    }
}

#[test]
fn json_that_is_wrong_names_member_field_and_reason() {
    let condition = r#"{"field":"Name","operator":"=","value":"x"}"#;
    for (json, member, field, reason) in [
        ("", "$", "", "not a declarative filter"),
        ("[]", "$", "", "not a declarative filter"),
        ("{}", "$", "", "not a declarative filter"),
        (
            r#"{"field":"Name","operator":"="}"#,
            "$",
            "",
            "not a declarative filter",
        ),
        (
            r#"{"field":"Name","operator":"=","value":"x","and":[]}"#,
            "$",
            "",
            "not a declarative",
        ),
        (
            r#"{"field":"Name","operator":"=","value":"x","more":1}"#,
            "$",
            "",
            "not a declarative",
        ),
        (r#"{"and":[]}"#, "$", "", "a group needs two"),
        (
            r#"{"and":[X,{"or":[X]}]}"#,
            "and[1]",
            "",
            "a group needs two",
        ),
        (
            r#"{"or":[X,{"not":{"field":"a b","operator":"=","value":1}}]}"#,
            "or[1].not",
            "",
            "expected a field",
        ),
        (
            r#"{"and":[X,{"field":"A","operator":"==","value":1}]}"#,
            "and[1]",
            "A",
            "expected an operator",
        ),
        (
            r#"{"field":"A","operator":"=","value":[1]}"#,
            "$",
            "A",
            "expected one value",
        ),
        (
            r#"{"field":"A","operator":"in","value":"x"}"#,
            "$",
            "A",
            "expected an array",
        ),
        (
            r#"{"field":"A","operator":"in","value":[]}"#,
            "$",
            "A",
            "a group needs two conditions, a list one",
        ),
        (
            r#"{"field":"A","operator":"=","value":1e5}"#,
            "$",
            "A",
            "a number has digits",
        ),
        (
            r#"{"field":"A","operator":"=","value":{"literal":"TODAY OR 1"}}"#,
            "$",
            "A",
            "expected one value",
        ),
        (
            r#"{"field":"A","operator":"=","value":{"literal":"2024-13-01"}}"#,
            "$",
            "A",
            "not a date",
        ),
        (
            r#"{"and":[X,{"field":"Nope__c","operator":"=","value":1}]}"#,
            "and[1]",
            "Nope__c",
            "no such field",
        ),
    ] {
        let json = json.replace('X', condition);
        let checked = Filter::from_declarative(&json).and_then(|filter| org::checked(&filter));
        let error = checked.expect_err(&json);
        assert_eq!(error.place, Place::Member(member.into()), "{json}: {error}");
        assert_eq!(
            error.field.as_deref().unwrap_or_default(),
            field,
            "{json}: {error}"
        );
        assert!(error.to_string().contains(reason), "{json}: {error}");
    }
}

#[test]
fn no_message_holds_a_value() {
    for soql in [
        "Name = 'HUSH' x",
        "Number__c = 'HUSH'",
        "Name = 'HUSH",
        "Name LIKE 'HUSH\\\\'",
        "Id = 'HUSH'",
    ] {
        assert!(!error(soql).to_string().contains("HUSH"), "{soql}");
    }
    let json = r#"{"field":"Name","operator":"=","value":"HUSH","x":1}"#;
    assert!(
        !Filter::from_declarative(json)
            .unwrap_err()
            .to_string()
            .contains("HUSH")
    );
}

/// SOQL, the character, the field, how the message begins.
const WRONG_SOQL: &[(&str, usize, &str, &str)] = &[
    ("", 1, "", "expected a condition"),
    ("Name", 5, "Name", "expected an operator"),
    ("Name = ", 8, "Name", "expected a value"),
    ("Name = 'x", 10, "Name", "expected a closing quote"),
    (
        "Name = 'x' Name = 'y'",
        12,
        "",
        "expected AND, OR or the end",
    ),
    ("(Name = 'x'", 12, "", "closing parenthesis"),
    ("Ä = 1", 1, "", "expected a condition"),
    (
        "Name = 'Ä' AND Nam__c = 'x'",
        16,
        "Nam__c",
        "`Thing__c` has no such field",
    ),
    (
        "Name = 'a' AND Name = 'b' OR Name = 'c'",
        27,
        "",
        "AND, OR and NOT on one level",
    ),
    (
        "NOT Name = 'a' AND Name = 'b'",
        16,
        "",
        "AND, OR and NOT on one level",
    ),
    (
        "Name = 'a' AND NOT Name = 'b'",
        16,
        "",
        "AND, OR and NOT on one level",
    ),
    ("Name = 'a\\x'", 11, "Name", "a backslash stands before"),
    ("Name = 'a\\%'", 11, "Name", "a backslash stands before"),
    ("Name LIKE 'a\\\\'", 14, "Name", "a pattern of LIKE"),
    ("Number__c = 1e5", 13, "Number__c", "a number has digits"),
    ("Day__c = 2024-02-30", 10, "Day__c", "not a date"),
    ("Day__c = 1699-12-31", 10, "Day__c", "not a date"),
    ("At__c > 2024-01-31T25:00:00Z", 9, "At__c", "not a date"),
    ("At__c > 2024-01-31T10:00:00", 9, "At__c", "not a date"),
    ("Day__c = SOMEDAY", 10, "Day__c", "not a date literal"),
    ("Day__c = LAST_N_DAYS", 10, "Day__c", "not a date literal"),
    (
        "Day__c = LAST_N_DAYS:99999",
        10,
        "Day__c",
        "not a date literal",
    ),
    ("Day__c = THIS_DAY", 10, "Day__c", "not a date literal"),
    ("Name IN ()", 10, "Name", "expected a value"),
    ("Name IN 'x'", 9, "Name", "expected a list"),
    (
        "Number__c < null",
        1,
        "Number__c",
        "null and the empty text",
    ),
    ("Name LIKE ''", 1, "Name", "null and the empty text"),
    (
        "Number__c = '5'",
        1,
        "Number__c",
        "type `double` is compared with a number",
    ),
    (
        "Name = 5",
        1,
        "Name",
        "type `string` is compared with a text",
    ),
    ("Flag__c = 'true'", 1, "Flag__c", "true or false"),
    (
        "Day__c = 2024-01-31T00:00:00Z",
        1,
        "Day__c",
        "type `date` is compared with a date",
    ),
    (
        "At__c = 2024-01-31",
        1,
        "At__c",
        "type `datetime` is compared with a time",
    ),
    (
        "Clock__c = TODAY",
        1,
        "Clock__c",
        "type `time` is compared with a time of day",
    ),
    ("Account__c = 'x'", 1, "Account__c", "an Id of 15 or 18"),
    ("Id = '001000000000001AAB'", 1, "Id", "an Id of 15 or 18"),
    (
        "Id LIKE '001%'",
        1,
        "Id",
        "operator `LIKE` does not go with type `id`",
    ),
    (
        "Flag__c > true",
        1,
        "Flag__c",
        "operator `>` does not go with type `boolean`",
    ),
    (
        "Picks__c IN ('a')",
        1,
        "Picks__c",
        "operator `IN` does not go with type `multipicklist`",
    ),
    (
        "Pick__c INCLUDES ('a')",
        1,
        "Pick__c",
        "operator `INCLUDES` does not go with type `picklist`",
    ),
    (
        "Long__c = 'x'",
        1,
        "Long__c",
        "type `textarea` like this one cannot be filtered",
    ),
    (
        "Place__c = 'x'",
        1,
        "Place__c",
        "type `location` like this one cannot be filtered",
    ),
    (
        "Nobody.Name = 'x'",
        1,
        "Nobody.Name",
        "`Thing__c` has no relationship `Nobody`",
    ),
    (
        "Account__r.Owner.Nope = 'x'",
        1,
        "Account__r.Owner.Nope",
        "`User` has no such field",
    ),
    (
        "Owner.Email = 'x'",
        1,
        "Owner.Email",
        "`Name` has no such field",
    ),
    (
        "A.B.C.D.E.F.G.H = 1",
        1,
        "",
        "number of relationships of a path is more than 5",
    ),
];
