//! Deployments: what is asked for, how it runs, and what is said of it.
//!
//! Sources: Metadata API Developer Guide, `deploy()`, `DeployOptions`, `DeployResult`, Deleting Components from an
//! Organization; results as recorded.

use std::{sync::Arc, time::Duration};

use super::{
    archive::Files,
    draft::{Done, Draft, Mode},
    job::Status,
    kind::Kind,
    manifest::Manifest,
    package::{Entry, entries},
    problem::Problem,
};
use crate::org::Org;

/// From this version on a deployment says when it can no longer be stopped.
const FINALIZING_SINCE: u32 = 65;

/// What a caller asks for.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the fields of DeployOptions"
)]
pub(crate) struct Options {
    /// Members of the manifest may lack a file.
    pub allow_missing_files: bool,
    /// Components that the manifest does not name are added to it.
    pub auto_update_package: bool,
    /// Nothing stays.
    pub check_only: bool,
    /// Warnings do not count as errors.
    pub ignore_warnings: bool,
    /// What is deleted does not go to a Recycle Bin.
    pub purge_on_delete: bool,
    /// One error undoes everything.
    pub rollback_on_error: bool,
    /// The manifest lies at the top of the zip.
    pub single_package: bool,
    /// Apex tests by name.
    pub run_tests: Vec<String>,
    /// `NoTestRun` and the like.
    pub test_level: Option<String>,
}

/// One deployment.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    /// 18 characters, prefix 0Af.
    pub id: String,
    /// Id of the user who asked.
    pub user: String,
    /// As asked.
    pub options: Options,
    /// Version of the request.
    pub version: u32,
    /// The package, or why it cannot be read.
    pub files: Result<Arc<Files>, (&'static str, String)>,
    /// Where it is.
    pub status: Status,
    /// By the org's clock.
    pub created_ms: i64,
    /// When it began to run.
    pub started_ms: Option<i64>,
    /// When it ended.
    pub completed_ms: Option<i64>,
    /// When it last changed.
    pub modified_ms: i64,
    /// Who stopped it.
    pub canceled_by: Option<String>,
    /// Too late to stop it.
    pub committed: bool,
    /// What became of the components.
    pub messages: Vec<Message>,
    /// Components in the package and in the lists of deletions.
    pub total: usize,
}

/// What became of one component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the fields of DeployMessage"
)]
pub(crate) struct Message {
    /// Type; empty for the manifest.
    pub kind: String,
    /// Full name.
    pub name: String,
    /// Path in the zip.
    pub file: String,
    /// 18 characters, once there is one.
    pub id: String,
    /// It is new.
    pub created: bool,
    /// It differs from before.
    pub changed: bool,
    /// It is gone.
    pub deleted: bool,
    /// It was done.
    pub success: bool,
    /// What is wrong, and whether that is only a warning.
    pub problem: Option<(String, bool)>,
    /// When.
    pub at_ms: i64,
}

impl Deployment {
    /// A deployment that waits for its turn.
    pub(crate) fn new(
        id: String,
        user: String,
        version: u32,
        options: Options,
        files: Result<Files, (&'static str, String)>,
        now_ms: i64,
    ) -> Self {
        Self {
            id,
            user,
            options,
            version,
            files: files.map(Arc::new),
            status: Status::Pending,
            created_ms: now_ms,
            started_ms: None,
            completed_ms: None,
            modified_ms: now_ms,
            canceled_by: None,
            committed: false,
            messages: Vec::new(),
            total: 0,
        }
    }

    /// Components that were deployed, or would have been.
    pub(crate) fn deployed(&self) -> usize {
        self.components().filter(|message| message.success).count()
    }

    /// Components and files at fault.
    pub(crate) fn errors(&self) -> usize {
        self.messages
            .iter()
            .filter(|message| !message.success)
            .count()
    }

    fn components(&self) -> impl Iterator<Item = &Message> {
        self.messages
            .iter()
            .filter(|message| !message.kind.is_empty())
    }

    /// Apex tests run with it, or would if there were any.
    pub(crate) fn runs_tests(&self) -> bool {
        let level = self.options.test_level.as_deref();
        level.is_some_and(|level| level != "NoTestRun")
    }

    /// Everything went well, or what went wrong was allowed to.
    pub(crate) const fn success(&self) -> bool {
        matches!(self.status, Status::Succeeded | Status::SucceededPartial)
    }
}

/// Moves a deployment from state to state until it is in force, or until somebody stops it.
pub(crate) async fn run(org: Arc<Org>, id: String) {
    let half = org.tuning.read().bulk_delay / 2;
    tokio::time::sleep(half).await;
    let Some(version) = advance(&org, &id, |job, now| {
        job.status = Status::InProgress;
        job.started_ms = Some(now);
        job.version
    }) else {
        return;
    };
    // The second half: the work, and what comes after it.
    let finalizing = if version >= FINALIZING_SINCE {
        half / 2
    } else {
        Duration::ZERO
    };
    tokio::time::sleep(half.saturating_sub(finalizing)).await;
    let (shared, name) = (Arc::clone(&org), id.clone());
    let work = move || shared.metadata.alone(|| work(&shared, &name));
    let status = {
        // Not in the middle of a transaction over several calls.
        let _turn = org.turnstile.read().await;
        tokio::task::spawn_blocking(work).await.ok().flatten()
    };
    if !finalizing.is_zero() && status.is_some() {
        advance(&org, &id, |job, _| job.status = Status::FinalizingDeploy);
        tokio::time::sleep(finalizing).await;
    }
    advance(&org, &id, |job, now| {
        job.status = status.unwrap_or(Status::Failed);
        job.completed_ms = Some(now);
    });
}

/// Changes a deployment that still runs; nothing when there is none, or somebody stopped it.
fn advance<T>(org: &Org, id: &str, change: impl FnOnce(&mut Deployment, i64) -> T) -> Option<T> {
    let now = org.clock.now_second_ms();
    let mut jobs = org.metadata.jobs.lock();
    let job = jobs.deployments.get_mut(id)?;
    if job.status.done() {
        return None;
    }
    job.modified_ms = now;
    if job.status == Status::Canceling {
        job.status = Status::Canceled;
        job.completed_ms = Some(now);
        return None;
    }
    Some(change(job, now))
}

/// Deploys, and keeps what became of the components. Nothing when it was stopped before.
fn work(org: &Org, id: &str) -> Option<Status> {
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

/// The levels of Apex tests.
pub(crate) const TEST_LEVELS: [&str; 5] = [
    "NoTestRun",
    "RunSpecifiedTests",
    "RunLocalTests",
    "RunAllTestsInOrg",
    "RunRelevantTests",
];
