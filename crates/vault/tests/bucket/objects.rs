//! Segments, documents, blobs and plans in a bucket.

use bytes::Bytes;
use futures_util::stream;
use holdfast_model::{Block, BlockGroup, ErrorCode, JobId, Lane, Window};
use holdfast_vault::{BlobBody, Fields, Filter, Put};

use crate::local::Local;
use crate::{account, id, put, rows, stamp};

#[tokio::test]
async fn segments_are_scanned_and_searched_in_ranges() {
    let local = Local::new("segments").await;
    let vault = local.create("acme", None).await.unwrap();
    // 30 MB of text, so that the segment has several row groups and the footer is not all there is.
    let first = rows((0..30_000).map(|number| (number, 1, format!("{number:0>1000}"))));
    let second = rows(
        (0..30_000)
            .step_by(1000)
            .map(|number| (number, 2, "changed".into())),
    );
    let entries = [put(&vault, &first).await, put(&vault, &second).await];

    let mut scan = vault.scan(&entries, stamp(9), Fields::Named(&["Name"]), Filter::All);
    let mut count = 0;
    while let Some(row) = scan.next().await.unwrap() {
        assert_eq!(row.id(), id(count));
        if count.is_multiple_of(1000) {
            assert_eq!(
                (row.field("Name"), row.modstamp()),
                (Some("changed"), stamp(2))
            );
        } else {
            assert_eq!(
                (row.field("Name"), row.modstamp()),
                (Some(format!("{count:0>1000}").as_str()), stamp(1))
            );
        }
        count += 1;
    }
    assert_eq!(count, 30_000);

    let versions = vault.versions(&entries, id(5000)).await.unwrap();
    let names: Vec<_> = versions
        .iter()
        .map(|version| version.fields["Name"].clone().unwrap())
        .collect();
    assert_eq!(names, ["changed".to_owned(), format!("{:0>1000}", 5000)]);
    assert!(
        vault
            .versions(&entries, id(30_000))
            .await
            .unwrap()
            .is_empty()
    );

    let mut again = rows([
        (7, 1, format!("{:0>1000}", 7)),
        (7, 3, "new".into()),
        (40_000, 1, "new".into()),
    ]);
    assert_eq!(vault.drop_known(&mut again, &entries).await.unwrap(), 1);
    assert_eq!(again.rows(), 2);
}

#[tokio::test]
async fn a_damaged_bucket_is_refused_each_damage_with_its_own_error() {
    let local = Local::new("damage").await;
    let vault = local.create("acme", None).await.unwrap();
    let entry = put(&vault, &rows([(1, 1, "a".into())])).await;
    let other = put(&vault, &rows([(1, 1, "b".into()), (2, 1, "c".into())])).await;
    let bytes = local.read(&entry.path).await;
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    for (damaged, code) in [
        (flipped, ErrorCode::SealBroken),
        (bytes[..bytes.len() / 2].to_vec(), ErrorCode::SealTruncated),
        (Vec::new(), ErrorCode::SealTruncated),
        (local.read(&other.path).await, ErrorCode::SealSwapped),
        ([bytes.as_slice(), b"x"].concat(), ErrorCode::SealBroken),
    ] {
        local.overwrite(&entry.path, damaged).await;
        assert_eq!(
            vault
                .versions(std::slice::from_ref(&entry), id(1))
                .await
                .unwrap_err()
                .code,
            code
        );
        assert_eq!(vault.verify_segment(&entry).await.unwrap_err().code, code);
    }
    local.delete(&entry.path).await;
    let missing = vault
        .versions(std::slice::from_ref(&entry), id(1))
        .await
        .unwrap_err();
    assert_eq!(missing.code, ErrorCode::VaultObjectMissing);
    local.overwrite(&entry.path, bytes).await;
    assert_eq!(vault.versions(&[entry], id(1)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_document_is_created_once() {
    let local = Local::new("documents").await;
    let vault = local.create("acme", None).await.unwrap();
    assert_eq!(
        vault
            .put_document("describe/1.sealed", &["first"])
            .await
            .unwrap(),
        Put::Created
    );
    assert_eq!(
        vault
            .put_document("describe/1.sealed", &["second"])
            .await
            .unwrap(),
        Put::Existed
    );
    assert_eq!(
        vault
            .document::<Vec<String>>("describe/1.sealed")
            .await
            .unwrap(),
        ["first"]
    );

    let hash = vault.put_schema(&account()).await.unwrap();
    assert_eq!(vault.put_schema(&account()).await.unwrap(), hash);
    assert_eq!(
        vault.schema(&account().name, &hash).await.unwrap(),
        account()
    );
    let missing = vault
        .schema(&account().name, &"0".repeat(64))
        .await
        .unwrap_err();
    assert_eq!(missing.code, ErrorCode::VaultObjectMissing);
}

#[tokio::test]
async fn a_blob_streams_back() {
    let local = Local::new("blobs").await;
    let vault = local.create("acme", None).await.unwrap();
    let content: Vec<u8> = (0..1_000_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let pieces: Vec<_> = content
        .chunks(70_000)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let body = BlobBody::collect(vault.keys(), stream::iter(pieces), 2_000_000)
        .await
        .unwrap();
    let entry = vault
        .put_blob(body.seal(vault.keys()).unwrap())
        .await
        .unwrap();
    assert!(entry.path.contains(body.name()));
    let mut blob = vault.open_blob(&entry).await.unwrap();
    let mut read = Vec::new();
    while let Some(piece) = blob.next().await.unwrap() {
        read.extend_from_slice(&piece);
    }
    assert_eq!(read, content);
    vault.verify_blob(&entry).await.unwrap();
}

#[tokio::test]
async fn the_first_plan_of_a_job_stays() {
    let local = Local::new("plans").await;
    let vault = local.create("acme", None).await.unwrap();
    let job = JobId::parse("job-1").unwrap();
    let block = |number| Block {
        org: vault.org().clone(),
        job: job.clone(),
        block: number,
        part: 0,
        object: account().name,
        lane: Lane::Head,
        window: Window {
            from: None,
            until: stamp(number),
        },
        schema: "s".into(),
        rows_expected: 5,
    };
    let group = |number: u32| BlockGroup {
        org: vault.org().clone(),
        job: job.clone(),
        blocks: vec![block(2 * number), block(2 * number + 1)],
    };
    let first = vault.put_plan(&job, (0..500).map(group)).await.unwrap();
    assert_eq!(
        (first.path.as_str(), first.blocks),
        ("acme/plans/job-1/blocks.jsonl", 1000)
    );
    let again = vault.put_plan(&job, [group(7)]).await.unwrap();
    assert_eq!((again.sha256, again.blocks), (first.sha256, first.blocks));
    assert!(first.is_new && !again.is_new);
    let mut plan = vault.plan(&job).await.unwrap();
    for number in 0..500 {
        assert_eq!(plan.next().await.unwrap(), Some(group(number)));
    }
    assert_eq!(plan.next().await.unwrap(), None);
    let empty = JobId::parse("job-2").unwrap();
    assert_eq!(vault.put_plan(&empty, []).await.unwrap().blocks, 0);
    assert_eq!(
        vault.plan(&empty).await.unwrap().next().await.unwrap(),
        None
    );
}
