//! Ports that stay free until somebody listens there, and between two who do.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Below the ports that systems give to outgoing connections: each test of this process makes many
/// of those, and one of them could sit there by the time it is needed.
pub fn free() -> SocketAddr {
    loop {
        let random = uuid::Uuid::new_v4().as_u128() % 12_000;
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 20_000 + u16::try_from(random).unwrap()));
        if TcpListener::bind(at).is_ok() {
            return at;
        }
    }
}
