//! Manifests: what each job added to the vault (docs/FORMAT.md, section 9).

use hmac::Mac as _;
use holdfast_model::{
    Authors, Changes, Coverage, Entropy, ErrorCode, Failure, IdDigest, JobId, ObjectName, OrgName,
    SegmentEntry, Signal, Stamp, Sweep, Window,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::blob::BlobEntry;
use crate::error::internal;
use crate::keys::KeyRing;

const FORMAT: u32 = 1;

/// What a job adds, before it has a place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addition {
    /// The job.
    pub job: JobId,
    /// When it was committed.
    pub created: Stamp,
    /// Per Salesforce object, in the order of names.
    pub objects: Vec<ObjectAddition>,
    /// File bodies.
    pub blobs: Vec<BlobEntry>,
    /// Signs of an accident or an attack, those about most records first.
    #[serde(default)]
    pub signals: Vec<Signal>,
}

/// What a job adds to one Salesforce object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectAddition {
    /// The object.
    pub object: ObjectName,
    /// Hash of its schema at this time.
    pub schema: String,
    /// The windows captured so far, with those of this job.
    pub coverage: Coverage,
    /// Rows that Salesforce said its answers in this job have.
    #[serde(default)]
    pub rows_reported: u64,
    /// Rows that it sent.
    pub rows_received: u64,
    /// Digest over the ids of the rows received.
    pub received: IdDigest,
    /// Rows that were counted a second time; nothing when none were.
    #[serde(default)]
    pub recount: Option<Recount>,
    /// Rows of those received that the vault held already.
    pub duplicates: u64,
    /// Digest over their ids: with those of the segments it makes up the digest of the rows received.
    #[serde(default)]
    pub duplicate_ids: IdDigest,
    /// What became of its records: each block's versions next to those held before it.
    #[serde(default)]
    pub changes: Changes,
    /// Who changed, deleted or restored them.
    #[serde(default)]
    pub authors: Authors,
    /// What its texts say that this job captured.
    #[serde(default)]
    pub text: Entropy,
    /// What those of the jobs before say.
    #[serde(default)]
    pub text_before: Entropy,
    /// What comparing every Id came to, in a job that did.
    #[serde(default)]
    pub sweep: Option<Sweep>,
    /// The segments that this job added.
    pub segments: Vec<SegmentEntry>,
    /// Windows that this job could not read.
    pub exceptions: Vec<WindowException>,
}

/// Rows of bulk jobs, counted by another interface of Salesforce.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recount {
    /// As Salesforce counts them; fewer than received when some changed since.
    pub salesforce: u64,
    /// As they were received.
    pub received: u64,
}

/// A window that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowException {
    /// Which one.
    #[serde(flatten)]
    pub window: Window,
    /// Registered code.
    pub code: ErrorCode,
    /// Why, without content.
    pub message: String,
}

/// A link of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format version.
    pub format: u32,
    /// The org.
    pub org: OrgName,
    /// 1, 2, 3, …
    pub seq: u64,
    /// SHA-256, hex, of the sealed manifest before this one; nothing for the first.
    pub parent: Option<String>,
    /// What the job added.
    #[serde(flatten)]
    pub addition: Addition,
}

/// Where a manifest lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// Its path.
    pub path: String,
    /// Its number.
    pub seq: u64,
    /// SHA-256, hex, of its sealed bytes.
    pub sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Authenticated<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
    mac: String,
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

impl Manifest {
    /// The link after `parent`.
    pub(crate) fn after(parent: Option<&ManifestEntry>, org: &OrgName, addition: Addition) -> Self {
        Self {
            format: FORMAT,
            org: org.clone(),
            seq: parent.map_or(0, |parent| parent.seq) + 1,
            parent: parent.map(|parent| parent.sha256.clone()),
            addition,
        }
    }

    /// The JSON of the document: body and mac.
    pub(crate) fn to_json(&self, keys: &KeyRing) -> Result<Vec<u8>, Failure> {
        let body =
            serde_json::value::to_raw_value(self).map_err(|_| internal("manifest has no JSON"))?;
        let mut mac = keys.manifest_mac()?;
        mac.update(body.get().as_bytes());
        let mac = hex::encode(mac.finalize().into_bytes());
        serde_json::to_vec(&Authenticated { body: &body, mac })
            .map_err(|_| internal("manifest has no JSON"))
    }

    /// Reads what [`to_json`](Self::to_json) wrote for manifest `seq`.
    pub(crate) fn from_json(json: &[u8], keys: &KeyRing, seq: u64) -> Result<Self, Failure> {
        let malformed = || damaged("manifest does not have its shape", seq);
        let Authenticated { body, mac } = serde_json::from_slice(json).map_err(|_| malformed())?;
        let mut expected = keys.manifest_mac()?;
        expected.update(body.get().as_bytes());
        let mac = hex::decode(mac).map_err(|_| malformed())?;
        expected
            .verify_slice(&mac)
            .map_err(|_| damaged("manifest was not written with the key of the org", seq))?;
        let FormatOnly { format } = serde_json::from_str(body.get()).map_err(|_| malformed())?;
        if format != FORMAT {
            return Err(Failure::new(
                ErrorCode::VersionUnknown,
                format!("manifest has a format that this version does not know, `{format}`"),
            ));
        }
        let manifest: Self = serde_json::from_str(body.get()).map_err(|_| malformed())?;
        if manifest.org != *keys.org() {
            return Err(damaged("manifest belongs to another org", seq));
        }
        if manifest.seq != seq {
            return Err(damaged("manifest has the number of another", seq));
        }
        Ok(manifest)
    }

    /// Refuses a manifest that does not continue the chain after `parent`.
    pub(crate) fn check_parent(&self, parent: Option<&ManifestEntry>) -> Result<(), Failure> {
        let expected = parent.map(|parent| (parent.seq + 1, Some(&parent.sha256)));
        if (self.seq, self.parent.as_ref()) == expected.unwrap_or((1, None)) {
            Ok(())
        } else {
            Err(damaged(
                "manifest does not continue the one before it",
                self.seq,
            ))
        }
    }
}

pub(crate) fn damaged(message: &str, seq: u64) -> Failure {
    Failure::new(ErrorCode::ManifestDamaged, format!("{message}, `{seq}`"))
}
