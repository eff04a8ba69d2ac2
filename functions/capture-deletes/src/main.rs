//! The `capture-deletes` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("capture-deletes", &holdfast_capture_deletes::handle)
}
