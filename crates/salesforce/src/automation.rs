//! Automation of the org: what there is, whether it is on, and switching it.
//!
//! Validation rules, workflow rules and flows are switched by the Tooling API, with all of their `Metadata`; duplicate rules by the
//! Metadata API; triggers by a deployment, which takes its time and its turn; users by their records.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_model::{
    Automation, AutomationKind, ErrorCode, Failure, ObjectName, SalesforceId, Switch,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::metadata::{COMPONENTS_PER_CALL, Record};
use crate::rows::damaged;
use crate::triggers::{Source, package};

/// Names in the filter of one query, whose text has to fit into an address.
const NAMES_PER_QUERY: usize = 100;
/// The characters of an Id that count.
const ID_CHARS: usize = 15;
const DUPLICATE_RULE: &str = "DuplicateRule";
const IS_ACTIVE: &str = "isActive";
/// As Salesforce calls components that came with a package and cannot be changed.
const INSTALLED: &str = "installed";

/// Automation as it is in the org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which one; of a flow that is on, with the version.
    pub automation: Automation,
    /// Whether it runs.
    pub is_on: bool,
    /// Whether it came with a package: then nobody but its maker can switch it.
    pub is_managed: bool,
    /// Of its row in the Tooling API, or of the user; nothing for duplicate rules.
    pub(crate) id: String,
}

/// What setup is asked about.
#[derive(Debug, Clone)]
pub struct Entities {
    /// Objects by the names and Ids by which setup refers to them.
    objects: BTreeMap<String, ObjectName>,
    users: BTreeSet<SalesforceId>,
}

impl Entities {
    /// The same, and these users.
    #[must_use]
    pub fn with_users(self, users: BTreeSet<SalesforceId>) -> Self {
        Self { users, ..self }
    }

    fn object(&self, entity: Option<&str>) -> Option<&ObjectName> {
        let entity = entity?;
        // Custom objects have an Id there, in either length.
        let short = entity.get(..ID_CHARS).unwrap_or(entity);
        let found = self.objects.get(entity);
        found.or_else(|| self.objects.get(short))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EntityRow {
    durable_id: String,
    qualified_api_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TriggerRow {
    id: String,
    name: String,
    table_enum_or_id: Option<String>,
    status: String,
    manageable_state: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ValidationRow {
    id: String,
    validation_name: String,
    entity_definition_id: Option<String>,
    active: bool,
    manageable_state: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WorkflowRow {
    id: String,
    name: String,
    table_enum_or_id: Option<String>,
    manageable_state: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FlowRow {
    api_name: String,
    trigger_object_or_event_id: Option<String>,
    is_active: bool,
    namespace_prefix: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DefinitionRow {
    id: String,
    developer_name: String,
}

impl Client {
    /// How setup refers to these objects.
    pub async fn entities<'o>(
        &self,
        objects: impl IntoIterator<Item = &'o ObjectName>,
    ) -> Result<Entities, Failure> {
        let names: Vec<_> = objects.into_iter().map(ObjectName::as_str).collect();
        let mut entities = BTreeMap::new();
        for names in names.chunks(NAMES_PER_QUERY) {
            let soql = format!(
                "SELECT DurableId, QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName IN ({})",
                quoted(names)
            );
            for row in self.tooling::<EntityRow>(&soql).await? {
                let object = ObjectName::parse(row.qualified_api_name)?;
                entities.insert(row.durable_id, object);
            }
        }
        Ok(Entities {
            objects: entities,
            users: BTreeSet::new(),
        })
    }

    /// All automation of a kind of these objects, on or off; that these users are inactive.
    pub async fn automation(
        &self,
        kind: AutomationKind,
        entities: &Entities,
    ) -> Result<Vec<Found>, Failure> {
        match kind {
            AutomationKind::Triggers => self.triggers(entities).await,
            AutomationKind::Flows => self.flows(entities).await,
            AutomationKind::WorkflowRules => self.workflow_rules(entities).await,
            AutomationKind::ValidationRules => self.validation_switches(entities).await,
            AutomationKind::DuplicateRules => self.duplicate_rules(entities).await,
            AutomationKind::InactiveOwners => self.deactivations(&entities.users).await,
        }
    }

    /// Switches one that is no trigger; a flow to the version that it names. Twice is as good as once.
    ///
    /// # Errors
    /// Those of a call; `AUTOMATION_STAYS_ON` when Salesforce refuses a duplicate rule or a user.
    pub async fn switch(
        &self,
        found: &Found,
        switch: Switch,
        version: Option<u32>,
    ) -> Result<(), Failure> {
        let active = || ("active", json!(switch.is_on()));
        let (object, (element, value)) = match found.automation.kind {
            AutomationKind::Triggers => {
                let message = "a trigger is switched by a deployment";
                return Err(Failure::new(ErrorCode::Internal, message));
            }
            AutomationKind::DuplicateRules => {
                return self.switch_duplicate_rule(found, switch).await;
            }
            AutomationKind::InactiveOwners => {
                return self.switch_deactivation(found, switch).await;
            }
            AutomationKind::WorkflowRules => ("WorkflowRule", active()),
            AutomationKind::ValidationRules => ("ValidationRule", active()),
            AutomationKind::Flows => {
                // 0 is no version (Metadata API guide, `FlowDefinition`).
                let version = version.filter(|_| switch.is_on()).unwrap_or_default();
                ("FlowDefinition", ("activeVersionNumber", json!(version)))
            }
        };
        let mut metadata = self.whole(object, &found.id).await?;
        metadata.insert(element.to_owned(), value);
        self.set_metadata(object, &found.id, &metadata).await
    }

    /// Begins to switch triggers, all of them or none, and gives the Id of the deployment.
    pub async fn deploy_triggers(
        &self,
        triggers: &[Found],
        switch: Switch,
    ) -> Result<String, Failure> {
        let mut sources = Vec::new();
        for trigger in triggers {
            let component = self.component("ApexTrigger", &trigger.id).await?;
            let (Some(body), Some(metadata)) = (component.body, component.metadata) else {
                return Err(damaged("a trigger has no source"));
            };
            sources.push(Source {
                name: trigger.automation.name.clone(),
                body,
                metadata,
            });
        }
        let version = self.api_version().as_str().trim_start_matches('v');
        self.deploy(&package(&sources, version, switch)?).await
    }

    async fn triggers(&self, entities: &Entities) -> Result<Vec<Found>, Failure> {
        let soql = "SELECT Id, Name, TableEnumOrId, Status, ManageableState FROM ApexTrigger";
        let rows = self.tooling::<TriggerRow>(soql).await?.into_iter();
        let found = rows.filter_map(|row| {
            let object = entities.object(row.table_enum_or_id.as_deref())?;
            Some(Found {
                automation: automation(AutomationKind::Triggers, object, row.name),
                is_on: row.status == "Active",
                is_managed: row.manageable_state.as_deref() == Some(INSTALLED),
                id: row.id,
            })
        });
        Ok(found.collect())
    }

    async fn validation_switches(&self, entities: &Entities) -> Result<Vec<Found>, Failure> {
        let soql = "SELECT Id, ValidationName, EntityDefinitionId, Active, ManageableState FROM ValidationRule";
        let rows = self.tooling::<ValidationRow>(soql).await?.into_iter();
        let found = rows.filter_map(|row| {
            let object = entities.object(row.entity_definition_id.as_deref())?;
            Some(Found {
                automation: automation(
                    AutomationKind::ValidationRules,
                    object,
                    row.validation_name,
                ),
                is_on: row.active,
                is_managed: row.manageable_state.as_deref() == Some(INSTALLED),
                id: row.id,
            })
        });
        Ok(found.collect())
    }

    /// Whether one is on is told by itself only (Tooling API guide, `WorkflowRule`).
    async fn workflow_rules(&self, entities: &Entities) -> Result<Vec<Found>, Failure> {
        let soql = "SELECT Id, Name, TableEnumOrId, ManageableState FROM WorkflowRule";
        let mut found = Vec::new();
        for row in self.tooling::<WorkflowRow>(soql).await? {
            let Some(object) = entities.object(row.table_enum_or_id.as_deref()) else {
                continue;
            };
            let metadata = self.whole("WorkflowRule", &row.id).await?;
            found.push(Found {
                automation: automation(AutomationKind::WorkflowRules, object, row.name),
                is_on: metadata.get("active") == Some(&Value::Bool(true)),
                is_managed: row.manageable_state.as_deref() == Some(INSTALLED),
                id: row.id,
            });
        }
        Ok(found)
    }

    async fn flows(&self, entities: &Entities) -> Result<Vec<Found>, Failure> {
        let soql = "SELECT ApiName, TriggerObjectOrEventId, IsActive, NamespacePrefix FROM FlowDefinitionView";
        let rows = self.tooling::<FlowRow>(soql).await?.into_iter();
        let rows = rows.filter_map(|row| {
            let object = entities.object(row.trigger_object_or_event_id.as_deref())?;
            Some((object, row))
        });
        let rows: Vec<_> = rows.collect();
        let names: Vec<_> = rows.iter().map(|(_, row)| row.api_name.as_str()).collect();
        let mut ids = BTreeMap::new();
        for names in names.chunks(NAMES_PER_QUERY) {
            let soql = format!(
                "SELECT Id, DeveloperName FROM FlowDefinition WHERE NamespacePrefix = null AND DeveloperName IN ({})",
                quoted(names)
            );
            let definitions = self.tooling::<DefinitionRow>(&soql).await?.into_iter();
            ids.extend(definitions.map(|row| (row.developer_name, row.id)));
        }
        let mut found = Vec::new();
        for (object, row) in rows {
            let is_managed = row.namespace_prefix.is_some();
            let id = ids.get(&row.api_name).filter(|_| !is_managed).cloned();
            let version = match &id {
                Some(id) if row.is_active => self.active_version(id).await?,
                _ => None,
            };
            found.push(Found {
                automation: Automation {
                    version,
                    ..automation(AutomationKind::Flows, object, row.api_name)
                },
                is_on: row.is_active,
                is_managed,
                id: id.unwrap_or_default(),
            });
        }
        Ok(found)
    }

    async fn active_version(&self, id: &str) -> Result<Option<u32>, Failure> {
        let metadata = self.whole("FlowDefinition", id).await?;
        let version = metadata.get("activeVersionNumber").and_then(Value::as_u64);
        let version = version.and_then(|version| u32::try_from(version).ok());
        Ok(version.filter(|version| *version > 0))
    }

    async fn duplicate_rules(&self, entities: &Entities) -> Result<Vec<Found>, Failure> {
        let listed = self.list_metadata(DUPLICATE_RULE).await?.into_iter();
        let listed = listed.filter_map(|rule| {
            let (object, name) = rule.full_name.split_once('.')?;
            let mut objects = entities.objects.values();
            let object = objects.find(|known| known.as_str() == object)?.clone();
            Some((object, name.to_owned(), rule))
        });
        let listed: Vec<_> = listed.collect();
        let mut found = Vec::new();
        for some in listed.chunks(COMPONENTS_PER_CALL) {
            let names: Vec<_> = some
                .iter()
                .map(|(_, _, rule)| rule.full_name.as_str())
                .collect();
            let records = self.read_metadata(DUPLICATE_RULE, &names).await?;
            for (object, name, rule) in some {
                let record = named(&records, &rule.full_name);
                let is_active = record.and_then(|record| record.get(IS_ACTIVE));
                found.push(Found {
                    automation: automation(AutomationKind::DuplicateRules, object, name.clone()),
                    is_on: is_active.as_deref() == Some("true"),
                    is_managed: rule.manageable_state.as_deref() == Some(INSTALLED),
                    id: String::new(),
                });
            }
        }
        Ok(found)
    }

    async fn switch_duplicate_rule(&self, found: &Found, switch: Switch) -> Result<(), Failure> {
        let Automation { object, name, .. } = &found.automation;
        let full_name = format!("{object}.{name}");
        let records = self.read_metadata(DUPLICATE_RULE, &[&full_name]).await?;
        let record = named(&records, &full_name);
        let record = record.ok_or_else(|| damaged("a duplicate rule is not shown"))?;
        let is_active = if switch.is_on() { "true" } else { "false" };
        let changed = record.with(IS_ACTIVE, is_active);
        let updated = self.update_metadata(DUPLICATE_RULE, &changed).await?;
        updated.map_err(|why| {
            Failure::new(
                ErrorCode::AutomationStaysOn,
                format!("salesforce refused `{}`: {why}", found.automation),
            )
        })
    }

    async fn whole(&self, object: &str, id: &str) -> Result<Map<String, Value>, Failure> {
        let component = self.component(object, id).await?;
        component
            .metadata
            .ok_or_else(|| damaged("a component does not show its metadata"))
    }
}

pub(crate) fn automation(kind: AutomationKind, object: &ObjectName, name: String) -> Automation {
    Automation {
        kind,
        object: object.clone(),
        name,
        version: None,
    }
}

fn named<'r>(records: &'r [Record], full_name: &str) -> Option<&'r Record> {
    let mut records = records.iter();
    records.find(|record| record.get("fullName").as_deref() == Some(full_name))
}

/// API names in a list of SOQL; they have no character that would end the text.
fn quoted(names: &[&str]) -> String {
    let names = names.iter().map(|name| format!("'{name}'"));
    names.collect::<Vec<_>>().join(",")
}
