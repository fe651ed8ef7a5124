//! runstone-testkit
