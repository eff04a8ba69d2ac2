//! The `compare-object` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("compare-object", &holdfast_compare_object::handle)
}
