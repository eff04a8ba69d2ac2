//! What each version of a record changed, and who changed it.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_catalog::Catalog;
use holdfast_model::{
    ErrorCode, Failure, ObjectName, ObjectSchema, OrgName, SalesforceId, SegmentEntry, Stamp,
};
use holdfast_plan::{Change, ComparedFields, FieldClass, Ignore};
use holdfast_runtime::Environment;
use holdfast_vault::{Fields, Filter, Vault, Version};
use serde::Serialize;

/// The field that says who made a version.
const CHANGED_BY: &str = "LastModifiedById";

/// A version, and how it came about.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    #[serde(flatten)]
    version: Version,
    /// Who made it, where the record says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_by: Option<Named>,
    /// What it changed of the version before it; nothing for the first.
    changes: Vec<Change>,
    /// What the record pointed to then, by field. Empty unless names are asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    references: BTreeMap<String, Named>,
}

/// A record and what people call it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Named {
    pub(crate) id: SalesforceId,
    /// Nothing when it is not stored, or has no name.
    pub(crate) name: Option<String>,
}

/// The fields in which one version differs from an older one.
fn changes(fields: &ComparedFields, older: &Version, newer: &Version) -> Vec<Change> {
    let mut changes = fields.changes(texts(older), texts(newer));
    // Fields that the object has no more.
    let names: BTreeSet<_> = older.fields.keys().chain(newer.fields.keys()).collect();
    for name in names
        .into_iter()
        .filter(|name| *name != "Id" && !fields.has_left(name))
    {
        let text = |version: &Version| version.fields.get(name).cloned().flatten();
        let (left, right) = (text(older), text(newer));
        if left != right {
            changes.push(Change {
                field: name.clone(),
                class: FieldClass::Content,
                left,
                right,
            });
        }
    }
    changes
}

fn texts(version: &Version) -> impl Iterator<Item = (&str, Option<&str>)> {
    let fields = version.fields.iter();
    fields.map(|(name, text)| (name.as_str(), text.as_deref()))
}

/// Tells of the versions of an object's records, and of what they pointed to.
pub(crate) struct History<'a> {
    environment: &'a Environment,
    pub(crate) org: &'a OrgName,
    /// Objects and fields that point to the object.
    pub(crate) children: Vec<(ObjectName, String)>,
    fields: ComparedFields,
    /// Fields that point to a record, with the objects that it may belong to.
    references: Vec<(String, Vec<ObjectName>)>,
    /// What was looked up so far; nothing for objects whose records have no name, or that are not stored.
    named: BTreeMap<ObjectName, Option<NamedObject>>,
}

/// An object whose records people call by a name.
#[derive(Clone)]
struct NamedObject {
    field: String,
    segments: Vec<SegmentEntry>,
}

impl<'a> History<'a> {
    /// The schema is the newest of the object.
    pub(crate) async fn open(
        environment: &'a Environment,
        org: &'a OrgName,
        object: &ObjectName,
    ) -> Result<Self, Failure> {
        let item = environment.catalog().object(org, object).await?;
        let hash = item.and_then(|item| item.facts?.schema).ok_or_else(|| {
            Failure::new(
                ErrorCode::RecordUnknown,
                format!("the object was never described: `{object}`"),
            )
        })?;
        let schema = environment.vault(org).await?.schema(object, &hash).await?;
        let children = schema.children.iter().filter_map(|relationship| {
            let child = ObjectName::parse(relationship.child.as_str()).ok()?;
            Some((child, relationship.field.clone()))
        });
        Ok(Self {
            environment,
            org,
            fields: ComparedFields::of(Some(&schema), Some(&schema), &Ignore::default()),
            references: references_of(&schema),
            children: children.collect(),
            named: BTreeMap::new(),
        })
    }

    /// The fields in which one version differs from an older one.
    pub(crate) fn changes(&self, older: &Version, newer: &Version) -> Vec<Change> {
        changes(&self.fields, older, newer)
    }

    /// Tells of a version, next to the one before it; with the names of what it pointed to, if asked for.
    pub(crate) async fn tell(
        &mut self,
        version: Version,
        older: Option<&Version>,
        with_names: bool,
    ) -> Result<Told, Failure> {
        let changes = older.map_or_else(Vec::new, |older| self.changes(older, &version));
        let id_in = |field: &str| {
            let text = version.fields.get(field)?.as_ref()?;
            SalesforceId::parse(text.as_bytes()).ok()
        };
        let changed_by = id_in(CHANGED_BY).map(|id| Named { id, name: None });
        let mut references = BTreeMap::new();
        if with_names {
            let pointing = self.references.clone().into_iter();
            for (field, objects) in pointing {
                if let Some(id) = id_in(&field) {
                    let name = self.name(id, &objects, version.modstamp).await?;
                    references.insert(field, Named { id, name });
                }
            }
        }
        let known = references.get(CHANGED_BY).cloned();
        Ok(Told {
            changed_by: known.or(changed_by),
            version,
            changes,
            references,
        })
    }

    /// What a record was called at a time.
    pub(crate) async fn name(
        &mut self,
        id: SalesforceId,
        objects: &[ObjectName],
        at: Stamp,
    ) -> Result<Option<String>, Failure> {
        for object in objects {
            let Some(NamedObject { field, segments }) = self.named(object).await? else {
                continue;
            };
            let ids = Filter::Ids(BTreeSet::from([id]));
            let vault = self.vault().await?;
            let mut scan = vault.scan(&segments, at, Fields::Named(&[&field]), ids);
            if let Some(row) = scan.next().await? {
                return Ok(row.field(&field).map(ToOwned::to_owned));
            }
        }
        Ok(None)
    }

    async fn named(&mut self, object: &ObjectName) -> Result<Option<NamedObject>, Failure> {
        if let Some(known) = self.named.get(object) {
            return Ok(known.clone());
        }
        let mut named = None;
        if let Some(schema) = self.schema_of(object).await?
            && let Some(field) = schema.stored_fields().find(|field| field.name_field)
        {
            named = Some(NamedObject {
                field: field.name.clone(),
                segments: self.catalog().segments(self.org, object).await?,
            });
        }
        self.named.insert(object.clone(), named.clone());
        Ok(named)
    }

    /// The newest schema of an object, if it is described.
    pub(crate) async fn schema_of(
        &self,
        object: &ObjectName,
    ) -> Result<Option<ObjectSchema>, Failure> {
        let item = self.catalog().object(self.org, object).await?;
        match item.and_then(|item| item.facts?.schema) {
            Some(hash) => Ok(Some(self.vault().await?.schema(object, &hash).await?)),
            None => Ok(None),
        }
    }

    pub(crate) fn catalog(&self) -> &'a Catalog {
        self.environment.catalog()
    }

    pub(crate) async fn vault(&self) -> Result<Vault, Failure> {
        self.environment.vault(self.org).await
    }
}

/// Fields that point to a record, with the objects that it may belong to.
pub(crate) fn references_of(schema: &ObjectSchema) -> Vec<(String, Vec<ObjectName>)> {
    let objects = |names: &[String]| {
        let parsed = names.iter().map(|name| ObjectName::parse(name.as_str()));
        parsed.filter_map(Result::ok).collect::<Vec<_>>()
    };
    let references = schema
        .stored_fields()
        .map(|field| (field.name.clone(), objects(&field.reference_to)));
    references
        .filter(|(_, objects)| !objects.is_empty())
        .collect()
}
