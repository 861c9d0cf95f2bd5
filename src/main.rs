//! The `intune-sync-bot` binary.
fn main() {}
