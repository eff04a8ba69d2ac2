use std::{collections::BTreeMap, sync::LazyLock};

use super::*;
use crate::{
    generate::{Volume, generate},
    schema::Schema,
    store::Store,
};

/// 2026-11-22T10:30:00Z
const NOW_MS: i64 = 1_795_343_400_000;

struct Org {
    schema: Schema,
    store: Store,
    user: String,
}

impl Org {
    fn new() -> Self {
        let schema = Schema::load().unwrap();
        let volume = Volume {
            records: 0,
            objects: BTreeMap::from([("Account".to_owned(), 2)]),
            seed: 1,
            username: "user@acme.example".to_owned(),
        };
        let store = generate(&schema, &volume, NOW_MS).unwrap();
        let user = String::from_utf8(schema.find("User").unwrap().1.mint.id(0).to_vec()).unwrap();
        Self {
            schema,
            store,
            user,
        }
    }

    fn record(&self, object: &str, values: &[(&str, &str)]) -> Vec<Option<String>> {
        let (_, object) = self.schema.find(object).unwrap();
        let mut record = vec![None; object.fields.len()];
        for (name, value) in values {
            record[object.field(name).unwrap().0] = Some((*value).to_owned());
        }
        record
    }

    fn ask(
        &self,
        formula: &str,
        object: &str,
        new: &[(&str, &str)],
        old: Option<&[(&str, &str)]>,
    ) -> Result<String, FormulaError> {
        let at = self.schema.find(object).unwrap().0;
        let bound = Formula::parse(formula)?.bind(&self.schema, at)?;
        let (new, old) = (
            self.record(object, new),
            old.map(|old| self.record(object, old)),
        );
        let permitted = |name: &str| name == "Bypass";
        let scope = Scope {
            schema: &self.schema,
            store: &self.store,
            new: &new,
            old: old.as_ref().map(|old| old as &dyn Record),
            user: &self.user,
            now_ms: NOW_MS,
            blank_is_zero: false,
            permitted: &permitted,
        };
        let value = bound.value(&scope)?;
        Ok(match &value {
            Value::Null => "null".to_owned(),
            other => other.printed().into_owned(),
        })
    }
}

const PROJECT: [(&str, &str); 6] = [
    ("Name", "Über Ostern"),
    ("Budget__c", "1000.5"),
    ("Progress__c", "25.0"),
    ("Stage__c", "Running"),
    ("Kick_Off__c", "2026-11-20T22:30:00.000Z"),
    ("Is_Strategic__c", "true"),
];

#[test]
fn functions_and_operators_do_what_the_documentation_says() {
    let org = Org::new();
    for (formula, expected) in [
        ("1 + 2 * 3 ^ 2", "19"),
        ("(1 + 2) * 3 - -1", "10"),
        ("0.1 + 0.2 = 0.3", "true"),
        ("10 / 4", "2.5"),
        ("\"a\" & \"b\" + \"c\"", "abc"),
        ("'it\\'s' & \"\\\"q\\\"\"", "it's\"q\""),
        ("1 < 2 && 2 <= 2 || 1/0 > 1", "true"),
        ("!FALSE", "true"),
        ("NOT(1 <> 1)", "true"),
        ("AND(TRUE, 1 == 1, 2 != 3)", "true"),
        ("OR(FALSE, NULL)", "false"),
        ("IF(NULL, 1, 2)", "2"),
        ("ISBLANK(Summary__c)", "true"),
        ("Summary__c = \"\"", "true"),
        ("Spent__c < 5", "null"),
        ("Spent__c + 1", "null"),
        ("BLANKVALUE(Spent__c, 7)", "7"),
        ("NULLVALUE(Budget__c, 7)", "1000.5"),
        ("ISPICKVAL(Stage__c, \"Running\")", "true"),
        ("CASE(Stage__c, \"Idea\", 1, \"Running\", 3, 0)", "3"),
        ("CASE(2, 1, \"a\", \"z\")", "z"),
        ("TEXT(Stage__c)", "Running"),
        ("LEN(Name)", "11"),
        (
            "LEFT(Name, 4) & \"|\" & RIGHT(Name, 3) & \"|\" & MID(Name, 2, 3)",
            "Über|ern|ber",
        ),
        (
            "UPPER(\"straße\") & LOWER(\"ÄB\") & TRIM(\"  x \")",
            "STRASSEäbx",
        ),
        ("CONTAINS(Name, \"Ost\") && BEGINS(Name, \"Über\")", "true"),
        ("FIND(\"e\", Name) & \"/\" & FIND(\"e\", Name, 4)", "3/9"),
        ("SUBSTITUTE(\"a-b-c\", \"-\", \"+\")", "a+b+c"),
        ("VALUE(\"12.50\") + 1", "13.5"),
        ("TEXT(12.50)", "12.5"),
        (
            "ROUND(2.5, 0) & \" \" & ROUND(-2.5, 0) & \" \" & ROUND(1234, -2)",
            "3 -3 1200",
        ),
        (
            "FLOOR(-2.5) & \" \" & CEILING(-2.5) & \" \" & CEILING(2.1)",
            "-2 -3 3",
        ),
        ("ABS(-3) + MIN(1, 2) + MAX(1, 2) + MOD(7, 4)", "9"),
        ("MOD(-1, 4)", "3"),
        ("Progress__c", "0.25"),
        ("TODAY()", "2026-11-22"),
        ("NOW()", "2026-11-22 10:30:00Z"),
        ("TODAY() - DATE(2026, 11, 1)", "21"),
        ("DATE(2026, 12, 31) + 1", "2027-01-01"),
        ("DATEVALUE(Kick_Off__c)", "2026-11-20"),
        ("NOW() - Kick_Off__c", "1.5"),
        ("YEAR(TODAY()) & MONTH(TODAY()) & DAY(TODAY())", "20261122"),
        ("WEEKDAY(TODAY())", "1"),
        ("ADDMONTHS(DATE(2026, 1, 31), 1)", "2026-02-28"),
        ("HOUR(NOW()) * 100 + MINUTE(NOW())", "1030"),
        ("Is_Strategic__c", "true"),
        (
            "/* why */ ISNUMBER(\"1.5\") && NOT(ISNUMBER(\"x\"))",
            "true",
        ),
        ("$Permission.Bypass && NOT($Permission.Other)", "true"),
        ("$Profile.Name", "System Administrator"),
        ("LEN($User.Id)", "15"),
        ("LEN(CASESAFEID($User.Id))", "18"),
        ("$User.IsActive", "true"),
    ] {
        let found = org.ask(formula, "Project__c", &PROJECT, None);
        assert_eq!(found.as_deref(), Ok(expected), "{formula}");
    }
}

#[test]
fn old_and_new_values_are_told_apart() {
    let org = Org::new();
    let new = [("Name", "b"), ("Stage__c", "Done")];
    let old = [("Name", "a"), ("Stage__c", "Idea")];
    for (formula, old, expected) in [
        ("ISNEW()", None, "true"),
        ("ISNEW()", Some(&old[..]), "false"),
        ("ISCHANGED(Name)", None, "false"),
        ("ISCHANGED(Name)", Some(&old[..]), "true"),
        ("ISCHANGED(Summary__c)", Some(&old[..]), "false"),
        ("PRIORVALUE(Name) & Name", Some(&old[..]), "ab"),
        ("PRIORVALUE(Name)", None, "b"),
        (
            "ISPICKVAL(PRIORVALUE(Stage__c), \"Idea\")",
            Some(&old[..]),
            "true",
        ),
    ] {
        let found = org.ask(formula, "Project__c", &new, old);
        assert_eq!(found.as_deref(), Ok(expected), "{formula}");
    }
}

#[test]
fn paths_lead_through_relationships() {
    let org = Org::new();
    let account = org.schema.find("Account").unwrap().1.mint.id(0);
    let account = String::from_utf8(account.to_vec()).unwrap();
    let values = [
        ("Account__c", account.as_str()),
        ("OwnerId", org.user.as_str()),
    ];
    let name = org
        .ask("Account__r.Name", "Project__c", &values, None)
        .unwrap();
    assert!(name.len() > 1 && name != "null", "{name}");
    let owner = org
        .ask("Account__r.Owner.Id", "Project__c", &values, None)
        .unwrap();
    assert!(owner.starts_with("005") && owner.len() == 15, "{owner}");
    let own = org.ask("Owner:User.Id = $User.Id", "Project__c", &values, None);
    assert_eq!(own.as_deref(), Ok("true"));
    let nothing = org.ask("ISBLANK(Region__r.Name)", "Project__c", &values, None);
    assert_eq!(nothing.as_deref(), Ok("true"));
}

#[test]
fn what_is_wrong_is_said_in_the_platforms_words() {
    let org = Org::new();
    for (formula, expected) in [
        ("FOO(1)", "Unknown function FOO. Check spelling."),
        (
            "Nothing__c",
            "Field Nothing__c does not exist. Check spelling.",
        ),
        (
            "$Setup.Account.Name",
            "Field $Setup.Account.Name does not exist. Check spelling.",
        ),
        (
            "LEFT(Name)",
            "Incorrect number of parameters for function 'LEFT()'. Expected 2, received 1",
        ),
        ("(1 + 2", "Syntax error. Missing ')'"),
        ("1 + 2)", "Syntax error. Extra ')'"),
        ("1 +", "Syntax error. Missing value"),
        ("1 / 0", "Division by zero"),
        (
            "1 + TRUE",
            "Incorrect parameter type. Expected Number, received Boolean",
        ),
        ("DATE(2026, 2, 30)", "Invalid date"),
        ("10 ^ 400", "Number out of range"),
        ("DATE(2026, 1, 1) + 999999999999", "Date out of range"),
    ] {
        let found = org.ask(formula, "Project__c", &PROJECT, None);
        assert_eq!(found, Err(FormulaError::new(expected)), "{formula}");
    }
    let long = format!("\"{}\"", "x".repeat(4_000));
    assert!(Formula::parse(&long).is_err());
}

#[test]
fn a_formula_that_nests_without_end_is_refused() {
    for (open, close) in [("(", ")"), ("NOT(", ")"), ("!", ""), ("-", "")] {
        let text = format!("{}1{}", open.repeat(700), close.repeat(700));
        assert!(Formula::parse(&text).is_err(), "{open}");
    }
    // What is accepted can be worked out on a small stack.
    let chain = vec!["1"; 200].join("+");
    let org = Org::new();
    assert_eq!(
        org.ask(&chain, "Project__c", &[], None).as_deref(),
        Ok("200")
    );
}

static ORG: LazyLock<Org> = LazyLock::new(Org::new);

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[-A-Za-z0-9 _.,()+*/^&|=<>!$\"'\\\\:ü]{0,80}") {
        let _ = ORG.ask(&text, "Project__c", &PROJECT, None);
    }
}
