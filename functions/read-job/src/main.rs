//! The `read-job` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("read-job", &holdfast_read_job::handle)
}
