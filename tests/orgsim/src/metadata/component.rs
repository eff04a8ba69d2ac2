//! Components as the org keeps them. What follows from the declarations (objects, fields, rules) is not kept here
//! but computed; a kept component carries what those do not say.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use super::kind::Kind;
use crate::{id::Mint, soap::Element};

/// Counter of the first Id made here; rows of the store start at the other end.
const FIRST_ID: usize = 500_000_000;

/// Which component: type and full name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// `xmlName` of the type.
    pub kind: &'static str,
    /// Full name.
    pub name: String,
}

impl Key {
    /// The key of a component of type `kind`.
    pub(crate) fn of(kind: &Kind, name: &str) -> Self {
        Self {
            kind: kind.name,
            name: name.to_owned(),
        }
    }
}

/// Who and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Touch {
    /// Milliseconds.
    pub at_ms: i64,
    /// Id of the user.
    pub user: String,
}

/// One component that was made or changed through an interface.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    /// 18 characters.
    pub id: String,
    /// The properties: what its file contains, or the file with `-meta.xml`.
    pub content: Element,
    /// Contents beside the properties: of a class, a trigger, a static resource.
    pub body: Option<Bytes>,
    /// The files of a bundle, by their place in it.
    pub files: BTreeMap<String, Bytes>,
    /// Made.
    pub created: Touch,
    /// Last changed.
    pub modified: Touch,
    /// Differs between any two states of the org's components.
    pub revision: u64,
}

/// Every kept component.
#[derive(Clone, Debug, Default)]
pub(crate) struct Components {
    kept: BTreeMap<Key, Arc<Component>>,
    /// Ids that were made.
    next: usize,
    revision: u64,
}

impl Components {
    /// One component.
    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Component>> {
        self.kept.get(key)
    }

    /// The components of a type, by name.
    pub(crate) fn all(&self, kind: &'static str) -> impl Iterator<Item = (&str, &Arc<Component>)> {
        let from = Key {
            kind,
            name: String::new(),
        };
        let kept = self.kept.range(from..);
        kept.take_while(move |(key, _)| key.kind == kind)
            .map(|(key, component)| (key.name.as_str(), component))
    }

    /// Keeps a component; it gets an Id unless it has one.
    pub(crate) fn put(
        &mut self,
        kind: &'static Kind,
        name: &str,
        mut component: Component,
    ) -> String {
        if component.id.is_empty() {
            component.id = self.mint(kind);
        }
        self.revision += 1;
        component.revision = self.revision;
        let id = component.id.clone();
        self.kept.insert(Key::of(kind, name), Arc::new(component));
        id
    }

    /// Forgets a component; false when it is not kept.
    pub(crate) fn remove(&mut self, key: &Key) -> bool {
        self.kept.remove(key).is_some()
    }

    /// Forgets the components of type `kind` whose full names begin with `prefix`.
    pub(crate) fn remove_under(&mut self, kind: &str, prefix: &str) {
        self.kept
            .retain(|key, _| key.kind != kind || !key.name.starts_with(prefix));
    }

    /// Every component with its key.
    pub(super) fn every(&self) -> impl Iterator<Item = (&Key, &Arc<Component>)> {
        self.kept.iter()
    }

    /// Ids that were made.
    pub(super) const fn minted(&self) -> usize {
        self.next
    }

    /// Goes on after so many Ids.
    pub(super) const fn set_minted(&mut self, next: usize) {
        self.next = next;
    }

    /// A new Id.
    fn mint(&mut self, kind: &Kind) -> String {
        self.next += 1;
        let prefix = kind.prefix.as_bytes().try_into().unwrap_or(*b"0MD");
        let id = Mint::new(prefix, FIRST_ID).id(self.next);
        String::from_utf8_lossy(&id).into_owned()
    }
}
