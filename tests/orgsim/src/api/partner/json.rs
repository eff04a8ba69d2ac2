//! REST answers as SOAP prints them. The order of the members is that of the SELECT list, and numbers keep their
//! digits, so the JSON is read member by member and not into a map.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{id, org::Org, schema::Kind, soap::Xml};

/// The members of an object, in order.
pub(super) struct Members<'j>(Vec<(String, &'j RawValue)>);

impl<'j> Members<'j> {
    /// The members of `raw`; none when it is no object.
    pub(super) fn of(raw: &'j RawValue) -> Self {
        serde_json::from_str(raw.get()).unwrap_or(Self(Vec::new()))
    }

    /// The member called `name`.
    pub(super) fn get(&self, name: &str) -> Option<&'j RawValue> {
        self.0
            .iter()
            .find_map(|(member, raw)| (member == name).then_some(*raw))
    }

    /// The text of the member called `name`.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        text(self.get(name)?)
    }

    /// The elements of the list called `name`.
    pub(super) fn list(&self, name: &str) -> Vec<&'j RawValue> {
        self.get(name).map(elements).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// The elements of a list; none when it is no list.
pub(super) fn elements(raw: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// A text without quotes and escapes, or a number or truth value as it is; nothing for null and for structures.
pub(super) fn text(raw: &RawValue) -> Option<String> {
    match raw.get().bytes().next() {
        Some(b'"') => serde_json::from_str(raw.get()).ok(),
        Some(b'n' | b'{' | b'[') | None => None,
        Some(_) => Some(raw.get().to_owned()),
    }
}

/// `+0000` as `Z`.
pub(super) fn datetime(text: &str) -> String {
    match text.strip_suffix("+0000") {
        Some(moment) => format!("{moment}Z"),
        None => text.to_owned(),
    }
}

/// A page of a query: `QueryResult`.
pub(super) fn write_page(xml: &mut Xml, org: &Org, page: &Members<'_>) {
    let next = page.text("nextRecordsUrl");
    let locator = next.as_deref().and_then(|url| url.rsplit('/').next());
    xml.leaf("done", &page.text("done").unwrap_or_default());
    xml.maybe("queryLocator", locator);
    for record in page.list("records") {
        write_record(xml, org, "records", record);
    }
    xml.leaf("size", &page.text("totalSize").unwrap_or_default());
}

/// A record: its type, its Id whether selected or not, and what was selected.
pub(super) fn write_record(xml: &mut Xml, org: &Org, tag: &str, record: &RawValue) {
    let members = Members::of(record);
    let attributes = members.get("attributes").map(Members::of);
    let attributes = attributes.as_ref();
    let kind = attributes
        .and_then(|attributes| attributes.text("type"))
        .unwrap_or_default();
    let url = attributes.and_then(|attributes| attributes.text("url"));
    xml.within(&format!("{tag} xsi:type=\"sf:sObject\""), |xml| {
        xml.leaf("sf:type", &kind);
        xml.maybe("sf:Id", members.text("Id").as_deref());
        for (name, value) in members.0.iter().filter(|(name, _)| name != "attributes") {
            write_value(xml, org, (&kind, url.as_deref()), name, value);
        }
    });
}

fn write_value(
    xml: &mut Xml,
    org: &Org,
    (object, url): (&str, Option<&str>),
    name: &str,
    value: &RawValue,
) {
    let tag = format!("sf:{name}");
    match value.get().bytes().next() {
        Some(b'"') => {
            let value = text(value).unwrap_or_default();
            let found = org.schema.find(object);
            let kind = found.and_then(|(_, object)| Some(object.field(name)?.1.kind));
            match kind {
                Some(Kind::DateTime) => xml.leaf(&tag, &datetime(&value)),
                Some(Kind::Base64) => match url.and_then(|url| body(org, url, name)) {
                    Some(body) => xml.leaf(&tag, &body),
                    None => xml.nil(&tag),
                },
                _ => xml.leaf(&tag, &value),
            }
        }
        Some(b'{') => {
            let members = Members::of(value);
            if members.get("records").is_some() {
                xml.within(&format!("{tag} xsi:type=\"QueryResult\""), |xml| {
                    write_page(xml, org, &members);
                });
            } else if members.get("attributes").is_some() {
                write_record(xml, org, &tag, value);
            } else {
                let place = members.get("latitude").is_some() && members.get("city").is_none();
                let kind = if place { "location" } else { "address" };
                xml.within(&format!("{tag} xsi:type=\"{kind}\""), |xml| {
                    for (name, value) in &members.0 {
                        xml.maybe(name, text(value).as_deref());
                    }
                });
            }
        }
        Some(b'n') | None => xml.nil(&tag),
        Some(_) if object == "AggregateResult" => {
            let kind = if value.get().contains(['.', 'E']) {
                "double"
            } else {
                "int"
            };
            let tag = format!(
                "{tag} xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xsi:type=\"xsd:{kind}\""
            );
            xml.leaf(&tag, value.get());
        }
        Some(_) => xml.leaf(&tag, value.get()),
    }
}

/// The Base64 of a file whose record has this address.
fn body(org: &Org, url: &str, field: &str) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    let id = id::parse(url.rsplit('/').next()?)?;
    let (at, slot) = org.schema.locate(&id)?;
    let (number, _) = org.schema.object(at)?.field(field)?;
    let stored = org.store.read().body(at, slot, number);
    let bytes = stored.unwrap_or_else(|| {
        let stream = crate::generate::body::stream(org.volume.seed, at);
        crate::generate::body::bytes(stream, slot)
    });
    Some(STANDARD.encode(bytes))
}

/// A description: members as elements, lists as elements that recur, nulls left out.
pub(super) fn write_members(xml: &mut Xml, raw: &RawValue) {
    for (name, value) in Members::of(raw).0 {
        // REST has addresses that SOAP has no use for.
        if name != "urls" {
            write_member(xml, &name, value);
        }
    }
}

fn write_member(xml: &mut Xml, name: &str, value: &RawValue) {
    match value.get().bytes().next() {
        Some(b'{') => xml.within(name, |xml| write_members(xml, value)),
        Some(b'[') => {
            for element in elements(value) {
                write_member(xml, name, element);
            }
        }
        Some(b'n') | None => {}
        Some(_) => xml.leaf(name, &text(value).unwrap_or_default()),
    }
}
