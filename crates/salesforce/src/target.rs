//! Describe for writing: what a record must be like to be saved (SOAP guide, `DescribeSObjectResult`, `Field`).

use holdfast_model::limits::FIELDS_MAX;
use holdfast_model::{ErrorCode, Failure, ObjectName, Target, TargetField};
use serde::Deserialize;

use crate::call::Call;
use crate::client::Client;
use crate::describe::{WireChild, or_default};
use crate::rows::damaged;

impl Client {
    /// Describes an object to be written to as this user sees it; nothing when the user does not see it, or it is gone.
    pub async fn describe_target(&self, object: &ObjectName) -> Result<Option<Target>, Failure> {
        let call = Call::get(self.path(&format!("sobjects/{object}/describe")));
        let described: Result<WireTarget, Failure> = self.json(&call).await.map_err(Into::into);
        match described {
            Ok(target) => target.read().map(Some),
            Err(missing) if missing.code == ErrorCode::ObjectGone => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the Salesforce describe"
)]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTarget {
    name: ObjectName,
    key_prefix: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    createable: bool,
    #[serde(default, deserialize_with = "or_default")]
    updateable: bool,
    #[serde(default, deserialize_with = "or_default")]
    deletable: bool,
    #[serde(default, deserialize_with = "or_default")]
    undeletable: bool,
    #[serde(default)]
    fields: Vec<WireField>,
    #[serde(default)]
    child_relationships: Vec<WireChild>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the Salesforce describe"
)]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireField {
    name: String,
    #[serde(rename = "type")]
    field_type: String,
    #[serde(default, deserialize_with = "or_default")]
    length: u32,
    #[serde(default, deserialize_with = "or_default")]
    digits: u32,
    #[serde(default, deserialize_with = "or_default")]
    precision: u32,
    #[serde(default, deserialize_with = "or_default")]
    scale: u32,
    #[serde(default, deserialize_with = "or_default")]
    nillable: bool,
    #[serde(default, deserialize_with = "or_default")]
    createable: bool,
    #[serde(default, deserialize_with = "or_default")]
    updateable: bool,
    #[serde(default, deserialize_with = "or_default")]
    calculated: bool,
    #[serde(default, deserialize_with = "or_default")]
    defaulted_on_create: bool,
    #[serde(default, deserialize_with = "or_default")]
    unique: bool,
    #[serde(default, deserialize_with = "or_default")]
    case_sensitive: bool,
    #[serde(default, deserialize_with = "or_default")]
    restricted_picklist: bool,
    #[serde(default, deserialize_with = "or_default")]
    picklist_values: Vec<WireValue>,
    #[serde(default, deserialize_with = "or_default")]
    reference_to: Vec<String>,
    relationship_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    cascade_delete: bool,
}

#[derive(Deserialize)]
struct WireValue {
    #[serde(default, deserialize_with = "or_default")]
    active: bool,
    value: String,
}

impl WireTarget {
    fn read(self) -> Result<Target, Failure> {
        if self.fields.len() > FIELDS_MAX {
            return Err(damaged("an object has more fields than an object can have"));
        }
        let fields = self.fields.into_iter().map(WireField::read);
        let children = self.child_relationships.into_iter();
        Ok(Target {
            fields: fields.collect::<Result<_, _>>()?,
            children: children.filter_map(WireChild::named).collect(),
            name: self.name,
            key_prefix: self.key_prefix,
            createable: self.createable,
            updateable: self.updateable,
            deletable: self.deletable,
            undeletable: self.undeletable,
        })
    }
}

impl WireField {
    fn read(self) -> Result<TargetField, Failure> {
        // The name goes into queries.
        ObjectName::parse(self.name.as_str()).map_err(|_| damaged("a field name is malformed"))?;
        let active = self.picklist_values.into_iter().filter(|one| one.active);
        let active = active.map(|one| one.value).collect();
        Ok(TargetField {
            values: self.restricted_picklist.then_some(active),
            name: self.name,
            field_type: self.field_type,
            length: self.length,
            digits: self.digits,
            precision: self.precision,
            scale: self.scale,
            nillable: self.nillable,
            createable: self.createable,
            updateable: self.updateable,
            calculated: self.calculated,
            defaulted_on_create: self.defaulted_on_create,
            unique: self.unique,
            case_sensitive: self.case_sensitive,
            reference_to: self.reference_to,
            relationship_name: self.relationship_name,
            cascade_delete: self.cascade_delete,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restricted_picklist_has_the_values_that_are_active() {
        let json = r#"{"name":"Lead","createable":true,"undeletable":true,"fields":[
            {"name":"Rating","type":"picklist","restrictedPicklist":true,"createable":true,"picklistValues":[
                {"active":true,"value":"Hot"},{"active":false,"value":"Cold"}]},
            {"name":"Title","type":"string","length":128,"restrictedPicklist":false,"nillable":true,"createable":true}]}"#;
        let target = serde_json::from_str::<WireTarget>(json).unwrap();
        let target = target.read().unwrap();
        let rating = target.field("rating").unwrap();
        assert_eq!(rating.values, Some(["Hot".to_owned()].into()));
        assert!(rating.is_required());
        let title = target.field("Title").unwrap();
        assert_eq!((title.values.as_ref(), title.is_required()), (None, false));
        assert!(target.undeletable && !target.updateable);
    }

    #[test]
    fn a_field_name_that_is_none_is_damage() {
        let json = r#"{"name":"Lead","fields":[{"name":"a b","type":"string"}]}"#;
        let target = serde_json::from_str::<WireTarget>(json).unwrap();
        assert_eq!(target.read().unwrap_err().code, ErrorCode::DamagedAnswer);
    }
}
