//! The rows of Apex code, rules and flows, from the components that the Metadata API shows.
//!
//! Source: Tooling API Developer Guide, the pages of the objects; `ApexTrigger` names its events by `Usage…` fields.

use super::rows::{Entity, Rows};
use crate::{
    metadata::{
        catalogue::{Catalogue, Content, Listed},
        kind::Kind,
    },
    rules::{Body, Event, Rules},
};

const EVENTS: [(&str, Event); 7] = [
    ("UsageBeforeInsert", Event::BeforeInsert),
    ("UsageAfterInsert", Event::AfterInsert),
    ("UsageBeforeUpdate", Event::BeforeUpdate),
    ("UsageAfterUpdate", Event::AfterUpdate),
    ("UsageBeforeDelete", Event::BeforeDelete),
    ("UsageAfterDelete", Event::AfterDelete),
    ("UsageAfterUndelete", Event::AfterUndelete),
];

impl Rows<'_> {
    /// Adds all of them.
    pub(super) fn automation(&mut self, catalogue: &Catalogue<'_>) {
        for kind in [
            "ValidationRule",
            "WorkflowRule",
            "ApexClass",
            "ApexTrigger",
            "Flow",
        ] {
            let Some(kind) = Kind::named(kind) else {
                continue;
            };
            for listed in catalogue.list(kind) {
                let Some(content) = catalogue.read(kind, &listed.name) else {
                    continue;
                };
                match kind.name {
                    "ValidationRule" => self.validation(&listed, &content),
                    "WorkflowRule" => self.workflow(&listed),
                    "Flow" => self.flow(catalogue, &listed, &content),
                    _ => self.apex(kind.name, &listed, &content, catalogue.rules),
                }
            }
        }
    }

    fn validation(&mut self, listed: &Listed, content: &Content) {
        let (entity, name) = self.of_object(listed);
        let said = |element: &str| content.properties.given(element);
        let values = [
            ("ValidationName", Some(name)),
            ("EntityDefinitionId", Some(entity.durable.as_str())),
            ("Link", Some(entity.link.as_str())),
            ("Active", said("active")),
            ("Description", said("description")),
            ("ErrorDisplayField", said("errorDisplayField")),
            ("ErrorMessage", said("errorMessage")),
        ];
        self.component("ValidationRule", Some(listed), &values);
    }

    fn workflow(&mut self, listed: &Listed) {
        let (entity, name) = self.of_object(listed);
        let values = [
            ("Name", Some(name)),
            ("TableEnumOrId", Some(entity.durable.as_str())),
        ];
        self.component("WorkflowRule", Some(listed), &values);
    }

    /// The object that a component's full name begins with, and the rest of the name.
    fn of_object<'l>(&self, listed: &'l Listed) -> (Entity, &'l str) {
        let (object, name) = listed.name.split_once('.').unwrap_or(("", &listed.name));
        (self.entity_of(object), name)
    }

    fn apex(&mut self, kind: &str, listed: &Listed, content: &Content, rules: &Rules) {
        let said = |element: &str| content.properties.given(element);
        let body = content
            .body
            .as_ref()
            .map(|body| String::from_utf8_lossy(body));
        let length = body.as_ref().map(|body| body.chars().count().to_string());
        let mut values = vec![
            ("Name", Some(listed.name.as_str())),
            ("Status", Some(said("status").unwrap_or("Active"))),
            ("ApiVersion", said("apiVersion")),
            ("IsValid", Some("true")),
            ("Body", body.as_deref()),
            ("LengthWithoutComments", length.as_deref()),
        ];
        let triggers = rules.list().iter().filter_map(|rule| match &rule.body {
            Body::Trigger(trigger) if kind == "ApexTrigger" => Some((rule, trigger)),
            _ => None,
        });
        let mut own = triggers.filter(|(rule, _)| rule.name.eq_ignore_ascii_case(&listed.name));
        let found = own.next();
        let entity = self.entity_of(found.map_or("", |(rule, _)| &rule.object));
        if let Some((_, trigger)) = found {
            values.extend([
                ("TableEnumOrId", Some(entity.durable.as_str())),
                ("EntityDefinitionId", Some(entity.durable.as_str())),
                ("Link", Some(entity.link.as_str())),
            ]);
            let on = EVENTS
                .iter()
                .filter(|(_, event)| trigger.events.contains(event));
            values.extend(on.map(|(usage, _)| (*usage, Some("true"))));
        }
        self.component(kind, Some(listed), &values);
    }

    /// A flow has one version here.
    fn flow(&mut self, catalogue: &Catalogue<'_>, listed: &Listed, content: &Content) {
        let said = |element: &str| content.properties.given(element);
        let name = Some(listed.name.as_str());
        let label = said("label").or(name);
        let latest = Some(listed.id.as_str());
        let on = said("status") == Some("Active");
        let active = latest.filter(|_| on);
        let definition = Kind::named("FlowDefinition")
            .and_then(|kind| catalogue.find(kind, &listed.name))
            .unwrap_or_else(|| Listed {
                id: String::new(),
                ..listed.clone()
            });
        let values = [
            ("DeveloperName", name),
            ("MasterLabel", label),
            ("ActiveVersionId", active),
            ("LatestVersionId", latest),
        ];
        let definition = self.component("FlowDefinition", Some(&definition), &values);
        let values = [
            ("MasterLabel", label),
            ("Status", said("status")),
            ("ProcessType", said("processType")),
            ("VersionNumber", Some("1")),
            ("DefinitionId", Some(definition.as_str())),
        ];
        self.component("Flow", Some(listed), &values);
        let start = content.properties.child("start");
        let started = |element: &str| start.and_then(|start| start.given(element));
        let entity = self.entity_of(started("object").unwrap_or_default());
        let entity = Some(entity).filter(|entity| !entity.link.is_empty());
        let values = [
            ("DurableId", name),
            ("ApiName", name),
            ("Label", label),
            ("ProcessType", said("processType")),
            ("TriggerType", started("triggerType")),
            (
                "TriggerObjectOrEventId",
                entity.as_ref().map(|entity| entity.durable.as_str()),
            ),
            ("Link", entity.as_ref().map(|entity| entity.link.as_str())),
            (
                "TriggerObjectOrEventLabel",
                entity.as_ref().map(|entity| entity.label.as_str()),
            ),
            ("RecordTriggerType", started("recordTriggerType")),
            ("IsActive", Some(if on { "true" } else { "false" })),
            ("ActiveVersionId", active),
            ("LatestVersionId", latest),
            ("VersionNumber", Some("1")),
        ];
        let view = Listed {
            id: String::new(),
            ..listed.clone()
        };
        self.component("FlowDefinitionView", Some(&view), &values);
    }
}
