//! The `read-restore` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("read-restore", &holdfast_read_restore::handle)
}
