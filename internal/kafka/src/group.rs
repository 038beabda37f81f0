//! Membership of the consumer group: what librdkafka calls back, all of it on the poll thread.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, Statistics, TopicPartitionList};
use taskwire_domain::{Record, RevocationGuard, SourceFault};
use tracing::{debug, info, warn};

use crate::diagnosis::{Verdict, advice, describe, verdict};
use crate::handover::Handover;
use crate::lag::LagSnapshot;
use crate::producer::log_line;
use crate::questions;
use crate::starts::{self, NoStart, Start, Waiting};
use crate::tail::{Tails, end_offset};
use crate::throttle::Throttle;
use crate::topic_watch::TopicWatch;

pub(crate) type Member = BaseConsumer<Group>;

/// The brokers may take this long to tell how many partitions there are.
const METADATA_LIMIT: Duration = Duration::from_secs(2);

/// One passing trouble is logged no more often than this.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(30);

const REINDEX_ADVICE: &str =
    "reindex needed: the topic alone can no longer make the index equal to the database";

/// What the callbacks need to know.
pub(crate) struct Group {
    topic: String,
    handover: Arc<Handover>,
    lag: LagSnapshot,
    revocation_limit: Duration,
    waiting: Mutex<Waiting>,
    /// Whether our partitions are paused in librdkafka; it keeps that per partition, so new ones have to be told.
    pub(crate) paused: AtomicBool,
    watch: Mutex<TopicWatch>,
    tails: Mutex<Tails>,
    /// The end that librdkafka has just told of; `poll` returns the partition next.
    end: AtomicI64,
    /// Whether any partition was ever begun.
    begun: AtomicBool,
    complaints: Throttle,
    missing_topic: Throttle,
    failed_commits: Throttle,
}

impl Group {
    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    pub(crate) fn new(
        topic: String,
        handover: Arc<Handover>,
        lag: LagSnapshot,
        revocation_limit: Duration,
    ) -> Self {
        Self {
            topic,
            handover,
            lag,
            revocation_limit,
            waiting: Mutex::default(),
            paused: AtomicBool::new(false),
            watch: Mutex::default(),
            tails: Mutex::default(),
            end: AtomicI64::new(0),
            begun: AtomicBool::new(false),
            complaints: Throttle::new(COMPLAINT_INTERVAL),
            missing_topic: Throttle::new(Duration::from_secs(300)),
            failed_commits: Throttle::new(COMPLAINT_INTERVAL),
        }
    }

    /// Asks again for starts that could not be found out, when it is time.
    pub(crate) fn start_waiting_partitions(&self, member: &Member) {
        if self.waiting().are_due() {
            let starts = self.find_starts(member);
            if !starts.is_empty() {
                self.begin(member, &starts);
            }
        }
    }

    /// Asks the brokers for the topic, if librdkafka misses it. librdkafka says the same of a topic that it has not heard
    /// of for a while because no broker answered, so its word alone proves nothing.
    pub(crate) fn look_for_missing_topic(&self, member: &Member) {
        if self.handover.has_failed() || !self.watch().is_to_be_asked_for(Instant::now()) {
            return;
        }
        let answer = questions::partitions(member, &self.topic, METADATA_LIMIT);
        let mut watch = self.watch();
        match answer {
            Ok(partitions) if !partitions.is_empty() => watch.found(),
            Ok(_) if watch.is_gone(Instant::now()) => self.reindex_needed(&format!(
                "topic `{}` was deleted while it was read: what had not been read of it is lost",
                self.topic
            )),
            Ok(_) => {}
            Err(error) => {
                watch.unanswered(Instant::now());
                self.complain(&error, "the brokers do not say whether the topic is still there");
            }
        }
    }

    /// Takes the loop's positions to librdkafka, which commits them once a second.
    pub(crate) fn store(&self, member: &Member, mut positions: BTreeMap<i32, i64>) {
        if positions.is_empty() {
            return;
        }
        let mut tails = self.tails();
        for (partition, offset) in &mut positions {
            *offset = tails.stored(*partition, *offset);
            self.lag.stored(*partition, *offset);
        }
        drop(tails);
        self.give(member, &positions);
    }

    /// These records are handed to the loop.
    pub(crate) fn handed_out(&self, records: &[Record]) {
        let mut tails = self.tails();
        for record in records {
            tails.handed_out(record.position.partition.0, record.position.offset + 1);
        }
    }

    /// All records of a partition were handed out.
    pub(crate) fn end_reached(&self, member: &Member, partition: i32) {
        let reached = self.tails().reached(partition, self.end.load(Ordering::Relaxed));
        if let Some(offset) = reached {
            self.lag.stored(partition, offset);
            self.give(member, &BTreeMap::from([(partition, offset)]));
        }
    }

    fn give(&self, member: &Member, positions: &BTreeMap<i32, i64>) {
        let result = self.list(positions.iter().map(|(partition, offset)| (*partition, *offset)));
        match result.and_then(|list| member.store_offsets(&list)) {
            // Taken away in the meantime; the next owner reads again what was not committed.
            Ok(()) | Err(KafkaError::StoreOffset(RDKafkaErrorCode::State)) => {}
            Err(error) => self.handover.fail(fault("positions could not be stored", error)),
        }
    }

    /// Commits what was stored and waits for the answer, which takes no longer than librdkafka's socket time-out.
    pub(crate) fn commit(&self, member: &Member) -> KafkaResult<()> {
        match member.commit_consumer_state(CommitMode::Sync) {
            Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
            // The group has given our partitions to others, or the topic is gone: there is nothing of ours to commit.
            Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::AssignmentLost)) => {
                info!(
                    kafka.topic = self.topic,
                    "the partitions were lost before the last positions were committed, the next owner reads some records again"
                );
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Stops or continues reading our partitions; the member stays in the group.
    pub(crate) fn set_paused(&self, member: &Member, paused: bool) {
        let ours = match member.assignment() {
            Ok(ours) => ours,
            Err(error) => {
                return self
                    .handover
                    .fail(fault("the assignment could not be read", error));
            }
        };
        self.paused.store(paused, Ordering::Relaxed);
        self.apply_pause(member, &ours);
    }

    fn apply_pause(&self, member: &Member, partitions: &TopicPartitionList) {
        let paused = self.paused.load(Ordering::Relaxed);
        let applied = if paused {
            member.pause(partitions)
        } else {
            member.resume(partitions)
        };
        if let Err(error) = applied {
            self.handover
                .fail(fault("reading could not be paused or resumed", error));
        }
    }

    fn assign(&self, member: &Member, partitions: Vec<i32>) {
        let starts = if self.handover.ending().is_some() {
            Vec::new()
        } else {
            self.waiting().partitions.extend(partitions);
            self.find_starts(member)
        };
        // An empty answer is due as well: until it comes the whole group waits.
        self.begin(member, &starts);
    }

    fn find_starts(&self, member: &Member) -> Vec<Start> {
        let partitions = self.waiting().partitions.clone();
        if partitions.is_empty() {
            return Vec::new();
        }
        self.count_partitions(member);
        let (starts, obstacle) = starts::find(member, &self.topic, &partitions, || {
            self.handover.ending().is_some()
        });
        match obstacle {
            None => {}
            Some(NoStart::ReindexNeeded(detail)) => self.reindex_needed(&detail),
            Some(NoStart::Refused(error)) => self
                .handover
                .fail(fault("the brokers refuse to tell positions", error)),
            Some(NoStart::Unknown(error)) => {
                self.complain(&error, "the start of a partition is not known yet")
            }
        }
        let mut waiting = self.waiting();
        waiting
            .partitions
            .retain(|partition| starts.iter().all(|start| start.partition != *partition));
        waiting.asked = Some(Instant::now());
        starts
    }

    /// How many partitions the topic has at the beginning; later the statistics tell.
    fn count_partitions(&self, member: &Member) {
        if self.begun.load(Ordering::Relaxed) {
            return;
        }
        if let Ok(partitions) = questions::partitions(member, &self.topic, METADATA_LIMIT) {
            // The first count is right by definition.
            let _ = self.watch().counted(&self.topic, partitions.len());
        }
    }

    fn begin(&self, member: &Member, starts: &[Start]) {
        let assigned = self
            .list(starts.iter().map(|start| (start.partition, start.offset)))
            .and_then(|list| {
                member.incremental_assign(&list)?;
                self.apply_pause(member, &list);
                Ok(())
            });
        if let Err(error) = assigned {
            return self.handover.fail(fault("partitions could not be taken", error));
        }
        if starts.is_empty() {
            return;
        }
        self.begun.store(true, Ordering::Relaxed);
        for start in starts {
            self.tails().begin(start.partition, start.offset);
            self.lag.begin(start.partition, start.offset, start.high);
            info!(
                kafka.topic = self.topic,
                kafka.partition = start.partition,
                kafka.offset = start.offset,
                "kafka partition assigned"
            );
        }
        self.handover
            .assigned(starts.iter().map(|start| start.partition).collect());
    }

    fn revoke(&self, member: &Member, partitions: &[i32]) {
        self.waiting()
            .partitions
            .retain(|partition| !partitions.contains(partition));
        let started = self.handover.owned_among(partitions);
        let lost = member.assignment_lost();
        if !started.is_empty() {
            info!(kafka.topic = self.topic, kafka.partitions = ?started, lost, "kafka partitions revoked");
            if lost {
                self.handover.lost(started.clone());
            } else {
                self.await_release(&started);
            }
        }
        let mut positions = self.handover.release(&started);
        if lost {
            positions.retain(|partition, _| !started.contains(partition));
        }
        self.store(member, positions);
        // At the end the commit is made before the group is left.
        if !lost
            && !started.is_empty()
            && self.handover.ending().is_none()
            && let Err(error) = self.commit(member)
        {
            warn!(
                kafka.topic = self.topic,
                error = describe(&error),
                "positions could not be committed before partitions were given away, the next owner reads some records again"
            );
        }
        self.lag.end(&started);
        self.tails().end(&started);
        let given_away = self
            .list(started.iter().map(|partition| (*partition, 0)))
            .and_then(|list| member.incremental_unassign(&list));
        if let Err(error) = given_away {
            self.handover
                .fail(fault("partitions could not be given away", error));
        }
    }

    /// Tells the loop and waits until it is done with the partitions, within limits.
    fn await_release(&self, partitions: &[i32]) {
        let (release, released) = mpsc::channel::<()>();
        self.handover
            .revoking(partitions.to_vec(), RevocationGuard::new(move || drop(release)));
        let deadline = Instant::now() + self.revocation_limit;
        loop {
            // In slices, because an end of the loop's own must not wait for the limit.
            let slice = Duration::from_millis(20).min(deadline.saturating_duration_since(Instant::now()));
            match released.recv_timeout(slice) {
                Err(mpsc::RecvTimeoutError::Timeout) if slice.is_zero() => {
                    warn!(
                        kafka.topic = self.topic,
                        limit.ms = self.revocation_limit.as_millis(),
                        "the consume loop did not let go of revoked partitions in time, the next owner reads some records again"
                    );
                    return;
                }
                Err(mpsc::RecvTimeoutError::Timeout) if self.handover.ending().is_none() => {}
                _ => return,
            }
        }
    }

    fn list(&self, positions: impl Iterator<Item = (i32, i64)>) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in positions {
            list.add_partition_offset(&self.topic, partition, Offset::Offset(offset))?;
        }
        Ok(list)
    }

    /// librdkafka will not go on. Its callbacks do not tell this of every fatal error, so it is asked.
    pub(crate) fn give_up(&self, code: RDKafkaErrorCode, reason: &str) {
        let advice = advice(code).unwrap_or("restart; if it comes again, see the brokers' logs");
        self.handover.fail(SourceFault {
            detail: format!(
                "topic `{}` cannot be read any more, the kafka client has failed for good: {reason}; {advice}",
                self.topic
            ),
            cause: Some(KafkaError::Global(code).into()),
        });
    }

    fn reindex_needed(&self, detail: &str) {
        self.handover.fail(SourceFault {
            detail: format!("{detail}; {REINDEX_ADVICE}"),
            cause: None,
        });
    }

    fn complain(&self, error: &KafkaError, reason: &str) {
        if let Some(held_back) = self.complaints.admit() {
            warn!(
                kafka.topic = self.topic,
                error = describe(error),
                reason,
                held_back,
                "kafka consumer is in trouble, librdkafka goes on trying"
            );
        }
    }

    fn tails(&self) -> MutexGuard<'_, Tails> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) -> MutexGuard<'_, TopicWatch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fault(what: &str, error: KafkaError) -> SourceFault {
    SourceFault {
        detail: format!("{what}: {}", describe(&error)),
        cause: Some(error.into()),
    }
}

impl ClientContext for Group {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
        if let Some(wrong) = self.watch().logged(&self.topic, message) {
            self.reindex_needed(&wrong);
        }
    }

    /// Every error comes by here with its reason, which the one that `poll` returns lacks.
    fn error(&self, error: KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else {
            return self.complain(&error, reason);
        };
        if code == RDKafkaErrorCode::PartitionEOF {
            let end = end_offset(reason).unwrap_or_default();
            return self.end.store(end, Ordering::Relaxed);
        }
        match verdict(code) {
            Verdict::Passing => self.complain(&error, reason),
            Verdict::TopicMissing if self.begun.load(Ordering::Relaxed) => self.watch().miss(),
            Verdict::TopicMissing => {
                if self.missing_topic.admit().is_some() {
                    warn!(
                        kafka.topic = self.topic,
                        "kafka topic does not exist, waiting for it; rest-server creates it when it starts, or create it yourself"
                    );
                }
            }
            Verdict::ReindexNeeded => self.reindex_needed(&format!("topic `{}`: {reason}", self.topic)),
            Verdict::Halt => {
                let advice = advice(code)
                    .map(|advice| format!("; {advice}"))
                    .unwrap_or_default();
                self.handover.fail(SourceFault {
                    detail: format!("topic `{}` cannot be read: {reason}{advice}", self.topic),
                    cause: Some(error.into()),
                });
            }
        }
    }

    fn stats(&self, statistics: Statistics) {
        let Some(topic) = statistics.topics.get(&self.topic) else {
            return;
        };
        // -1 is librdkafka's own, for records that belong to no partition yet.
        let known = topic
            .partitions
            .iter()
            .filter(|(partition, figures)| **partition >= 0 && !figures.unknown);
        if let Some(detail) = self.watch().counted(&self.topic, known.count()) {
            self.handover.fail(SourceFault { detail, cause: None });
        }
        for (partition, figures) in &topic.partitions {
            self.lag.seen(*partition, figures.hi_offset);
        }
    }
}

impl ConsumerContext for Group {
    fn rebalance(&self, member: &Member, kind: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let numbers: Vec<i32> = partitions
            .elements_for_topic(&self.topic)
            .iter()
            .map(|element| element.partition())
            .collect();
        debug!(kafka.topic = self.topic, kafka.partitions = ?numbers, kind = ?kind, "kafka group rebalances");
        match kind {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(member, numbers),
            _ => self.revoke(member, &numbers),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        let Err(error) = result else { return };
        let code = error.rdkafka_error_code();
        if code == Some(RDKafkaErrorCode::NoOffset) {
            return;
        }
        if code.is_some_and(|code| verdict(code) == Verdict::Halt) {
            return self
                .handover
                .fail(fault("positions could not be committed", error));
        }
        if let Some(held_back) = self.failed_commits.admit() {
            warn!(
                kafka.topic = self.topic,
                error = describe(&error),
                held_back,
                "positions could not be committed, they will be with the next commit"
            );
        }
    }
}
