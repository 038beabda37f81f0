//! For tests alone: the rules of each port, written once, and a macro that runs them all on an adapter.
//!
//! An adapter's test target implements the suite's backend trait, which says how to get a fresh, empty engine, and
//! names it in one line. What a backend legitimately cannot do it declares in the suite's `Features`; the rule then
//! checks that it really cannot, so nothing is skipped in silence.
//!
//! This crate must not know any adapter, and nothing that ships may use it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "everything here runs inside a test, where a panic is the failure being looked for"
)]

pub mod index;
pub mod memory_repository;
pub mod repository;
pub mod search;
pub mod source;
pub mod tasks;
pub mod verdicts;

/// One test for each rule of a module.
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($backend:ty, $module:path, [$($rule:ident),* $(,)?]) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $rule() {
                use $module as rules;
                rules::$rule::<$backend>().await;
            }
        )*
    };
}
