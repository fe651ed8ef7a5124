//! runstone-store
