//! Caps on everything that comes from outside, each with its reason.

/// Characters in one field (Salesforce: Bulk API limits).
pub const FIELD_CHARS_MAX: usize = 131_072;
/// Bytes in one field: a character has at most four in UTF-8, with room for rich text overhead.
pub const FIELD_BYTES_MAX: usize = 4 * FIELD_CHARS_MAX;
/// Fields in one object (Salesforce allows 800 custom fields; 5,000 in one CSV record).
pub const FIELDS_MAX: usize = 5_000;
/// Bytes in one row: 400,000 characters per record (Bulk API limits), four bytes each, rounded up.
pub const ROW_BYTES_MAX: usize = 4 << 20;
/// Bytes in a JSON answer that is read whole (describe, job state, limits).
pub const JSON_BYTES_MAX: usize = 64 << 20;
/// Bytes in a sealed document (manifest, schema) that is read whole.
pub const DOCUMENT_BYTES_MAX: usize = 64 << 20;
/// Bytes of a payload between states; Step Functions allows 256 KiB.
pub const PAYLOAD_BYTES_MAX: usize = 64 << 10;
