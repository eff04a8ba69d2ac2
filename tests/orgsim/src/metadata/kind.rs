//! The types of metadata components.
//!
//! Sources: Metadata API Developer Guide (Metadata Types, describeMetadata); `schema/metadata.types` says more.

use std::sync::OnceLock;

const DECLARATIONS: &str = include_str!("../../schema/metadata.types");

/// One type of components.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Kind {
    /// `xmlName`
    pub name: &'static str,
    /// Folder in a package; for a child, that of its parent.
    pub directory: &'static str,
    /// Ending of the file names.
    pub suffix: Option<&'static str>,
    /// Components lie in folders of the org: `Folder/Name`.
    pub in_folder: bool,
    /// A file of contents with a `-meta.xml` beside it.
    pub meta_file: bool,
    /// A folder of files.
    pub bundle: bool,
    /// Types of the components that its files contain: name and element.
    pub children: Vec<(&'static str, &'static str)>,
    /// The type whose files contain it.
    pub parent: Option<&'static str>,
    /// Key prefix of the Ids.
    pub prefix: &'static str,
}

impl Kind {
    /// The types that have files of their own, in the order of describeMetadata.
    pub(crate) fn files() -> impl Iterator<Item = &'static Self> {
        all().iter().filter(|kind| kind.parent.is_none())
    }

    /// The type called `name`.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        all().iter().find(|kind| kind.name == name)
    }

    /// The types whose files lie in `directory`.
    pub(crate) fn in_directory(directory: &str) -> impl Iterator<Item = &'static Self> {
        Self::files().filter(move |kind| kind.directory == directory)
    }

    /// Where a component's file lies in a package.
    pub(crate) fn path(&self, name: &str) -> String {
        let name = match self.parent {
            Some("CustomLabels") => "CustomLabels",
            Some(_) => name.split_once('.').map_or(name, |(parent, _)| parent),
            None => name,
        };
        match self.suffix {
            // A document's name has an ending of its own.
            Some(suffix) if self.name != "Document" => {
                format!("{}/{name}.{suffix}", self.directory)
            }
            _ => format!("{}/{name}", self.directory),
        }
    }

    /// Full name of a child called `own` in a file called `parent`.
    pub(crate) fn child_name(&self, parent: &str, own: &str) -> String {
        match self.parent {
            Some("CustomLabels") => own.to_owned(),
            _ => format!("{parent}.{own}"),
        }
    }
}

fn all() -> &'static [Kind] {
    static KINDS: OnceLock<Vec<Kind>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let mut kinds = Vec::new();
        let mut children = Vec::new();
        let lines = DECLARATIONS.lines();
        for line in lines.filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let mut words = line.split(' ');
            let mut kind = Kind {
                name: words.next().unwrap_or_default(),
                directory: words.next().unwrap_or_default(),
                suffix: words.next().filter(|suffix| *suffix != "-"),
                prefix: "0MD",
                ..Kind::default()
            };
            for word in words {
                match word {
                    "folder" => kind.in_folder = true,
                    "meta" => kind.meta_file = true,
                    "bundle" => kind.bundle = true,
                    _ => match word.split_once('=') {
                        Some((_, prefix)) => kind.prefix = prefix,
                        None => kind.child(word, &mut children),
                    },
                }
            }
            kinds.push(kind);
        }
        kinds.append(&mut children);
        kinds
    })
}

impl Kind {
    /// Reads `Name:element` or `Name:element:prefix`.
    fn child(&mut self, word: &'static str, kinds: &mut Vec<Self>) {
        let mut parts = word.split(':');
        let (Some(name), Some(element)) = (parts.next(), parts.next()) else {
            return;
        };
        self.children.push((name, element));
        kinds.push(Self {
            name,
            directory: self.directory,
            suffix: self.suffix,
            parent: Some(self.name),
            prefix: parts.next().unwrap_or("0MD"),
            ..Self::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_know_their_files_and_what_is_inside() {
        let object = Kind::named("CustomObject").unwrap();
        assert_eq!(object.path("Account"), "objects/Account.object");
        assert!(object.children.contains(&("CustomField", "fields")));
        let field = Kind::named("CustomField").unwrap();
        assert_eq!(field.path("Account.Size__c"), "objects/Account.object");
        assert_eq!((field.parent, field.prefix), (Some("CustomObject"), "00N"));
        let label = Kind::named("CustomLabel").unwrap();
        assert_eq!(label.path("Greeting"), "labels/CustomLabels.labels");
        assert!(Kind::named("StaticResource").unwrap().meta_file);
        assert!(Kind::files().count() > 120);
        assert!(Kind::files().all(|kind| kind.prefix.len() == 3 && !kind.directory.is_empty()));
    }
}
