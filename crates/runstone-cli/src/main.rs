//! The `runstone` command.
fn main() {}
