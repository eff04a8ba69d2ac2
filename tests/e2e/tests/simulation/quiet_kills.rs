//! Switching is killed at each of its AWS calls, before it is sent and when its answer is lost.

use holdfast_catalog::{JobKind, JobStatus};
use holdfast_model::{JobId, ObjectName};
use serde_json::{Value, json};

use crate::job;
use crate::org::Org;
use crate::quiet::{self, Quiet};
use crate::restore;
use crate::tripwire::Tripwire;
use crate::world::World;

const OBJECTS: [(&str, usize); 2] = [("Account", 3), ("Contact", 3)];

pub(crate) async fn run(world: &World) {
    let org = Org::with(world, 5, &OBJECTS).await;
    let wire = Tripwire::new();
    let mut environment = world.environment(&wire);
    let settings = json!({"exclude_objects": org.other_objects().await});
    job::connect(&environment, &org.name, settings).await;
    let planned = plan(&environment, &org).await;
    let request = json!({"org": org.name, "plan": planned, "quiet": quiet::all()});
    let quiet = Quiet::all(&org, &OBJECTS.map(|(object, _)| object)).await;

    let (mut steps, mut killed) = (0, 0);
    loop {
        let run = name(&format!("run-{steps}"));
        let begun = restore::begin(&environment, &org, &run).await.unwrap();
        assert_eq!(begun["outcome"], "started");

        let off = wire.within(steps, Box::pin(quiet::off(&environment, &run, &request)));
        let off = off.await;
        if off.is_none() {
            environment = world.environment(&wire);
        }
        // Every other time nobody calls again but the sweep.
        let is_swept = off.is_none() && steps % 2 == 1;
        if is_swept {
            Box::pin(quiet::sweep(&environment)).await.unwrap();
        } else {
            Box::pin(quiet::off(&environment, &run, &request))
                .await
                .unwrap();
            quiet.assert_off(&org).await;
            let on = wire.within(steps, Box::pin(quiet::on(&environment, &org, &run)));
            if on.await.is_none() {
                killed += 1;
                environment = world.environment(&wire);
                Box::pin(quiet::on(&environment, &org, &run)).await;
            } else if off.is_some() {
                quiet.assert_back(&environment, &org).await;
                break;
            }
        }
        killed += u32::from(off.is_none());
        quiet.assert_back(&environment, &org).await;
        let item = environment.catalog().job(&org.name, &run).await.unwrap();
        // The sweep ends a job whose execution is gone, if it had begun to switch.
        if !is_swept {
            assert_eq!(item.status, JobStatus::Running, "{:?}", item.error);
        }
        steps += 1;
    }
    assert!(killed > 20, "{killed}");
    println!("{killed} killed");
}

/// A plan that writes both objects.
async fn plan(environment: &holdfast_runtime::Environment, org: &Org<'_>) -> JobId {
    let mut moments = Vec::new();
    for what in ["before", "damaged"] {
        for (object, _) in OBJECTS {
            let set = json!({"object": object, "pick": 2, "set": {"Description": what}});
            org.control("update", set).await;
        }
        org.control("clock", json!({"advance_seconds": 600})).await;
        moments.push(org.now().await);
        org.control("clock", json!({"advance_seconds": 600})).await;
        let ended = job::run(environment, &org.name, &name(what), JobKind::Backup).await;
        assert!(job::is_proven(&ended), "{:?}", ended.error);
    }
    let objects = OBJECTS.map(|(object, _)| ObjectName::parse(object).unwrap());
    let compare = name("compare");
    let between = (moments[0], moments[1]);
    Box::pin(job::compare(
        environment,
        &org.name,
        &compare,
        between,
        &objects,
    ))
    .await;
    let planned = name("plan");
    let request = json!({"org": org.name, "compare": compare, "mode": "replace"});
    let overview: Value = Box::pin(restore::plan(environment, org, &planned, request)).await;
    assert_eq!(overview["is_ready"], true);
    planned
}

fn name(what: &str) -> JobId {
    JobId::parse(format!("kills-{what}")).unwrap()
}
