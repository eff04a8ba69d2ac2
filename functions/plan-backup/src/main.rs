//! The `plan-backup` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("plan-backup", &holdfast_plan_backup::handle)
}
