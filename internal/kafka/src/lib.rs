//! Kafka behind the ports of `domain`: [`KafkaPublisher`] publishes events, [`KafkaSource`] reads them in a
//! consumer group, [`KafkaDeadLetters`] keeps what can never be applied, [`KafkaHealth`] asks whether the brokers
//! are there, [`KafkaExtent`] what can still be read, and [`create_topic`] makes the topics.
//!
//! This is the only crate that knows librdkafka. It must not know what an event means, and it must not decide when
//! something is done: it stores exactly the positions that it is told to store.

mod config;
mod dead_letters;
mod diagnosis;
mod extent;
mod group;
mod handover;
mod health;
mod lag;
mod poll_thread;
mod producer;
mod publisher;
mod questions;
mod record;
mod source;
mod starts;
mod tail;
mod throttle;
mod topic_watch;
mod topics;

pub use config::{ClientOption, ConsumerSettings, KafkaSettings, TopicSettings};
pub use dead_letters::KafkaDeadLetters;
pub use extent::KafkaExtent;
pub use health::KafkaHealth;
pub use lag::{LagSnapshot, PartitionLag};
pub use publisher::KafkaPublisher;
pub use source::{KafkaSource, ReaderLimits};
pub use topics::{TopicFault, TopicPlan, create_topic};
