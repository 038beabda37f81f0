//! For tests alone: the same tasks in tantivy and in Elasticsearch, and the texts to compare them by.
//!
//! Both engines are asked through the adapters that ship, for what is compared is what a caller would see. This crate must
//! not know how either engine finds anything.

#![allow(
    clippy::unwrap_used,
    reason = "everything here runs inside a test, where a panic is the failure being looked for"
)]

pub mod both;
pub mod texts;
