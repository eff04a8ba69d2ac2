//! The chain of manifests: append to its end, find its end, verify all of it.

use holdfast_model::{ErrorCode, Failure, SegmentEntry};
use sha2::{Digest, Sha256};

use crate::Vault;
use crate::blob::BlobEntry;
use crate::bucket::Put;
use crate::document;
use crate::error::{Refusal, internal};
use crate::manifest::{Addition, Manifest, ManifestEntry, damaged};

/// What [`Vault::verify_chain`] does with the objects that manifests name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Nothing: reads the manifests only.
    Manifests,
    /// Reads each whole and compares length and SHA-256.
    Objects,
}

/// What [`Vault::verify_chain`] found in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Manifests.
    pub manifests: u64,
    /// Segments that they name.
    pub segments: u64,
    /// Blobs that they name.
    pub blobs: u64,
    /// Sealed bytes of segments and blobs.
    pub bytes: u64,
}

impl Vault {
    /// Appends what a job added behind `end`, which was the end of the chain before the job made sure that it holds the
    /// org. A repeat adopts the manifest that the job appended before.
    ///
    /// `MANIFEST_CONFLICT` if another job has appended since.
    pub async fn append_manifest(
        &self,
        end: Option<&(ManifestEntry, Manifest)>,
        addition: Addition,
    ) -> Result<ManifestEntry, Failure> {
        let job = addition.job.clone();
        if let Some((entry, manifest)) = end
            && manifest.addition.job == job
        {
            return Ok(entry.clone());
        }
        let manifest = Manifest::after(end.map(|(entry, _)| entry), self.org(), addition);
        let path = self.manifest_path(manifest.seq);
        let sealed = document::seal(&self.keys, &path, &manifest.to_json(&self.keys)?)?;
        let sha256 = hex::encode(Sha256::digest(&sealed));
        match self.bucket.put_new(&path, sealed).await? {
            Put::Created => Ok(ManifestEntry {
                path,
                seq: manifest.seq,
                sha256,
            }),
            Put::Existed => {
                // Another job, or an earlier attempt of this call whose answer was lost.
                let (entry, there) = self.manifest(manifest.seq).await?;
                if there.addition.job == job {
                    Ok(entry)
                } else {
                    Err(Failure::new(
                        ErrorCode::ManifestConflict,
                        format!(
                            "another job appended its manifest first, `{}`",
                            there.addition.job
                        ),
                    ))
                }
            }
        }
    }

    /// The end of the chain; nothing before the first job.
    pub async fn latest_manifest(&self) -> Result<Option<(ManifestEntry, Manifest)>, Failure> {
        match self.last_seq().await? {
            0 => Ok(None),
            seq => self.manifest(seq).await.map(Some),
        }
    }

    /// One manifest, opened and checked for itself.
    pub async fn manifest(&self, seq: u64) -> Result<(ManifestEntry, Manifest), Failure> {
        let path = self.manifest_path(seq);
        let (sealed, json) = self.document_bytes(&path).await?;
        let manifest = Manifest::from_json(&json, &self.keys, seq)?;
        let sha256 = hex::encode(Sha256::digest(&sealed));
        Ok((ManifestEntry { path, seq, sha256 }, manifest))
    }

    /// Walks the chain from its first manifest to its last and checks every link.
    ///
    /// `expected_end` is the newest manifest that the catalog knows: a chain that ends before it, or with another one
    /// in its place, was rolled back (`MANIFEST_DAMAGED`).
    pub async fn verify_chain(
        &self,
        expected_end: Option<&ManifestEntry>,
        depth: Depth,
    ) -> Result<Verified, Failure> {
        let last = self.last_seq().await?;
        let mut verified = Verified::default();
        let mut parent: Option<ManifestEntry> = None;
        for seq in 1..=last {
            let (entry, manifest) = self.manifest(seq).await?;
            manifest.check_parent(parent.as_ref())?;
            check_expected(&entry, expected_end)?;
            verified.manifests += 1;
            for segment in manifest
                .addition
                .objects
                .iter()
                .flat_map(|object| &object.segments)
            {
                verified.segments += 1;
                verified.bytes += segment.bytes;
                if depth == Depth::Objects {
                    self.verify_segment(segment).await?;
                }
            }
            for blob in &manifest.addition.blobs {
                verified.blobs += 1;
                verified.bytes += blob.bytes;
                if depth == Depth::Objects {
                    self.verify_blob(blob).await?;
                }
            }
            parent = Some(entry);
        }
        match expected_end {
            Some(expected) if expected.seq > last => Err(damaged(
                "chain ends before the manifest that the catalog knows",
                expected.seq,
            )),
            _ => Ok(verified),
        }
    }

    /// Reads a segment whole and compares it with its entry.
    pub async fn verify_segment(&self, entry: &SegmentEntry) -> Result<(), Failure> {
        self.segment_key_for_export(entry)?;
        if self.hash_object(&entry.path, entry.bytes).await? == entry.sha256 {
            return Ok(());
        }
        // The footer tells a segment of another name from a damaged one.
        crate::segment::Segment::open(self.ranges(), &self.keys, entry).await?;
        Err(Refusal::Broken.at(&entry.path))
    }

    /// Reads a blob whole and compares it with its entry.
    pub async fn verify_blob(&self, entry: &BlobEntry) -> Result<(), Failure> {
        self.keys
            .unwrap_text(&entry.key, &entry.path)
            .map_err(|refusal| refusal.at(&entry.path))?;
        if self.hash_object(&entry.path, entry.bytes).await? == entry.sha256 {
            return Ok(());
        }
        // Opening it says what is wrong.
        let mut blob = self.open_blob(entry).await?;
        while blob.next().await?.is_some() {}
        Err(Refusal::Broken.at(&entry.path))
    }

    /// SHA-256, hex, of the object, of which at most `bytes + 1` bytes are read.
    async fn hash_object(&self, path: &str, bytes: u64) -> Result<String, Failure> {
        let mut object = self.bucket.stream(path).await?;
        let mut sha = Sha256::new();
        let mut read = 0;
        while let Some(piece) = object.next().await? {
            read += piece.len() as u64;
            sha.update(&piece);
            if read > bytes {
                break;
            }
        }
        Ok(hex::encode(sha.finalize()))
    }

    /// The number of the last manifest, 0 if there is none; takes about twice its binary logarithm of listings.
    async fn last_seq(&self) -> Result<u64, Failure> {
        let mut last = 0;
        let mut step = 1;
        while let Some(found) = self.seq_after(last + step - 1).await? {
            last = found;
            step *= 2;
        }
        // There is nothing after `end`, and `last` is there (or 0).
        let mut end = last + step - 1;
        while last < end {
            let middle = last.midpoint(end);
            match self.seq_after(middle).await? {
                Some(found) => last = found,
                None => end = middle,
            }
        }
        Ok(last)
    }

    /// The number of the first manifest after `seq`.
    async fn seq_after(&self, seq: u64) -> Result<Option<u64>, Failure> {
        let prefix = format!("{}/manifests/", self.org());
        let Some(path) = self
            .bucket
            .first_after(&prefix, &self.manifest_path(seq))
            .await?
        else {
            return Ok(None);
        };
        let number = path
            .strip_prefix(&prefix)
            .and_then(|name| name.strip_suffix(".sealed"));
        let number = number
            .and_then(|number| number.parse().ok())
            .filter(|number| *number > seq);
        number
            .map(Some)
            .ok_or_else(|| internal(format!("name is not that of a manifest, `{path}`")))
    }

    fn manifest_path(&self, seq: u64) -> String {
        format!("{}/manifests/{seq:010}.sealed", self.org())
    }
}

fn check_expected(entry: &ManifestEntry, expected: Option<&ManifestEntry>) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected.seq == entry.seq && expected.sha256 != entry.sha256 => Err(
            damaged("manifest is not the one that the catalog knows", entry.seq),
        ),
        _ => Ok(()),
    }
}
