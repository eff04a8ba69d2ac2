//! The rows of computed objects.

use std::collections::HashMap;

use super::data_type::data_type;
use crate::{
    api::write::id_text,
    clock::utc_datetime,
    metadata::{
        catalogue::{Catalogue, Listed},
        kind::Kind as Component,
    },
    org::Org,
    save::Caller,
    schema::{Field, Kind, Object, Schema, Trait},
    store::{Store, row::RowWriter},
};

/// `Id` of what is no record: an object or a field.
const NO_ID: &str = "000000000000000AAA";

/// Every row of every computed object, as the caller's session sees them.
pub(super) fn fill(org: &Org, caller: &Caller, schema: &Schema) -> Store {
    let declared: &Schema = &org.schema;
    let rules = std::sync::Arc::clone(&org.rules.read());
    org.catalogue(|catalogue| {
        let mut rows = Rows {
            schema,
            store: Store::new(schema),
            entities: HashMap::new(),
            known: HashMap::new(),
        };
        rows.know(catalogue, "CustomObject");
        rows.know(catalogue, "CustomField");
        for object in &declared.objects {
            if !object.removed() && !object.hidden {
                rows.entity(declared, object);
            }
        }
        rows.automation(catalogue);
        rows.permissions(|name| caller.may(name) || rules.grants.has(name, &caller.user));
        rows.store
    })
}

/// How an object is referred to.
#[derive(Clone, Debug, Default)]
pub(super) struct Entity {
    /// `DurableId`
    pub durable: String,
    /// What a relationship holds.
    pub link: String,
    pub label: String,
}

/// Rows in the making.
pub(super) struct Rows<'a> {
    /// The declarations of the computed objects.
    pub schema: &'a Schema,
    store: Store,
    /// By name in lower case.
    entities: HashMap<String, Entity>,
    /// Components by type and full name, in lower case.
    known: HashMap<(&'static str, String), Listed>,
}

impl Rows<'_> {
    /// Remembers the Ids and times of a type's components.
    fn know(&mut self, catalogue: &Catalogue<'_>, kind: &'static str) {
        let listed = Component::named(kind).map(|kind| catalogue.list(kind));
        for listed in listed.into_iter().flatten() {
            self.known
                .insert((kind, listed.name.to_ascii_lowercase()), listed);
        }
    }

    /// Adds a row: texts by field name; what is not named is null, or false. Components have an Id of their own, what
    /// relationships refer to has one by its place. The place's Id.
    pub(super) fn add(&mut self, object: &str, values: &[(&str, Option<&str>)]) -> String {
        let Some((at, declared)) = self.schema.find(object) else {
            return String::new();
        };
        let id = id_text(declared, self.store.next_slot(at));
        let mut writer = RowWriter::default();
        for field in &declared.fields {
            // A field without a name keeps a relationship.
            let name = if field.name.is_empty() {
                "Link"
            } else {
                &field.name
            };
            let value = values.iter().find(|(own, _)| *own == name);
            let value = value.and_then(|(_, value)| *value);
            match (field.kind, value) {
                (Kind::Id, None) => writer.cell(Some(id.as_bytes())),
                (Kind::Boolean, None) => writer.cell(Some(b"false")),
                (_, value) => writer.cell(value.map(str::as_bytes)),
            }
        }
        if let Some(table) = self.store.table_mut(at) {
            table.push(writer.finish());
        }
        id
    }

    /// An object and its fields.
    fn entity(&mut self, declared: &Schema, object: &Object) {
        let stem = stem(&object.name);
        let custom = object.custom().then(|| {
            let key = ("CustomObject", object.name.to_ascii_lowercase());
            let listed = self.known.get(&key).cloned();
            self.component(
                "CustomObject",
                listed.as_ref(),
                &[("DeveloperName", Some(stem))],
            )
        });
        // Custom objects are known by the first 15 characters of their Id.
        let durable = custom.as_deref().and_then(|id| id.get(..15));
        let durable = durable.unwrap_or(&object.name);
        let label = object.label();
        let flag = |on: bool| Some(if on { "true" } else { "false" });
        let can = |letter: char| flag(object.can(letter));
        let sharing = if object.field("OwnerId").is_some() {
            "ReadWrite"
        } else {
            "ControlledByParent"
        };
        let mut prefix = object.key_prefix.as_deref();
        if prefix == Some("") {
            prefix = None;
        }
        let values = [
            ("Id", Some(NO_ID)),
            ("DurableId", Some(durable)),
            ("QualifiedApiName", Some(object.name.as_str())),
            ("DeveloperName", Some(stem)),
            ("MasterLabel", Some(label.as_str())),
            ("Label", Some(label.as_str())),
            ("PluralLabel", Some(label.as_str())),
            ("DeploymentStatus", object.custom().then_some("Deployed")),
            ("KeyPrefix", prefix),
            ("InternalSharingModel", Some(sharing)),
            ("ExternalSharingModel", Some("Private")),
            ("IsCustomizable", can('L')),
            ("IsApexTriggerable", can('T')),
            ("IsWorkflowEnabled", can('T')),
            ("IsProcessEnabled", can('T')),
            ("IsCompactLayoutable", can('L')),
            ("IsCustomSetting", flag(object.custom_setting)),
            ("IsReplicateable", can('P')),
            ("IsRetrieveable", can('R')),
            ("IsSearchLayoutable", can('S')),
            ("IsSearchable", can('S')),
            ("IsTriggerable", can('T')),
            ("IsIdEnabled", flag(true)),
            ("IsEverCreatable", can('C')),
            ("IsEverUpdatable", can('U')),
            ("IsEverDeletable", can('D')),
            ("IsFeedEnabled", can('F')),
            ("IsQueryable", can('Q')),
            ("IsMruEnabled", can('L')),
            ("IsLayoutable", can('L')),
        ];
        let entity = Entity {
            link: self.add("EntityDefinition", &values),
            durable: durable.to_owned(),
            label,
        };
        let own = format!("{}History", object.name);
        let kept =
            declared.find(&own).is_some() || declared.find(&format!("{stem}__History")).is_some();
        for (_, field) in object.live_fields() {
            // The parts of an address or of a name are no fields of their own here.
            if field.compound.is_none() {
                let tracked = kept && field.name.ends_with("__c");
                self.field(declared, object, &entity, field, tracked);
            }
        }
        self.entities
            .insert(object.name.to_ascii_lowercase(), entity);
    }

    /// A row of a component, with its Id and times; its Id.
    pub(super) fn component(
        &mut self,
        object: &str,
        listed: Option<&Listed>,
        values: &[(&str, Option<&str>)],
    ) -> String {
        let created = listed.map(|listed| utc_datetime(listed.created.at_ms));
        let modified = listed.map(|listed| utc_datetime(listed.modified.at_ms));
        let id = listed
            .map(|listed| listed.id.as_str())
            .filter(|id| !id.is_empty());
        let mut all = values.to_vec();
        all.extend([
            ("Id", id),
            ("ManageableState", Some("unmanaged")),
            ("CreatedDate", created.as_deref()),
            (
                "CreatedById",
                listed.map(|listed| listed.created.user.as_str()),
            ),
            ("LastModifiedDate", modified.as_deref()),
            (
                "LastModifiedById",
                listed.map(|listed| listed.modified.user.as_str()),
            ),
        ]);
        let place = self.add(object, &all);
        id.map_or(place, str::to_owned)
    }

    /// The object called `name`; one without an Id if there is none.
    pub(super) fn entity_of(&self, name: &str) -> Entity {
        let found = self.entities.get(&name.to_ascii_lowercase());
        found.cloned().unwrap_or_default()
    }

    fn field(
        &mut self,
        declared: &Schema,
        object: &Object,
        entity: &Entity,
        field: &Field,
        tracked: bool,
    ) {
        let durable = entity.durable.as_str();
        let stem = stem(&field.name);
        // `Owner`, but `Id`.
        let stem = match field.kind {
            Kind::Reference => stem.strip_suffix("Id").unwrap_or(stem),
            _ => stem,
        };
        let full = format!("{}.{}", object.name, field.name);
        let listed = self
            .known
            .get(&("CustomField", full.to_ascii_lowercase()))
            .cloned();
        let id = field.name.ends_with("__c").then(|| {
            let values = [
                ("DeveloperName", Some(stem)),
                ("TableEnumOrId", Some(durable)),
                ("EntityDefinitionId", Some(durable)),
                ("Link", Some(entity.link.as_str())),
            ];
            self.component("CustomField", listed.as_ref(), &values)
        });
        let changed = listed.map(|listed| utc_datetime(listed.modified.at_ms));
        let own = id.as_deref().and_then(|id| id.get(..15));
        let own = format!("{durable}.{}", own.unwrap_or(stem));
        let label = field.label();
        let kind = data_type(declared, &object.name, field);
        let length = field.length.to_string();
        let precision = field.precision.to_string();
        let scale = field.scale.to_string();
        let flag = |on: bool| Some(if on { "true" } else { "false" });
        let named = field.is(Trait::Title);
        let values = [
            ("Id", Some(NO_ID)),
            ("DurableId", Some(own.as_str())),
            ("QualifiedApiName", Some(field.name.as_str())),
            ("EntityDefinitionId", Some(durable)),
            ("Link", Some(entity.link.as_str())),
            ("DeveloperName", Some(stem)),
            ("MasterLabel", Some(label.as_str())),
            ("Label", Some(label.as_str())),
            ("Length", Some(length.as_str())),
            ("DataType", Some(kind.as_str())),
            ("ValueTypeId", Some(field.kind.name())),
            ("ExtraTypeInfo", field.extra.as_deref()),
            (
                "Precision",
                field.kind.decimal().then_some(precision.as_str()),
            ),
            ("Scale", field.kind.decimal().then_some(scale.as_str())),
            ("RelationshipName", field.relationship.as_deref()),
            ("LastModifiedDate", changed.as_deref()),
            ("IsCalculated", flag(field.formula.is_some())),
            ("IsHtmlFormatted", flag(field.is(Trait::Html))),
            ("IsNameField", flag(named)),
            ("IsNillable", flag(!field.is(Trait::Required))),
            ("IsWorkflowFilterable", flag(field.filterable())),
            ("IsCompactLayoutable", flag(object.can('L'))),
            ("IsFieldHistoryTracked", flag(tracked)),
            ("IsIndexed", flag(indexed(field))),
            ("IsApiFilterable", flag(field.filterable())),
            ("IsApiSortable", flag(field.sortable())),
            ("IsApiGroupable", flag(field.groupable())),
            ("IsListFilterable", flag(field.filterable())),
            ("IsListSortable", flag(field.sortable())),
            ("IsListVisible", flag(object.can('L'))),
            ("IsCompound", flag(field.kind.compound())),
            ("IsPolymorphicForeignKey", flag(field.polymorphic())),
        ];
        self.add("FieldDefinition", &values);
    }

    fn permissions(&mut self, has: impl Fn(&str) -> bool) {
        let Some((_, object)) = self.schema.find("UserPermissionAccess") else {
            return;
        };
        let names = object.fields.iter().filter_map(|field| {
            let permission = field.name.strip_prefix("Permissions")?;
            Some((field.name.as_str(), has(permission).then_some("true")))
        });
        let values: Vec<(&str, Option<&str>)> = names.collect();
        self.add("UserPermissionAccess", &values);
    }
}

/// `DeveloperName`: the name without what marks it as custom.
fn stem(name: &str) -> &str {
    name.strip_suffix("__c").unwrap_or(name)
}

/// As recorded fields show it: keys, names, and those times of the system that queries by time use.
fn indexed(field: &Field) -> bool {
    match field.kind {
        Kind::Id => true,
        Kind::Reference => !matches!(
            field.name.as_str(),
            "CreatedById" | "LastModifiedById" | "MasterRecordId"
        ),
        _ => {
            field.is(Trait::Title)
                || field.is(Trait::External)
                || matches!(field.name.as_str(), "CreatedDate" | "SystemModstamp")
        }
    }
}
