//! What the benchmarks share: clients that cost little beside what they measure, the service as a process, what the system
//! says of a process, and the report.
//!
//! A benchmark is a program under `benches`. It drives the real, released binaries over HTTP and prints its figures beside
//! those of what does the bare minimum on the same machine in the same minute, for figures of a busy or a slow machine say
//! nothing by themselves. It must not reach into the product's crates, and must not count what it has not checked. No test may depend on its figures.

pub mod closed_loop;
pub mod http;
pub mod latencies;
pub mod machine;
pub mod open_loop;
pub mod report;
pub mod searchable;
pub mod standalone;
pub mod tasks;
pub mod typing;
pub mod usage;
