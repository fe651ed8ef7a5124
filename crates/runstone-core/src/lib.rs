//! runstone-core
