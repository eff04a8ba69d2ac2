//! A package that sets the status of Apex triggers: only a deployment can (Tooling API guide, `ApexTrigger.Status`).

use std::io::{Cursor, Write as _};

use holdfast_model::{ErrorCode, Failure, Switch};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use serde_json::{Map, Value};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::soap::METADATA;

/// A trigger as it is deployed.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) body: String,
    /// Its `Metadata` of the Tooling API.
    pub(crate) metadata: Map<String, Value>,
}

/// The zip of a package with the triggers, which differ from what they are by their status only.
pub(crate) fn package(
    triggers: &[Source],
    version: &str,
    switch: Switch,
) -> Result<Vec<u8>, Failure> {
    write(triggers, version, switch).map_err(|_| {
        Failure::new(
            ErrorCode::Internal,
            "a package of triggers cannot be written",
        )
    })
}

fn write(triggers: &[Source], version: &str, switch: Switch) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for trigger in triggers {
        zip.start_file(format!("triggers/{}.trigger", trigger.name), options)?;
        zip.write_all(trigger.body.as_bytes())?;
        let meta = format!("triggers/{}.trigger-meta.xml", trigger.name);
        zip.start_file(meta, options)?;
        zip.write_all(&properties(&trigger.metadata, switch)?)?;
    }
    zip.start_file("package.xml", options)?;
    zip.write_all(&manifest(triggers, version)?)?;
    Ok(zip.finish()?.into_inner())
}

/// What stands beside the source: as it is, with another status.
fn properties(metadata: &Map<String, Value>, switch: Switch) -> std::io::Result<Vec<u8>> {
    let status = if switch.is_on() { "Active" } else { "Inactive" };
    let mut xml = document()?;
    let root = xml.create_element("ApexTrigger");
    let root = root.with_attribute(("xmlns", METADATA));
    root.write_inner_content(|xml| {
        leaf(xml, "apiVersion", &text(metadata.get("apiVersion")))?;
        // Which versions of installed packages it speaks of: without them it would be bound to the newest.
        let bound = metadata.get("packageVersions").and_then(Value::as_array);
        for package in bound.into_iter().flatten() {
            xml.create_element("packageVersions")
                .write_inner_content(|xml| {
                    for part in ["majorNumber", "minorNumber", "namespace"] {
                        leaf(xml, part, &text(package.get(part)))?;
                    }
                    Ok(())
                })?;
        }
        leaf(xml, "status", status)
    })?;
    Ok(xml.into_inner())
}

fn manifest(triggers: &[Source], version: &str) -> std::io::Result<Vec<u8>> {
    let mut xml = document()?;
    let root = xml.create_element("Package");
    let root = root.with_attribute(("xmlns", METADATA));
    root.write_inner_content(|xml| {
        xml.create_element("types").write_inner_content(|xml| {
            for trigger in triggers {
                leaf(xml, "members", &trigger.name)?;
            }
            leaf(xml, "name", "ApexTrigger")
        })?;
        leaf(xml, "version", version)
    })?;
    Ok(xml.into_inner())
}

fn document() -> std::io::Result<Writer<Vec<u8>>> {
    let mut xml = Writer::new(Vec::new());
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    Ok(xml)
}

fn leaf(xml: &mut Writer<Vec<u8>>, name: &str, text: &str) -> std::io::Result<()> {
    xml.create_element(name)
        .write_text_content(BytesText::new(text))?;
    Ok(())
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_package_has_the_source_as_it_is_and_another_status() {
        let metadata = json!({
            "apiVersion": 58.0, "status": "Active", "urls": null,
            "packageVersions": [{"majorNumber": 3, "minorNumber": 1, "namespace": "pkg"}],
        });
        let source = Source {
            name: "T".to_owned(),
            body: "trigger T on Account (before insert) { /* <&> */ }".to_owned(),
            metadata: metadata.as_object().unwrap().clone(),
        };
        let zip = package(&[source], "60.0", Switch::Off).unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        let mut file = |name: &str| {
            let mut text = String::new();
            zip.by_name(name)
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
            text
        };
        assert!(file("triggers/T.trigger").contains("/* <&> */"));
        let meta = file("triggers/T.trigger-meta.xml");
        assert!(meta.contains("<apiVersion>58.0</apiVersion>"), "{meta}");
        assert!(meta.contains("<status>Inactive</status>"), "{meta}");
        assert!(
            meta.contains(
                "<majorNumber>3</majorNumber><minorNumber>1</minorNumber><namespace>pkg</namespace>"
            ),
            "{meta}"
        );
        let manifest = file("package.xml");
        assert!(
            manifest.contains("<members>T</members><name>ApexTrigger</name>"),
            "{manifest}"
        );
    }
}
