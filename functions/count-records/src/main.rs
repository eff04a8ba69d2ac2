//! The `count-records` Lambda.

fn main() -> Result<(), holdfast_runtime::Error> {
    holdfast_runtime::serve("count-records", &holdfast_count_records::handle)
}
