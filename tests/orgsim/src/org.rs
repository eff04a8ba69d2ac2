//! The state of one running org.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    api::{job::Jobs, limits::BATCHES_MAX, query::Cursors, recent::Recent, session::Sessions},
    bulk::{classic::ClassicJobs, ingest::IngestJobs},
    clock::Clock,
    config::Config,
    control::{bulk::BulkFaults, fault::Faults},
    event_log::EventLog,
    generate::{UnknownObject, Volume, generate},
    metadata::Metadata,
    meter::Meter,
    permission::Known,
    rules::Rules,
    save::person,
    schema::{Declarations, NotationError, Schema},
    state::{Header, Log, Opened, Parts, StateError, Written},
    store::{Shared, Storage},
    user::Logins,
};

/// Why an org cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The declarations are wrong.
    #[error("schema cannot be read")]
    Schema(#[from] NotationError),
    /// A rule that the org ships with is wrong.
    #[error("rules cannot be read: {0}")]
    Rules(String),
    /// `--object` names nothing.
    #[error("volume cannot be generated")]
    Volume(#[from] UnknownObject),
    /// The key for the JWT bearer flow is not a PEM public key or certificate.
    #[error("jwt public key cannot be read")]
    PublicKey(#[source] jsonwebtoken::errors::Error),
    /// The port is taken, the address is not ours, or there are no threads.
    #[error("server cannot listen")]
    Listen(#[from] std::io::Error),
    /// `--state` names a folder that cannot be used.
    #[error("state cannot be used")]
    State(#[from] StateError),
    /// The generator's thread ended early.
    #[error("generation stopped")]
    Generate(#[from] tokio::task::JoinError),
}

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct Org {
    /// As started.
    pub config: Config,
    /// The declarations in force.
    pub schema: Declarations,
    /// The records.
    pub store: Shared,
    /// Validation rules, triggers and the like; replaced as a whole, so that a save keeps the ones it began with.
    pub rules: RwLock<Arc<Rules>>,
    /// The org's time.
    pub clock: Clock,
    /// Tokens.
    pub sessions: Mutex<Sessions>,
    /// Passwords.
    pub logins: RwLock<Logins>,
    /// What users may do.
    pub access: Mutex<Known>,
    /// Bulk 2.0 query jobs.
    pub jobs: Mutex<Jobs>,
    /// Bulk 2.0 ingest jobs.
    pub ingest_jobs: Mutex<IngestJobs>,
    /// Bulk 1.0 jobs.
    pub classic_jobs: Mutex<ClassicJobs>,
    /// What is to go wrong with bulk loads.
    pub bulk_faults: Mutex<BulkFaults>,
    /// Bulk jobs of every kind so far; their Ids follow from it.
    job_numbers: AtomicUsize,
    /// Query locators.
    pub cursors: Mutex<Cursors>,
    /// Faults that tests asked for.
    pub faults: Mutex<Faults>,
    /// Every call that touches records holds it together with others; a transaction over several calls holds it alone.
    pub turnstile: tokio::sync::RwLock<()>,
    /// What users touched of late.
    pub recent: Mutex<Recent>,
    /// Calls.
    pub meter: Mutex<Meter>,
    /// Calls that event log files will tell of.
    pub event_log: Mutex<EventLog>,
    /// Components, and the jobs on them.
    pub metadata: Metadata,
    /// What the control interface can change.
    pub tuning: RwLock<Tuning>,
    /// `http://host:port`, once listening.
    pub url: OnceLock<String>,
    /// What was generated.
    pub volume: Volume,
    /// State on disk, when there is a folder for it.
    pub log: Option<Arc<Log>>,
    /// What of the state besides the records is in the log.
    pub written: Mutex<Written>,
    /// Asks for an end and a new start from disk.
    pub restart: OnceLock<UnboundedSender<()>>,
}

/// Settings that can change while the org runs.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Tuning {
    /// How long a Bulk job takes.
    pub bulk_delay: Duration,
    /// Rows of a result page when the client does not say.
    pub page_rows: usize,
    /// Life of an access token.
    pub session: Duration,
    /// `DailyApiRequests`.
    pub daily_api_requests: usize,
    /// Of these, what the app may use; shown besides when there is such a cap.
    pub app_api_requests: Option<usize>,
    /// Calls that may run for 20 seconds or longer at the same time.
    pub long_requests: usize,
    /// `DataStorageMB`.
    pub data_storage_mb: usize,
    /// `FileStorageMB`.
    pub file_storage_mb: usize,
    /// File bodies can be had in part.
    pub serve_ranges: bool,
    /// `DailyBulkApiBatches`.
    pub daily_bulk_batches: usize,
    /// The users have the permission Bulk API Hard Delete, which nobody has by default.
    pub bulk_hard_delete: bool,
    /// The org has Event Monitoring: its calls end up in event log files.
    #[serde(default)]
    pub event_monitoring: bool,
    /// The delete log was purged: it tells of no deletion before this moment.
    #[serde(default)]
    pub delete_log_from_ms: Option<i64>,
}

impl Org {
    /// Generates the org's data, and goes on from what is on disk.
    pub(crate) fn new(config: Config) -> Result<Self, StartError> {
        let mut schema = Schema::load()?;
        schema.settle_in(config.pod);
        let rules = Rules::load(&schema).map_err(|error| StartError::Rules(error.to_string()))?;
        let clock = Clock::starting_at(config.now);
        let volume = Volume {
            records: config.records,
            objects: config.objects.clone(),
            seed: config.seed,
            username: config.credentials.username.clone(),
        };
        let header = Header::new(&volume, config.person_accounts, clock.now_ms());
        let opened = config.state.as_deref();
        let opened = opened
            .map(|folder| Opened::at(folder, &header))
            .transpose()?;
        let started_ms = opened
            .as_ref()
            .map_or(header.started_ms, Opened::started_ms);
        let mut store = generate(&schema, &volume, started_ms)?;
        if config.person_accounts {
            schema.add_person_accounts()?;
            store.widen(&schema);
            person::add_record_type(&schema, &mut store, started_ms);
        }
        let (log, parts) = match opened {
            None => (None, Parts::new()),
            Some(opened) => {
                let (log, parts) = opened.replay(&mut schema, &mut store)?;
                (Some(Arc::new(log)), parts)
            }
        };
        let sessions = Sessions::new(&config.credentials).map_err(StartError::PublicKey)?;
        let integration_user = schema.find("User").map(|(_, user)| user.mint.id(0));
        let integration_user = integration_user.unwrap_or_default();
        let integration_user = String::from_utf8_lossy(&integration_user).into_owned();
        let logins = Logins::new(integration_user.clone(), &config.credentials);
        let tuning = Tuning {
            bulk_delay: config.bulk_delay,
            page_rows: config.page_rows,
            session: config.session,
            daily_api_requests: config.daily_api_requests,
            app_api_requests: None,
            long_requests: 25,
            data_storage_mb: 102_400,
            file_storage_mb: 1_048_576,
            serve_ranges: false,
            daily_bulk_batches: BATCHES_MAX,
            bulk_hard_delete: false,
            event_monitoring: false,
            delete_log_from_ms: None,
        };
        let room = Storage::megabytes(tuning.data_storage_mb, tuning.file_storage_mb);
        store.room = Some(room);
        let org = Self {
            metadata: Metadata::new(started_ms.div_euclid(1000) * 1000, integration_user),
            schema: Declarations::new(schema, started_ms.div_euclid(1000) * 1000),
            store: Shared::new(store, log.clone()),
            rules: RwLock::new(Arc::new(rules)),
            clock,
            sessions: Mutex::new(sessions),
            logins: RwLock::new(logins),
            access: Mutex::default(),
            jobs: Mutex::new(Jobs::default()),
            ingest_jobs: Mutex::new(IngestJobs::default()),
            classic_jobs: Mutex::new(ClassicJobs::default()),
            bulk_faults: Mutex::new(BulkFaults::default()),
            job_numbers: AtomicUsize::new(0),
            cursors: Mutex::new(HashMap::default()),
            faults: Mutex::new(Faults::default()),
            turnstile: tokio::sync::RwLock::default(),
            recent: Mutex::default(),
            meter: Mutex::new(Meter::default()),
            event_log: Mutex::default(),
            tuning: RwLock::new(tuning),
            url: OnceLock::new(),
            volume,
            log,
            written: Mutex::default(),
            restart: OnceLock::new(),
            config,
        };
        org.take_parts(&parts)?;
        Ok(org)
    }

    /// The number of the next bulk job.
    pub(crate) fn next_job(&self) -> usize {
        self.job_numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Bulk jobs and batches of every kind so far.
    pub(crate) fn jobs_so_far(&self) -> usize {
        self.job_numbers.load(Ordering::Relaxed)
    }

    /// Goes on after so many of them.
    pub(crate) fn count_jobs_from(&self, so_far: usize) {
        self.job_numbers.store(so_far, Ordering::Relaxed);
    }

    /// The Id of record `slot` of `object`; empty for an unknown object.
    pub(crate) fn id(&self, object: &str, slot: usize) -> String {
        let id = self
            .schema
            .find(object)
            .map(|(_, o)| o.mint.id(slot))
            .unwrap_or_default();
        String::from_utf8_lossy(&id).into_owned()
    }

    /// The Id of the integration user.
    pub(crate) fn user_id(&self) -> String {
        self.id("User", 0)
    }

    /// The Id of the org.
    pub(crate) fn org_id(&self) -> String {
        self.id("Organization", 0)
    }

    /// `http://host:port`
    pub(crate) fn base_url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }

    /// Changes the declarations, and makes room for the records and values that they add. Nothing changes when
    /// `edit` fails.
    pub(crate) fn change_schema<T, E>(
        &self,
        edit: impl FnOnce(&mut Schema) -> Result<T, E>,
    ) -> Result<T, E> {
        // Whoever holds the store sees one state of the declarations.
        let mut store = self.store.write();
        let before: &Schema = &self.schema;
        self.schema.change(self.clock.now_second_ms(), |schema| {
            let done = edit(schema)?;
            store.widen(schema);
            store.note_declared(|| schema.changes_since(before));
            Ok(done)
        })
    }

    /// The rules and computed fields that a save begins with.
    pub(crate) fn rules_in_force(&self) -> Arc<Rules> {
        let rules = Arc::clone(&self.rules.read());
        let described_ms = self.schema.changed_ms();
        if rules.described_ms == described_ms {
            return rules;
        }
        drop(rules);
        let mut rules = self.rules.write();
        if rules.described_ms != described_ms {
            Arc::make_mut(&mut rules).refresh(&self.schema, described_ms);
        }
        Arc::clone(&rules)
    }

    /// Commits what is due by the org's clock.
    pub(crate) fn settle(&self) {
        let now = self.clock.now_ms();
        // Readers outnumber late commits by far, so the write lock is taken only for one.
        if self.store.read().commit_due(now) {
            self.store.write().commit(now, false);
        }
    }
}
