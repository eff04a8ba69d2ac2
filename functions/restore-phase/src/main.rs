//! The `restore-phase` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("restore-phase", &holdfast_restore_phase::handle)
}
