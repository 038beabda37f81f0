//! What librdkafka's errors mean for us, and what an operator can do about them.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// What the reader does about an error that librdkafka reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It passes by itself; librdkafka goes on trying.
    Passing,
    /// The topic does not exist (yet).
    TopicMissing,
    /// Records that were not read yet are no longer there.
    ReindexNeeded,
    /// Only an operator can repair it.
    Halt,
}

/// Sorts an error of a consumer.
pub(crate) fn verdict(code: RDKafkaErrorCode) -> Verdict {
    use RDKafkaErrorCode as E;
    match code {
        E::AutoOffsetReset | E::LogTruncation | E::OffsetOutOfRange => Verdict::ReindexNeeded,
        E::UnknownTopic | E::UnknownTopicOrPartition | E::UnknownPartition => Verdict::TopicMissing,
        // librdkafka passes over a record that it cannot unpack: nothing may be dropped in silence.
        E::BadMessage | E::BadCompression | E::NotImplemented | E::MessageSizeTooLarge => Verdict::Halt,
        E::Fatal | E::InconsistentGroupProtocol | E::InvalidSessionTimeout => Verdict::Halt,
        code if is_refusal(code) => Verdict::Halt,
        _ => Verdict::Passing,
    }
}

/// Credentials or access rights are wrong.
pub(crate) fn is_refusal(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as E;
    matches!(
        code,
        E::TopicAuthorizationFailed
            | E::GroupAuthorizationFailed
            | E::ClusterAuthorizationFailed
            | E::SaslAuthenticationFailed
            | E::Authentication
            | E::UnsupportedSASLMechanism
    )
}

/// Records will not be taken until somebody changes the topic or what is written to it.
pub(crate) fn must_be_repaired(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as E;
    matches!(
        code,
        E::UnknownTopic
            | E::UnknownTopicOrPartition
            | E::UnknownPartition
            | E::MessageSizeTooLarge
            | E::MessageBatchTooLarge
            | E::InvalidRecord
            | E::PolicyViolation
    )
}

/// What was sent is larger than the client or the topic takes: a record, or several that went as one.
pub(crate) fn is_for_size(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as E;
    matches!(
        code(error),
        Some(E::MessageSizeTooLarge | E::MessageBatchTooLarge)
    )
}

/// The topic does not exist, or not any more.
pub(crate) fn is_for_want_of_topic(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as E;
    matches!(
        code(error),
        Some(E::UnknownTopic | E::UnknownTopicOrPartition | E::UnknownPartition)
    )
}

/// The code in an error; the crate leaves out those of the admin calls.
pub(crate) fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        error => error.rdkafka_error_code(),
    }
}

/// The error in words, and what to do where we know it.
pub(crate) fn describe(error: &KafkaError) -> String {
    match code(error).and_then(advice) {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    }
}

/// What an operator can do.
pub(crate) fn advice(code: RDKafkaErrorCode) -> Option<&'static str> {
    use RDKafkaErrorCode as E;
    let advice = match code {
        E::UnknownTopic | E::UnknownTopicOrPartition | E::UnknownPartition => {
            "the topic does not exist: let rest-server and search-indexer create their topics, or create them yourself"
        }
        E::MessageSizeTooLarge | E::MessageBatchTooLarge => {
            "the largest record is larger than a limit: max.message.bytes of the topic, for a writer, or \
             receive.message.max.bytes in KAFKA_CLIENT_OPTIONS, for a reader"
        }
        E::TopicAuthorizationFailed | E::GroupAuthorizationFailed | E::ClusterAuthorizationFailed => {
            "grant this client's user the rights on the topics and on groups that begin with KAFKA_GROUP"
        }
        E::SaslAuthenticationFailed | E::Authentication | E::UnsupportedSASLMechanism => {
            "correct the credentials in KAFKA_CLIENT_OPTIONS"
        }
        E::BadCompression | E::NotImplemented | E::BadMessage => {
            "the topic holds a batch that this build cannot unpack: find out who wrote it and with which compression"
        }
        E::InconsistentGroupProtocol => "the group has members of another kind: choose another KAFKA_GROUP",
        E::InvalidSessionTimeout => "the broker's group.min.session.timeout.ms forbids our 10 s",
        E::NotEnoughReplicas | E::NotEnoughReplicasAfterAppend => "bring back the brokers that are away",
        E::InvalidReplicationFactor => {
            "there are fewer brokers than copies wanted: lower the replication setting"
        }
        _ => return None,
    };
    Some(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_is_away_is_waited_for_and_a_refusal_is_not() {
        assert_eq!(verdict(RDKafkaErrorCode::AllBrokersDown), Verdict::Passing);
        assert_eq!(
            verdict(RDKafkaErrorCode::BrokerTransportFailure),
            Verdict::Passing
        );
        assert_eq!(verdict(RDKafkaErrorCode::GroupAuthorizationFailed), Verdict::Halt);
        assert_eq!(verdict(RDKafkaErrorCode::Fatal), Verdict::Halt);
        assert_eq!(verdict(RDKafkaErrorCode::AutoOffsetReset), Verdict::ReindexNeeded);
    }
}
