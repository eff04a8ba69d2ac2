//! What an org of a disaster consists of: for every second seed the objects that every org has, for the others some that nobody
//! thought of, with fields and relationships as chance has it.

use fastrand::Rng;
use holdfast_e2e::{Administrator, field_call};
use holdfast_model::ObjectName;
use serde_json::{Map, Value, json};

use crate::org::Org;
use crate::world::World;

/// Parents and children of every kind: looked up, cascading, detail, junction, of their own kind, and polymorphic.
const KNOWN: [(&str, usize); 8] = [
    ("Account", 12),
    ("Contact", 14),
    ("Employee__c", 8),
    ("Region__c", 6),
    ("Project__c", 10),
    ("Milestone__c", 10),
    ("Project_Member__c", 8),
    ("Task", 8),
];
/// Their lookups, and what they point to.
const LOOKUPS: [(&str, &str, &str); 9] = [
    ("Account", "ParentId", "Account"),
    ("Contact", "AccountId", "Account"),
    ("Contact", "ReportsToId", "Contact"),
    ("Employee__c", "Manager__c", "Employee__c"),
    ("Region__c", "Parent_Region__c", "Region__c"),
    ("Project__c", "Account__c", "Account"),
    ("Project__c", "Region__c", "Region__c"),
    ("Task", "WhatId", "Project__c"),
    ("Task", "WhoId", "Contact"),
];
/// Of these, the ones that an org of chance has, too.
const KNOWN_BESIDE: usize = 2;
const TEXT: &str = "<type>Text</type>";
const NUMBERED: &str = "<type>AutoNumber</type><displayFormat>N-{0000}</displayFormat>";

/// A value of a kind.
type Draw = fn(&mut Rng) -> Value;

/// Fields by their metadata, each with another value.
const FIELDS: [(&str, Draw); 15] = [
    ("<type>Text</type><length>40</length>", text),
    (
        "<type>Text</type><length>40</length><required>true</required>",
        |random| json!(format!("w{}", random.u32(..))),
    ),
    (
        "<type>Text</type><length>20</length><externalId>true</externalId>",
        text,
    ),
    ("<type>TextArea</type>", text),
    (
        "<type>LongTextArea</type><length>32768</length><visibleLines>3</visibleLines>",
        text,
    ),
    (
        "<type>Number</type><precision>12</precision><scale>3</scale>",
        number,
    ),
    (
        "<type>Currency</type><precision>16</precision><scale>2</scale>",
        number,
    ),
    (
        "<type>Percent</type><precision>5</precision><scale>1</scale>",
        |random| json!(f64::from(random.u32(..9_999)) / 10.0),
    ),
    (
        "<type>Checkbox</type><defaultValue>false</defaultValue>",
        |random| json!(random.bool()),
    ),
    ("<type>Date</type>", |random| {
        json!(format!("20{:02}-02-28", random.u32(10..30)))
    }),
    ("<type>DateTime</type>", |random| {
        json!(format!("2021-03-04T05:06:{:02}.000Z", random.u32(0..60)))
    }),
    ("<type>Email</type>", |random| {
        json!(format!("w{}@example.com", random.u32(..)))
    }),
    ("<type>Phone</type>", text),
    ("<type>Url</type>", |random| {
        json!(format!("https://example.com/{}", random.u32(..)))
    }),
    (
        "<type>Picklist</type><valueSet><restricted>true</restricted><valueSetDefinition><sorted>false</sorted>\
         <value><fullName>One</fullName><default>false</default><label>One</label></value>\
         <value><fullName>Two</fullName><default>false</default><label>Two</label></value></valueSetDefinition></valueSet>",
        |random| [json!("One"), json!("Two"), Value::Null][random.usize(..3)].clone(),
    ),
];

/// The objects of an org, parents of details first.
pub(crate) struct Model {
    known: Vec<(&'static str, usize)>,
    made: Vec<Made>,
    pub(crate) lookups: Vec<Lookup>,
}

/// A lookup that users may change.
pub(crate) struct Lookup {
    pub(crate) object: String,
    pub(crate) field: String,
    pub(crate) to: String,
    pub(crate) may_be_empty: bool,
}

/// An object of chance.
struct Made {
    name: String,
    records: usize,
    is_numbered: bool,
    fields: Vec<(String, String, Draw)>,
    /// By name and metadata.
    references: Vec<(String, String)>,
}

impl Made {
    fn is_detail(&self) -> bool {
        let mut references = self.references.iter();
        references.any(|(_, body)| body.contains("MasterDetail"))
    }
}

impl Model {
    pub(crate) fn of(seed: u64) -> Self {
        if seed.is_multiple_of(2) {
            Self::known(KNOWN.len())
        } else {
            Self::made(&mut Rng::with_seed(seed ^ 0x4d4f_4445))
        }
    }

    fn known(objects: usize) -> Self {
        let known = KNOWN[..objects].to_vec();
        let is_known = |name: &str| known.iter().any(|(object, _)| *object == name);
        let lookups = LOOKUPS
            .iter()
            .filter(|(object, _, to)| is_known(object) && is_known(to));
        let lookups = lookups.map(|(object, field, to)| Lookup {
            object: (*object).to_owned(),
            field: (*field).to_owned(),
            to: (*to).to_owned(),
            may_be_empty: true,
        });
        Self {
            lookups: lookups.collect(),
            known,
            made: Vec::new(),
        }
    }

    fn made(random: &mut Rng) -> Self {
        let mut model = Self::known(KNOWN_BESIDE);
        let objects = random.usize(2..7);
        let names: Vec<_> = (0..objects)
            .map(|number| format!("Chance{number}__c"))
            .collect();
        for (place, name) in names.iter().enumerate() {
            let mut fields = Vec::new();
            for number in 0..random.usize(1..6) {
                let (body, draw) = FIELDS[random.usize(..FIELDS.len())];
                fields.push((format!("Field{number}__c"), body.to_owned(), draw));
            }
            let mut made = Made {
                name: name.clone(),
                records: random.usize(3..9),
                is_numbered: random.u32(0..4) == 0,
                fields,
                references: Vec::new(),
            };
            for number in 0..random.usize(0..4) {
                let field = format!("Reference{number}__c");
                model.refer(random, &mut made, field, (&names, place));
            }
            model.made.push(made);
        }
        model
    }

    /// Masters, and parents that must be there, are objects that were made before.
    fn refer(
        &mut self,
        random: &mut Rng,
        made: &mut Made,
        field: String,
        (names, place): (&[String], usize),
    ) {
        let known = self.known.iter().map(|(object, _)| (*object).to_owned());
        let before: Vec<_> = known.chain(names[..place].iter().cloned()).collect();
        let after = &names[place..];
        let masters = made.references.iter();
        let masters = masters
            .filter(|(_, body)| body.contains("MasterDetail"))
            .count();
        let child = format!("{}_{field}", made.name.trim_end_matches("__c"));
        let child = child.trim_end_matches("__c");
        let child = format!(
            "<relationshipName>{child}</relationshipName><relationshipLabel>{child}</relationshipLabel>"
        );
        let kind = random.u32(0..8);
        let master = self.master(random, &before).filter(|_| masters < 2);
        let (to, body, changes, may_be_empty) = if kind < 2
            && let Some(to) = master
        {
            let moves = random.bool();
            let body = format!(
                "<type>MasterDetail</type><referenceTo>{to}</referenceTo>{child}\
                 <reparentableMasterDetail>{moves}</reparentableMasterDetail>"
            );
            (to, body, moves, false)
        } else if kind == 2 {
            let to = before[random.usize(..before.len())].clone();
            let body = format!(
                "<type>Lookup</type><referenceTo>{to}</referenceTo>{child}<required>true</required>\
                 <deleteConstraint>Restrict</deleteConstraint>"
            );
            (to, body, true, false)
        } else {
            let all: Vec<_> = before.iter().chain(after).collect();
            let to = all[random.usize(..all.len())].clone();
            let constraint = ["SetNull", "SetNull", "Restrict", "Cascade"][random.usize(..4)];
            let body = format!(
                "<type>Lookup</type><referenceTo>{to}</referenceTo>{child}<deleteConstraint>{constraint}</deleteConstraint>"
            );
            (to, body, true, true)
        };
        if changes {
            self.lookups.push(Lookup {
                object: made.name.clone(),
                field: field.clone(),
                to,
                may_be_empty,
            });
        }
        made.references.push((field, body));
    }

    /// An object that is no detail: of the levels that Salesforce allows, two are enough.
    fn master(&self, random: &mut Rng, names: &[String]) -> Option<String> {
        let is_detail = |name: &String| {
            let mut made = self.made.iter().filter(|made| made.name == *name);
            made.any(Made::is_detail)
        };
        random.choice(
            names
                .iter()
                .filter(|name| !is_detail(name))
                .cloned()
                .collect::<Vec<_>>(),
        )
    }

    /// Names of the objects.
    pub(crate) fn names(&self) -> Vec<&str> {
        let known = self.known.iter().map(|(object, _)| *object);
        let made = self.made.iter().map(|made| made.name.as_str());
        known.chain(made).collect()
    }

    pub(crate) fn objects(&self) -> Vec<ObjectName> {
        let names = self.names().into_iter();
        names.map(|name| ObjectName::parse(name).unwrap()).collect()
    }

    /// What every org has and this one has so many records of.
    pub(crate) fn known_objects(&self) -> &[(&'static str, usize)] {
        &self.known
    }

    /// Makes the objects of chance in an org; of each some records, if it `has_records`.
    pub(crate) async fn make(&self, world: &World, org: &mut Org<'_>, has_records: bool) {
        if self.made.is_empty() {
            return;
        }
        let administrator = Administrator::log_in(&world.http, org.url()).await.unwrap();
        for made in &self.made {
            let name_field = if made.is_numbered { NUMBERED } else { TEXT };
            let bare = administrator.make_bare_object(&made.name, name_field, made.is_detail());
            bare.await.unwrap();
        }
        for made in &self.made {
            let fields = made.fields.iter().map(|(field, body, _)| (field, body));
            let references = made.references.iter().map(|(field, body)| (field, body));
            for (field, body) in fields.chain(references) {
                let call = field_call("createMetadata", &made.name, field, body);
                administrator.metadata(&call).await.unwrap();
            }
        }
        for made in &self.made {
            if has_records {
                let body = json!({"object": made.name, "count": made.records});
                org.control("create", body).await;
            }
            org.also_has(&made.name);
        }
    }

    /// Other values of a record.
    pub(crate) fn values(&self, random: &mut Rng, object: &str) -> Value {
        let text = format!("w{}", random.u32(..));
        match object {
            "Account" | "Contact" | "Task" => json!({"Description": text, "Phone": null}),
            "Project__c" => json!({"Summary__c": text, "Budget__c": random.u32(..1_000)}),
            "Milestone__c" => {
                json!({"Effort_Hours__c": random.u32(..100), "Done__c": random.bool()})
            }
            "Project_Member__c" => json!({"Allocation__c": random.u32(..100)}),
            "Employee__c" => json!({"Start_Date__c": "2020-02-29", "Mobile__c": text}),
            _ => {
                let made = self.made.iter().find(|made| made.name == object);
                let fields = made.into_iter().flat_map(|made| &made.fields);
                let mut values = Map::new();
                for (field, _, draw) in fields {
                    if values.is_empty() || random.bool() {
                        values.insert(field.clone(), draw(random));
                    }
                }
                if made.is_none() {
                    values.insert("Name".to_owned(), json!(text));
                }
                values.into()
            }
        }
    }
}

fn text(random: &mut Rng) -> Value {
    if random.u32(0..4) == 0 {
        return Value::Null;
    }
    json!(format!("w{}", random.u32(..)))
}

fn number(random: &mut Rng) -> Value {
    json!(f64::from(random.u32(..100_000)) / 4.0)
}
