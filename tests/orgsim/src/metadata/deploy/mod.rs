//! Deployments: what is asked for, how it runs, and what is said of it.
//!
//! Sources: Metadata API Developer Guide, `deploy()`, `DeployOptions`, `DeployResult`, Deleting Components from an
//! Organization; results as recorded.

mod work;

use std::{sync::Arc, time::Duration};

use super::{archive::Files, job::Status};
use crate::org::Org;
use work::work;

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
    let deploys = move || shared.metadata.alone(|| work(&shared, &name));
    let status = {
        // Not in the middle of a transaction over several calls.
        let _turn = org.turnstile.read().await;
        tokio::task::spawn_blocking(deploys).await.ok().flatten()
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

/// The levels of Apex tests.
pub(crate) const TEST_LEVELS: [&str; 5] = [
    "NoTestRun",
    "RunSpecifiedTests",
    "RunLocalTests",
    "RunAllTestsInOrg",
    "RunRelevantTests",
];
