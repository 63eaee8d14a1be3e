//! The one binary: dev, server, agent and the client verbs.
fn main() {}
