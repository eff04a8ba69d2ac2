//! The `plan-restore` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("plan-restore", &holdfast_plan_restore::handle)
}
