use super::*;

fn rules() -> (Schema, Rules) {
    let schema = Schema::load().unwrap();
    let rules = Rules::load(&schema).unwrap();
    (schema, rules)
}

fn rule(json: &serde_json::Value) -> Rule {
    serde_json::from_value(json.clone()).unwrap()
}

#[test]
fn the_org_ships_with_rules_that_are_all_off() {
    let (schema, rules) = rules();
    assert!(rules.list().len() >= 10);
    assert!(rules.list().iter().all(|rule| !rule.active));
    assert!((0..schema.objects.len()).all(|at| rules.of(at).is_none()));
}

#[test]
fn a_rule_runs_while_it_is_active() {
    let (schema, mut rules) = rules();
    let (at, _) = schema.find("Account").unwrap();
    let name = (RuleKind::Validation, "account", "phone_or_website");
    rules.set_active(&schema, name, true).unwrap();
    assert_eq!(rules.of(at).unwrap().validations.len(), 1);
    rules.set_active(&schema, name, false).unwrap();
    assert!(rules.of(at).is_none());
    assert!(rules.remove(&schema, name).unwrap());
    assert!(rules.set_active(&schema, name, true).is_err());
}

#[test]
fn a_rule_that_names_what_is_not_there_is_refused_and_changes_nothing() {
    let (schema, mut rules) = rules();
    let count = rules.list().len();
    for (condition, message) in [
        ("Nmae = \"x\"", "Field Nmae does not exist. Check spelling."),
        (
            "Owner.Nmae = \"x\"",
            "Field Owner.Nmae does not exist. Check spelling.",
        ),
        (
            "Industry = \"x\"",
            "Field Industry is a picklist field. Picklist fields are only supported in certain functions.",
        ),
    ] {
        let declared = rule(&serde_json::json!({
            "kind": "validation", "object": "Account", "name": "X", "active": true,
            "condition": condition, "message": "no"
        }));
        assert_eq!(
            rules.put(&schema, declared).unwrap_err().to_string(),
            message
        );
    }
    assert_eq!(rules.list().len(), count);
}

#[test]
fn a_rule_is_written_as_it_is_read() {
    let (_, rules) = rules();
    let text = serde_json::to_value(rules.list()).unwrap();
    let again: Vec<Rule> = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(serde_json::to_value(again).unwrap(), text);
}
