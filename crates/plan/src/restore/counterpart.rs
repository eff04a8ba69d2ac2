//! What takes the place of records that every org has of its own: users, record types, profiles and the like have other Ids in
//! another org, and the same names.

use std::collections::BTreeMap;

use holdfast_model::{ObjectName, ObjectSchema, SalesforceId};

use super::record::Row;

/// Objects whose records are found again by what they are called, with the fields that say so. An org creates them as it is set up;
/// restoring data does not make them.
pub const NAMED: [(&str, &[&str]); 8] = [
    ("User", &["Username"]),
    ("Group", &["Type", "DeveloperName"]),
    (
        "RecordType",
        &["SobjectType", "DeveloperName", "IsPersonType"],
    ),
    ("Profile", &["Name"]),
    ("UserRole", &["DeveloperName"]),
    ("BusinessHours", &["Name"]),
    ("Organization", &[]),
    ("Pricebook2", &["IsStandard"]),
];

/// By Id, who takes a record's place; nothing when nobody there is called so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counterparts(BTreeMap<SalesforceId, Option<SalesforceId>>);

/// Records of one object by what they are called; of those that are called alike, the first.
#[derive(Debug, Default)]
pub struct Names {
    of: BTreeMap<String, SalesforceId>,
    /// Whoever has no name is nobody elsewhere.
    unnamed: Vec<SalesforceId>,
}

impl Names {
    /// Notes a record. Of price books only the standard one is every org's own.
    pub fn note(&mut self, object: &str, id: SalesforceId, row: &Row) {
        let Some((_, fields)) = NAMED.iter().find(|(named, _)| *named == object) else {
            return;
        };
        let is_plain =
            object == "Pricebook2" && row.get("IsStandard").is_none_or(|is| is != "true");
        if is_plain {
            return;
        }
        // Only orgs with person accounts have that field.
        let mut names = fields.iter().filter(|field| **field != "IsPersonType");
        if names.any(|field| row.get(*field).is_none_or(String::is_empty)) {
            self.unnamed.push(id);
            return;
        }
        let value = |field: &&str| row.get(*field).map_or("false", String::as_str);
        let values: Vec<_> = fields.iter().map(value).collect();
        self.of
            .entry(values.join("\n").to_lowercase())
            .or_insert(id);
    }
}

impl Counterparts {
    /// Notes the records of an object in the org of the backup, given those of the target.
    pub fn note(&mut self, object: &str, of: &Names, target: &Names) {
        self.0.extend(of.unnamed.iter().map(|id| (*id, None)));
        for (name, id) in &of.of {
            let found = target.of.get(name).copied();
            let found = found.or_else(|| (object == "User").then(|| renamed(name, target))?);
            self.0.insert(*id, found);
        }
    }

    /// Lets the lookups of a record point to those who take the place of others. Gives the fields for which there is nobody: they
    /// keep what they have `now`.
    pub fn translate(
        &self,
        schema: &ObjectSchema,
        row: &mut Row,
        now: Option<&Row>,
    ) -> Vec<String> {
        let mut nobody = Vec::new();
        if self.0.is_empty() {
            return nobody;
        }
        let lookups = schema
            .stored_fields()
            .filter(|field| !field.reference_to.is_empty());
        for field in lookups {
            let id = row.get(&field.name);
            let id = id.and_then(|id| SalesforceId::parse(id.as_bytes()).ok());
            match id.and_then(|id| self.0.get(&id)) {
                None => {}
                Some(Some(other)) => drop(row.insert(field.name.clone(), other.to_string())),
                Some(None) => {
                    match now.and_then(|now| now.get(&field.name)) {
                        Some(is) => drop(row.insert(field.name.clone(), is.clone())),
                        None => drop(row.remove(&field.name)),
                    }
                    nobody.push(field.name.clone());
                }
            }
        }
        nobody
    }
}

/// The user in a sandbox: its name is that of production with the name of the sandbox behind it (Salesforce Help, Sandbox Types).
fn renamed(name: &str, target: &Names) -> Option<SalesforceId> {
    let longer = format!("{name}.");
    let mut in_sandbox = target.of.range(longer.clone()..);
    if let Some((found, id)) = in_sandbox.next()
        && found.starts_with(&longer)
    {
        return Some(*id);
    }
    let (in_production, _) = name.rsplit_once('.')?;
    target.of.get(in_production).copied()
}

/// The objects whose records are found by name, as far as their names are names.
pub fn named() -> impl Iterator<Item = (ObjectName, &'static [&'static str])> {
    let named = NAMED.into_iter();
    named.filter_map(|(object, fields)| Some((ObjectName::parse(object).ok()?, fields)))
}

#[cfg(test)]
mod tests {
    use holdfast_model::{FieldSchema, Transport};

    use super::*;

    fn id(number: usize) -> SalesforceId {
        SalesforceId::parse(format!("005Hf{number:010}").as_bytes()).unwrap()
    }

    fn names(object: &str, rows: &[(usize, &[(&str, &str)])]) -> Names {
        let mut names = Names::default();
        for (number, fields) in rows {
            let fields = fields.iter();
            let row = fields.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            names.note(object, id(*number), &row.collect());
        }
        names
    }

    fn users(rows: &[(usize, &str)]) -> Names {
        let rows = rows
            .iter()
            .map(|(number, name)| (*number, [("Username", *name)]));
        let rows: Vec<_> = rows.collect();
        let rows: Vec<(usize, &[(&str, &str)])> = rows
            .iter()
            .map(|(number, row)| (*number, row.as_slice()))
            .collect();
        names("User", &rows)
    }

    /// `Some(&None)` when nobody there is called so.
    fn found(counterparts: &Counterparts, number: usize) -> Option<&Option<SalesforceId>> {
        counterparts.0.get(&id(number))
    }

    #[test]
    fn users_are_found_by_name_in_a_sandbox_and_back() {
        let production = users(&[(1, "Ann@acme.example"), (2, "bob@acme.example")]);
        let sandbox = users(&[(3, "ann@acme.example.dev"), (4, "bobby@acme.example.dev")]);
        let mut there = Counterparts::default();
        there.note("User", &production, &sandbox);
        assert_eq!(found(&there, 1), Some(&Some(id(3))));
        assert_eq!(found(&there, 2), Some(&None));
        let mut back = Counterparts::default();
        back.note("User", &sandbox, &production);
        assert_eq!(found(&back, 3), Some(&Some(id(1))));
        assert_eq!(found(&back, 4), Some(&None));
    }

    #[test]
    fn record_types_of_two_objects_may_be_called_alike() {
        let of = |object| [("SobjectType", object), ("DeveloperName", "Partner")];
        let (case, lead) = (of("Case"), of("Lead"));
        let source = names("RecordType", &[(1, &case), (2, &lead)]);
        let target = names("RecordType", &[(3, &lead)]);
        let mut counterparts = Counterparts::default();
        counterparts.note("RecordType", &source, &target);
        assert_eq!(found(&counterparts, 1), Some(&None));
        assert_eq!(found(&counterparts, 2), Some(&Some(id(3))));
    }

    #[test]
    fn who_has_no_name_is_nobody_elsewhere() {
        let group = [("Type", "Regular")];
        let groups = names("Group", &[(1, &group)]);
        let mut counterparts = Counterparts::default();
        counterparts.note("Group", &groups, &names("Group", &[(2, &group)]));
        assert_eq!(found(&counterparts, 1), Some(&None));
    }

    #[test]
    fn only_the_standard_price_book_is_every_orgs_own() {
        let source = names(
            "Pricebook2",
            &[
                (1, &[("IsStandard", "true")]),
                (2, &[("IsStandard", "false")]),
            ],
        );
        let target = names("Pricebook2", &[(3, &[("IsStandard", "true")])]);
        let mut counterparts = Counterparts::default();
        counterparts.note("Pricebook2", &source, &target);
        assert_eq!(found(&counterparts, 1), Some(&Some(id(3))));
        assert_eq!(found(&counterparts, 2), None);
    }

    #[test]
    fn a_lookup_to_somebody_who_is_not_there_keeps_what_it_has() {
        let lookup = |name: &str| FieldSchema {
            name: name.to_owned(),
            field_type: "reference".to_owned(),
            reference_to: vec!["User".to_owned()],
            ..FieldSchema::default()
        };
        let schema = ObjectSchema {
            name: ObjectName::parse("Account").unwrap(),
            label: String::new(),
            key_prefix: None,
            associate_entity_type: None,
            associate_parent_entity: None,
            comes_back_with_parent: false,
            transport: Transport::Bulk,
            cursor_field: None,
            fields: vec![lookup("OwnerId"), lookup("Agent__c"), lookup("Other__c")],
            children: Vec::new(),
        };
        let mut counterparts = Counterparts::default();
        counterparts.note("User", &users(&[(1, "a"), (2, "b")]), &users(&[(3, "a")]));
        let row = |fields: &[(&str, usize)]| -> Row {
            let fields = fields.iter();
            let texts = fields.map(|(name, number)| ((*name).to_owned(), id(*number).to_string()));
            texts.collect()
        };
        let mut then = row(&[("OwnerId", 1), ("Agent__c", 2), ("Other__c", 9)]);
        let now = row(&[("Agent__c", 7)]);
        let nobody = counterparts.translate(&schema, &mut then, Some(&now));
        assert_eq!(nobody, ["Agent__c"]);
        assert_eq!(
            then,
            row(&[("OwnerId", 3), ("Agent__c", 7), ("Other__c", 9)])
        );
    }
}
