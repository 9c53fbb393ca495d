//! A source of one topic, as the shipped settings have it.

use ripcord::model::{
    EventTime, Mapping, NameLimits, Source, SourceId, Span, TopicRule, UnknownModels,
};

/// The source; its topic is `t`.
pub fn source(mapping: Option<Mapping>) -> Source {
    Source {
        id: SourceId::new("s").unwrap(),
        topics: vec![TopicRule { name: "t".to_owned(), allowed_disorder: Span::ZERO, mapping }],
        pane: Span::from_s(10),
        label_horizon: Span::from_s(48 * 3600),
        max_waiting: 1000,
        max_jump: Span::from_s(300),
        jump_confirmations: 20,
        max_skew: Span::from_s(120),
        max_categories: 50,
        oldest: EventTime::from_ms(86_400_000),
        max_record_bytes: 1 << 20,
        unknown_models: UnknownModels::Learn,
        limits: NameLimits::before_settings(),
    }
}
