//! From a listener to the router: one road for HTTP and HTTPS, with deadlines
//! for clients that are slow on purpose.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum_server::Server;
use axum_server::tls_rustls::RustlsAcceptor;
use tokio::net::TcpListener;

use super::Tls;
use super::patience::PatientAcceptor;
use crate::config::ConnectionLimits;

/// Stops a server, at once or after its running requests.
pub type Handle = axum_server::Handle<SocketAddr>;

/// Serves until the handle says to stop.
///
/// # Errors
/// What the system said when the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<&Tls>,
    limits: ConnectionLimits,
    handle: Handle,
) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
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
