//! Runs of restores, and records that were made anew.

use holdfast_catalog::RunProgress;
use holdfast_model::{ErrorCode, Phase, SalesforceId};

use crate::{code, held, job, org};

fn id(number: u32) -> SalesforceId {
    SalesforceId::parse(format!("001D0000{number:07}").as_bytes()).unwrap()
}

#[tokio::test]
async fn a_run_goes_on_where_it_was_saved_and_of_two_callers_one_is_refused() {
    let catalog = held("run").await;
    let (org, job) = (org(), job("first"));
    assert_eq!(catalog.run(&org, &job).await.unwrap(), None);
    let begun = catalog.open_run(&org, &job).await.unwrap();
    assert_eq!(begun.progress.phase, Some(Phase::Undelete));
    let further = RunProgress {
        phase: Some(Phase::Insert),
        row: 200,
        ..RunProgress::default()
    };
    let saved = catalog.save_run(&begun, further.clone()).await.unwrap();
    let late = catalog.save_run(&begun, RunProgress::default()).await;
    assert_eq!(code(late), ErrorCode::CatalogConflict);
    assert_eq!(catalog.open_run(&org, &job).await.unwrap(), saved);
    assert_eq!(saved.progress, further);
}

#[tokio::test]
async fn new_ids_are_found_by_the_old_ones_and_the_newest_counts() {
    let catalog = held("remade").await;
    let (org, job) = (org(), job("first"));
    let made: Vec<_> = (0..150)
        .map(|number| (id(number), id(1_000 + number)))
        .collect();
    catalog.put_remade(&org, &job, &made).await.unwrap();
    catalog.put_remade(&org, &job, &made).await.unwrap();
    let found = catalog.remade(&org, (100..200).map(id)).await.unwrap();
    assert_eq!(found, made.into_iter().skip(100).collect());
    let again = [(id(100), id(5_000))];
    catalog.put_remade(&org, &job, &again).await.unwrap();
    let found = catalog.remade(&org, [id(100)]).await.unwrap();
    assert_eq!(found, again.into());
}
