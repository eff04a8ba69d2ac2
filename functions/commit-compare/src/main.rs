//! The `commit-compare` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("commit-compare", &holdfast_commit_compare::handle)
}
