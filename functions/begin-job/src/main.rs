//! The `begin-job` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("begin-job", &holdfast_begin_job::handle)
}
