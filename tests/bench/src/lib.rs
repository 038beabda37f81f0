//! What the benchmarks share: clients that cost little beside what they measure, what the system says of a process, and
//! the report.
//!
//! A benchmark is a program under `benches`, one for each way to run the service. It drives the real, released binary over
//! HTTP and prints its figures beside those of a loop that does the bare minimum on the same machine in the same minute, for
//! figures of a busy or a slow machine say nothing by themselves. It must not reach into the product's crates, and must
//! not count what it has not checked. No test may depend on its figures.

pub mod closed_loop;
pub mod http;
pub mod latencies;
pub mod machine;
pub mod open_loop;
pub mod report;
pub mod usage;
