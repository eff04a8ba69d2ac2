//! Plans: the blocks of a job as plain JSON lines, which the Distributed Map reads (docs/FORMAT.md, section 10).

use bytes::BytesMut;
use holdfast_model::{BlockGroup, ErrorCode, Failure, JobId, Lane, Stamp};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::Vault;
use crate::bucket::{ObjectStream, Put};
use crate::error::internal;

/// A line holds names, times and counts, a few hundred bytes for each block.
const LINE_BYTES_MAX: usize = 32 << 10;

/// A plan that is in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPlan {
    /// Object key in the bucket: `<org>/plans/<job>/blocks.jsonl`.
    pub path: String,
    /// Blocks in it.
    pub blocks: u64,
    /// SHA-256 of it, hex.
    pub sha256: String,
    /// Whether it was not there before.
    pub is_new: bool,
    /// Up to when its head blocks read; nothing without one.
    pub heads_until: Option<Stamp>,
}

impl Vault {
    /// Stores the plan of a job. If the job has one, that one stays and is what is given back.
    pub async fn put_plan(
        &self,
        job: &JobId,
        groups: impl IntoIterator<Item = BlockGroup>,
    ) -> Result<StoredPlan, Failure> {
        let path = self.plan_path(job);
        let mut count = 0;
        let mut heads = None;
        let lines = json_lines(groups.into_iter().inspect(|group| {
            heads = heads.max(heads_until(group));
            count += group.blocks.len() as u64;
        }))?;
        let sha256 = hex::encode(Sha256::digest(&lines));
        if self.bucket.put_new(&path, lines.into()).await? == Put::Created {
            return Ok(StoredPlan {
                path,
                blocks: count,
                sha256,
                is_new: true,
                heads_until: heads,
            });
        }
        let mut plan = self.plan(job).await?;
        while plan.next().await?.is_some() {}
        Ok(plan.stored())
    }

    /// Stores the list that the map of a job goes through and gives its object key; one that is there stays.
    pub async fn put_lines<T: Serialize>(
        &self,
        job: &JobId,
        lines: impl IntoIterator<Item = T>,
    ) -> Result<String, Failure> {
        let path = format!("{}/plans/{job}/objects.jsonl", self.org());
        let lines = json_lines(lines)?;
        self.bucket.put_new(&path, lines.into()).await?;
        Ok(path)
    }

    /// Reads the plan of a job.
    pub async fn plan(&self, job: &JobId) -> Result<PlanReader, Failure> {
        let path = self.plan_path(job);
        let object = self.bucket.stream(&path).await?;
        Ok(PlanReader::new(path, object))
    }

    fn plan_path(&self, job: &JobId) -> String {
        format!("{}/plans/{job}/blocks.jsonl", self.org())
    }
}

/// The groups of a plan, one by one.
pub struct PlanReader {
    path: String,
    object: ObjectStream,
    waiting: BytesMut,
    blocks: u64,
    heads_until: Option<Stamp>,
    sha: Sha256,
}

impl PlanReader {
    pub(crate) fn new(path: String, object: ObjectStream) -> Self {
        Self {
            path,
            object,
            waiting: BytesMut::new(),
            blocks: 0,
            heads_until: None,
            sha: Sha256::new(),
        }
    }

    /// The next group. `INPUT_INVALID` if a line is none.
    pub async fn next(&mut self) -> Result<Option<BlockGroup>, Failure> {
        let mut searched = 0;
        loop {
            let fresh = self.waiting.get(searched..).unwrap_or_default();
            if let Some(end) = fresh.iter().position(|byte| *byte == b'\n') {
                let line = self.waiting.split_to(searched + end + 1);
                let group = parse_line(&line).ok_or_else(|| self.malformed())?;
                self.blocks += group.blocks.len() as u64;
                self.heads_until = self.heads_until.max(heads_until(&group));
                return Ok(Some(group));
            }
            searched = self.waiting.len();
            if searched > LINE_BYTES_MAX {
                return Err(self.malformed());
            }
            match self.object.next().await? {
                Some(piece) => {
                    self.sha.update(&piece);
                    self.waiting.extend_from_slice(&piece);
                }
                None if self.waiting.is_empty() => return Ok(None),
                None => return Err(self.malformed()),
            }
        }
    }

    /// What was read so far, which is the whole plan once [`next`](Self::next) gave nothing.
    pub fn stored(self) -> StoredPlan {
        StoredPlan {
            path: self.path,
            blocks: self.blocks,
            sha256: hex::encode(self.sha.finalize()),
            is_new: false,
            heads_until: self.heads_until,
        }
    }

    fn malformed(&self) -> Failure {
        Failure::new(
            ErrorCode::InputInvalid,
            format!(
                "plan has a line that is no group of blocks, `{}`, `{}`",
                self.blocks, self.path
            ),
        )
    }
}

fn json_lines<T: Serialize>(lines: impl IntoIterator<Item = T>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut bytes, &line).map_err(|_| internal("line has no JSON"))?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn heads_until(group: &BlockGroup) -> Option<Stamp> {
    let heads = group.blocks.iter().filter(|block| block.lane == Lane::Head);
    heads.map(|block| block.window.until).max()
}

fn parse_line(line: &[u8]) -> Option<BlockGroup> {
    (line.len() <= LINE_BYTES_MAX)
        .then(|| serde_json::from_slice(line).ok())
        .flatten()
}

impl std::fmt::Debug for PlanReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanReader")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
