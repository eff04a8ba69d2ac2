//! The `read-compare` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("read-compare", &holdfast_read_compare::handle)
}
