//! Retrievals: from a manifest to a zip file.
//!
//! Sources: Metadata API Developer Guide, `retrieve()`, `RetrieveRequest`, `RetrieveResult`; results as recorded.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    archive::{Files, pack},
    catalogue::{Catalogue, Content, Listed, part_entry},
    job::Status,
    kind::Kind,
    manifest::Manifest,
    package,
};
use crate::{org::Org, soap::Element};

/// What a caller asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// `60.0`
    pub version: String,
    /// Paths lack the package's name.
    pub single_package: bool,
    /// The manifest.
    pub unpackaged: Option<Manifest>,
    /// Names of packages; this org has none.
    pub package_names: Vec<String>,
    /// Only these paths, if any.
    pub specific_files: Vec<String>,
}

/// One retrieval.
#[derive(Clone, Debug)]
pub(crate) struct Retrieval {
    /// 18 characters, prefix 09S.
    pub id: String,
    /// Id of the user who asked.
    pub user: String,
    /// As asked.
    pub request: Request,
    /// Where it is.
    pub status: Status,
    /// The zip file, until it is handed out.
    pub zip: Option<Arc<Vec<u8>>>,
    /// What is in it.
    pub properties: Vec<Property>,
    /// File and problem.
    pub messages: Vec<(String, String)>,
    /// Why it failed.
    pub error: Option<(&'static str, String)>,
}

/// `FileProperties` of a component.
#[derive(Clone, Debug)]
pub(crate) struct Property {
    /// `xmlName` of the type.
    pub kind: String,
    /// Path in the zip.
    pub file: String,
    /// The component.
    pub listed: Listed,
}

/// Moves a retrieval from state to state until it has its zip file.
pub(crate) async fn run(org: Arc<Org>, id: String) {
    let half = org.tuning.read().bulk_delay / 2;
    tokio::time::sleep(half).await;
    let Some(job) = advance(&org, &id, |job| {
        job.status = Status::InProgress;
        job.clone()
    }) else {
        return;
    };
    let shared = Arc::clone(&org);
    let found = tokio::task::spawn_blocking(move || work(&shared, &job)).await;
    tokio::time::sleep(half).await;
    advance(&org, &id, |job| {
        let Ok(found) = found else {
            job.status = Status::Failed;
            job.error = Some((
                "UNKNOWN_EXCEPTION",
                "An unexpected error occurred".to_owned(),
            ));
            return;
        };
        job.properties = found.properties;
        job.messages = found.messages;
        match found.zip {
            Ok(zip) => {
                job.status = Status::Succeeded;
                job.zip = Some(Arc::new(zip));
            }
            Err(error) => {
                job.status = Status::Failed;
                job.error = Some(error);
            }
        }
    });
}

fn advance<T>(org: &Org, id: &str, change: impl FnOnce(&mut Retrieval) -> T) -> Option<T> {
    let mut jobs = org.metadata.jobs.lock();
    jobs.retrievals.get_mut(id).map(change)
}

struct Found {
    zip: Result<Vec<u8>, (&'static str, String)>,
    properties: Vec<Property>,
    messages: Vec<(String, String)>,
}

fn work(org: &Org, job: &Retrieval) -> Found {
    let request = &job.request;
    let now_ms = org.clock.now_ms();
    let mut gathered = Gathered {
        request,
        root: if request.single_package {
            ""
        } else {
            "unpackaged/"
        },
        files: Files::new(),
        properties: Vec::new(),
        messages: Vec::new(),
        parents: BTreeMap::new(),
        manifest: Manifest::default(),
    };
    org.catalogue(|catalogue| gathered.run(catalogue));
    gathered.finish(&job.user, now_ms);
    for name in &request.package_names {
        let path = gathered.path("package.xml");
        gathered
            .messages
            .push((path, format!("No package named '{name}' found")));
    }
    let at = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    let zip = pack(&gathered.files, at);
    Found {
        zip,
        properties: gathered.properties,
        messages: gathered.messages,
    }
}

/// A package as it is gathered.
struct Gathered<'r> {
    request: &'r Request,
    root: &'r str,
    files: Files,
    properties: Vec<Property>,
    messages: Vec<(String, String)>,
    /// Files of which only parts are asked for: type and name, and the parts.
    parents: BTreeMap<(&'static str, String), Vec<(&'static str, Element)>>,
    /// What the package holds in the end.
    manifest: Manifest,
}

impl Gathered<'_> {
    fn path(&self, inner: &str) -> String {
        format!("{}{inner}", self.root)
    }

    fn run(&mut self, catalogue: &Catalogue<'_>) {
        let Some(wanted) = &self.request.unpackaged else {
            return;
        };
        for (name, members) in &wanted.types {
            let Some(kind) = Kind::named(name) else {
                let path = self.path("package.xml");
                self.messages
                    .push((path, format!("Entity type: '{name}' is unknown")));
                continue;
            };
            for member in members {
                if member == "*" {
                    self.all(catalogue, kind, wanted);
                } else {
                    self.one(catalogue, kind, member, wanted);
                }
            }
        }
    }

    /// Every component of a type, but what the platform itself brings and what lies in folders.
    fn all(&mut self, catalogue: &Catalogue<'_>, kind: &'static Kind, wanted: &Manifest) {
        if kind.in_folder {
            return;
        }
        let listed = catalogue.list(kind).into_iter();
        let own = listed.filter(|listed| listed.own);
        for name in own.map(|listed| listed.name).collect::<Vec<_>>() {
            self.one(catalogue, kind, &name, wanted);
        }
    }

    fn one(
        &mut self,
        catalogue: &Catalogue<'_>,
        kind: &'static Kind,
        name: &str,
        wanted: &Manifest,
    ) {
        let found = catalogue.find(kind, name);
        let whole = found.as_ref().and_then(|found| match kind.parent {
            None => catalogue.whole(kind, &found.name),
            Some(_) => catalogue.read(kind, &found.name),
        });
        let (Some(listed), Some(mut content)) = (found, whole) else {
            let path = self.path("package.xml");
            let problem = format!(
                "Entity of type '{}' named '{name}' cannot be found",
                kind.name
            );
            self.messages.push((path, problem));
            return;
        };
        let name = listed.name.clone();
        if !self.asked_for(kind, &name) {
            return;
        }
        if kind.name == "Profile" {
            narrow(&mut content.properties, wanted);
        }
        self.manifest.add(kind.name, &name);
        match kind.parent {
            None => {
                package::add(&mut self.files, self.root, kind, &name, &content);
                self.inside(catalogue, kind, &name);
            }
            Some(parent) => {
                let owner = name
                    .split_once('.')
                    .map_or("CustomLabels", |(owner, _)| owner);
                let parts = self.parents.entry((parent, owner.to_owned())).or_default();
                let part = part_entry(kind, &name, content.properties);
                parts.push((kind.name, part));
            }
        }
        let file = self.path(&kind.path(&name));
        self.properties.push(Property {
            kind: kind.name.to_owned(),
            file,
            listed,
        });
    }

    /// The properties of the components in a file that is there as a whole.
    fn inside(&mut self, catalogue: &Catalogue<'_>, kind: &'static Kind, name: &str) {
        for child in kind
            .children
            .iter()
            .filter_map(|(child, _)| Kind::named(child))
        {
            for part in catalogue.parts(kind, child, name) {
                if let Some(listed) = catalogue.find(child, &part) {
                    let file = self.path(&child.path(&part));
                    self.properties.push(Property {
                        kind: child.name.to_owned(),
                        file,
                        listed,
                    });
                }
            }
        }
    }

    /// Only some files are wanted, and this may not be one.
    fn asked_for(&self, kind: &Kind, name: &str) -> bool {
        let files = &self.request.specific_files;
        let inner = kind.path(name);
        let path = self.path(&inner);
        files.is_empty() || files.iter().any(|file| *file == inner || *file == path)
    }

    /// Writes the files of which only parts are asked for, and the manifest.
    fn finish(&mut self, user: &str, now_ms: i64) {
        for ((parent, owner), parts) in std::mem::take(&mut self.parents) {
            let Some(kind) = Kind::named(parent) else {
                continue;
            };
            if self.manifest.names(parent, &owner) {
                // It is there as a whole.
                continue;
            }
            let mut content = Content {
                properties: Element::named(parent),
                ..Content::default()
            };
            for (child, part) in parts {
                let element = kind.children.iter().find(|(name, _)| *name == child);
                if let Some((_, element)) = element {
                    content.properties.push(element, part);
                }
            }
            content.properties.sort();
            package::add(&mut self.files, self.root, kind, &owner, &content);
        }
        let given = self
            .request
            .unpackaged
            .as_ref()
            .and_then(|given| given.version.clone());
        self.manifest.version = Some(given.unwrap_or_else(|| self.request.version.clone()));
        let path = self.path("package.xml");
        self.files
            .insert(path.clone(), self.manifest.document().into());
        let touch = super::component::Touch {
            at_ms: now_ms,
            user: user.to_owned(),
        };
        self.properties.push(Property {
            kind: "Package".to_owned(),
            file: path,
            listed: Listed {
                name: self.path("package.xml"),
                id: String::new(),
                created: touch.clone(),
                modified: touch,
                own: true,
            },
        });
    }
}

/// A profile comes with the permissions on what else the manifest names, and no others.
fn narrow(profile: &mut Element, wanted: &Manifest) {
    // The wildcard stands for the customer's own objects.
    let object = |name: &str| {
        let mut members = wanted.members("CustomObject");
        members.any(|member| member == name || member == "*" && name.ends_with("__c"))
    };
    profile.children.retain(|entry| match entry.name.as_str() {
        "objectPermissions" => entry.given("object").is_some_and(object),
        "fieldPermissions" => entry.given("field").is_some_and(|name| {
            let owner = name.split_once('.').map_or(name, |(owner, _)| owner);
            object(owner) || wanted.members("CustomField").any(|member| member == name)
        }),
        _ => true,
    });
}
