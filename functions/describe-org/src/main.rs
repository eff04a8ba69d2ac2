//! The `describe-org` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("describe-org", &holdfast_describe_org::handle)
}
