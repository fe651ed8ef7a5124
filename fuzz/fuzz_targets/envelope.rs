//! Runs `runstone_testkit::fuzz::envelope`, where the promise stands.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runstone_testkit::fuzz::envelope(bytes));
