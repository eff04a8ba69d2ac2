//! Automation that is off while a restore runs: of which objects, and in which order it is switched.

use std::collections::BTreeSet;

use holdfast_model::{Automation, AutomationKind, JobId, ObjectName, ObjectSchema, Switch};
use serde::{Deserialize, Serialize};

/// What a run found on before it switched anything. Stored once: a second look would miss what the first one switched off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// What is switched off, and on again.
    pub switched: Vec<Automation>,
    /// What came with a package and stays on: only its maker can switch it.
    pub managed: Vec<Automation>,
}

impl Quiet {
    /// What is switched of a kind, in its order.
    pub fn of(&self, kind: AutomationKind, switch: Switch) -> Vec<&Automation> {
        let mut switched: Vec<_> = self
            .switched
            .iter()
            .filter(|one| one.kind == kind)
            .collect();
        if switch.is_on() {
            switched.reverse();
        }
        switched
    }
}

/// The kinds in the order in which they are switched: what was off last is on first.
pub fn kinds(switch: Switch) -> Vec<AutomationKind> {
    let mut kinds = AutomationKind::ALL.to_vec();
    if switch.is_on() {
        kinds.reverse();
    }
    kinds
}

/// The objects whose automation a restore may start: those that it writes, and their masters, which Salesforce saves when their
/// roll-ups change.
pub fn concerned<'s>(written: impl IntoIterator<Item = &'s ObjectSchema>) -> BTreeSet<ObjectName> {
    let mut objects = BTreeSet::new();
    for schema in written {
        let details = schema.fields.iter();
        let details = details.filter(|field| field.relationship_order.is_some());
        let masters = details.flat_map(|field| &field.reference_to);
        objects.extend(masters.filter_map(|name| ObjectName::parse(name.as_str()).ok()));
        objects.insert(schema.name.clone());
    }
    objects
}

/// Name of the document with what a run found on.
pub fn quiet_name(job: &JobId) -> String {
    format!("restores/{job}/quiet.sealed")
}

#[cfg(test)]
mod tests {
    use holdfast_model::{FieldSchema, Transport};

    use super::*;

    fn object(name: &str) -> ObjectName {
        ObjectName::parse(name).unwrap()
    }

    fn lookup(name: &str, to: &str, relationship_order: Option<u8>) -> FieldSchema {
        FieldSchema {
            name: name.to_owned(),
            field_type: "reference".to_owned(),
            reference_to: vec![to.to_owned()],
            relationship_order,
            ..FieldSchema::default()
        }
    }

    #[test]
    fn masters_are_concerned_and_lookups_are_not() {
        let schema = ObjectSchema {
            name: object("Member__c"),
            label: String::new(),
            key_prefix: None,
            associate_entity_type: None,
            associate_parent_entity: None,
            comes_back_with_parent: false,
            transport: Transport::Bulk,
            cursor_field: None,
            fields: vec![
                lookup("Project__c", "Project__c", Some(0)),
                lookup("Team__c", "Team__c", Some(1)),
                lookup("OwnerId", "User", None),
            ],
            children: Vec::new(),
        };
        let expected = ["Member__c", "Project__c", "Team__c"].map(object).into();
        assert_eq!(concerned([&schema]), expected);
    }

    #[test]
    fn on_is_the_way_back() {
        let one = |kind, name: &str| Automation {
            kind,
            object: object("Account"),
            name: name.to_owned(),
            version: None,
        };
        let [triggers, flows] = [AutomationKind::Triggers, AutomationKind::Flows];
        let quiet = Quiet {
            switched: vec![one(flows, "F"), one(triggers, "T"), one(triggers, "U")],
            managed: vec![one(triggers, "M")],
        };
        let order = |switch| {
            let kinds = kinds(switch).into_iter();
            let names = kinds.flat_map(|kind| quiet.of(kind, switch));
            names.map(|one| one.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(order(Switch::Off), ["T", "U", "F"]);
        assert_eq!(order(Switch::On), ["F", "U", "T"]);
    }
}
