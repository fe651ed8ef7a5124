//! runstone
