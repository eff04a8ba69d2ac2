//! The `check-restore` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("check-restore", &holdfast_check_restore::handle)
}
