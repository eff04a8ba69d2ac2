//! The vault of one org: where its sealed objects lie and what opens them.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_model::filter::Selection;
use holdfast_model::{Failure, ObjectName, OrgName, SalesforceId, SegmentEntry, Stamp};

use crate::bucket::{Bucket, Put, Ranges};
use crate::choice::Choice;
use crate::error::internal;
use crate::filter::IdFilter;
use crate::held::{self, Held};
use crate::keys::{CustomerKey, KeyRing, ObjectKey};
use crate::known;
use crate::org_key::{self, ORG_KEY_BYTES_MAX, WrappedOrgKey};
use crate::scan::{Fields, Filter, Merge, Scan};
use crate::segment::{SealedSegment, SortedRows};
use crate::version::Version;

/// The S3 side of one org, with its keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault {
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) keys: Arc<KeyRing>,
}

impl Vault {
    /// Opens the vault of an org and makes its org key first if there is none.
    ///
    /// `KEY_UNAVAILABLE` if KMS refuses, or if there is an org key already and `customer` does not fit it.
    pub async fn create(
        s3: &aws_sdk_s3::Client,
        kms: &aws_sdk_kms::Client,
        bucket: &str,
        kms_key: &str,
        org: &OrgName,
        customer: Option<&CustomerKey>,
        now: Stamp,
    ) -> Result<Self, Failure> {
        let (wrapped, keys) = WrappedOrgKey::generate(kms, kms_key, org, customer, now).await?;
        let json =
            serde_json::to_vec_pretty(&wrapped).map_err(|_| internal("org key has no JSON"))?;
        let store = Bucket::new(s3, bucket);
        match store.put_new(&org_key::path(org), json.into()).await? {
            Put::Created => Ok(Self {
                bucket: Arc::new(store),
                keys: Arc::new(keys),
            }),
            Put::Existed => Self::open(s3, kms, bucket, org, customer).await,
        }
    }

    /// Opens the vault of an org that was connected: one call to KMS.
    ///
    /// `VAULT_OBJECT_MISSING` if it was not; `KEY_UNAVAILABLE` if KMS or the customer key does not open it.
    pub async fn open(
        s3: &aws_sdk_s3::Client,
        kms: &aws_sdk_kms::Client,
        bucket: &str,
        org: &OrgName,
        customer: Option<&CustomerKey>,
    ) -> Result<Self, Failure> {
        let bucket = Bucket::new(s3, bucket);
        let json = bucket.get(&org_key::path(org), ORG_KEY_BYTES_MAX).await?;
        let keys = WrappedOrgKey::parse(&json, org)?
            .open(kms, customer)
            .await?;
        Ok(Self {
            bucket: Arc::new(bucket),
            keys: Arc::new(keys),
        })
    }

    /// The org.
    pub fn org(&self) -> &OrgName {
        self.keys.org()
    }

    /// The name of the bucket.
    pub fn bucket(&self) -> &str {
        self.bucket.name()
    }

    /// What seals; hand a clone to the thread that does the CPU work.
    pub fn keys(&self) -> &Arc<KeyRing> {
        &self.keys
    }

    /// Puts a sealed segment. When this returns, the segment is durable, and readable by whoever has the entry.
    pub async fn put_segment(&self, segment: SealedSegment) -> Result<SegmentEntry, Failure> {
        self.bucket
            .put_own(&segment.entry.path, segment.bytes)
            .await?;
        Ok(segment.entry)
    }

    /// Drops the rows whose version (Id, stamp, row hash) one of the segments holds, and says how many.
    ///
    /// Reads three columns of the row groups that overlap, one batch at a time.
    pub async fn drop_known(
        &self,
        sorted: &mut SortedRows,
        segments: &[SegmentEntry],
    ) -> Result<u64, Failure> {
        known::drop_known(&self.ranges(), &self.keys, sorted, segments).await
    }

    /// Drops the rows that equal the newest version that the segments hold of their record, and says how many.
    ///
    /// For objects without a cursor field, whose versions have no stamp of their own.
    pub async fn drop_unchanged(
        &self,
        sorted: &mut SortedRows,
        segments: &[SegmentEntry],
    ) -> Result<u64, Failure> {
        let newest = self.scan(
            segments,
            Stamp::from_millis(i64::MAX),
            Fields::Named(&[]),
            Filter::All,
        );
        known::drop_unchanged(newest, sorted).await
    }

    /// Per Id, in their order, how the newest version stands that the segments hold. The Ids must ascend.
    ///
    /// For some records of many: what can be left out is not read, and memory does not grow with the segments.
    pub async fn held(
        &self,
        ids: &Arc<[SalesforceId]>,
        segments: &[SegmentEntry],
    ) -> Result<Vec<Option<Held>>, Failure> {
        held::held(&self.ranges(), &self.keys, ids, segments).await
    }

    /// Streams, per record, the newest version at or before `as_of`, in the order of Ids.
    ///
    /// All segments must be of one object.
    pub fn scan(
        &self,
        segments: &[SegmentEntry],
        as_of: Stamp,
        fields: Fields<'_>,
        filter: Filter,
    ) -> Scan {
        Scan::new(
            self.ranges(),
            Arc::clone(&self.keys),
            segments,
            as_of,
            fields,
            filter,
        )
    }

    /// Makes a filter ready for [`Scan::only`](crate::Scan::only): reads what it has to know of parents, as of the
    /// same time. `segments` are those of every object that the filter leads to.
    ///
    /// Memory is 18 bytes for each of `parents_max` Ids; `FILTER_TOO_WIDE` if there are more.
    pub async fn choose(
        &self,
        selection: Selection,
        segments: &BTreeMap<ObjectName, Vec<SegmentEntry>>,
        as_of: Stamp,
        parents_max: usize,
    ) -> Result<Choice, Failure> {
        let scan = |object: &ObjectName, column: &str| {
            let segments = segments.get(object)?;
            Some(self.scan(segments, as_of, Fields::Named(&[column]), Filter::All))
        };
        Choice::read(selection, parents_max, scan).await
    }

    /// All versions of one record, newest first; the same version is listed once.
    pub async fn versions(
        &self,
        segments: &[SegmentEntry],
        id: SalesforceId,
    ) -> Result<Vec<Version>, Failure> {
        let ids = IdFilter::Among([id].into());
        let merge = Merge::new(
            self.ranges(),
            Arc::clone(&self.keys),
            segments.iter(),
            Fields::All,
            ids,
        );
        merge.versions().await
    }

    /// The key of one segment, for a Parquet reader outside of Holdfast. Whoever has it reads the segment.
    pub fn segment_key_for_export(&self, entry: &SegmentEntry) -> Result<ObjectKey, Failure> {
        self.keys.segment_key_for_export(entry)
    }

    /// Path of the schema of an object.
    pub(crate) fn schema_path(&self, object: &ObjectName, hash: &str) -> String {
        format!("{}/schemas/{object}/{hash}.sealed", self.org())
    }

    pub(crate) fn ranges(&self) -> Arc<dyn Ranges> {
        Arc::clone(&self.bucket) as Arc<dyn Ranges>
    }
}
