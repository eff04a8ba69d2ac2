//! The `connect-org` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("connect-org", &holdfast_connect_org::handle)
}
