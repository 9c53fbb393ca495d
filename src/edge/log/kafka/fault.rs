//! What an error of the client means: it passes, it fences, or a person must act.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::edge::log::LogError;

/// Waiting may mend it.
pub(super) fn may_pass(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => error.is_retriable() || passes(error.code()),
        other => other.rdkafka_error_code().is_some_and(passes),
    }
}

fn passes(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::TimedOutQueue
            | Code::RequestTimedOut
            | Code::MessageTimedOut
            | Code::NetworkException
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::BrokerNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::WaitingForCoordinator
            | Code::InProgress
            | Code::PreviousInProgress
            | Code::ConcurrentTransactions
            | Code::RebalanceInProgress
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::WaitCache
            | Code::Resolve
            | Code::QueueFull
    )
}

/// The topic or partition is not there.
pub(super) fn is_missing(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition)
}

/// The group has given to another what was this member's.
pub(super) fn is_out(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::UnknownMemberId | Code::FencedInstanceId | Code::AssignmentLost)
}

/// Something a person must see to, or the brokers do not answer.
pub(super) fn failed(doing: &str, error: KafkaError) -> LogError {
    LogError::Storage { doing: doing.to_owned(), source: Box::new(error) }
}
