//! How much the long texts of rows say per byte.

use holdfast_model::{Entropy, Failure, ObjectSchema};
use zstd::bulk::Compressor;

use crate::error::internal;
use crate::segment::SortedRows;

/// Shorter texts are names and codes.
const TEXT_BYTES_MIN: usize = 32;
/// Bytes that are compressed together: always the same, as more would leave less of each.
const PIECE_BYTES: usize = 4 << 10;
/// Of more than so many bytes of rows, some of the rows tell.
const SAMPLE_BYTES: usize = 1 << 20;
const ZSTD_LEVEL: i32 = 3;

impl SortedRows {
    /// Measures the texts of at least 32 bytes in pieces of 4 KiB; a last piece that is shorter does not count.
    /// `schema` is that of the rows.
    pub fn entropy(&self, schema: &ObjectSchema) -> Result<Entropy, Failure> {
        let is_text = |field_type: &str| matches!(field_type, "string" | "textarea");
        let texts: Vec<bool> = schema
            .stored_fields()
            .map(|field| is_text(&field.field_type))
            .collect();
        let mut gauge = Gauge::new()?;
        let step = (self.arena_bytes() / SAMPLE_BYTES).max(1);
        for row in self.from(0).iter().step_by(step) {
            for (text, is_text) in self.values(row).zip(&texts) {
                if let Some(text) = text.filter(|text| *is_text && text.len() >= TEXT_BYTES_MIN) {
                    gauge.take(text.as_bytes())?;
                }
            }
        }
        Ok(gauge.entropy)
    }
}

struct Gauge {
    compressor: Compressor<'static>,
    piece: Vec<u8>,
    entropy: Entropy,
}

impl Gauge {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            compressor: Compressor::new(ZSTD_LEVEL).map_err(refused)?,
            piece: Vec::with_capacity(PIECE_BYTES),
            entropy: Entropy::default(),
        })
    }

    fn take(&mut self, mut text: &[u8]) -> Result<(), Failure> {
        while let Some((some, rest)) = text.split_at_checked(PIECE_BYTES - self.piece.len()) {
            self.piece.extend_from_slice(some);
            let compressed = self.compressor.compress(&self.piece).map_err(refused)?;
            self.entropy.add(Entropy {
                bytes: self.piece.len() as u64,
                compressed: compressed.len() as u64,
            });
            self.piece.clear();
            text = rest;
        }
        self.piece.extend_from_slice(text);
        Ok(())
    }
}

fn refused(_: std::io::Error) -> Failure {
    internal("zstd refuses")
}
