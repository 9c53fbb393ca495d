//! What an error of the client means: it passes, it fences, or a person must act.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::edge::log::LogError;
use crate::edge::log::right::{AccessRight, Resource};

/// The code of an error. The client names none for [`KafkaError::AdminOp`], which has one.
pub(super) fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    if let KafkaError::AdminOp(code) = error { Some(*code) } else { error.rdkafka_error_code() }
}

/// Whether the same request may succeed later without anybody's help.
pub(super) fn may_pass(error: &KafkaError) -> bool {
    let again = matches!(error, KafkaError::Transaction(error) if error.is_retriable());
    again || code(error).is_some_and(passes)
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
            | Code::NotController
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

/// The brokers do not let this user do it.
pub(super) fn is_denied(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code(error),
        Some(
            Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed
                | Code::ClusterAuthorizationFailed
        )
    )
}

/// The topic or partition does not exist.
pub(super) fn is_missing(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition)
}

/// The group has assigned to another member what this one had.
pub(super) fn is_out(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::UnknownMemberId
            | Code::FencedInstanceId
            | Code::FencedMemberEpoch
            | Code::AssignmentLost
    )
}

/// The meaning of an error in the stream of a group's member.
pub(super) enum GroupError {
    /// Some partition of this number was read to its end.
    End(u32),
    /// Some partition is read at a position that it does not have.
    OutOfRange,
    /// No broker answers.
    Silence,
    /// Another process has taken this member's name.
    Replaced,
    /// The brokers do not let us, or the client cannot go on.
    Refused,
    /// It passes, or follows from something that is reported elsewhere.
    Passing,
}

/// Reads an error of the stream.
pub(super) fn meaning(error: &KafkaError) -> GroupError {
    use RDKafkaErrorCode as Code;
    if let KafkaError::PartitionEOF(number) = error {
        return GroupError::End(u32::try_from(*number).unwrap_or(0));
    }
    let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
    match code(error) {
        Some(Code::AllBrokersDown) => GroupError::Silence,
        Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => GroupError::OutOfRange,
        Some(Code::FencedInstanceId) => GroupError::Replaced,
        Some(
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::Authentication
            | Code::SSL,
        ) => GroupError::Refused,
        _ if fatal => GroupError::Refused,
        _ => GroupError::Passing,
    }
}

/// The group is rebalancing; the same commit may succeed afterwards.
pub(super) fn is_moving(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::IllegalGeneration | Code::StaleMemberEpoch | Code::RebalanceInProgress)
}

/// Wraps an error of a request that takes these rights: names the one that is missing, if that is
/// what the error says.
pub(super) fn refused(doing: &str, needs: &[AccessRight], error: KafkaError) -> LogError {
    use RDKafkaErrorCode as Code;
    let code = code(&error);
    let missing = needs.iter().find(|right| match &right.resource {
        Resource::Topic(_) => {
            matches!(code, Some(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed))
        }
        Resource::Group(_) => code == Some(Code::GroupAuthorizationFailed),
        Resource::TransactionalId(_) => code == Some(Code::TransactionalIdAuthorizationFailed),
    });
    match missing {
        Some(right) => LogError::Denied { doing: doing.to_owned(), right: right.clone() },
        None => failed(doing, error),
    }
}

/// The property that the client refuses, if it names one.
pub(super) fn property(error: &KafkaError) -> Option<&str> {
    if let KafkaError::ClientConfig(_, _, property, _) = error {
        return Some(property);
    }
    // "`acks` must be set to `all` when `enable.idempotence` is true"
    let KafkaError::ClientCreation(why) = error else { return None };
    why.split('`').nth(1)
}

/// Why the client refuses its properties, without a value, which may be a secret.
pub(super) fn refusal(error: &KafkaError) -> String {
    let tls = if cfg!(feature = "tls") {
        ""
    } else {
        "; this build has no TLS and no SCRAM: build with --features tls to get them"
    };
    if let KafkaError::ClientConfig(_, _, property, _) = error {
        return format!(
            "the Kafka client refuses the property {property}; check its name and value in \
             kafka.properties{tls}"
        );
    }
    let KafkaError::ClientCreation(why) = error else { return error.to_string() };
    format!(
        "the Kafka client refuses the properties together: {why}; change or remove that \
         property{tls}"
    )
}

/// Wraps an error that a person must fix, or that the brokers did not answer.
pub(super) fn failed(doing: &str, error: KafkaError) -> LogError {
    if matches!(error, KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_)) {
        return LogError::Storage { doing: doing.to_owned(), source: refusal(&error).into() };
    }
    LogError::Storage { doing: doing.to_owned(), source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use rdkafka::types::RDKafkaConfRes;

    use super::*;

    /// Every variant but `Transaction`, whose error only the client can make.
    #[test]
    fn a_fault_that_passes_is_waited_out_whatever_it_came_from() {
        use RDKafkaErrorCode as Code;
        for of in [
            KafkaError::AdminOp,
            KafkaError::ConsumerCommit,
            KafkaError::ConsumerQueueClose,
            KafkaError::Flush,
            KafkaError::Global,
            KafkaError::GroupListFetch,
            KafkaError::MessageConsumption,
            KafkaError::MessageConsumptionFatal,
            KafkaError::MessageProduction,
            KafkaError::MetadataFetch,
            KafkaError::OffsetFetch,
            KafkaError::Rebalance,
            KafkaError::SetPartitionOffset,
            KafkaError::StoreOffset,
            KafkaError::MockCluster,
        ] {
            for passing in [
                Code::LeaderNotAvailable,
                Code::BrokerTransportFailure,
                Code::OperationTimedOut,
                Code::NotController,
                Code::CoordinatorLoadInProgress,
            ] {
                let error = of(passing);
                assert_eq!(code(&error), Some(passing), "{error:?}");
                assert!(may_pass(&error), "{error:?}");
            }
            for stays in [
                Code::TopicAuthorizationFailed,
                Code::InvalidReplicationFactor,
                Code::UnknownTopicOrPartition,
                Code::Fenced,
            ] {
                assert!(!may_pass(&of(stays)), "{:?}", of(stays));
            }
        }
        let text = || "text".to_owned();
        for without in [
            KafkaError::AdminOpCreation(text()),
            KafkaError::Canceled,
            KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_INVALID, text(), text(), text()),
            KafkaError::ClientCreation(text()),
            KafkaError::NoMessageReceived,
            KafkaError::Nul(CString::new("\0").unwrap_err()),
            KafkaError::PartitionEOF(0),
            KafkaError::PauseResume(text()),
            KafkaError::Seek(text()),
            KafkaError::Subscription(text()),
        ] {
            assert_eq!(code(&without), None, "{without:?}");
            assert!(!may_pass(&without), "{without:?}");
        }
    }
}
