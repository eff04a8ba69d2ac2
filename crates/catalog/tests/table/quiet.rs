//! Automation that is off, and jobs that left it so.

use holdfast_catalog::{JobKind, JobStatus, Outcome, Quiet};
use holdfast_model::{ErrorCode, Failure};

use crate::{at, code, held, job, org};

#[tokio::test]
async fn what_one_job_has_off_is_noted_once_and_no_late_writer_changes_it() {
    let catalog = held("quiet").await;
    let org = org();
    assert_eq!(catalog.quiets().await.unwrap(), []);
    let opened = catalog
        .open_quiet(&org, &job("first"), "arn")
        .await
        .unwrap();
    let other = catalog.open_quiet(&org, &job("second"), "arn-2").await;
    assert_eq!(other.unwrap(), opened, "what another job has off stays");
    assert_eq!(
        catalog.quiets().await.unwrap(),
        std::slice::from_ref(&opened)
    );

    let taken = opened.quiet.clone().map(|quiet| Quiet {
        execution: "arn-2".to_owned(),
        ..quiet
    });
    let saved = catalog.save_quiet(&opened, taken).await.unwrap();
    let late = catalog.save_quiet(&opened, None).await;
    assert_eq!(code(late), ErrorCode::CatalogConflict);
    catalog.save_quiet(&saved, None).await.unwrap();
    assert_eq!(catalog.quiets().await.unwrap(), []);
    let second = catalog.open_quiet(&org, &job("second"), "arn-2").await;
    assert_eq!(second.unwrap().quiet.unwrap().job, job("second"));
}

#[tokio::test]
async fn a_job_is_failed_while_automation_is_off_and_then_what_it_was() {
    let catalog = held("left-off").await;
    let (org, job) = (org(), job("restore"));
    let begun = catalog.begin_job(&org, &job, JobKind::Restore, "arn", at(1));
    begun.await.unwrap();
    let incomplete = Failure::new(ErrorCode::RestoreIncomplete, "some");
    let ended = Outcome {
        status: JobStatus::Partial,
        finished_at: at(2),
        counts: None,
        manifest: None,
        error: Some(incomplete),
    };
    let partial = catalog.finish_job(&org, &job, &ended).await.unwrap();
    let left_off = Failure::new(ErrorCode::AutomationLeftOff, "a trigger");
    for _ in 0..2 {
        let red = catalog.note_left_off(&org, &job, &left_off, at(3)).await;
        let red = red.unwrap();
        assert_eq!(
            (red.status, red.error.as_ref()),
            (JobStatus::Failed, Some(&left_off))
        );
    }
    for _ in 0..2 {
        let cleared = catalog.clear_left_off(&org, &job).await.unwrap();
        assert_eq!(
            (cleared.status, cleared.error),
            (partial.status, partial.error.clone())
        );
    }
}

#[tokio::test]
async fn a_job_that_never_ended_has_failed_once_its_automation_is_on() {
    let catalog = held("unended").await;
    let (org, job) = (org(), job("restore"));
    let begun = catalog.begin_job(&org, &job, JobKind::Restore, "arn", at(1));
    begun.await.unwrap();
    let left_off = Failure::new(ErrorCode::AutomationLeftOff, "a trigger");
    catalog
        .note_left_off(&org, &job, &left_off, at(3))
        .await
        .unwrap();
    let cleared = catalog.clear_left_off(&org, &job).await.unwrap();
    assert_eq!(cleared.status, JobStatus::Failed);
    assert_eq!(cleared.error.unwrap().code, ErrorCode::LeaseLost);
}
