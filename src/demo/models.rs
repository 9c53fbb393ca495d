//! Two small model servers: each answers a flight with what its version really answered.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::DemoError;

/// What a version answers, by flight.
type Model = Arc<HashMap<String, Box<str>>>;

#[derive(Deserialize)]
struct Line {
    flight: String,
    answer: Box<RawValue>,
}

#[derive(Deserialize)]
struct Request {
    flight: String,
}

/// Serves the model in `file` until the runtime ends; answers where.
///
/// # Errors
/// The file is no model, or nothing can listen.
pub(super) fn serve(runtime: &Runtime, file: &Path) -> Result<SocketAddr, DemoError> {
    let failed = |source| DemoError::Folder { path: file.to_path_buf(), source };
    let text = std::fs::read_to_string(file).map_err(failed)?;
    let mut model = HashMap::new();
    for line in text.lines() {
        let line: Line = serde_json::from_str(line).map_err(|error| failed(error.into()))?;
        model.insert(line.flight, line.answer.get().into());
    }
    let routes = axum::Router::new()
        .route("/predict", post(predict))
        .route("/health", get(|| async { "ok\n" }))
        .with_state(Arc::new(model));
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(DemoError::Machine)?;
        let at = listener.local_addr().map_err(DemoError::Machine)?;
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(at)
    })
}

async fn predict(State(model): State<Model>, Json(request): Json<Request>) -> Response {
    match model.get(&request.flight) {
        Some(answer) => ([(CONTENT_TYPE, "application/json")], answer.to_string()).into_response(),
        None => {
            let unknown = json!({ "detail": format!("no flight {}", request.flight) });
            (StatusCode::NOT_FOUND, Json(unknown)).into_response()
        }
    }
}
