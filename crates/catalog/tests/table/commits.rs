//! The ends of a block: committed or given up.

use holdfast_catalog::BlockState;
use holdfast_model::{Coverage, ErrorCode, Failure};

use crate::{WRITERS, account, at, block, code, covered, held, job, org, race, segment, window};

#[tokio::test]
async fn a_stale_block_is_neither_saved_nor_committed() {
    let catalog = held("block-stale").await;
    let line = block(0, window(None, 10));
    let mut stale = catalog.open_block(&line).await.unwrap();
    let mut fresh = stale.clone();
    fresh.progress.pages = 1;
    catalog.save_block(&mut fresh).await.unwrap();
    let result = catalog.save_block(&mut stale).await;
    assert_eq!(code(result), ErrorCode::CatalogConflict);
    let result = catalog.commit_block(&stale, line.window, at(1)).await;
    assert_eq!(code(result), ErrorCode::CatalogConflict);
    assert_eq!(catalog.object(&org(), &account()).await.unwrap(), None);
    assert_eq!(catalog.block(&line).await.unwrap(), Some(fresh));
}

#[tokio::test]
async fn segments_are_readable_through_a_committed_block_only() {
    let catalog = held("segments").await;
    let line = block(0, window(None, 10));
    let mut item = catalog.open_block(&line).await.unwrap();
    item.progress.segments = vec![segment(0, 4), segment(1, 9)];
    catalog.save_block(&mut item).await.unwrap();
    let mut given_up = catalog.open_block(&block(1, line.window)).await.unwrap();
    given_up.progress.segments = vec![segment(2, 9)];
    catalog.save_block(&mut given_up).await.unwrap();
    let failure = Failure::new(ErrorCode::PageShort, "a page is short");
    catalog
        .fail_block(given_up.block(), &failure)
        .await
        .unwrap();
    let segments = catalog.segments(&org(), &account()).await.unwrap();
    assert!(segments.is_empty());

    catalog
        .commit_block(&item, line.window, at(1))
        .await
        .unwrap();
    let segments = catalog.segments(&org(), &account()).await.unwrap();
    assert_eq!(segments, item.progress.segments);
    let (org, object) = (org(), account());
    let since = |stamp| catalog.segments_since(&org, &object, at(stamp));
    assert_eq!(since(5).await.unwrap(), vec![segment(1, 9)]);
    assert_eq!(since(9).await.unwrap(), vec![segment(1, 9)]);
    assert!(since(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_repeated_commit_changes_nothing_even_when_the_job_is_over() {
    let catalog = held("commit-repeat").await;
    let line = block(0, window(None, 10));
    let mut item = catalog.open_block(&line).await.unwrap();
    item.progress.segments = vec![segment(0, 9)];
    let committed = catalog
        .commit_block(&item, line.window, at(1))
        .await
        .unwrap();
    assert!(committed.is_committed());
    let object = catalog.object(&org(), &account()).await.unwrap();
    catalog.release_lease(&org(), &job("first")).await.unwrap();
    let again = catalog
        .commit_block(&item, line.window, at(2))
        .await
        .unwrap();
    assert_eq!(again, committed);
    let failure = Failure::new(ErrorCode::Internal, "too late");
    let failed = catalog.fail_block(&line, &failure).await.unwrap();
    assert_eq!(failed, committed);
    assert_eq!(catalog.object(&org(), &account()).await.unwrap(), object);
    assert_eq!(catalog.block(&line).await.unwrap(), Some(committed));
}

#[tokio::test]
async fn a_job_that_lost_the_org_commits_nothing() {
    let catalog = held("commit-lease").await;
    let line = block(0, window(None, 10));
    let item = catalog.open_block(&line).await.unwrap();
    let ended = catalog.lease(&org()).await.unwrap().unwrap();
    catalog
        .replace_lease(&org(), &ended, &job("second"), "arn:second")
        .await
        .unwrap();
    let result = catalog.commit_block(&item, line.window, at(1)).await;
    assert_eq!(code(result), ErrorCode::LeaseLost);
    assert_eq!(catalog.object(&org(), &account()).await.unwrap(), None);
    assert_eq!(catalog.block(&line).await.unwrap(), Some(item));
}

#[tokio::test]
async fn a_block_that_was_given_up_cannot_be_committed() {
    let catalog = held("commit-after-exception").await;
    let line = block(0, window(None, 10));
    let item = catalog.open_block(&line).await.unwrap();
    let failure = Failure::new(ErrorCode::BulkJobFailed, "the bulk job failed");
    let failed = catalog.fail_block(&line, &failure).await.unwrap();
    assert_eq!(failed.exception(), Some(&failure));
    let repeated = Failure::new(ErrorCode::Internal, "another reason");
    assert_eq!(catalog.fail_block(&line, &repeated).await.unwrap(), failed);
    for mut item in [item, failed] {
        let result = catalog.commit_block(&item, line.window, at(1)).await;
        assert_eq!(code(result), ErrorCode::CatalogConflict);
        let result = catalog.save_block(&mut item).await;
        assert_eq!(code(result), ErrorCode::CatalogConflict);
    }

    let object = catalog.object(&org(), &account()).await.unwrap().unwrap();
    assert_eq!(object.coverage, Coverage::default());
    let exception = object.last_exception.unwrap();
    assert_eq!((exception.failure, exception.times), (failure, 1));
}

#[tokio::test]
async fn an_exception_of_a_block_that_was_never_opened_is_noted() {
    let catalog = held("exception-unopened").await;
    let line = block(0, window(None, 10));
    let failure = Failure::new(ErrorCode::ObjectGone, "g".repeat(1_000_000));
    let failed = catalog.fail_block(&line, &failure).await.unwrap();
    assert_eq!(failed.exception().unwrap().code, ErrorCode::ObjectGone);
    // The next job captures the window, and the exception is healed.
    let healing = catalog.open_block(&block(1, line.window)).await.unwrap();
    catalog
        .commit_block(&healing, line.window, at(1))
        .await
        .unwrap();
    let object = catalog.object(&org(), &account()).await.unwrap().unwrap();
    assert_eq!(object.last_exception, None);
}

#[tokio::test]
async fn blocks_of_one_object_commit_at_the_same_time() {
    let catalog = held("commit-parallel").await;
    let cut = |number: u32| {
        let from = i64::from(number) * 10;
        window((number > 0).then_some(from), from + 10)
    };
    let states = race(|writer| {
        let catalog = catalog.clone();
        async move {
            let line = block(writer, cut(writer));
            let mut item = catalog.open_block(&line).await.unwrap();
            item.progress.segments = vec![segment(writer, 9)];
            let committed = catalog.commit_block(&item, line.window, at(1)).await;
            committed.unwrap().state().clone()
        }
    })
    .await;
    let committed = |state: &BlockState| matches!(state, BlockState::Committed { .. });
    assert!(states.iter().all(committed));
    let object = catalog.object(&org(), &account()).await.unwrap().unwrap();
    let whole = window(None, i64::from(WRITERS) * 10);
    assert_eq!(object.coverage, covered(&[whole]));
    let segments = catalog.segments(&org(), &account()).await.unwrap();
    assert_eq!(segments.len(), WRITERS as usize);
}

#[tokio::test]
async fn one_block_committed_by_many_is_committed_once() {
    let catalog = held("commit-same").await;
    let line = block(0, window(None, 10));
    let item = catalog.open_block(&line).await.unwrap();
    let committed = race(|writer| {
        let (catalog, item) = (catalog.clone(), item.clone());
        async move {
            catalog
                .commit_block(&item, item.block().window, at(i64::from(writer)))
                .await
                .unwrap()
        }
    })
    .await;
    assert!(committed.iter().all(|item| *item == committed[0]));
    let object = catalog.object(&org(), &account()).await.unwrap().unwrap();
    assert_eq!(object.version, 1);
}
