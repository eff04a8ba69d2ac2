//! The `cancel-job` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("cancel-job", &holdfast_cancel_job::handle)
}
