//! Blocks, as they are opened and saved.

use holdfast_catalog::{Progress, SEGMENTS_PER_BLOCK_MAX};
use holdfast_model::{ErrorCode, SegmentEntry};

use crate::{account, at, block, code, held, org, segment, window};

#[tokio::test]
async fn a_block_comes_back_as_it_was_saved() {
    let catalog = held("block-round-trip").await;
    let line = block(7, window(Some(5), 10));
    assert_eq!(catalog.block(&line).await.unwrap(), None);
    let mut item = catalog.open_block(&line).await.unwrap();
    item.progress = Progress {
        attempts: 2,
        bulk_job: Some("750R0000000zlh9IAA".to_owned()),
        locator: Some("MTAwMDA".to_owned()),
        pages: 3,
        rows_received: 1 << 60,
        bytes_received: u64::MAX,
        api_calls: 4,
        duplicates: 5,
        deleted: 6,
        digest: segment(0, 1).digest,
        segments: (0..3).map(|number| segment(number, 9)).collect(),
        ..Progress::default()
    };
    catalog.save_block(&mut item).await.unwrap();
    assert_eq!(catalog.block(&line).await.unwrap().unwrap(), item);
    assert_eq!(catalog.open_block(&line).await.unwrap(), item);
    assert_eq!(item.block(), &line);
    let result = catalog.open_block(&block(7, window(Some(5), 11))).await;
    assert_eq!(code(result), ErrorCode::InputInvalid);
}

#[tokio::test]
async fn a_full_block_fits_and_a_larger_one_is_refused_before_it_is_written() {
    let catalog = held("block-size").await;
    let line = block(0, window(None, 10));
    let mut item = catalog.open_block(&line).await.unwrap();
    let long = "x".repeat(80);
    let largest = |number| SegmentEntry {
        path: format!("{}/segments/{long}/{number:036}.parquet", "o".repeat(40)),
        ..segment(number, 9)
    };
    let most = u32::try_from(SEGMENTS_PER_BLOCK_MAX).unwrap();
    item.progress.segments = (0..most).map(largest).collect();
    catalog.save_block(&mut item).await.unwrap();
    let full = item.clone();
    item.progress.segments.push(largest(most));
    let result = catalog.save_block(&mut item).await;
    assert_eq!(code(result), ErrorCode::CatalogItemTooLarge);
    let result = catalog.commit_block(&item, line.window, at(1)).await;
    assert_eq!(code(result), ErrorCode::CatalogItemTooLarge);
    assert_eq!(catalog.block(&line).await.unwrap().unwrap(), full);
    catalog
        .commit_block(&full, line.window, at(1))
        .await
        .unwrap();
    let segments = catalog.segments(&org(), &account()).await.unwrap();
    assert_eq!(segments.len(), SEGMENTS_PER_BLOCK_MAX);
}

#[tokio::test]
async fn the_blocks_of_a_plan_come_in_its_order() {
    let catalog = held("blocks").await;
    let lines: Vec<_> = (0..230).map(|n| block(n, window(None, 10))).collect();
    for line in lines.iter().step_by(3) {
        catalog.open_block(line).await.unwrap();
    }
    let found = catalog.blocks(&lines).await.unwrap();
    assert_eq!(found.len(), lines.len());
    for (line, item) in lines.iter().zip(found) {
        assert_eq!(item.is_some(), line.block % 3 == 0);
        assert!(item.is_none_or(|item| item.block() == line));
    }
    assert!(catalog.blocks(&[]).await.unwrap().is_empty());
}
