//! From a listener to the router: one road for HTTP and HTTPS, with deadlines
//! for clients that are slow on purpose.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum_server::Server;
use axum_server::tls_rustls::RustlsAcceptor;
use tokio::net::{TcpListener, TcpSocket};
use tower_service::Service;

use super::patience::PatientAcceptor;
use super::{Door, Tls};
use crate::config::ConnectionLimits;

/// Stops a server, at once or after its running requests.
pub type Handle = axum_server::Handle<SocketAddr>;

/// Connections that may wait for us to accept them, beyond which the system lets clients
/// try again a second later. The system may know a lower bound.
const BACKLOG: u32 = 4096;

/// Listens.
///
/// # Errors
/// What the system said.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A port may be taken again at once after the end.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until the handle says to stop.
///
/// # Errors
/// What the system said when the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    door: impl Into<Door>,
    tls: Option<&Tls>,
    limits: ConnectionLimits,
    handle: Handle,
) -> io::Result<()> {
    let service = Entrance(door.into());
    let server = bounded(Server::from_listener(listener).handle(handle), limits);
    let plain = PatientAcceptor(limits.write);
    match tls {
        None => server.acceptor(plain).serve(service).await,
        Some(tls) => {
            let acceptor = RustlsAcceptor::new(tls.config()).handshake_timeout(limits.head);
            server.acceptor(acceptor.acceptor(plain)).serve(service).await
        }
    }
}

/// HTTP/1.1 only: it is the protocol whose heads have a deadline and a size. The
/// buffer bounds the head: one that does not fit into it is answered with 431.
fn bounded(server: Server<SocketAddr>, limits: ConnectionLimits) -> Server<SocketAddr> {
    let mut server = server.http1_only();
    server.http_builder().http1().header_read_timeout(limits.head).max_buf_size(limits.head_bytes);
    server
}

/// Shows each connection in by the door as it is when it comes.
struct Entrance(Door);

type Made = IntoMakeServiceWithConnectInfo<Router, SocketAddr>;

impl Service<SocketAddr> for Entrance {
    type Response = <Made as Service<SocketAddr>>::Response;
    type Error = Infallible;
    type Future = <Made as Service<SocketAddr>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: SocketAddr) -> Self::Future {
        self.0.router().into_make_service_with_connect_info::<SocketAddr>().call(address)
    }
}
