//! Whether the topic is still the one that reading began with.
//!
//! A topic that is deleted and created anew has the same name and other records, and librdkafka reads on at the old
//! offsets if they exist by then. What tells them apart is the topic's id, which librdkafka gives to nobody but its log
//! (`Topic … changed id from … to …`, among the lines of `debug=metadata`); a test on real brokers holds it to that.

use std::time::{Duration, Instant};

/// The brokers are asked for a topic that is missed no more often than this.
const SEARCH_INTERVAL: Duration = Duration::from_secs(1);

/// So long the brokers have to say that there is no such topic: one that has just been started may not know of it yet.
const MISSING_FOR_GOOD: Duration = Duration::from_secs(5);

/// An id that is not known yet, or that brokers before 2.8 do not give.
const NO_ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// What is known of the topic.
#[derive(Debug, Default)]
pub(crate) struct TopicWatch {
    id: Option<String>,
    partitions: Option<usize>,
    missed: bool,
    asked: Option<Instant>,
    /// Since when every answer said that there is none.
    absent: Option<Instant>,
}

impl TopicWatch {
    /// A line of librdkafka's log. Returns what is wrong, if it says that the topic is another one.
    pub(crate) fn logged(&mut self, topic: &str, message: &str) -> Option<String> {
        let id = topic_id(topic, message)?;
        match &self.id {
            None => {
                self.id = Some(id.to_owned());
                None
            }
            Some(known) if known == id => None,
            Some(_) => Some(format!(
                "topic `{topic}` was deleted and created anew while it was read: what had not been read of it is lost"
            )),
        }
    }

    /// librdkafka does not know the topic, or no longer.
    pub(crate) fn miss(&mut self) {
        self.missed = true;
    }

    /// Whether to ask the brokers for the topic now.
    pub(crate) fn is_to_be_asked_for(&self, now: Instant) -> bool {
        let is_rested = |asked| now.duration_since(asked) >= SEARCH_INTERVAL;
        self.missed && self.asked.is_none_or(is_rested)
    }

    /// The brokers know the topic.
    pub(crate) fn found(&mut self) {
        self.missed = false;
        self.absent = None;
    }

    /// The brokers did not answer.
    pub(crate) fn unanswered(&mut self, now: Instant) {
        self.asked = Some(now);
        self.absent = None;
    }

    /// The brokers say that there is no such topic; true when that can be believed.
    pub(crate) fn is_gone(&mut self, now: Instant) -> bool {
        self.asked = Some(now);
        let since = *self.absent.get_or_insert(now);
        now.duration_since(since) >= MISSING_FOR_GOOD
    }

    /// How many partitions there are now; 0 while that is not known. Returns what is wrong, if they are more than before.
    pub(crate) fn counted(&mut self, topic: &str, count: usize) -> Option<String> {
        if count == 0 {
            return None;
        }
        let before = *self.partitions.get_or_insert(count);
        (before < count).then(|| {
            format!(
                "topic `{topic}` had {before} partitions and has {count} now, so that a task's events may stand in two of them. \
                 This index takes no harm, for versions decide: restart to read all partitions. Readers that need the events \
                 of a task in order need a new topic (KAFKA_TOPIC) and a reindex"
            )
        })
    }
}

/// The id that the topic has according to a line of the log.
fn topic_id<'a>(topic: &str, message: &'a str) -> Option<&'a str> {
    let (before, change) = message.split_once(" changed id from ")?;
    let name = before.rsplit_once("Topic ")?.1;
    let id = change.split_once(" to ")?.1.trim();
    (name == topic && id != NO_ID).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(topic: &str, from: &str, to: &str) -> String {
        format!("[thrd:main]: Topic {topic} changed id from {from} to {to}")
    }

    #[test]
    fn a_topic_with_another_id_is_another_topic() {
        let mut watch = TopicWatch::default();
        assert_eq!(
            watch.logged("tasks", "[thrd:main]: Topic tasks [0] Leader 1 Epoch 0"),
            None
        );
        assert_eq!(watch.logged("tasks", &line("tasks", NO_ID, "one")), None);
        assert_eq!(watch.logged("tasks", &line("tasks.dlq", "one", "two")), None);
        assert_eq!(
            watch.logged("tasks", &line("tasks", "one", NO_ID)),
            None,
            "it is away"
        );
        assert_eq!(
            watch.logged("tasks", &line("tasks", NO_ID, "one")),
            None,
            "it is back"
        );
        let wrong = watch.logged("tasks", &line("tasks", NO_ID, "two"));
        assert!(wrong.is_some_and(|wrong| wrong.contains("created anew")));
    }

    #[test]
    fn a_missed_topic_is_asked_for_a_second_after_each_answer_until_it_is_found() {
        let mut watch = TopicWatch::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(!watch.is_to_be_asked_for(at(0)), "nobody misses it");
        watch.miss();
        assert!(watch.is_to_be_asked_for(at(0)));
        watch.unanswered(at(2_000));
        assert!(!watch.is_to_be_asked_for(at(2_999)));
        assert!(watch.is_to_be_asked_for(at(3_000)));
        watch.found();
        assert!(!watch.is_to_be_asked_for(at(5_000)));
    }

    #[test]
    fn a_topic_is_gone_when_every_answer_says_so_for_a_while() {
        let mut watch = TopicWatch::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        watch.miss();
        assert!(!watch.is_gone(at(0)) && !watch.is_gone(at(4_000)));
        watch.unanswered(at(5_000));
        assert!(!watch.is_gone(at(6_000)), "nobody said so in between");
        assert!(!watch.is_gone(at(10_999)));
        assert!(watch.is_gone(at(11_000)));
    }

    #[test]
    fn more_partitions_than_at_first_are_wrong() {
        let mut watch = TopicWatch::default();
        for count in [0, 3, 0, 3] {
            assert_eq!(watch.counted("tasks", count), None);
        }
        let wrong = watch.counted("tasks", 4).unwrap();
        assert!(wrong.contains("had 3 partitions and has 4 now"), "{wrong}");
    }
}
