use proptest::prelude::*;

use super::*;

fn row(values: &[(&str, &str)]) -> Row {
    let values = values.iter();
    values
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn types() -> BTreeMap<String, String> {
    let types = [
        ("amount__c", "currency"),
        ("spent__c", "currency"),
        ("share__c", "percent"),
        ("closedate", "date"),
        ("isactive", "boolean"),
        ("accountid", "reference"),
        ("skills__c", "multipicklist"),
        ("stage__c", "picklist"),
        ("name", "string"),
        ("phone", "string"),
    ];
    let types = types.into_iter();
    types
        .map(|(name, of)| (name.to_owned(), of.to_owned()))
        .collect()
}

fn verdict(formula: &str, new: &[(&str, &str)], old: Option<&[(&str, &str)]>) -> Verdict {
    let (new, old) = (row(new), old.map(row));
    let scope = Scope {
        new: &new,
        old: old.as_ref(),
        types: &types(),
        // 2026-11-23T12:00:00Z
        now_ms: 1_795_435_200_000,
    };
    Formula::parse(formula).unwrap().verdict(scope)
}

const RECORD: [(&str, &str); 7] = [
    ("Name", "Nordwind"),
    ("Amount__c", "100.50"),
    ("Share__c", "25"),
    ("CloseDate", "2026-11-22"),
    ("AccountId", "001D000000K0fXOIAZ"),
    ("Skills__c", "Rust;SQL"),
    ("Stage__c", "Done"),
];

#[test]
fn what_a_record_says_is_worked_out() {
    for (formula, expected) in [
        ("ISBLANK(Phone) && NOT(ISBLANK(Name))", true),
        ("AND(ISBLANK(Phone), LEN(name) > 8)", false),
        ("Amount__c > 100 /* more */", true),
        ("Amount__c * 2 = 201", true),
        ("Spent__c > 1", false),
        ("ISNULL(Spent__c)", true),
        ("Share__c = 0.25", true),
        ("CloseDate < TODAY()", true),
        ("TODAY() - CloseDate = 1", true),
        (
            "YEAR(CloseDate) = 2026 && MONTH(CloseDate) = 11 && DAY(CloseDate) <> 1",
            true,
        ),
        ("CloseDate = DATE(2026, 11, 22)", true),
        ("ISPICKVAL(Stage__c, 'Done')", true),
        ("TEXT(Stage__c) = \"Idea\"", false),
        ("CASE(Stage__c, 'Idea', 1, 'Done', 2, 3) = 2", true),
        ("INCLUDES(Skills__c, 'SQL')", true),
        (
            "BEGINS(Name, 'Nord') && CONTAINS(Name, 'win') || FALSE",
            true,
        ),
        ("LEFT(Name, 4) & '-' & RIGHT(Name, 4) = 'Nord-wind'", true),
        ("MID(Name, 5, 2) = 'wi'", true),
        ("AccountId = '001D000000K0fXO'", true),
        ("IF(IsActive, 1, 2) = 2", true),
        ("MOD(7, 4) + ABS(-1) + MAX(1, 2, 3) - MIN(1, 2) = 6", true),
        ("ROUND(2.345, 2) = 2.35", true),
        ("ISNUMBER('12') && !ISNUMBER('x') && VALUE('3') = 3", true),
        ("BLANKVALUE(Phone, 'none') = 'none'", true),
        ("SUBSTITUTE(UPPER(Name), 'NORD', 'X') = 'XWIND'", true),
        ("ISNEW()", true),
        ("ISCHANGED(Name)", false),
        ("2 ^ 3 = 8", true),
        ("1 + 2 * 3 = 7", true),
        ("Phone = ''", true),
    ] {
        let expected = if expected {
            Verdict::Holds
        } else {
            Verdict::Fails
        };
        assert_eq!(verdict(formula, &RECORD, None), expected, "{formula}");
    }
}

#[test]
fn what_changes_is_seen_in_an_update() {
    let old: &[(&str, &str)] = &[("Stage__c", "Done"), ("Amount__c", "10.0")];
    let new: &[(&str, &str)] = &[("Stage__c", "Idea"), ("Amount__c", "10")];
    for (formula, expected) in [
        (
            "ISCHANGED(Stage__c) && ISPICKVAL(PRIORVALUE(Stage__c), 'Done')",
            Verdict::Holds,
        ),
        ("ISCHANGED(Amount__c)", Verdict::Fails),
        ("ISNEW()", Verdict::Fails),
    ] {
        assert_eq!(verdict(formula, new, Some(old)), expected, "{formula}");
    }
}

#[test]
fn what_is_not_known_is_never_told_for_certain() {
    for (formula, expected) in [
        ("Account.Name = 'x'", Verdict::Unknown),
        ("$User.Alias = 'x'", Verdict::Unknown),
        ("REGEX(Name, '.*')", Verdict::Unknown),
        ("Secret__c = 1", Verdict::Unknown),
        ("NOT(Spent__c > 1)", Verdict::Unknown),
        ("Amount__c / 0 = 1", Verdict::Unknown),
        ("Name > 1", Verdict::Unknown),
        ("ISBLANK(Phone, 1)", Verdict::Unknown),
        // One part is enough.
        ("Account.Name = 'x' && ISBLANK(Name)", Verdict::Fails),
        ("OR($Permission.Bypass, ISBLANK(Phone))", Verdict::Holds),
        ("AND($Permission.Bypass, ISBLANK(Phone))", Verdict::Unknown),
        ("IF(ISNEW(), FALSE, Account.IsDeleted)", Verdict::Fails),
    ] {
        assert_eq!(verdict(formula, &RECORD, None), expected, "{formula}");
    }
}

#[test]
fn the_fields_of_a_formula_are_told() {
    let formula = Formula::parse(
        "AND(Name = 'x', Account.Owner.Alias = Phone, $User.Id = 'y', REGEX(Title, 'z'))",
    );
    let fields = formula.as_ref().unwrap().fields();
    assert_eq!(
        fields,
        BTreeSet::from(["Account", "Name", "Phone", "Title"])
    );
}

#[test]
fn what_is_no_formula_is_refused() {
    let deep = "(".repeat(5_000);
    let long = "1+".repeat(5_000) + "1";
    for text in [
        "", "AND(", "1 1", "'x", "/* x", "/*/", "a §", "1..2", ")", &deep, &long,
    ] {
        assert_eq!(Formula::parse(text), Err(NotAFormula), "{text}");
    }
}

fn anything() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "AND(",
        "OR(",
        "NOT(",
        "IF(",
        "CASE(",
        ")",
        ",",
        "Name",
        "Amount__c",
        "CloseDate",
        "'x'",
        "1",
        "9999999999999999999",
        "+",
        "-",
        "*",
        "/",
        "^",
        "&",
        "=",
        "<",
        ">=",
        "&&",
        "||",
        "!",
        "MID(",
        "LEFT(",
        "DATE(",
        "TODAY()",
        "ROUND(",
        "MOD(",
        "VALUE(",
        "TEXT(",
        "FIND(",
        "SUBSTITUTE(",
        "/*",
        "*/",
        "\\",
        "\"",
        "é",
        "Stage__c",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        let _ = Formula::parse(&text);
    }

    #[test]
    fn no_formula_makes_it_panic(text in anything()) {
        if let Ok(formula) = Formula::parse(&text) {
            let _ = formula.fields();
            let _ = verdict(&text, &RECORD, Some(&RECORD));
        }
    }
}
