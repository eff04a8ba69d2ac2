//! The `switch-automation` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("switch-automation", &holdfast_switch_automation::handle)
}
