//! What the generator writes into a field, decided once per object.

use crate::schema::{Field, Kind, Object, Schema, Trait};

/// The writer of one field, chosen once per object.
#[derive(Debug)]
pub(super) enum Shape {
    Null,
    Id,
    Flag(Flag),
    Moment(Moment),
    Reference { targets: Vec<usize>, empty: u64 },
    Aligned(usize),
    MasterRecord,
    RecordType { first: usize },
    Sequence(Vec<String>),
    AutoNumber(String),
    First,
    Last,
    Person,
    Company,
    Street,
    City(usize),
    Code(usize),
    Username,
    Email,
    Phone,
    Url,
    Ip,
    Fixed(&'static str),
    ApiName,
    DataUrl,
    Size(u64),
    Md5(u64),
    Line(usize),
    Area { max: usize, empty: u64 },
    Long(usize),
    Decimal { whole: usize, scale: usize },
    Int(usize),
    Degrees(u64),
    Date,
    DateTime,
    Time,
    Pick { values: Vec<String>, empty: u64 },
    Several(Vec<String>),
}

/// Truth values.
#[derive(Debug)]
pub(super) enum Flag {
    Deleted,
    Archived,
    Always,
    Percent(u64),
}

/// Dates that belong together.
#[derive(Debug)]
pub(super) enum Moment {
    Created,
    Modified,
    Stamp,
}

impl Shape {
    pub(super) fn of(schema: &Schema, object: &Object, field: &Field) -> Self {
        if object.name == "RecordType" {
            let names = schema
                .with_record_types()
                .filter_map(|at| Some(schema.object(at)?.name.clone()));
            match field.name.as_str() {
                "SobjectType" => {
                    return Self::Sequence(names.flat_map(|n| [n.clone(), n]).collect());
                }
                "Name" | "DeveloperName" => {
                    return Self::Sequence(vec!["Standard".into(), "Special".into()]);
                }
                _ => {}
            }
        }
        if !field.sequence.is_empty() {
            return Self::Sequence(field.sequence.clone());
        }
        if let Some(format) = &field.auto_number {
            return Self::AutoNumber(format.clone());
        }
        let stream = || {
            let owner = if object.name == "ContentDocument" {
                "ContentVersion"
            } else {
                &object.name
            };
            schema.find(owner).map_or(0, |(at, _)| at)
        };
        if let Some(shape) = Self::named(field, stream) {
            return shape;
        }
        Self::by_name(schema, object, field).unwrap_or_else(|| Self::by_kind(field))
    }

    /// The shapes that a declaration asks for with `gen=`.
    fn named(field: &Field, stream: impl Fn() -> usize) -> Option<Self> {
        Some(match field.shape.as_str() {
            "company" => Self::Company,
            "person" => Self::Person,
            "first" => Self::First,
            "last" => Self::Last,
            "street" => Self::Street,
            "city" => Self::City(0),
            "state" => Self::City(1),
            "postal" => Self::City(2),
            "country" => Self::City(3),
            "code" => Self::Code(field.length),
            "username" => Self::Username,
            "ip" => Self::Ip,
            "version" => Self::Fixed("60.0"),
            "one" => Self::Fixed("1"),
            "false" => Self::Fixed("false"),
            "extension" => Self::Fixed("txt"),
            "apiname" => Self::ApiName,
            "dataurl" => Self::DataUrl,
            "size" => Self::Size(stream() as u64),
            "md5" => Self::Md5(stream() as u64),
            _ => return None,
        })
    }

    /// System fields, whose meaning follows from their name.
    fn by_name(schema: &Schema, object: &Object, field: &Field) -> Option<Self> {
        let aligned = |target| schema.find(target).map(|(at, _)| Self::Aligned(at));
        Some(match (object.name.as_str(), field.name.as_str()) {
            ("ContentVersion" | "ContentDocumentLink", "ContentDocumentId") => {
                aligned("ContentDocument")?
            }
            ("ContentDocument", "LatestPublishedVersionId") => aligned("ContentVersion")?,
            (_, "Id") => Self::Id,
            (_, "IsDeleted") => Self::Flag(Flag::Deleted),
            (_, "IsArchived") if object.field("ActivityDate").is_some() => {
                Self::Flag(Flag::Archived)
            }
            // One at most is the primary one, which chance does not know.
            ("OpportunityContactRole" | "AccountContactRole", "IsPrimary") => {
                Self::Flag(Flag::Percent(0))
            }
            (_, "IsLatest" | "IsActive" | "PermissionsApiEnabled") => Self::Flag(Flag::Always),
            (_, "CreatedDate" | "LoginTime") => Self::Moment(Moment::Created),
            (_, "LastModifiedDate" | "ContentModifiedDate") => Self::Moment(Moment::Modified),
            (_, "SystemModstamp") => Self::Moment(Moment::Stamp),
            (_, "MasterRecordId") => Self::MasterRecord,
            (_, "RecordTypeId") => {
                let (at, _) = schema.find(&object.name)?;
                Self::RecordType {
                    first: 2 * schema.with_record_types().position(|o| o == at)?,
                }
            }
            (_, "LastViewedDate" | "LastReferencedDate" | "NamespacePrefix") => Self::Null,
            _ => return None,
        })
    }

    fn by_kind(field: &Field) -> Self {
        let empty = if field.is(Trait::Required) { 0 } else { 30 };
        match field.kind {
            Kind::Id => Self::Id,
            Kind::Text | Kind::Combobox if field.formula.is_some() => Self::Fixed("ok"),
            Kind::Text | Kind::Combobox | Kind::AnyType => {
                Self::Line(if field.length == 0 { 255 } else { field.length })
            }
            Kind::TextArea if field.length >= 131_072 => Self::Long(field.length),
            Kind::TextArea => Self::Area {
                max: field.length,
                empty,
            },
            Kind::Boolean => Self::Flag(Flag::Percent(20)),
            Kind::Int => Self::Int(field.length),
            Kind::Double if field.name.contains("Latitude") => Self::Degrees(90),
            Kind::Double if field.name.contains("Longitude") => Self::Degrees(180),
            Kind::Double | Kind::Currency | Kind::Percent => Self::Decimal {
                whole: field.precision.saturating_sub(field.scale),
                scale: field.scale,
            },
            Kind::Date => Self::Date,
            Kind::DateTime => Self::DateTime,
            Kind::Time => Self::Time,
            Kind::Reference => {
                let own = matches!(
                    field.name.as_str(),
                    "ParentId" | "ReportsToId" | "Manager__c" | "Parent_Region__c"
                );
                let empty = match (field.is(Trait::Required) || field.master.is_some(), own) {
                    (true, _) => 0,
                    (_, true) => 60,
                    _ => 15,
                };
                Self::Reference {
                    targets: field.targets.clone(),
                    empty,
                }
            }
            Kind::Picklist if field.values.is_empty() => Self::Fixed("Standard"),
            Kind::Picklist => Self::Pick {
                values: field.values.clone(),
                empty,
            },
            Kind::MultiPicklist => Self::Several(field.values.clone()),
            Kind::Phone => Self::Phone,
            Kind::Url => Self::Url,
            Kind::Email => Self::Email,
            Kind::Base64 | Kind::Address | Kind::Location | Kind::Complex => Self::Null,
        }
    }
}
