//! Runs of restores, and records that were made anew.

use std::collections::BTreeMap;

use holdfast_catalog::{MadeAs, RunProgress};
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
    let plan = &job;
    let begun = catalog.open_run(&org, &job, plan).await.unwrap();
    assert_eq!(begun.progress.phase, Some(Phase::Undelete));
    let further = RunProgress {
        phase: Some(Phase::Insert),
        batch: 200,
        ..RunProgress::default()
    };
    let saved = catalog.save_run(&begun, further.clone()).await.unwrap();
    let late = catalog.save_run(&begun, RunProgress::default()).await;
    assert_eq!(code(late), ErrorCode::CatalogConflict);
    assert_eq!(catalog.open_run(&org, &job, plan).await.unwrap(), saved);
    assert_eq!(saved.progress, further);
}

#[tokio::test]
async fn new_ids_are_found_by_the_old_ones_and_the_newest_counts() {
    let catalog = held("remade").await;
    let (org, job) = (org(), job("first"));
    let made: BTreeMap<_, _> = (0..150)
        .map(|number| (id(number), id(1_000 + number)))
        .collect();
    let put = async |made_as, made| catalog.put_made(&org, &job, made_as, made).await.unwrap();
    let found = async |made_as, ids| catalog.made(&org, &job, made_as, ids).await.unwrap();
    put(MadeAs::Itself, &made).await;
    put(MadeAs::Itself, &made).await;
    let some: Vec<_> = (100..200).map(id).collect();
    let expected = made
        .iter()
        .skip(100)
        .map(|(id, made)| (*id, *made))
        .collect();
    assert_eq!(found(MadeAs::Itself, some).await, expected);
    let again = [(id(100), id(5_000))].into();
    put(MadeAs::Itself, &again).await;
    assert_eq!(found(MadeAs::Itself, vec![id(100)]).await, again);
}

#[tokio::test]
async fn a_copy_takes_no_place_and_is_known_to_its_own_job_only() {
    let catalog = held("copies").await;
    let org = org();
    let (first, second) = (job("first"), job("second"));
    let copies = [(id(1), id(2))].into();
    catalog
        .put_made(&org, &first, MadeAs::Copy, &copies)
        .await
        .unwrap();
    let found = async |job, made_as| catalog.made(&org, job, made_as, [id(1)]).await.unwrap();
    assert_eq!(found(&first, MadeAs::Copy).await, copies);
    assert!(found(&second, MadeAs::Copy).await.is_empty());
    assert!(found(&first, MadeAs::Itself).await.is_empty());
}
