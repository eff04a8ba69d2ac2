//! The work of a deployment: its packages, their components, and the lists of deletions.

use super::{Message, Options, advance};
use crate::{
    metadata::{
        archive::Files,
        draft::{Done, Draft, Mode},
        job::Status,
        kind::Kind,
        manifest::Manifest,
        package::{Entry, entries},
        problem::Problem,
    },
    org::Org,
};

/// Deploys, and keeps what became of the components. Nothing when it was stopped before.
pub(super) fn work(org: &Org, id: &str) -> Option<Status> {
    let job = advance(org, id, |job, _| job.clone())?;
    let mut run = Run {
        org,
        options: &job.options,
        draft: Draft::new(org, &job.user),
        messages: Vec::new(),
        total: 0,
    };
    match &job.files {
        Ok(files) => run.packages(files),
        Err((_, message)) => run.fail("", "package.xml", "package.xml", message),
    }
    let failed = run.messages.iter().any(|message| !message.success);
    let some = run
        .messages
        .iter()
        .any(|message| message.success && !message.kind.is_empty());
    let status = match (failed, job.options.rollback_on_error) {
        (false, _) => Status::Succeeded,
        (true, false) if some => Status::SucceededPartial,
        _ => Status::Failed,
    };
    let Run {
        draft,
        mut messages,
        total,
        ..
    } = run;
    if status != Status::Failed && !job.options.check_only {
        advance(org, id, |job, _| job.committed = true)?;
        draft.commit();
        identify(org, &mut messages);
    }
    advance(org, id, |job, _| {
        job.messages = messages;
        job.total = total;
    })?;
    Some(status)
}

/// Gives the messages the Ids that the components have by now.
fn identify(org: &Org, messages: &mut [Message]) {
    org.catalogue(|catalogue| {
        for message in messages
            .iter_mut()
            .filter(|message| message.success && !message.deleted)
        {
            if let Some(found) =
                Kind::named(&message.kind).and_then(|kind| catalogue.find(kind, &message.name))
            {
                message.id = found.id;
            }
        }
    });
}

/// One deployment as it works.
struct Run<'o> {
    org: &'o Org,
    options: &'o Options,
    draft: Draft<'o>,
    messages: Vec<Message>,
    total: usize,
}

impl Run<'_> {
    fn packages(&mut self, files: &Files) {
        if self.options.single_package {
            return self.package(files, "");
        }
        let mut roots: Vec<String> = files
            .keys()
            .map(|path| {
                path.split_once('/')
                    .map_or(String::new(), |(top, _)| format!("{top}/"))
            })
            .collect();
        roots.dedup();
        for root in roots {
            self.package(files, &root);
        }
    }

    fn package(&mut self, files: &Files, root: &str) {
        let path = format!("{root}package.xml");
        let Some(file) = files.get(&path) else {
            return self.fail("", "package.xml", &path, "No package.xml found");
        };
        let manifest = match Manifest::parse(file) {
            Ok(manifest) => manifest,
            Err(problem) => return self.fail("", "package.xml", &path, &problem),
        };
        let strange = manifest
            .types
            .keys()
            .find(|name| Kind::named(name).is_none());
        if let Some(name) = strange {
            let problem = format!("Unknown type name '{name}' specified in package.xml");
            return self.fail("", "package.xml", &path, &problem);
        }
        for early in ["destructiveChangesPre.xml", "destructiveChanges.xml"] {
            self.destroy(files, &format!("{root}{early}"));
        }
        self.build(files, root, &manifest, &path);
        self.destroy(files, &format!("{root}destructiveChangesPost.xml"));
        let now = self.org.clock.now_second_ms();
        self.messages.push(Message {
            name: "package.xml".to_owned(),
            file: path,
            changed: true,
            success: true,
            at_ms: now,
            ..Message::default()
        });
    }

    /// Puts the components of a package.
    fn build(&mut self, files: &Files, root: &str, manifest: &Manifest, path: &str) {
        let (mut entries, unknown) = entries(files, root);
        for file in unknown {
            self.fail("", &file, &file, "Not in package.xml");
        }
        let named = |entry: &Entry| {
            let parent = entry.kind.parent.is_some_and(|parent| {
                let (owner, _) = entry.name.split_once('.').unwrap_or((parent, ""));
                manifest.names(parent, owner)
            });
            parent || manifest.names(entry.kind.name, &entry.name)
        };
        let mut missing: Vec<(String, String)> = Vec::new();
        for (kind, members) in &manifest.types {
            let wanted = members.iter().filter(|member| *member != "*");
            for member in wanted {
                let there = entries
                    .iter()
                    .any(|e| e.kind.name == kind && e.name == *member);
                if !there {
                    missing.push((kind.clone(), member.clone()));
                }
            }
        }
        // A file whose parts alone are named is only what its parts are in.
        let only_parts = |entry: &Entry| {
            let prefix = format!("{}.", entry.name);
            entry.kind.children.iter().any(|(child, _)| {
                manifest
                    .members(child)
                    .any(|member| entry.kind.name == "CustomLabels" || member.starts_with(&prefix))
            })
        };
        let mut strangers = Vec::new();
        entries.retain(|entry| {
            let keep = named(entry) || self.options.auto_update_package;
            if !keep && !only_parts(entry) && entry.kind.parent.is_none() {
                strangers.push(entry.clone());
            }
            keep
        });
        for entry in strangers {
            let name = entry.name;
            self.fail(entry.kind.name, &name, &entry.path, "Not in package.xml");
        }
        entries.sort_by_key(|entry| rank(entry.kind));
        self.total += entries.len();
        for entry in entries {
            self.put(entry);
        }
        for (kind, name) in missing
            .into_iter()
            .filter(|_| !self.options.allow_missing_files)
        {
            let problem = format!(
                "An object '{name}' of type {kind} was named in package.xml, but was not found in zipped directory"
            );
            self.fail("", &name, path, &problem);
        }
    }

    fn put(&mut self, entry: Entry) {
        let Entry {
            kind,
            name,
            path,
            content,
        } = entry;
        // A trigger that is deployed as deleted is deleted.
        let deleted = matches!(&content, Ok(content)
            if kind.name == "ApexTrigger" && content.properties.given("status") == Some("Deleted"));
        let done = content.map_err(Problem::integrity).and_then(|content| {
            if deleted {
                let gone = Done {
                    changed: true,
                    ..Done::default()
                };
                self.draft.delete(kind, &name).map(|()| gone)
            } else {
                self.draft.put_own(kind, &name, Mode::Upsert, content)
            }
        });
        let mut message = self.message(kind.name, &name, &path);
        match done {
            Ok(done) => {
                message.success = true;
                message.created = done.created;
                message.changed = done.changed;
                message.deleted = deleted;
            }
            Err(problem) => message.problem = Some((problem.message, false)),
        }
        self.messages.push(message);
    }

    /// Deletes the components that a list names.
    fn destroy(&mut self, files: &Files, path: &str) {
        let Some(file) = files.get(path) else { return };
        let name = path.rsplit('/').next().unwrap_or(path);
        let manifest = match Manifest::parse(file) {
            Ok(manifest) => manifest,
            Err(problem) => return self.fail("", name, path, &problem),
        };
        let mut members = Vec::new();
        for (kind, names) in &manifest.types {
            let Some(found) = Kind::named(kind) else {
                let problem = format!("Unknown type name '{kind}' specified in {name}");
                return self.fail("", name, path, &problem);
            };
            for member in names {
                if member == "*" {
                    return self.fail(
                        "",
                        name,
                        path,
                        &format!("{name} must not contain the wildcard *"),
                    );
                }
                members.push((found, member.clone()));
            }
        }
        // What depends on something goes before it.
        members.sort_by_key(|(kind, _)| std::cmp::Reverse(rank(kind)));
        self.total += members.len();
        for (kind, member) in members {
            let there = self
                .draft
                .with(|catalogue| catalogue.find(kind, &member).is_some());
            let mut message = self.message(kind.name, &member, path);
            if there {
                match self.draft.delete(kind, &member) {
                    Ok(()) => {
                        message.success = true;
                        message.changed = true;
                        message.deleted = true;
                    }
                    Err(problem) => message.problem = Some((problem.message, false)),
                }
            } else {
                message.success = true;
                message.problem = Some((format!("No {} named: {member} found", kind.name), true));
            }
            self.messages.push(message);
        }
    }

    fn message(&self, kind: &str, name: &str, path: &str) -> Message {
        Message {
            kind: kind.to_owned(),
            name: name.to_owned(),
            file: path.to_owned(),
            at_ms: self.org.clock.now_second_ms(),
            ..Message::default()
        }
    }

    fn fail(&mut self, kind: &str, name: &str, path: &str, problem: &str) {
        let mut message = self.message(kind, name, path);
        message.problem = Some((problem.to_owned(), false));
        self.messages.push(message);
    }
}

/// What other components speak of comes first.
fn rank(kind: &Kind) -> u8 {
    match kind.name {
        "CustomObject" => 0,
        "CustomField" => 1,
        "RecordType" | "ApexClass" | "CustomPermission" => 2,
        "PermissionSet" => 8,
        "Profile" => 9,
        _ => 4,
    }
}
