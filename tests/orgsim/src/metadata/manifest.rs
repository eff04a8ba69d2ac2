//! `package.xml` and the `destructiveChanges*.xml` beside it.
//!
//! Source: Metadata API Developer Guide, Sample package.xml Manifest Files.

use std::collections::{BTreeMap, BTreeSet};

use crate::soap::Element;

/// Types and their members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Full names by type, `*` among them.
    pub types: BTreeMap<String, BTreeSet<String>>,
    /// `67.0`
    pub version: Option<String>,
    /// Name of a package that is not `unpackaged`.
    pub full_name: Option<String>,
}

impl Manifest {
    /// Reads a manifest; the text says what is wrong.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        Self::of(&Element::parse(bytes)?)
    }

    /// Reads a manifest from its root element, or from the `unpackaged` of a retrieve request.
    pub(crate) fn of(root: &Element) -> Result<Self, String> {
        let mut manifest = Self::default();
        for child in &root.children {
            match child.name.as_str() {
                "types" => {
                    let name = child.given("name").unwrap_or_default().to_owned();
                    let members = manifest.types.entry(name).or_default();
                    for part in &child.children {
                        match part.name.as_str() {
                            "members" => {
                                members.insert(part.text.trim().to_owned());
                            }
                            "name" => {}
                            other => return Err(misplaced(other)),
                        }
                    }
                }
                "version" => manifest.version = Some(child.text.trim().to_owned()),
                "fullName" => manifest.full_name = Some(child.text.trim().to_owned()),
                "apiAccessLevel" | "description" | "namespacePrefix" | "objectPermissions"
                | "packageType" | "postInstallClass" | "setupWeblink" | "uninstallClass" => {}
                other => return Err(misplaced(other)),
            }
        }
        Ok(manifest)
    }

    /// The names of a type.
    pub(crate) fn members(&self, kind: &str) -> impl Iterator<Item = &str> {
        let members = self.types.get(kind);
        members.into_iter().flatten().map(String::as_str)
    }

    /// Names this component, by its name or by `*`.
    pub(crate) fn names(&self, kind: &str, name: &str) -> bool {
        self.types
            .get(kind)
            .is_some_and(|members| members.contains(name) || members.contains("*"))
    }

    /// Adds a component.
    pub(crate) fn add(&mut self, kind: &str, name: &str) {
        let members = self.types.entry(kind.to_owned()).or_default();
        members.insert(name.to_owned());
    }

    /// The manifest as a file.
    pub(crate) fn document(&self) -> String {
        let mut root = Element::named("Package");
        root.maybe("fullName", self.full_name.as_ref());
        for (name, members) in &self.types {
            let mut types = Element::named("types");
            for member in members {
                types.put("members", member);
            }
            types.put("name", name);
            root.push("types", types);
        }
        root.maybe("version", self.version.as_ref());
        root.document("Package")
    }
}

/// As the org's reader puts it, without a space before "invalid".
fn misplaced(name: &str) -> String {
    format!("Element {{}}{name} invalid at this location")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_as_it_is_written() {
        let mut manifest = Manifest {
            version: Some("60.0".to_owned()),
            ..Manifest::default()
        };
        manifest.add("ApexClass", "*");
        manifest.add("CustomField", "Account.Size__c");
        let text = manifest.document();
        assert_eq!(Manifest::parse(text.as_bytes()), Ok(manifest.clone()));
        assert!(manifest.names("ApexClass", "Any"));
        assert!(!manifest.names("CustomField", "Account.Other__c"));
    }

    #[test]
    fn what_does_not_belong_there_is_named() {
        let text =
            b"<Package><types><membersa>*</membersa><name>ApexClass</name></types></Package>";
        assert_eq!(
            Manifest::parse(text),
            Err("Element {}membersa invalid at this location".to_owned())
        );
    }
}
