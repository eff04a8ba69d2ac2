//! Jobs and who holds the org.

use holdfast_catalog::{
    Counts, JobItem, JobKind, JobStatus, Lease, LeaseOutcome, ManifestRef, Outcome, PlanRef,
};
use holdfast_model::{ErrorCode, Failure, OrgName};

use crate::{at, code, held, job, local, org, race};

#[tokio::test]
async fn one_of_many_jobs_takes_the_lease() {
    let catalog = local::catalog("lease-race").await;
    let outcomes = race(|writer| {
        let catalog = catalog.clone();
        async move {
            let job = job(&format!("job-{writer}"));
            (catalog.take_lease(&org(), &job, "arn").await.unwrap(), job)
        }
    })
    .await;
    let holder = catalog.lease(&org()).await.unwrap().unwrap();
    for (outcome, job) in outcomes {
        if job == holder.job {
            assert_eq!(outcome, LeaseOutcome::Taken);
            let again = catalog.take_lease(&org(), &job, "arn").await.unwrap();
            assert_eq!(again, LeaseOutcome::Taken);
        } else {
            assert_eq!(outcome, LeaseOutcome::HeldBy(holder.clone()));
        }
    }
}

#[tokio::test]
async fn one_of_many_jobs_replaces_a_holder_that_ended() {
    let catalog = held("lease-replace").await;
    let ended = Lease {
        job: job("first"),
        execution: "arn:first".to_owned(),
    };
    let outcomes = race(|writer| {
        let (catalog, ended) = (catalog.clone(), ended.clone());
        async move {
            let job = job(&format!("job-{writer}"));
            catalog
                .replace_lease(&org(), &ended, &job, "arn")
                .await
                .unwrap()
        }
    })
    .await;
    let taken = outcomes.iter().filter(|o| **o == LeaseOutcome::Taken);
    assert_eq!(taken.count(), 1);
    let holder = catalog.lease(&org()).await.unwrap().unwrap();
    assert_ne!(holder.job, ended.job);

    // The old holder gives free what it does not hold.
    catalog.release_lease(&org(), &ended.job).await.unwrap();
    assert_eq!(catalog.lease(&org()).await.unwrap(), Some(holder.clone()));
    let result = catalog.assert_lease(&org(), &ended.job).await;
    assert_eq!(code(result), ErrorCode::LeaseLost);
    catalog.assert_lease(&org(), &holder.job).await.unwrap();
    catalog.release_lease(&org(), &holder.job).await.unwrap();
    assert_eq!(catalog.lease(&org()).await.unwrap(), None);
    let result = catalog.assert_lease(&org(), &holder.job).await;
    assert_eq!(code(result), ErrorCode::LeaseLost);
}

#[tokio::test]
async fn a_job_begins_once_and_ends_once() {
    let catalog = local::catalog("jobs").await;
    let (org, name) = (org(), job("first"));
    assert_eq!(code(catalog.job(&org, &name).await), ErrorCode::JobUnknown);
    let begun = race(|writer| {
        let catalog = catalog.clone();
        async move {
            let started = at(1_000 + i64::from(writer));
            catalog
                .begin_job(
                    &OrgName::parse("acme").unwrap(),
                    &job("first"),
                    JobKind::Backup,
                    "arn",
                    started,
                )
                .await
                .unwrap()
        }
    })
    .await;
    assert!(begun.iter().all(|item| *item == begun[0]));

    let plan = PlanRef {
        key: "acme/plans/first/blocks.jsonl".to_owned(),
        blocks: 3,
        objects: 2,
        quiet: 0,
        until: None,
        asked_all_at: None,
    };
    let planned = catalog.set_plan(&org, &name, &plan).await.unwrap();
    assert_eq!(catalog.set_plan(&org, &name, &plan).await.unwrap(), planned);
    let other = PlanRef {
        blocks: 4,
        ..plan.clone()
    };
    let result = catalog.set_plan(&org, &name, &other).await;
    assert_eq!(code(result), ErrorCode::CatalogConflict);

    let succeeded = Outcome {
        status: JobStatus::Succeeded,
        finished_at: at(2_000),
        counts: Some(Counts {
            objects: 2,
            blocks: 3,
            rows_received: u64::MAX,
            ..Counts::default()
        }),
        manifest: Some(ManifestRef {
            path: "acme/manifests/0000000001.sealed".to_owned(),
            seq: 1,
            sha256: "cd".repeat(32),
        }),
        error: None,
    };
    let finished = catalog.finish_job(&org, &name, &succeeded).await.unwrap();
    assert_eq!(finished.status, JobStatus::Succeeded);
    let failed = Outcome {
        status: JobStatus::Failed,
        finished_at: at(3_000),
        counts: None,
        manifest: None,
        error: Some(Failure::new(ErrorCode::Internal, "too late")),
    };
    assert_eq!(
        catalog.finish_job(&org, &name, &failed).await.unwrap(),
        finished
    );
    assert_eq!(catalog.job(&org, &name).await.unwrap(), finished);
    let running = Outcome {
        status: JobStatus::Running,
        ..failed
    };
    let result = catalog.finish_job(&org, &name, &running).await;
    assert_eq!(code(result), ErrorCode::InputInvalid);
}

#[tokio::test]
async fn the_newest_jobs_come_first_whatever_they_are_called() {
    let catalog = local::catalog("jobs-by-time").await;
    for (name, started) in [("b", 3), ("a", 1), ("d", 2), ("c", 4)] {
        catalog
            .begin_job(&org(), &job(name), JobKind::Backup, "arn", at(started))
            .await
            .unwrap();
    }
    let names = |jobs: Vec<JobItem>| -> Vec<String> {
        jobs.iter().map(|item| item.job.to_string()).collect()
    };
    let newest = catalog.jobs(&org(), 3).await.unwrap();
    assert_eq!(names(newest), ["c", "b", "d"]);
    let all = catalog.jobs(&org(), 100).await.unwrap();
    assert_eq!(names(all), ["c", "b", "d", "a"]);
    assert!(catalog.jobs(&org(), 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_compare_is_not_among_the_jobs_that_capture() {
    let catalog = local::catalog("compares").await;
    for (name, kind, started) in [
        ("backup", JobKind::Backup, 1),
        ("compare", JobKind::Compare, 2),
    ] {
        let begun = catalog
            .begin_job(&org(), &job(name), kind, "arn", at(started))
            .await;
        begun.unwrap();
    }
    let jobs = catalog.jobs(&org(), 9).await.unwrap();
    assert_eq!(
        jobs.iter().map(|item| &item.job).collect::<Vec<_>>(),
        [&job("backup")]
    );
    let compare = catalog.find_job(&org(), &job("compare")).await.unwrap();
    assert_eq!(compare.unwrap().kind, JobKind::Compare);
    assert_eq!(catalog.find_job(&org(), &job("none")).await.unwrap(), None);
}
