//! The `begin-compare` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("begin-compare", &holdfast_begin_compare::handle)
}
