//! The chain of manifests.

use holdfast_model::{
    Authors, Changes, Coverage, Entropy, ErrorCode, Failure, IdDigest, JobId, SegmentEntry,
};
use holdfast_vault::{Addition, Depth, ManifestEntry, ObjectAddition, Vault, Verified};

use crate::local::Local;
use crate::{account, put, rows, stamp};

fn addition(job: &str, segments: Vec<SegmentEntry>) -> Addition {
    Addition {
        job: JobId::parse(job).unwrap(),
        created: stamp(0),
        objects: vec![ObjectAddition {
            object: account().name,
            schema: account().hash(),
            coverage: Coverage::default(),
            rows_reported: 1,
            rows_received: 1,
            recount: None,
            duplicate_ids: IdDigest::default(),
            changes: Changes::default(),
            authors: Authors::default(),
            text: Entropy::default(),
            text_before: Entropy::default(),
            sweep: None,
            duplicates: 0,
            received: IdDigest::default(),
            segments,
            exceptions: Vec::new(),
        }],
        blobs: Vec::new(),
        signals: Vec::new(),
    }
}

/// Appends to the end that the chain has now.
async fn append(
    vault: &Vault,
    job: &str,
    segments: Vec<SegmentEntry>,
) -> Result<ManifestEntry, Failure> {
    let end = vault.latest_manifest().await?;
    vault
        .append_manifest(end.as_ref(), addition(job, segments))
        .await
}

async fn with_jobs(local: &Local, jobs: u64) -> Vault {
    let vault = local.create("acme", None).await.unwrap();
    for number in 1..=jobs {
        let entry = append(&vault, &format!("job-{number}"), Vec::new())
            .await
            .unwrap();
        assert_eq!(entry.seq, number);
    }
    vault
}

#[tokio::test]
async fn every_job_is_appended_once_and_the_end_is_found() {
    let local = Local::new("chain").await;
    let vault = local.create("acme", None).await.unwrap();
    assert!(vault.latest_manifest().await.unwrap().is_none());
    for number in 1..=20_u64 {
        let job = format!("job-{number}");
        let first = append(&vault, &job, Vec::new()).await.unwrap();
        let repeat = append(&vault, &job, Vec::new()).await.unwrap();
        assert_eq!((first.seq, &first), (number, &repeat));
        let (latest, manifest) = vault.latest_manifest().await.unwrap().unwrap();
        assert_eq!(
            (&latest, manifest.addition.job.as_str()),
            (&first, job.as_str())
        );
    }
    let verified = vault.verify_chain(None, Depth::Manifests).await.unwrap();
    assert_eq!(verified.manifests, 20);
}

#[tokio::test]
async fn of_jobs_that_append_at_the_same_time_none_is_lost() {
    let local = Local::new("chain-race").await;
    let vault = with_jobs(&local, 1).await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..6 {
        let vault = vault.clone();
        writers.spawn(async move {
            loop {
                match append(&vault, &format!("racer-{number}"), Vec::new()).await {
                    Ok(entry) => return entry.seq,
                    Err(failure) => assert_eq!(failure.code, ErrorCode::ManifestConflict),
                }
            }
        });
    }
    let mut seqs = writers.join_all().await;
    seqs.sort_unstable();
    assert_eq!(seqs, [2, 3, 4, 5, 6, 7]);
    assert_eq!(
        vault
            .verify_chain(None, Depth::Manifests)
            .await
            .unwrap()
            .manifests,
        7
    );
}

#[tokio::test]
async fn a_job_that_saw_an_older_end_is_refused() {
    let local = Local::new("chain-overtaken").await;
    let vault = with_jobs(&local, 1).await;
    let seen = vault.latest_manifest().await.unwrap();
    append(&vault, "faster", Vec::new()).await.unwrap();
    let slower = addition("slower", Vec::new());
    let refused = vault.append_manifest(seen.as_ref(), slower).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::ManifestConflict);
    // A repeat of the faster one that saw the older end finds its own manifest.
    let repeat = addition("faster", Vec::new());
    let found = vault.append_manifest(seen.as_ref(), repeat).await;
    assert_eq!(found.unwrap().seq, 2);
}

#[tokio::test]
async fn a_chain_that_was_rolled_back_or_rewritten_is_damaged() {
    let local = Local::new("chain-damage").await;
    let vault = with_jobs(&local, 3).await;
    let (end, _) = vault.latest_manifest().await.unwrap().unwrap();
    let code = || async {
        vault
            .verify_chain(Some(&end), Depth::Manifests)
            .await
            .map_err(|failure| failure.code)
    };
    assert!(code().await.is_ok());

    let [first, second, third] = [1, 2, 3].map(|seq| format!("acme/manifests/{seq:010}.sealed"));
    let (old, newest) = (local.read(&first).await, local.read(&third).await);
    local.delete(&third).await;
    assert_eq!(code().await, Err(ErrorCode::ManifestDamaged));
    local.overwrite(&third, old).await;
    assert_eq!(code().await, Err(ErrorCode::SealSwapped));
    // Another manifest with the same number, sealed with the right key: a rewritten history.
    local.delete(&third).await;
    append(&vault, "rewriter", Vec::new()).await.unwrap();
    assert_eq!(code().await, Err(ErrorCode::ManifestDamaged));
    local.overwrite(&third, newest).await;
    assert!(code().await.is_ok());
    local.delete(&second).await;
    assert_eq!(code().await, Err(ErrorCode::VaultObjectMissing));
}

#[tokio::test]
async fn verify_reads_every_segment_again() {
    let local = Local::new("chain-objects").await;
    let vault = local.create("acme", None).await.unwrap();
    let entries = [
        put(&vault, &rows([(1, 1, "a".into())])).await,
        put(&vault, &rows([(2, 1, "b".into())])).await,
    ];
    append(&vault, "job", entries.to_vec()).await.unwrap();
    let bytes = entries.iter().map(|entry| entry.bytes).sum();
    let expected = Verified {
        manifests: 1,
        segments: 2,
        blobs: 0,
        bytes,
    };
    assert_eq!(
        vault.verify_chain(None, Depth::Objects).await.unwrap(),
        expected
    );

    // The last byte of the leading magic: no reader of ranges looks at it.
    let mut flipped = local.read(&entries[1].path).await;
    flipped[3] ^= 1;
    local.overwrite(&entries[1].path, flipped).await;
    assert_eq!(
        vault.verify_chain(None, Depth::Manifests).await.unwrap(),
        expected
    );
    assert_eq!(
        vault
            .verify_chain(None, Depth::Objects)
            .await
            .unwrap_err()
            .code,
        ErrorCode::SealBroken
    );
}
