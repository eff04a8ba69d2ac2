//! Describe types and what follows from them.

use serde::{Deserialize, Serialize};

/// The type of a field, as describe names it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Kind {
    /// `id`
    Id,
    /// `string`
    #[default]
    Text,
    /// `textarea`
    TextArea,
    /// `boolean`
    Boolean,
    /// `int`
    Int,
    /// `double`
    Double,
    /// `currency`
    Currency,
    /// `percent`
    Percent,
    /// `date`
    Date,
    /// `datetime`
    DateTime,
    /// `time`
    Time,
    /// `reference`
    Reference,
    /// `picklist`
    Picklist,
    /// `multipicklist`
    MultiPicklist,
    /// `combobox`
    Combobox,
    /// `phone`
    Phone,
    /// `url`
    Url,
    /// `email`
    Email,
    /// `base64`
    Base64,
    /// `anyType`
    AnyType,
    /// `address`
    Address,
    /// `location`
    Location,
    /// `complexvalue`
    Complex,
}

impl Kind {
    /// Every type, for look-ups by name.
    const ALL: [Self; 23] = [
        Self::Id,
        Self::Text,
        Self::TextArea,
        Self::Boolean,
        Self::Int,
        Self::Double,
        Self::Currency,
        Self::Percent,
        Self::Date,
        Self::DateTime,
        Self::Time,
        Self::Reference,
        Self::Picklist,
        Self::MultiPicklist,
        Self::Combobox,
        Self::Phone,
        Self::Url,
        Self::Email,
        Self::Base64,
        Self::AnyType,
        Self::Address,
        Self::Location,
        Self::Complex,
    ];

    /// The type that describe calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Describe's `type`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Text => "string",
            Self::TextArea => "textarea",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Time => "time",
            Self::Reference => "reference",
            Self::Picklist => "picklist",
            Self::MultiPicklist => "multipicklist",
            Self::Combobox => "combobox",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Email => "email",
            Self::Base64 => "base64",
            Self::AnyType => "anyType",
            Self::Address => "address",
            Self::Location => "location",
            Self::Complex => "complexvalue",
        }
    }

    /// Describe's `soapType`.
    pub(crate) const fn soap(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Boolean => "xsd:boolean",
            Self::Int => "xsd:int",
            Self::Double | Self::Currency | Self::Percent => "xsd:double",
            Self::Date => "xsd:date",
            Self::DateTime => "xsd:dateTime",
            Self::Time => "xsd:time",
            Self::Base64 => "xsd:base64Binary",
            Self::AnyType => "xsd:anyType",
            Self::Address => "urn:address",
            Self::Location => "urn:location",
            Self::Complex => "urn:ChangeEventHeader",
            _ => "xsd:string",
        }
    }

    /// Numbers with a decimal point.
    pub(crate) const fn decimal(self) -> bool {
        matches!(self, Self::Double | Self::Currency | Self::Percent)
    }

    /// Everything that JSON shows as a number.
    pub(crate) const fn numeric(self) -> bool {
        self.decimal() || matches!(self, Self::Int)
    }

    /// Types that have a length in characters.
    pub(crate) const fn textual(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::TextArea
                | Self::Picklist
                | Self::MultiPicklist
                | Self::Combobox
                | Self::Phone
                | Self::Url
                | Self::Email
        )
    }

    /// Made of other fields, so the store keeps nothing for it.
    pub(crate) const fn compound(self) -> bool {
        matches!(self, Self::Address | Self::Location)
    }

    pub(super) const fn filterable(self) -> bool {
        !matches!(self, Self::Base64 | Self::AnyType | Self::Complex)
    }

    pub(super) const fn sortable(self) -> bool {
        !matches!(
            self,
            Self::Base64 | Self::Complex | Self::MultiPicklist | Self::Address | Self::Location
        )
    }

    pub(super) const fn groupable(self) -> bool {
        self.filterable()
            && self.sortable()
            && !self.decimal()
            && !matches!(self, Self::DateTime | Self::Time)
    }
}
