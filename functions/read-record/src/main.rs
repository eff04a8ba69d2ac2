//! The `read-record` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("read-record", &holdfast_read_record::handle)
}
