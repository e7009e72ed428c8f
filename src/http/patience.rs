//! Patience with clients that do not read their answers: bounded.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

/// Accepts connections on which writes are sent at once, and fail when the other
/// side takes nothing for this long. The clock runs only while a write waits.
#[derive(Clone, Copy)]
pub(super) struct PatientAcceptor(pub Duration);

impl<S> Accept<TcpStream, S> for PatientAcceptor {
    type Stream = Pin<Box<TimeoutStream<TcpStream>>>;
    type Service = S;
    type Future = Ready<io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        // An answer is one write; waiting for more would only delay it.
        ready(stream.set_nodelay(true).map(|()| {
            let mut patient = TimeoutStream::new(stream);
            patient.set_write_timeout(Some(self.0));
            (Box::pin(patient), service)
        }))
    }
}
