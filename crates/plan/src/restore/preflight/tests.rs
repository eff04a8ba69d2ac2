use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_model::{ObjectName, TargetField};
use proptest::prelude::*;

use super::*;
use crate::formula::Formula;

fn field(name: &str, field_type: &str) -> TargetField {
    TargetField {
        name: name.to_owned(),
        field_type: field_type.to_owned(),
        nillable: true,
        createable: true,
        updateable: true,
        ..TargetField::default()
    }
}

fn target(fields: Vec<TargetField>) -> Target {
    Target {
        name: ObjectName::parse("Invoice__c").unwrap(),
        key_prefix: Some("a0I".to_owned()),
        createable: true,
        updateable: true,
        deletable: true,
        undeletable: true,
        fields,
        children: Vec::new(),
    }
}

fn id(number: u32) -> SalesforceId {
    SalesforceId::parse(format!("a0I00000000{number:04}").as_bytes()).unwrap()
}

fn write(field: &str, to: Option<&str>) -> Write {
    Write {
        field: field.to_owned(),
        from: None,
        to: to.map(str::to_owned),
    }
}

/// `code(field)`, with `?` behind what is not certain.
fn told(found: &[Obstacle]) -> Vec<String> {
    let told = found.iter().map(|one| {
        let doubt = if one.certainty == Certainty::May {
            "?"
        } else {
            ""
        };
        format!(
            "{}({}){doubt}",
            one.code,
            one.field.as_deref().unwrap_or_default()
        )
    });
    told.collect()
}

fn found(phase: Phase, writes: &[Write], target: &Target, facts: &Facts) -> Vec<String> {
    let before: Row = [("Stage__c".to_owned(), "Done".to_owned())].into();
    let is_made = phase == Phase::Insert;
    let mut after = if is_made { Row::new() } else { before.clone() };
    for write in writes {
        match &write.to {
            Some(to) => drop(after.insert(write.field.clone(), to.clone())),
            None => drop(after.remove(&write.field)),
        }
    }
    let attempt = Attempt {
        id: id(1),
        phase,
        writes,
        is_made,
        before: (!is_made).then_some(&before),
        after: &after,
    };
    told(&obstacles(&attempt, target, facts))
}

fn no_rules() -> Facts {
    Facts {
        rules: Some(Arc::default()),
        ..Facts::default()
    }
}

#[test]
fn values_that_do_not_fit_are_found() {
    let invoice = target(vec![
        TargetField {
            nillable: false,
            ..field("Number__c", "string")
        },
        TargetField {
            length: 5,
            ..field("Short__c", "string")
        },
        TargetField {
            precision: 5,
            scale: 2,
            ..field("Amount__c", "currency")
        },
        TargetField {
            values: Some(BTreeSet::from(["Open".to_owned(), "Paid".to_owned()])),
            ..field("Status__c", "picklist")
        },
        TargetField {
            values: Some(BTreeSet::from(["A".to_owned(), "B".to_owned()])),
            ..field("Tags__c", "multipicklist")
        },
        field("Email__c", "email"),
        TargetField {
            createable: false,
            updateable: false,
            ..field("Total__c", "double")
        },
    ]);
    let number = write("Number__c", Some("1"));
    for (name, text, expected) in [
        ("Short__c", "12345", ""),
        ("Short__c", "123456", "STRING_TOO_LONG(Short__c)"),
        // Two units of UTF-16 each.
        ("Short__c", "😀😀😀", "STRING_TOO_LONG(Short__c)"),
        ("Amount__c", "999.99", ""),
        ("Amount__c", "-999.994", ""),
        (
            "Amount__c",
            "999.995",
            "NUMBER_OUTSIDE_VALID_RANGE(Amount__c)",
        ),
        (
            "Amount__c",
            "1.0E3",
            "NUMBER_OUTSIDE_VALID_RANGE(Amount__c)",
        ),
        ("Status__c", "Open", ""),
        (
            "Status__c",
            "Late",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST(Status__c)",
        ),
        ("Tags__c", "A;B", ""),
        (
            "Tags__c",
            "A;C",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST(Tags__c)",
        ),
        ("Email__c", "a@b.example", ""),
        ("Email__c", "nobody", "INVALID_EMAIL_ADDRESS(Email__c)"),
        ("Total__c", "1", "INVALID_FIELD_FOR_INSERT_UPDATE(Total__c)"),
        ("Gone__c", "1", "INVALID_FIELD(Gone__c)"),
    ] {
        let writes = [number.clone(), write(name, Some(text))];
        for phase in [Phase::Insert, Phase::Update] {
            let found = found(phase, &writes, &invoice, &no_rules()).join(" ");
            assert_eq!(found, expected, "{name} {text}");
        }
    }
}

#[test]
fn a_required_field_is_missing_of_new_records_and_where_it_is_emptied() {
    let invoice = target(vec![
        TargetField {
            nillable: false,
            ..field("Number__c", "string")
        },
        TargetField {
            nillable: false,
            defaulted_on_create: true,
            ..field("OwnerId", "reference")
        },
        field("Note__c", "string"),
    ]);
    let note = [write("Note__c", Some("x"))];
    let missing = ["REQUIRED_FIELD_MISSING(Number__c)"];
    assert_eq!(found(Phase::Insert, &note, &invoice, &no_rules()), missing);
    assert!(found(Phase::Update, &note, &invoice, &no_rules()).is_empty());
    let emptied = [write("Number__c", None)];
    assert_eq!(
        found(Phase::Update, &emptied, &invoice, &no_rules()),
        missing
    );
}

#[test]
fn lookups_to_what_is_not_there_are_found() {
    let invoice = target(vec![
        TargetField {
            reference_to: vec!["Invoice__c".to_owned()],
            ..field("Before__c", "reference")
        },
        TargetField {
            reference_to: vec!["User".to_owned()],
            ..field("OwnerId", "reference")
        },
    ]);
    let mut facts = no_rules();
    facts.objects = [("a0I", "Invoice__c"), ("005", "User")]
        .into_iter()
        .map(|(prefix, object)| (prefix.to_owned(), BTreeSet::from([object.to_owned()])))
        .collect();
    for (number, standing) in [
        (2, Standing::Live),
        (3, Standing::InRecycleBin),
        (4, Standing::Gone),
        (5, Standing::Gone),
        (6, Standing::Gone),
        (7, Standing::InRecycleBin),
        (8, Standing::Gone),
    ] {
        facts.standing.insert(id(number), standing);
    }
    facts.fates = [
        (5, Fate::Made),
        (6, Fate::Fails),
        (7, Fate::Returns),
        (8, Fate::Doubtful),
    ]
    .into_iter()
    .map(|(number, fate)| (id(number), fate))
    .collect();
    let gone = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY(Before__c)";
    for (number, expected) in [
        (2, String::new()),
        (3, "ENTITY_IS_DELETED(Before__c)".to_owned()),
        (4, gone.to_owned()),
        (5, String::new()),
        (6, gone.to_owned()),
        (7, String::new()),
        (8, format!("{gone}?")),
        // Nobody was asked about it.
        (9, String::new()),
    ] {
        let writes = [write("Before__c", Some(id(number).as_str()))];
        let found = found(Phase::Insert, &writes, &invoice, &facts).join(" ");
        assert_eq!(found, expected, "{number}");
    }
    let user = SalesforceId::parse(b"005000000000001").unwrap();
    facts.standing.insert(user, Standing::Live);
    facts.inactive_users.insert(user);
    let owned = [write("OwnerId", Some(user.as_str()))];
    let inactive = ["INACTIVE_OWNER_OR_USER(OwnerId)"];
    assert_eq!(found(Phase::Insert, &owned, &invoice, &facts), inactive);
    let wrong = [write("Before__c", Some(user.as_str()))];
    assert_eq!(
        found(Phase::Insert, &wrong, &invoice, &facts),
        ["MALFORMED_ID(Before__c)"]
    );
    facts.keeps_inactive_owners = true;
    assert!(found(Phase::Insert, &owned, &invoice, &facts).is_empty());
}

#[test]
fn a_unique_value_is_taken_by_another_record_now_or_by_one_of_the_plan() {
    let invoice = target(vec![TargetField {
        unique: true,
        ..field("Key__c", "string")
    }]);
    let place = ("Key__c".to_owned(), "a".to_owned());
    let writes = [write("Key__c", Some("A"))];
    let mut facts = no_rules();
    facts.holders.insert(place.clone(), BTreeSet::from([id(1)]));
    assert!(
        found(Phase::Insert, &writes, &invoice, &facts).is_empty(),
        "its own"
    );
    facts.holders.insert(place.clone(), BTreeSet::from([id(2)]));
    let taken = ["DUPLICATE_VALUE(Key__c)"];
    assert_eq!(found(Phase::Insert, &writes, &invoice, &facts), taken);
    let frees = Claims {
        frees: BTreeSet::from([("Key__c".to_owned(), id(2))]),
        ..Claims::default()
    };
    facts.claims = Arc::new(frees);
    assert!(found(Phase::Insert, &writes, &invoice, &facts).is_empty());
    assert_eq!(
        found(Phase::Update, &writes, &invoice, &facts),
        ["DUPLICATE_VALUE(Key__c)?"]
    );
    facts.holders.clear();
    let gets = Claims {
        gets: [(place, vec![id(2), id(1)])].into(),
        ..Claims::default()
    };
    facts.claims = Arc::new(gets);
    assert_eq!(found(Phase::Insert, &writes, &invoice, &facts), taken);
    facts.fates.insert(id(2), Fate::Fails);
    assert_eq!(
        found(Phase::Insert, &writes, &invoice, &facts),
        ["DUPLICATE_VALUE(Key__c)?"]
    );
}

#[test]
fn rules_refuse_for_certain_only_what_is_known() {
    let invoice = target(vec![
        field("Stage__c", "picklist"),
        field("Note__c", "string"),
        TargetField {
            defaulted_on_create: true,
            ..field("Kind__c", "string")
        },
        TargetField {
            createable: false,
            updateable: false,
            ..field("IsClosed", "boolean")
        },
    ]);
    let facts = |formula: &str| Facts {
        rules: Some(Arc::new(Rules {
            rules: vec![("R".to_owned(), Formula::parse(formula).ok(), None)],
            is_blurred: false,
        })),
        ..Facts::default()
    };
    let code = "FIELD_CUSTOM_VALIDATION_EXCEPTION()";
    let writes = [write("Stage__c", Some("Open"))];
    for (formula, insert, update) in [
        ("ISBLANK(Note__c)", "will", "will"),
        ("ISNEW()", "will", ""),
        ("ISCHANGED(Stage__c)", "", "will"),
        ("ISBLANK(Kind__c)", "may", "will"),
        ("IsClosed", "may", "may"),
        ("Account__r.Name = 'x'", "may", "may"),
        ("AND(", "may", "may"),
        ("NOT(ISBLANK(Stage__c)) && FALSE", "", ""),
    ] {
        for (phase, expected) in [(Phase::Insert, insert), (Phase::Update, update)] {
            let expected = match expected {
                "will" => vec![code.to_owned()],
                "may" => vec![format!("{code}?")],
                _ => Vec::new(),
            };
            assert_eq!(
                found(phase, &writes, &invoice, &facts(formula)),
                expected,
                "{formula}"
            );
        }
    }
    assert_eq!(
        found(Phase::Insert, &writes, &invoice, &Facts::default()),
        [format!("{code}?")]
    );
}

#[test]
fn what_comes_back_needs_its_masters() {
    let line = target(vec![TargetField {
        nillable: false,
        reference_to: vec!["Invoice__c".to_owned()],
        ..field("Invoice__c", "reference")
    }]);
    let master = id(2);
    let row: Row = [("Invoice__c".to_owned(), master.to_string())].into();
    let attempt = Attempt {
        id: id(1),
        phase: Phase::Undelete,
        writes: &[],
        is_made: false,
        before: Some(&row),
        after: &row,
    };
    let told = |own, of_master, fate: Option<Fate>| {
        let facts = Facts {
            standing: [(id(1), own), (master, of_master)].into(),
            fates: fate.map(|fate| (master, fate)).into_iter().collect(),
            ..Facts::default()
        };
        told(&obstacles(&attempt, &line, &facts)).join(" ")
    };
    let bin = Standing::InRecycleBin;
    assert_eq!(told(bin, Standing::Live, None), "");
    assert_eq!(told(bin, bin, Some(Fate::Returns)), "");
    for (of_master, fate) in [
        (bin, None),
        (Standing::Gone, Some(Fate::Made)),
        (bin, Some(Fate::Fails)),
    ] {
        assert_eq!(told(bin, of_master, fate), "UNDELETE_FAILED(Invoice__c)");
    }
    assert_eq!(
        told(Standing::Gone, Standing::Live, None),
        "UNDELETE_FAILED()"
    );
    assert_eq!(told(Standing::Live, Standing::Gone, None), "");
}

#[test]
fn what_the_user_may_not_do_is_found() {
    let mut invoice = target(vec![field("Note__c", "string")]);
    let writes = [write("Note__c", Some("x"))];
    let mut facts = no_rules();
    facts.locked.insert(id(1));
    facts.keeping.insert(id(1));
    let told =
        |phase, invoice: &Target, facts: &Facts| found(phase, &writes, invoice, facts).join(" ");
    assert_eq!(told(Phase::Update, &invoice, &facts), "ENTITY_IS_LOCKED()");
    assert_eq!(told(Phase::Delete, &invoice, &facts), "DELETE_FAILED()");
    invoice.createable = false;
    invoice.updateable = false;
    invoice.deletable = false;
    let read_only = "INSUFFICIENT_ACCESS_OR_READONLY()";
    for (phase, expected) in [
        (Phase::Insert, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY()"),
        (Phase::Update, read_only),
        (Phase::Link, read_only),
        (Phase::Delete, read_only),
    ] {
        assert_eq!(told(phase, &invoice, &facts), expected);
    }
}

#[test]
fn obstacles_are_counted_once_for_each_record() {
    let hindered = |number, obstacles| Hindered {
        id: id(number),
        obstacles,
    };
    let required = || Obstacle::will("REQUIRED_FIELD_MISSING").of("A");
    let rule = || Obstacle::may("FIELD_CUSTOM_VALIDATION_EXCEPTION").by("R");
    let mut page = ObstaclePage {
        records: vec![hindered(1, vec![required()]), hindered(2, vec![rule()])],
    };
    page.add(ObstaclePage {
        records: vec![
            hindered(1, vec![required(), rule()]),
            hindered(3, vec![required()]),
        ],
    });
    let mut check = ObjectCheck::default();
    tallied(&page.records, &mut check);
    assert_eq!((check.will_fail, check.may_fail), (2, 1));
    let counts: Vec<_> = check
        .obstacles
        .iter()
        .map(|tally| (&*tally.obstacle.code, tally.records))
        .collect();
    assert_eq!(
        counts,
        [
            ("REQUIRED_FIELD_MISSING", 2),
            ("FIELD_CUSTOM_VALIDATION_EXCEPTION", 2)
        ]
    );
    assert_eq!(check.obstacles[0].examples, [id(1), id(3)]);
}

proptest! {
    #[test]
    fn no_value_makes_it_panic(text in "\\PC{0,20}|[0-9eE+.-]{0,30}", of in prop::sample::select(vec!["string", "double", "int", "email", "picklist", "reference"])) {
        let invoice = target(vec![TargetField { length: 4, precision: 3, scale: 1, digits: 2, unique: true, ..field("X", of) }]);
        found(Phase::Insert, &[write("X", Some(&text))], &invoice, &no_rules());
    }
}
