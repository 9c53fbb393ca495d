//! Binds a socket, and names the setting to change where it cannot.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::ProcessError;

/// Listens on `at`, which the setting or option `key` names.
pub(super) async fn listen(at: SocketAddr, key: &'static str) -> Result<TcpListener, ProcessError> {
    TcpListener::bind(at).await.map_err(|source| ProcessError::Listen { at, key, source })
}
