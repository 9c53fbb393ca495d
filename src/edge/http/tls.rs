//! The TLS primitives of every HTTP client.

/// TLS needs one crypto provider per process; the first caller sets it.
pub(crate) fn provide_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // If another thread was faster, there is a provider all the same.
        let _already = rustls::crypto::ring::default_provider().install_default();
    }
}
