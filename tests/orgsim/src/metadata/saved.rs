//! Components as bytes, for the log of the state.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    Metadata,
    component::{Component, Touch},
    kind::Kind,
};
use crate::soap::Element;

/// A component, its bytes as text.
#[derive(Debug, Deserialize, Serialize)]
struct Saved {
    kind: String,
    name: String,
    id: String,
    content: String,
    body: Option<String>,
    files: BTreeMap<String, String>,
    created: (i64, String),
    modified: (i64, String),
}

impl Metadata {
    /// Ids that were made, for the log.
    pub(crate) fn minted(&self) -> usize {
        self.components.read().minted()
    }

    /// Goes on after so many Ids.
    pub(crate) fn set_minted(&self, next: usize) {
        self.components.write().set_minted(next);
    }

    /// Calls `each` with the name of every component, with what changes when it does, and with its bytes.
    pub(crate) fn save(&self, mut each: impl FnMut(String, u64, &dyn Fn() -> Vec<u8>)) {
        for (key, component) in self.components.read().every() {
            let name = format!("{}/{}", key.kind, key.name);
            each(name, component.revision, &|| {
                let saved = Saved {
                    kind: key.kind.to_owned(),
                    name: key.name.clone(),
                    id: component.id.clone(),
                    content: component.content.document(key.kind),
                    body: component.body.as_ref().map(|body| STANDARD.encode(body)),
                    files: component
                        .files
                        .iter()
                        .map(|(name, file)| (name.clone(), STANDARD.encode(file)))
                        .collect(),
                    created: (component.created.at_ms, component.created.user.clone()),
                    modified: (component.modified.at_ms, component.modified.user.clone()),
                };
                serde_json::to_vec(&saved).unwrap_or_default()
            });
        }
    }

    /// Takes a component over; nothing when it is not understood.
    pub(crate) fn restore(&self, bytes: &[u8]) -> Option<()> {
        let saved: Saved = serde_json::from_slice(bytes).ok()?;
        let kind = Kind::named(&saved.kind)?;
        let mut content = Element::parse(saved.content.as_bytes()).ok()?;
        content.strip();
        let body = saved
            .body
            .map(|body| STANDARD.decode(body))
            .transpose()
            .ok()?;
        let files = saved
            .files
            .into_iter()
            .map(|(name, file)| Some((name, STANDARD.decode(file).ok()?.into())))
            .collect::<Option<BTreeMap<_, _>>>()?;
        let touch = |(at_ms, user)| Touch { at_ms, user };
        let component = Component {
            id: saved.id,
            content,
            body: body.map(Into::into),
            files,
            created: touch(saved.created),
            modified: touch(saved.modified),
            revision: 0,
        };
        self.components.write().put(kind, &saved.name, component);
        Some(())
    }
}
