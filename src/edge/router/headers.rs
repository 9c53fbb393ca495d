//! Which headers are forwarded, and which are added.

use std::net::SocketAddr;

use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue};

/// Says which version answered.
pub(super) const MODEL_VERSION: HeaderName = HeaderName::from_static("x-model-version");
/// Names a request: what joins its answers and its outcome.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Says to a backend that nobody waits for its answer.
pub(super) const ROLE: HeaderName = HeaderName::from_static("ripcord-role");

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What holds for one connection only.
const OF_A_CONNECTION: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes the headers that apply to one connection only.
pub(super) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&OF_A_CONNECTION) {
        headers.remove(name);
    }
}

/// Makes the headers of a request fit for a backend.
pub(super) fn forward(headers: &mut HeaderMap, peer: Option<SocketAddr>, id: &HeaderValue) {
    strip(headers);
    // The length goes by the body itself.
    headers.remove(CONTENT_LENGTH);
    headers.remove(EXPECT);
    headers.remove(ROLE);
    if let Some(host) = headers.remove(HOST) {
        headers.insert(FORWARDED_HOST, host);
    }
    if let Some(peer) = peer {
        let peer = peer.ip().to_canonical().to_string();
        // In one line: who reads only the first or the last of several would miss some.
        let before = headers.get_all(FORWARDED_FOR).iter().map(HeaderValue::as_bytes);
        let mut all: Vec<&[u8]> = before.filter(|line| !line.is_empty()).collect();
        all.push(peer.as_bytes());
        if let Ok(all) = HeaderValue::from_bytes(&all.join(&b", "[..])) {
            headers.insert(FORWARDED_FOR, all);
        }
    }
    headers.insert(REQUEST_ID, id.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_for_one_connection_goes_no_further() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "x-one, X-Two"),
            ("connection", "close"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-three", "3"),
            ("transfer-encoding", "chunked"),
            ("host", "models.example"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-for", ""),
            ("x-forwarded-for", "192.0.2.2, 192.0.2.3"),
            ("ripcord-role", "shadow"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let peer = Some("192.0.2.9:80".parse().unwrap());
        forward(&mut headers, peer, &HeaderValue::from_static("r-1"));
        let mut left: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        left.sort();
        let expected = [
            "x-forwarded-for: 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.9",
            "x-forwarded-host: models.example",
            "x-request-id: r-1",
            "x-three: 3",
        ];
        assert_eq!(left, expected);
    }
}
