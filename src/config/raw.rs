//! What the files say, field by field: the names of `config.toml` and nothing else.
//!
//! Deliberately absent: default values, which stand in `config.toml` alone, and checks, which
//! are the conversion's. A field that may be missing is an `Option`.
//!
//! Over 300 lines: one list of all settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Action, Mode, SampleKind, Signal, Stage};

macro_rules! tables {
    ($($name:ident { $($field:ident: $kind:ty,)* })*) => {$(
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $(pub(super) $field: $kind,)*
        }
    )*};
}

/// A table of defaults, and one that has the same keys and some of its own.
macro_rules! inherited {
    ($($defaults:ident, $name:ident {
        $($own:ident: $own_kind:ty,)*
    } and {
        $($shared:ident: $kind:ty,)*
    })*) => {$(
        tables! {
            $defaults { $($shared: $kind,)* }
            $name { $($own: $own_kind,)* $($shared: $kind,)* }
        }
    )*};
}

/// A choice between words.
macro_rules! words {
    ($($name:ident { $($word:ident,)* })*) => {$(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub(super) enum $name {
            $($word,)*
        }
    )*};
}

words! {
    LogKind { Local, Kafka, }
    GroupProtocol { Classic, Consumer, }
    Unknown { Learn, Reject, }
    Rule { EDetector, Window, Psi, }
    Compare { Baseline, Paired, }
    Several { Newest, }
    PerModel { All, Production, None, }
    AccessRole { Viewer, Operator, Admin, Producer, }
}

/// Tables by the names that their users gave them.
pub(super) type ByName<T> = BTreeMap<String, T>;

tables! {
    Raw {
        namespace: String,
        log: Log,
        kafka: Kafka,
        http: Http,
        metrics: Metrics,
        ingest: Ingest,
        source_defaults: SourceDefaults,
        sources: ByName<Source>,
        rules: Rules,
        models: Option<ByName<Rules>>,
        workers: Workers,
        router: Router,
    }
    Log {
        kind: LogKind,
        folder: String,
        shards: u64,
        telemetry_lanes: u64,
        retention_days: u64,
    }
    Kafka {
        brokers: String,
        instance: Option<String>,
        group_protocol: GroupProtocol,
        replication: Option<u64>,
        instruction_keys_env: String,
        properties: ByName<serde_json::Value>,
        properties_from_env: ByName<String>,
        properties_from_file: ByName<String>,
    }
    Http {
        listen: String,
        token_env: String,
        token_file: Option<String>,
        tokens: Option<Vec<Token>>,
        metrics_need_token: bool,
        max_body_bytes: u64,
        max_unpacked_bytes: u64,
        connections_at_once: u64,
        requests_at_once: u64,
        telemetry_at_once: u64,
        head_seconds: u64,
        body_seconds: u64,
        body_grace_seconds: u64,
        min_body_bytes_per_second: u64,
        answer_seconds: u64,
        keep_replies_hours: u64,
    }
    Metrics {
        per_model: PerModel,
    }
    Token {
        name: String,
        role: AccessRole,
        hash: Option<String>,
        file: Option<String>,
    }
    Ingest {
        flush_milliseconds: u64,
        heartbeat_milliseconds: u64,
        idle_after_seconds: u64,
        max_waiting_mebibytes: u64,
        reread_first_records: u64,
        max_models: u64,
        max_versions: u64,
        max_features: u64,
    }
    Topic {
        r#type: Option<SampleKind>,
        fields: Option<ByName<serde_json::Value>>,
        constants: Option<ByName<serde_json::Value>>,
        dialect: Option<String>,
        each: Option<serde_json::Value>,
        only: Option<serde_json::Map<String, serde_json::Value>>,
        envelope: Option<String>,
        pair: Option<serde_json::Value>,
        path: Option<String>,
        skip_bytes: Option<u64>,
        allowed_disorder_seconds: Option<u64>,
    }
    Rules {
        mode: Mode,
        budget: Budget,
        trigger_defaults: TriggerDefaults,
        triggers: ByName<Trigger>,
        policy: Policy,
    }
    Budget {
        false_rollbacks: f64,
        period_days: u64,
    }
    Policy {
        proving_hours: u64,
        trust_assumed: bool,
        cooldown_minutes: u64,
        max_rollbacks: u64,
        rollbacks_period_hours: u64,
        quarantine_days: u64,
        answer_within_seconds: u64,
        command_expires_minutes: u64,
        mitigate_within_minutes: u64,
        verify_within_days: u64,
        verify_prolong_times: u64,
        live_samples: u64,
        verify_samples: u64,
        verify_after_minutes: u64,
        verify_after_hours: u64,
        resolve_after_hours: u64,
        stall_after_seconds: u64,
        hand_over_seconds: u64,
        baseline_samples: u64,
        max_loss_percent: f64,
        forget_after_days: u64,
    }
    Workers {
        registry: Registry,
        router: RouterWorker,
        exec_defaults: ExecDefaults,
        exec: Option<ByName<Exec>>,
        notice: Notice,
    }
    Registry {
        path: Option<String>,
        check_artifacts: bool,
        poll_seconds: u64,
        shape: Option<Shape>,
    }
    Shape {
        entries: Option<String>,
        name: Option<String>,
        default_name: Option<String>,
        version: Option<String>,
        production: Option<Mark>,
        also_marked: Option<Vec<Mark>>,
        several_in_production: Option<Several>,
        created_at: Option<String>,
        path: Option<String>,
        sha256: Option<String>,
    }
    Mark {
        at: String,
        is: Option<serde_json::Value>,
        holds: Option<String>,
        former: Option<serde_json::Value>,
    }
    RouterWorker {
        url: Option<String>,
        models: Vec<String>,
        poll_seconds: u64,
        time_limit_seconds: u64,
        authority: bool,
        probe_path: Option<String>,
        probes: u64,
        stages_percent: Vec<f64>,
        hold_seconds: u64,
        gate_percent: f64,
        gate_answers: u64,
    }
    Router {
        listen: Option<String>,
        folder: Option<String>,
        telemetry: Option<String>,
        queue_records: u64,
        connections_at_once: u64,
        head_seconds: u64,
        body_seconds: u64,
        max_body_bytes: u64,
        held_body_bytes: u64,
        drain_seconds: u64,
        model_defaults: RoutedDefaults,
        models: Option<ByName<Routed>>,
    }
    Notice {
        webhook_url: Option<String>,
        webhook_secret_env: String,
        time_limit_seconds: u64,
    }
}

inherited! {
    SourceDefaults, Source {
        topics: Vec<String>,
        topic: Option<ByName<Topic>>,
        dialect: Option<String>,
        each: Option<serde_json::Value>,
        only: Option<serde_json::Map<String, serde_json::Value>>,
        envelope: Option<String>,
        pair: Option<serde_json::Value>,
        path: Option<String>,
        skip_bytes: Option<u64>,
    } and {
        enabled: bool,
        pane_seconds: u64,
        label_horizon_hours: u64,
        allowed_disorder_seconds: u64,
        max_waiting_per_model: u64,
        max_jump_seconds: u64,
        jump_confirmations: u64,
        max_skew_seconds: u64,
        max_categories: u64,
        max_record_bytes: u64,
        oldest: String,
        unknown_models: Unknown,
        models: Vec<String>,
        r#type: Option<SampleKind>,
        fields: ByName<serde_json::Value>,
        constants: ByName<serde_json::Value>,
    }
    TriggerDefaults, Trigger {
        order: u64,
        signal: Signal,
        compare: Option<Compare>,
        tolerance_points: Option<f64>,
        tolerance_relative_percent: Option<f64>,
        limit_percent: Option<f64>,
        limit_milliseconds: Option<f64>,
        timeout_milliseconds: Option<f64>,
        limit_psi: Option<f64>,
        bins: Option<u64>,
        learn_samples: Option<u64>,
        bucket_seconds: u64,
    } and {
        enabled: bool,
        rule: Rule,
        action: Action,
        mode: Option<Mode>,
        weight: Option<f64>,
        minimum_samples: u64,
        completeness: f64,
        design_effect: f64,
        provisional: bool,
        act_without_reference: bool,
        window_minutes: u64,
        breaches_to_fire: u64,
    }
    RoutedDefaults, Routed {
        versions: ByName<String>,
        weights_percent: ByName<f64>,
    } and {
        shadow: Vec<String>,
        predict_path: String,
        key_header: Option<String>,
        connect_milliseconds: u64,
        answer_milliseconds: u64,
        shadows_at_once: u64,
        health_path: Option<String>,
        health_every_milliseconds: u64,
        health_within_milliseconds: u64,
        health_fall: u64,
        health_rise: u64,
        breaker_in_a_row: u64,
        breaker_percent: f64,
        breaker_minimum_answers: u64,
        breaker_window_seconds: u64,
        breaker_pause_milliseconds: u64,
        breaker_longest_pause_milliseconds: u64,
        features: Option<String>,
        prediction: String,
        score: Option<String>,
        ts: Option<String>,
    }
    ExecDefaults, Exec {
        probe: Vec<String>,
        act: Vec<String>,
    } and {
        stage: Stage,
        time_limit_seconds: u64,
        poll_seconds: u64,
        authority: bool,
        models: Vec<String>,
        fence_folder: Option<String>,
    }
}
