//! A restore into another org, killed on its way: everything is there once, under new Ids, with its lookups right and its owners by name.

use std::collections::BTreeMap;

use fastrand::Rng;
use holdfast_catalog::MadeAs;
use holdfast_model::{FieldSchema, ObjectSchema, SalesforceId};
use holdfast_plan::restore::plan::{Plan, plan_name};
use holdfast_runtime::Environment;
use serde_json::json;

use crate::attempts::Attempts;
use crate::compare::is_same;
use crate::damage::{damage, prepare};
use crate::disaster::{State, name, settle, state};
use crate::fidelity::{is_written, wanted};
use crate::model::Model;
use crate::org::Org;
use crate::tripwire::Tripwire;
use crate::truth::Record;
use crate::world::World;
use crate::{job, restore};

/// What every org has of its own.
const NAMED: [&str; 3] = ["User", "Group", "RecordType"];

pub(crate) async fn run(world: &World, seed: u64) {
    let mut random = Rng::with_seed(seed ^ 0x5452_414e);
    let own = NAMED.map(|object| (object, 0));
    let model = Model::of(seed);
    let known = model.known_objects().iter().copied();
    let objects: Vec<_> = known.chain(own).collect();
    let empty: Vec<_> = objects.iter().map(|(object, _)| (*object, 0)).collect();
    let mut source = Org::with(world, seed, &objects).await;
    let mut target = Org::beside(world, seed, &empty).await;
    model.make(world, &mut source, true).await;
    model.make(world, &mut target, false).await;
    let wire = Tripwire::new();
    let mut environment = world.environment(&wire);
    for org in [&source, &target] {
        let settings = json!({
            "bulk_rows_min": 4, "quiet_poll_seconds": 0, "exclude_objects": org.other_objects().await,
        });
        job::connect(&environment, &org.name, settings).await;
    }
    prepare(&source, &model).await;
    for _ in 0..random.u32(0..12) {
        damage(&source, &model, &mut random, 12).await;
    }
    let (then, before) = settle(&environment, (&source, &model), "before").await;
    let (now, _) = settle(&environment, (&target, &model), "empty").await;

    let objects = model.objects();
    let (compare, planned) = (name(&source, "compare"), name(&target, "plan"));
    let sides = ((&source.name, then), (&target.name, now));
    Box::pin(job::compare_orgs(&environment, &compare, sides, &objects)).await;
    let request = json!({
        "org": target.name, "from": source.name, "compare": compare, "mode": "replace",
    });
    let overview = Box::pin(restore::plan(&environment, &target, &planned, request)).await;
    assert_eq!(overview["is_ready"], true);

    let attempts = Attempts {
        world,
        wire: &wire,
        org: &target,
        model: &model,
        request: json!({"org": target.name, "plan": planned}),
        makes: true,
    };
    let (_, killed) = attempts
        .make(&mut environment, &mut random, async |_| {})
        .await;
    // Twice: the second one finds everything.
    for last in ["last", "once-more"] {
        attempts.finish(&environment, &name(&target, last)).await;
    }
    let there = Transferred {
        environment: &environment,
        model: &model,
        source: &source,
        target: &target,
        before: &before,
    };
    let made = there.assert_whole(&name(&target, "plan")).await;
    println!("seed {seed}: {killed} killed, {made} made in another org");
}

struct Transferred<'a> {
    environment: &'a Environment,
    model: &'a Model,
    source: &'a Org<'a>,
    target: &'a Org<'a>,
    before: &'a State,
}

impl Transferred<'_> {
    /// Every record is there once, with all values that can be made. Gives how many.
    async fn assert_whole(&self, planned: &holdfast_model::JobId) -> usize {
        let (catalog, org) = (self.environment.catalog(), &self.target.name);
        let all = self.before.values().flat_map(BTreeMap::keys).copied();
        let mut new_ids = catalog
            .made(org, planned, MadeAs::Itself, all)
            .await
            .unwrap();
        let made = new_ids.len();
        new_ids.extend(self.people().await);
        let vault = self.environment.vault(org).await.unwrap();
        let plan: Plan = vault.document(&plan_name(planned)).await.unwrap();
        let after = state(self.target, self.model).await;
        for (object, records) in self.before {
            assert_eq!(after[object].len(), records.len(), "{object}");
            let planned = plan
                .objects
                .iter()
                .find(|one| one.turn.object.as_str() == *object);
            let Some(planned) = planned else {
                assert!(records.is_empty(), "{object} was not planned");
                continue;
            };
            let name = &planned.turn.object;
            let schema: ObjectSchema = vault.schema(name, &planned.schema_now).await.unwrap();
            for (id, record) in records {
                let new = new_ids.get(id);
                let now = new.and_then(|new| after[object].get(new));
                let now = now.unwrap_or_else(|| panic!("{object} {id} is not there"));
                for field in schema.stored_fields() {
                    assert_alike(object, *id, field, (record, now), &new_ids);
                }
            }
        }
        made
    }

    /// Who has the same name there.
    async fn people(&self) -> BTreeMap<SalesforceId, SalesforceId> {
        let mut found = BTreeMap::new();
        let names = [
            ("User", "Username"),
            ("Group", "DeveloperName"),
            ("RecordType", "DeveloperName"),
        ];
        for (object, field) in names {
            let kind = |record: &Record| {
                let kinds = ["SobjectType", "Type"].map(|kind| record.fields.get(kind));
                kinds.map(Option::<&String>::cloned)
            };
            let there = self.target.records(object, self.target.now().await).await;
            for (id, record) in self.source.records(object, self.source.now().await).await {
                let same = there.iter().find(|(_, other)| {
                    other.fields.get(field) == record.fields.get(field)
                        && kind(other) == kind(&record)
                });
                found.extend(same.map(|(other, _)| (id, *other)));
            }
        }
        found
    }
}

fn assert_alike(
    object: &str,
    id: SalesforceId,
    field: &FieldSchema,
    (was, is): (&Record, &Record),
    new_ids: &BTreeMap<SalesforceId, SalesforceId>,
) {
    if !is_written(field, true) {
        return;
    }
    let was = wanted(was, field, new_ids);
    let is = is.fields.get(&field.name);
    assert!(
        is_same(was.as_ref(), is),
        "{object} {id} {}: {was:?}, {is:?}",
        field.name
    );
}
