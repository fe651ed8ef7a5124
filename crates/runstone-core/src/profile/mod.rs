//! Profiles: the written rule by which runs are read and compared.

mod rules;

pub use rules::*;
