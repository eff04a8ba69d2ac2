//! A restore that is disturbed, killed, repeated and given up, until somebody lets it end.

use fastrand::Rng;
use holdfast_catalog::JobStatus;
use holdfast_model::JobId;
use holdfast_runtime::Environment;
use serde_json::{Value, json};

use crate::disaster::name;
use crate::model::Model;
use crate::org::Org;
use crate::restore;
use crate::tripwire::Tripwire;
use crate::world::World;

/// A restore takes about so many steps, two for each AWS call.
const STEPS_MAX: i64 = 240;

/// A plan that is run.
pub(crate) struct Attempts<'a> {
    pub(crate) world: &'a World,
    pub(crate) wire: &'a Tripwire,
    pub(crate) org: &'a Org<'a>,
    pub(crate) model: &'a Model,
    /// What the run is asked for.
    pub(crate) request: Value,
    /// Whether the plan makes records.
    pub(crate) makes: bool,
}

impl Attempts<'_> {
    /// Up to four, with something `between` them. Gives the run that was last, and how many were killed; each kill takes the
    /// environment with it.
    pub(crate) async fn make(
        &self,
        environment: &mut Environment,
        random: &mut Rng,
        mut between: impl AsyncFnMut(&Environment),
    ) -> (JobId, u32) {
        let (mut killed, mut run) = (0, name(self.org, "run"));
        for again in 0..random.u32(1..5) {
            if random.bool() {
                trouble(self.org, random).await;
            }
            between(environment).await;
            let attempt = restore::run(environment, self.org, &run, self.request.clone());
            let attempt = Box::pin(attempt);
            // A kill at random seldom falls between new records and the note of their Ids.
            let ended = if self.makes && random.bool() {
                self.wire.until_batch(attempt).await
            } else {
                self.wire.within(random.i64(0..STEPS_MAX), attempt).await
            };
            if ended.is_none() {
                killed += 1;
                *environment = self.world.environment(self.wire);
            }
            // The machine calls again; or the run is over, one way or another, and somebody starts another one.
            if random.bool() {
                run = name(self.org, &format!("run-{again}"));
            }
        }
        self.org.clear_faults().await;
        (run, killed)
    }

    /// Lets a run end, which must put everything right.
    pub(crate) async fn finish(&self, environment: &Environment, run: &JobId) {
        let attempt = restore::run(environment, self.org, run, self.request.clone());
        let ended = Box::pin(attempt).await;
        if ended.status == JobStatus::Succeeded {
            return;
        }
        for object in self.model.names() {
            println!(
                "{object}: {}",
                restore::receipts(environment, self.org, run, object).await
            );
        }
        panic!("{:?}", ended.error);
    }
}

/// Something goes wrong in the next calls that write.
async fn trouble(org: &Org<'_>, random: &mut Rng) {
    let action = match random.u32(0..4) {
        0 => json!({"cut_after_bytes": random.u32(1..400)}),
        1 => json!("expire_session"),
        2 => json!("server_error"),
        _ => json!({"unavailable": {"retry_after": 0}}),
    };
    let path = ["composite/sobjects", "Soap/u"][random.usize(..2)];
    let nth = random.u32(1..6);
    let body = json!({"match": {"path_contains": path, "nth": nth}, "times": random.u32(1..3), "action": action});
    org.control("faults", body).await;
}
