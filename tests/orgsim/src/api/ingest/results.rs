//! The result files of an ingest job. Their rows come chunk by chunk in an order of their own.
//!
//! Source: Bulk API 2.0 Developer Guide, Get Job Successful Record Results, Failed and Unprocessed; headers and quotes
//! as recorded.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use csv_core::Reader;
use futures_util::stream;

use super::on_job;
use crate::{
    api::{csv::push_quoted, error::ApiError},
    bulk::{
        chunk::{CHUNK_ROWS, Outcome},
        delimiter,
        ingest::IngestJob,
        line_end,
        sheet::{Record, Sheet},
    },
    id::Mint,
    org::Org,
    random::Random,
};

/// Up to here the columns stand in the order of their names.
const ALPHABETICAL_UNTIL: u32 = 49;

/// Which rows a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Successful,
    Failed,
    Unprocessed,
}

/// One file in the making.
struct File {
    kind: Kind,
    sheet: Arc<Sheet>,
    outcomes: Arc<Vec<Outcome>>,
    mint: Option<Mint>,
    /// Columns in the order in which they are printed.
    order: Option<Vec<usize>>,
    delimiter: u8,
    line_end: &'static [u8],
    /// The Id of a failed row is told from v53.0.
    ids: bool,
    reader: Reader,
    record: Record,
}

/// `GET …/jobs/ingest/{id}/successfulResults`, `failedResults` and `unprocessedrecords`
pub(crate) async fn results(
    State(org): State<Arc<Org>>,
    Path((_, id, name)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let kind = match name.to_ascii_lowercase().as_str() {
        "successfulresults" => Kind::Successful,
        "failedresults" => Kind::Failed,
        "unprocessedrecords" => Kind::Unprocessed,
        _ => return Err(ApiError::not_found()),
    };
    let (file, number) = on_job(&org, &id, |job| {
        if !job.state.terminal() {
            let message = format!(
                "The job is in state {}, its results cannot be read",
                job.state.name()
            );
            return Err(ApiError::bad("INVALIDJOBSTATE", message));
        }
        Ok((File::of(&org, kind, job), job.created_ms))
    })?;
    let body = file.map_or_else(Body::empty, |file| {
        Body::from_stream(file.pieces(org.volume.seed ^ number.unsigned_abs()))
    });
    Ok(([(CONTENT_TYPE, "text/csv")], body).into_response())
}

impl File {
    /// Nothing for a job that never had readable data.
    fn of(org: &Org, kind: Kind, job: &IngestJob) -> Option<Self> {
        let sheet = job.sheet.clone().or_else(|| {
            // The data of a job that was aborted before it began.
            let upload = job.upload.clone()?;
            let sheet = Sheet::read(upload, delimiter(&job.delimiter)?, None).ok()?;
            Some(Arc::new(sheet))
        })?;
        let sorted = job.version <= ALPHABETICAL_UNTIL && kind != Kind::Unprocessed;
        let order = sorted.then(|| {
            let mut order: Vec<usize> = (0..sheet.columns.len()).collect();
            order.sort_by_key(|column| sheet.columns.get(*column).map(|name| name.to_lowercase()));
            order
        });
        Some(Self {
            kind,
            outcomes: Arc::clone(&job.outcomes),
            mint: org.schema.object(job.object).map(|object| object.mint),
            order,
            delimiter: delimiter(&job.delimiter).unwrap_or(b','),
            line_end: line_end(&job.line_ending).unwrap_or(b"\n"),
            ids: job.version >= 53,
            reader: sheet.reader(),
            record: Record::default(),
            sheet,
        })
    }

    fn pieces(
        mut self,
        seed: u64,
    ) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
        let rows = match self.kind {
            Kind::Unprocessed => self.outcomes.len()..self.sheet.len(),
            _ => 0..self.outcomes.len(),
        };
        let mut chunks: Vec<usize> = rows.clone().step_by(CHUNK_ROWS).collect();
        if self.kind != Kind::Unprocessed {
            let mut random = Random::new(seed, 0x1263, 0);
            for place in (1..chunks.len()).rev() {
                chunks.swap(place, random.index(place + 1));
            }
        }
        let header = self.header();
        let pieces = chunks.into_iter().map(move |from| {
            let mut piece = Vec::new();
            for row in from..(from + CHUNK_ROWS).min(rows.end) {
                self.push_row(&mut piece, row);
            }
            Ok(Bytes::from(piece))
        });
        stream::iter(std::iter::once(Ok(header)).chain(pieces))
    }

    fn header(&self) -> Bytes {
        let mut out = Vec::new();
        let own: &[&str] = match self.kind {
            Kind::Successful => &["sf__Id", "sf__Created"],
            Kind::Failed => &["sf__Id", "sf__Error"],
            Kind::Unprocessed => &[],
        };
        for name in own {
            push_quoted(&mut out, name.as_bytes());
            out.push(self.delimiter);
        }
        match &self.order {
            None => out.extend_from_slice(self.sheet.header()),
            Some(order) => {
                let names = order
                    .iter()
                    .filter_map(|column| self.sheet.columns.get(*column));
                for (place, name) in names.enumerate() {
                    if place > 0 {
                        out.push(self.delimiter);
                    }
                    out.extend_from_slice(name.as_bytes());
                }
            }
        }
        out.extend_from_slice(self.line_end);
        out.into()
    }

    fn push_row(&mut self, out: &mut Vec<u8>, row: usize) {
        let id = |slot: Option<usize>| slot.and_then(|slot| Some(self.mint.as_ref()?.id(slot)));
        match (self.kind, self.outcomes.get(row)) {
            (Kind::Successful, Some(Outcome::Saved { slot, created })) => {
                push_quoted(out, id(Some(*slot)).as_ref().map_or(&[], |id| &id[..]));
                out.push(self.delimiter);
                push_quoted(out, created.to_string().as_bytes());
            }
            (Kind::Failed, Some(Outcome::Failed(failure))) => {
                let known = id(failure.slot.filter(|_| self.ids));
                push_quoted(out, known.as_ref().map_or(&[], |id| &id[..]));
                out.push(self.delimiter);
                push_quoted(out, failure.text().as_bytes());
            }
            (Kind::Unprocessed, None) => {
                out.extend_from_slice(self.sheet.raw(row));
                out.extend_from_slice(self.line_end);
                return;
            }
            _ => return,
        }
        self.sheet.read_row(row, &mut self.reader, &mut self.record);
        let cells = self.record.cells();
        for column in 0..self.sheet.columns.len() {
            let column = self
                .order
                .as_ref()
                .and_then(|order| order.get(column).copied())
                .unwrap_or(column);
            out.push(self.delimiter);
            push_quoted(
                out,
                cells.get(column).copied().unwrap_or_default().as_bytes(),
            );
        }
        out.extend_from_slice(self.line_end);
    }
}
