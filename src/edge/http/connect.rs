//! Connections: how many there are, and which one is closed to make room for another.
//!
//! A client that is slow on purpose costs nothing but its own connection: the head of a request
//! has its time, and when all places are taken the connection that has kept us waiting longest
//! makes way. One whose request is being answered never does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use crate::config::HttpLimits;

/// Time that answers under way have when the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Pause after an accept that failed: most likely the process has no file handle left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Answers until `shutdown` is true; then requests under way have a few seconds.
pub async fn run(
    listener: TcpListener,
    routes: Router,
    limits: HttpLimits,
    shutdown: watch::Receiver<bool>,
) {
    let HttpLimits { connections, head, .. } = limits;
    run_within(listener, routes, Terms { connections, head, drain: DRAIN }, shutdown).await;
}

/// What holds of all connections.
#[derive(Debug, Clone, Copy)]
pub(in crate::edge) struct Terms {
    /// The most connections at once.
    pub(in crate::edge) connections: usize,
    /// Time for the head of a request, and between two of them.
    pub(in crate::edge) head: Duration,
    /// Time that answers under way have when the server stops.
    pub(in crate::edge) drain: Duration,
}

/// As [`run`], on terms of its own.
pub(in crate::edge) async fn run_within(
    listener: TcpListener,
    routes: Router,
    terms: Terms,
    mut shutdown: watch::Receiver<bool>,
) {
    let clients = Arc::new(Clients::default());
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Nobody left to say it means the same.
            _stop = shutdown.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        // A small packet must not wait for the next one; if this fails, answers are only slower.
        stream.set_nodelay(true).ok();
        if let Some(seat) = clients.admit(terms.connections) {
            let (routes, watcher) = (routes.clone(), graceful.watcher());
            tokio::spawn(hold(stream, peer, routes, terms.head, watcher, seat));
        }
    }
    // Nobody new is let in while those inside are waited for.
    drop(listener);
    tokio::time::timeout(terms.drain, graceful.shutdown()).await.ok();
}

/// One connection, to its end.
async fn hold(
    stream: TcpStream,
    peer: SocketAddr,
    routes: Router,
    head: Duration,
    watcher: Watcher,
    seat: ConnectionGuard,
) {
    let service = TowerToHyperService::new(routes);
    let client = Arc::clone(&seat.0);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(Arc::clone(&client));
        service.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // That a client broke off is its own business.
        _ended = watcher.watch(connection) => {}
        () = seat.0.asked_to_go.notified() => {}
    }
}

/// Who is connected.
#[derive(Default)]
struct Clients(Mutex<ConnectionTable>);

#[derive(Default)]
struct ConnectionTable {
    connections: usize,
    next: u64,
    /// Those that we wait for, the longest first.
    waiting: BTreeMap<u64, Arc<HttpConnection>>,
}

/// One connection, as all others see it.
pub(in crate::edge) struct HttpConnection {
    clients: Arc<Clients>,
    /// Its place among the connections that we wait for; `None` while it is being answered.
    turn: Mutex<Option<u64>>,
    asked_to_go: Notify,
}

/// A connection's place, free again when this is gone, however it ended.
struct ConnectionGuard(Arc<HttpConnection>);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut held = locked(&self.0.clients.0);
        held.connections -= 1;
        if let Some(turn) = locked(&self.0.turn).take() {
            held.waiting.remove(&turn);
        }
    }
}

/// While it lives, the client is being answered and keeps its place.
pub(in crate::edge) struct Answering(Arc<HttpConnection>);

impl HttpConnection {
    /// Its request is here, whole.
    pub(in crate::edge) fn answering(self: Arc<Self>) -> Answering {
        let mut held = locked(&self.clients.0);
        if let Some(turn) = locked(&self.turn).take() {
            held.waiting.remove(&turn);
        }
        drop(held);
        Answering(self)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        locked(&self.0.clients.0).wait_for(&self.0);
    }
}

impl Clients {
    /// A place, if need be that of the longest idle connection; `None` if all are being answered.
    fn admit(self: &Arc<Self>, most: usize) -> Option<ConnectionGuard> {
        let mut held = locked(&self.0);
        if held.connections >= most {
            let (_, oldest) = held.waiting.pop_first()?;
            *locked(&oldest.turn) = None;
            // Kept for it if it is not listening yet.
            oldest.asked_to_go.notify_one();
        }
        held.connections += 1;
        let (turn, asked_to_go) = (Mutex::default(), Notify::new());
        let client = Arc::new(HttpConnection { clients: Arc::clone(self), turn, asked_to_go });
        held.wait_for(&client);
        Some(ConnectionGuard(client))
    }
}

impl ConnectionTable {
    fn wait_for(&mut self, client: &Arc<HttpConnection>) {
        let turn = self.next;
        self.next += 1;
        *locked(&client.turn) = Some(turn);
        self.waiting.insert(turn, Arc::clone(client));
    }
}

/// Nothing panics while it holds one of these.
fn locked<T>(behind: &Mutex<T>) -> MutexGuard<'_, T> {
    behind.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_keeps_us_waiting_longest_makes_way_and_who_is_answered_never_does() {
        let clients = Arc::new(Clients::default());
        let admit = || clients.admit(3);
        let [a, b, c] = std::array::from_fn(|_| admit().unwrap());
        let makes_way = |seat: &ConnectionGuard| locked(&seat.0.turn).is_none();
        let answering = |seat: &ConnectionGuard| Arc::clone(&seat.0).answering();
        let busy = answering(&a);
        let d = admit().unwrap();
        assert!(makes_way(&b) && !makes_way(&c), "the first that waits");
        drop((b, busy));
        let e = admit().unwrap();
        assert!(makes_way(&c) && !makes_way(&a), "a client that was just answered waits again");
        drop(c);
        let busy = [&a, &d, &e].map(answering);
        assert!(admit().is_none(), "everybody is being answered");
        drop(busy);
        assert!(admit().is_some());
        drop((a, d, e));
        let held = locked(&clients.0);
        assert_eq!((held.connections, held.waiting.len()), (0, 0));
    }
}
