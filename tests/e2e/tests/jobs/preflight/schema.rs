//! Fields that became narrower than the values that come back.

use holdfast_e2e::field_call;
use serde_json::{Value, json};

use super::case::{Act, Case, Loss, each, make_object, make_records};
use crate::world::Org;

const TEXT: &str = "<type>Text</type><length>40</length>";
const UNIQUE: &str = "<type>Text</type><length>40</length><unique>true</unique>";
const SHORT: &str = "<type>Text</type><length>5</length>";
const NUMBER: &str = "<type>Number</type><precision>10</precision><scale>2</scale>";

/// What becomes of the field `A__c` of an object.
struct Narrowed {
    kind: &'static str,
    before: String,
    record: fn(usize) -> Value,
    loss: Loss,
    after: Option<String>,
}

pub(super) async fn cases(org: &Org<'_>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, narrowed) in narrowed().into_iter().enumerate() {
        let object = format!("Narrow{number}__c");
        make_object(org, &object, &[("A__c", &narrowed.before)]).await;
        let ids = make_records(org, &object, each(narrowed.record)).await;
        let narrow =
            |body: &String| Act::Metadata(field_call("updateMetadata", &object, "A__c", body));
        let take = || {
            let records = each(|number| json!({"A__c": format!("Key {number}")}));
            Act::Control("create", json!({"object": object, "records": records}))
        };
        // Without another field, others take its values.
        let acts = vec![narrowed.after.as_ref().map_or_else(take, narrow)];
        cases.push(Case {
            kind: narrowed.kind,
            object,
            ids,
            loss: narrowed.loss,
            acts,
        });
    }
    cases.push(a_new_required_field(org).await);
    cases.extend(gone(org).await);
    cases
}

/// A field and an object that nobody has any more.
async fn gone(org: &Org<'_>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, object, of, name) in [
        (
            "field gone",
            "NarrowField__c",
            "CustomField",
            "NarrowField__c.A__c",
        ),
        (
            "object gone",
            "NarrowObject__c",
            "CustomObject",
            "NarrowObject__c",
        ),
    ] {
        make_object(org, object, &[("A__c", TEXT)]).await;
        let delete = format!(
            "<deleteMetadata><type>{of}</type><fullNames>{name}</fullNames></deleteMetadata>"
        );
        cases.push(Case {
            kind,
            object: object.to_owned(),
            ids: make_records(org, object, each(|_| json!({"A__c": "x"}))).await,
            loss: Loss::Gone,
            acts: vec![Act::Metadata(delete)],
        });
    }
    cases
}

async fn a_new_required_field(org: &Org<'_>) -> Case {
    let object = "NarrowNew__c".to_owned();
    make_object(org, &object, &[("A__c", TEXT)]).await;
    let ids = make_records(org, &object, each(|_| json!({"A__c": "x"}))).await;
    let required = format!("{TEXT}<required>true</required>");
    let act = Act::Metadata(field_call("createMetadata", &object, "B__c", &required));
    Case {
        kind: "required field that is new: insert",
        object,
        ids,
        loss: Loss::Gone,
        acts: vec![act],
    }
}

fn picklist(of: &str, values: &[&str]) -> String {
    let lines = if of == "Picklist" {
        ""
    } else {
        "<visibleLines>4</visibleLines>"
    };
    let values = values.iter().map(|value| {
        format!("<value><fullName>{value}</fullName><default>false</default><label>{value}</label></value>")
    });
    let values: String = values.collect();
    format!(
        "<type>{of}</type>{lines}<valueSet><restricted>true</restricted><valueSetDefinition><sorted>false</sorted>{values}\
         </valueSetDefinition></valueSet>"
    )
}

impl Narrowed {
    fn new(
        kind: &'static str,
        (before, after): (&str, Option<&str>),
        record: fn(usize) -> Value,
        loss: Loss,
    ) -> Self {
        Self {
            kind,
            before: before.to_owned(),
            record,
            loss,
            after: after.map(str::to_owned),
        }
    }
}

fn changed(value: Option<&str>) -> Loss {
    Loss::Changed(json!({"A__c": value}))
}

fn narrowed() -> Vec<Narrowed> {
    let mut all = narrower_values();
    all.extend(other_types());
    all.extend(unique_values());
    all
}

fn narrower_values() -> Vec<Narrowed> {
    let required = (
        TEXT,
        Some("<type>Text</type><length>40</length><required>true</required>"),
    );
    let (both, one) = (
        picklist("Picklist", &["One", "Two"]),
        picklist("Picklist", &["One"]),
    );
    let one = (&*both, Some(&*one));
    let several = picklist("MultiselectPicklist", &["One", "Two", "Three"]);
    let fewer = picklist("MultiselectPicklist", &["One", "Three"]);
    let fewer = (&*several, Some(&*fewer));
    let shorter = (TEXT, Some(SHORT));
    let digits = "<type>Number</type><precision>5</precision><scale>2</scale>";
    let digits = (NUMBER, Some(digits));
    let new = Narrowed::new;
    vec![
        new(
            "required field: insert",
            required,
            |_| json!({"A__c": null}),
            Loss::Gone,
        ),
        new(
            "required field: update",
            required,
            |_| json!({"A__c": null}),
            changed(Some("x")),
        ),
        new(
            "restricted picklist: insert",
            one,
            |_| json!({"A__c": "Two"}),
            Loss::Gone,
        ),
        new(
            "restricted picklist: update",
            one,
            |_| json!({"A__c": "Two"}),
            changed(Some("One")),
        ),
        new(
            "restricted multi-select picklist",
            fewer,
            |_| json!({"A__c": "One;Two"}),
            Loss::Gone,
        ),
        new(
            "shorter text: insert",
            shorter,
            |_| json!({"A__c": "abcdefgh"}),
            Loss::Gone,
        ),
        new(
            "shorter text: update",
            shorter,
            |_| json!({"A__c": "abcdefgh"}),
            changed(Some("x")),
        ),
        new(
            "fewer digits: insert",
            digits,
            |_| json!({"A__c": "123456.5"}),
            Loss::Gone,
        ),
        new(
            "fewer digits: update",
            digits,
            |_| json!({"A__c": "123456.5"}),
            changed(Some("1.0")),
        ),
    ]
}

fn other_types() -> Vec<Narrowed> {
    let email = (TEXT, Some("<type>Email</type>"));
    let numbered = "<type>AutoNumber</type><displayFormat>A-{0000}</displayFormat>";
    vec![
        Narrowed::new(
            "text that became e-mail",
            email,
            |_| json!({"A__c": "nobody"}),
            Loss::Gone,
        ),
        Narrowed::new(
            "text that became auto-number",
            (TEXT, Some(numbered)),
            |_| json!({"A__c": "x"}),
            Loss::Gone,
        ),
    ]
}

fn unique_values() -> Vec<Narrowed> {
    let key = |number| json!({"A__c": format!("Key {number}")});
    vec![
        // Every second one is the second with its value.
        Narrowed::new(
            "unique now, twice in the plan",
            (TEXT, Some(UNIQUE)),
            |number| json!({"A__c": format!("Pair {}", number / 2)}),
            Loss::Gone,
        ),
        Narrowed::new(
            "unique value taken: insert",
            (UNIQUE, None),
            key,
            Loss::Gone,
        ),
        Narrowed::new(
            "unique value taken: update",
            (UNIQUE, None),
            key,
            changed(None),
        ),
    ]
}
