//! The `commit-job` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("commit-job", &holdfast_commit_job::handle)
}
