//! A disaster, and a restore that is killed on its way: afterwards the org is as it was.

use std::collections::BTreeMap;
use std::ops::Range;

use fastrand::Rng;
use holdfast_catalog::{JobKind, JobStatus, MadeAs};
use holdfast_model::{JobId, ObjectSchema, SalesforceId, Stamp};
use holdfast_plan::restore::plan::{Plan, plan_name};
use holdfast_runtime::Environment;
use serde_json::{Value, json};

use crate::attempts::Attempts;
use crate::compare::is_same;
use crate::damage::{damage, prepare};
use crate::fidelity::{is_written, wanted};
use crate::model::Model;
use crate::org::Org;
use crate::quiet::Quiet;
use crate::tripwire::Tripwire;
use crate::truth::Record;
use crate::world::World;
use crate::{job, restore};

/// The live records of each object.
pub(crate) type State = BTreeMap<String, BTreeMap<SalesforceId, Record>>;

pub(crate) async fn run(world: &World, seed: u64) {
    let mut random = Rng::with_seed(seed);
    let model = Model::of(seed);
    let mut org = Org::with(world, seed, model.known_objects()).await;
    model.make(world, &mut org, true).await;
    let wire = Tripwire::new();
    let mut environment = world.environment(&wire);
    let settings = json!({
        "bulk_rows_min": 4, "quiet_poll_seconds": 0, "exclude_objects": org.other_objects().await,
    });
    job::connect(&environment, &org.name, settings).await;
    prepare(&org, &model).await;
    // Nothing leads to a record in the Recycle Bin from the beginning.
    for _ in 0..random.u32(0..10) {
        damage(&org, &model, &mut random, 6).await;
    }
    let (then, before) = settle(&environment, (&org, &model), "before").await;
    for _ in 0..random.u32(3..12) {
        damage(&org, &model, &mut random, 12).await;
    }
    let (now, damaged) = settle(&environment, (&org, &model), "damaged").await;

    let objects = model.objects();
    let compare = name(&org, "compare");
    Box::pin(job::compare(
        &environment,
        &org.name,
        &compare,
        (then, now),
        &objects,
    ))
    .await;
    let mode = if random.bool() { "rollback" } else { "replace" };
    let planned = name(&org, "plan");
    let request = json!({"org": org.name, "compare": compare, "mode": mode});
    let overview = Box::pin(restore::plan(&environment, &org, &planned, request)).await;
    if overview["is_ready"] == false {
        return;
    }
    let (inserts, deletes) = (counted(&overview, "insert"), counted(&overview, "delete"));
    let mut request = json!({"org": org.name, "plan": planned, "delete": deletes});
    let mut quiet = Quiet::begin(&org, seed, &model.names()).await;
    quiet.ask(&mut request);
    let attempts = Attempts {
        world,
        wire: &wire,
        org: &org,
        model: &model,
        request,
        makes: inserts > 0,
    };
    let between =
        async |environment: &Environment| Box::pin(quiet.between(environment, &org)).await;
    let (run, killed) = attempts.make(&mut environment, &mut random, between).await;
    // Of one that has failed nothing more comes.
    let catalog = environment.catalog();
    let job = catalog.find_job(&org.name, &run).await.unwrap();
    let has_failed = job.is_some_and(|job| job.status == JobStatus::Failed);
    let last = name(&org, "run-last");
    let run = if has_failed || random.bool() {
        last
    } else {
        run
    };
    attempts.finish(&environment, &run).await;
    quiet.assert_back(&environment, &org).await;
    let plan: Plan = {
        let vault = environment.vault(&org.name).await.unwrap();
        vault.document(&plan_name(&planned)).await.unwrap()
    };
    let after = state(&org, &model).await;
    let restored = Restored {
        environment: &environment,
        org: &org,
        before: &before,
        after: &after,
    };
    let new_ids = restored.assert_as_before(&plan).await;
    restored.assert_nothing_else((then..now, &damaged), mode, &new_ids);
    println!(
        "seed {seed}: {mode}, {killed} killed, {} made",
        new_ids.len()
    );
}

/// Records of a plan that a step is about.
fn counted(overview: &Value, step: &str) -> u64 {
    let objects = overview["objects"].as_array().unwrap().iter();
    let counts = objects.map(|object| object["counts"][step].as_u64().unwrap());
    counts.sum()
}

/// Captures everything that is there at a moment, and gives both. What is gone for good is gone from when a job learned of it.
pub(crate) async fn settle(
    environment: &Environment,
    (org, model): (&Org<'_>, &Model),
    what: &str,
) -> (Stamp, State) {
    let mut settled = (org.now().await, state(org, model).await);
    for job in ["learned", "captured"] {
        org.control("clock", json!({"advance_seconds": 60})).await;
        let job = name(org, &format!("{what}-{job}"));
        let ended = job::run(environment, &org.name, &job, JobKind::Sync).await;
        assert!(job::is_proven(&ended), "{:?}", ended.error);
        if job.as_str().ends_with("learned") {
            org.control("clock", json!({"advance_seconds": 60})).await;
            settled.0 = org.now().await;
        }
    }
    settled
}

pub(crate) async fn state(org: &Org<'_>, model: &Model) -> State {
    let now = org.now().await;
    let mut state = State::new();
    for object in model.names() {
        let mut records = org.records(object, now).await;
        records.retain(|_, record| !record.deleted);
        state.insert(object.to_owned(), records);
    }
    state
}

pub(crate) fn name(org: &Org<'_>, what: &str) -> JobId {
    JobId::parse(format!("{}-{what}", org.name)).unwrap()
}

struct Restored<'a> {
    environment: &'a Environment,
    org: &'a Org<'a>,
    before: &'a State,
    after: &'a State,
}

impl Restored<'_> {
    /// Every record is there, under its Id or a new one, with the values that can be written. Gives the new Ids.
    async fn assert_as_before(&self, plan: &Plan) -> BTreeMap<SalesforceId, SalesforceId> {
        let (catalog, org) = (self.environment.catalog(), &self.org.name);
        let all = self.before.values().flat_map(BTreeMap::keys).copied();
        let job = name(self.org, "none");
        let new_ids = catalog.made(org, &job, MadeAs::Itself, all).await.unwrap();
        let vault = self.environment.vault(org).await.unwrap();
        for (object, records) in self.before {
            let planned = plan
                .objects
                .iter()
                .find(|one| one.turn.object.as_str() == *object);
            let schema = match planned {
                Some(one) => Some(
                    vault
                        .schema(&one.turn.object, &one.schema_now)
                        .await
                        .unwrap(),
                ),
                None => None,
            };
            for (id, record) in records {
                let (now, is_new) = match (self.after[object].get(id), new_ids.get(id)) {
                    (Some(now), _) => (now, false),
                    (None, Some(new)) => (&self.after[object][new], true),
                    (None, None) => panic!("{object} {id} did not come back"),
                };
                for field in schema.iter().flat_map(ObjectSchema::stored_fields) {
                    if !is_written(field, is_new) {
                        continue;
                    }
                    let was = wanted(record, field, &new_ids);
                    let is = now.fields.get(&field.name);
                    if !is_same(was.as_ref(), is) {
                        let (environment, org) = (self.environment, self.org);
                        let plan = name(org, "plan");
                        let told = restore::told(environment, org, &plan, object, *id).await;
                        panic!("{object} {id} {}: {was:?}, {is:?}; {told}", field.name);
                    }
                }
            }
        }
        new_ids
    }

    /// Nothing is there twice, and what was created since only where it may stay. What went with a parent comes back with it, also
    /// what was created since.
    fn assert_nothing_else(
        &self,
        (disaster, damaged): (Range<Stamp>, &State),
        mode: &str,
        new_ids: &BTreeMap<SalesforceId, SalesforceId>,
    ) {
        for (object, records) in self.after {
            let was = |id: &SalesforceId| self.before[object].contains_key(id);
            for (id, record) in records {
                let is_made = new_ids.values().any(|new| new == id);
                let created = Stamp::parse(&record.fields["CreatedDate"]).unwrap();
                let came_along = !damaged[object].contains_key(id) && disaster.contains(&created);
                let stays = came_along || mode == "replace" && damaged[object].contains_key(id);
                assert!(
                    was(id) || is_made || stays,
                    "{mode}: {object} {id} should not be there; damaged: {}",
                    damaged[object].contains_key(id)
                );
            }
        }
    }
}
