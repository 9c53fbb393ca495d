//! The body of a reply on its way from the backend to the caller.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::call::PendingCall;
use crate::edge::http::Answering;
use crate::router::RequestEnd;

/// An answer that is streamed to the caller. Its end is counted, whatever it is.
pub(super) struct StreamedReply {
    pub(super) from: Incoming,
    pub(super) asked: PendingCall,
    /// How it ends if it comes whole.
    pub(super) how: RequestEnd,
    /// Its beginning, as far as it is held.
    pub(super) held: Vec<u8>,
    pub(super) room: usize,
    /// Time for each part.
    pub(super) within: Duration,
    pub(super) idle: Option<Pin<Box<Sleep>>>,
    /// Its connection keeps its place.
    pub(super) _seat: Option<Answering>,
}

impl StreamedReply {
    /// It came whole.
    fn whole(&mut self) {
        let (how, held) = (self.how, std::mem::take(&mut self.held));
        self.asked.ended(how, None, held.into());
    }

    fn keep(&mut self, part: &Bytes) {
        if self.held.len() + part.len() <= self.room {
            self.held.extend_from_slice(part);
        } else {
            (self.room, self.held) = (0, Vec::new());
        }
    }
}

impl hyper::body::Body for StreamedReply {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.from).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.idle = None;
                if let Some(part) = frame.data_ref() {
                    self.keep(&part.clone());
                }
                if self.from.is_end_stream() {
                    self.whole();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(why))) => {
                self.asked.ended(RequestEnd::Error, Some("the answer broke off"), Bytes::new());
                Poll::Ready(Some(Err(why.into())))
            }
            Poll::Ready(None) => {
                self.whole();
                Poll::Ready(None)
            }
            Poll::Pending => {
                let within = self.within;
                let idle = self.idle.get_or_insert_with(|| Box::pin(sleep(within)));
                if idle.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.asked.ended(
                    RequestEnd::Timeout,
                    Some("the answer stopped midway"),
                    Bytes::new(),
                );
                Poll::Ready(Some(Err("the backend sent no further part in time".into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.from.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.from.size_hint()
    }
}
