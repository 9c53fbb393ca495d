//! The router's page of metrics.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName};

use super::Shared;
use crate::edge::diagnostics::metrics::{self, MetricLabels, Page, Spread};
use crate::model::BreakerState;
use crate::router::RequestEnd;

pub(super) async fn metrics(
    State(shared): State<Arc<Shared>>,
) -> ([(HeaderName, &'static str); 1], String) {
    let mut page = Page::new(env!("CARGO_PKG_VERSION"));
    let (mut requests, mut took) = (Vec::new(), Vec::new());
    let (mut weights, mut breakers, mut up) = (Vec::new(), Vec::new(), Vec::new());
    let constant = shared.models.iter().map(|(model, served)| {
        let ids = served.constant_ids.load(Ordering::Relaxed);
        (vec![("model", model.to_string())], ids)
    });
    let mut dropped = vec![(vec![("what", "record".to_owned())], shared.records.dropped())];
    for (model, served) in &shared.models {
        for view in served.switch().views() {
            let labels = |more: &[(&'static str, &str)]| -> MetricLabels {
                let of = [("model", model.as_str()), ("version", view.version.as_str())];
                let all = of.iter().chain(more);
                all.map(|(name, value)| (*name, (*value).to_owned())).collect()
            };
            for (role, tally) in [("live", view.live), ("shadow", view.shadow)] {
                for how in RequestEnd::ALL {
                    let labels = labels(&[("role", role), ("result", how.name())]);
                    requests.push((labels, tally.count(how)));
                }
                took.push((labels(&[("role", role)]), Spread::of(tally.took_us())));
            }
            weights.push((labels(&[]), view.weight.percent() / 100.0));
            up.extend(view.up.map(|up| (labels(&[]), f64::from(u8::from(up)))));
            for state in BreakerState::ALL {
                let word = state.name().replace('-', "_");
                let is = f64::from(u8::from(view.breaker == state));
                breakers.push((labels(&[("state", &word)]), is));
            }
        }
        for (what, count) in [("shadow_busy", &served.busy), ("shadow_large", &served.large)] {
            let labels = vec![("model", model.to_string()), ("what", what.to_owned())];
            dropped.push((labels, count.load(Ordering::Relaxed)));
        }
    }
    page.counter(metrics::ROUTED, requests);
    page.counter(metrics::CONSTANT_IDS, constant);
    page.histogram(metrics::ROUTED_TOOK, took);
    page.gauge(metrics::ROUTE_WEIGHT, weights);
    page.gauge(metrics::BACKEND_UP, up);
    page.gauge(metrics::BREAKER, breakers);
    page.counter(metrics::ROUTER_DROPPED, dropped);
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], page.text())
}
