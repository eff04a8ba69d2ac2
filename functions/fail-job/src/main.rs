//! The `fail-job` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("fail-job", &holdfast_fail_job::handle)
}
