//! The `extract-block` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("extract-block", &holdfast_extract_block::handle)
}
