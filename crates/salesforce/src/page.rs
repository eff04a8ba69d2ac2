//! One page of a bulk result, streamed.

use bytes::Bytes;
use holdfast_model::{ErrorCode, Failure};
use reqwest::header::HeaderMap;

use crate::call::{Call, Stream};
use crate::client::Client;
use crate::csv::PageReader;
use crate::name::{BulkJobId, Columns};
use crate::rows::{RowBatch, damaged};

const LOCATOR: &str = "sforce-locator";
const NUMBER_OF_RECORDS: &str = "sforce-numberofrecords";
/// What the locator says at the end of the results: the word, neither absent nor empty
/// (Bulk API 2.0 guide, Get Results for a Query Job).
const END: &str = "null";
/// Salesforce's are a few dozen characters; longer ones would not fit into the next address.
const LOCATOR_CHARS_MAX: usize = 1000;

impl Client {
    /// Opens the page at a locator (the first without one), of at most `rows_max` rows.
    ///
    /// `MARKER_MISSING` when the answer does not say how many rows it has and where the next page is.
    /// A page that breaks is read again by its locator.
    pub async fn bulk_page(
        &self,
        job: &BulkJobId,
        locator: Option<&str>,
        rows_max: u32,
        columns: &Columns,
    ) -> Result<BulkPage, Failure> {
        let mut call = Call::get(self.path(&format!("jobs/query/{job}/results")))
            .accept("text/csv")
            .query("maxRecords", rows_max.to_string());
        if let Some(locator) = locator {
            call = call.query("locator", locator);
        }
        let stream = self.stream(&call).await.map_err(crate::bulk::job_error)?;
        let next_locator = match header(stream.headers(), LOCATOR)? {
            END => None,
            locator if locator.len() <= LOCATOR_CHARS_MAX => Some(locator.to_owned()),
            _ => return Err(damaged("locator of the next page is too long")),
        };
        let announced = header(stream.headers(), NUMBER_OF_RECORDS)?
            .parse()
            .map_err(|_| damaged("number of records of the page is not a number"))?;
        Ok(BulkPage {
            stream,
            chunk: Bytes::new(),
            reader: PageReader::new(columns),
            announced,
            next_locator,
            ended: false,
        })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Failure> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| {
            Failure::new(
                ErrorCode::MarkerMissing,
                format!("page comes without the header `{name}`"),
            )
        })
}

/// A page on its way. Holds one batch of rows and one chunk of the transfer.
pub struct BulkPage {
    stream: Stream,
    chunk: Bytes,
    reader: PageReader,
    announced: u64,
    next_locator: Option<String>,
    ended: bool,
}

impl BulkPage {
    /// The next rows, or nothing at the end. Rows may be used only after [`finish`](Self::finish) agreed.
    pub async fn next_batch(&mut self) -> Result<Option<RowBatch>, Failure> {
        while !self.ended {
            if let Some(batch) = self.reader.read(&mut self.chunk)? {
                return Ok(Some(batch));
            }
            if let Some(chunk) = self.stream.chunk().await? {
                self.chunk = chunk;
            } else {
                self.ended = true;
                return self.reader.finish();
            }
        }
        Ok(None)
    }

    /// Checks the rows against the number that Salesforce announced: `PAGE_SHORT`, `COUNT_MISMATCH`.
    pub fn finish(self) -> Result<PageEnd, Failure> {
        let rows = self.reader.rows();
        let counts = format!("`{rows}` rows came, `{}` were announced", self.announced);
        if !self.ended {
            return Err(Failure::new(
                ErrorCode::Internal,
                "page was not read to its end",
            ));
        }
        match rows.cmp(&self.announced) {
            std::cmp::Ordering::Less => Err(Failure::new(ErrorCode::PageShort, counts)),
            std::cmp::Ordering::Greater => Err(Failure::new(ErrorCode::CountMismatch, counts)),
            std::cmp::Ordering::Equal => Ok(PageEnd {
                next_locator: self.next_locator,
                rows,
                bytes: self.reader.bytes(),
            }),
        }
    }
}

impl std::fmt::Debug for BulkPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BulkPage")
            .field("announced", &self.announced)
            .field("rows", &self.reader.rows())
            .finish_non_exhaustive()
    }
}

/// What a whole and verified page was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageEnd {
    /// Where the next page is; nothing after the last.
    pub next_locator: Option<String>,
    /// Rows in the page.
    pub rows: u64,
    /// Bytes of CSV, header included, after decompression.
    pub bytes: u64,
}
