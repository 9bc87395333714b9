//! Accepting connections and speaking HTTP over them.

use crate::answer::answer;
use hyper::{rt, server::conn::http1, service::service_fn};
use pages::tls::TlsStream;
use rustls::{ServerConfig, ServerConnection};
use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use wharf::net::{TcpListener, TcpStream};

/// Serves `folder` on a free port of 127.0.0.1, over TLS where there are settings for it.
pub(crate) async fn listen(
    folder: Arc<Path>,
    tls: Option<Arc<ServerConfig>>,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    wharf::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let connection = converse(stream, Arc::clone(&folder), tls.clone());
                    wharf::spawn(connection);
                }
                Err(error) => {
                    // Mostly a lack of descriptors, which ends when other connections do.
                    log::warn!("site: accept failed: {error}");
                    wharf::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
    });
    Ok(address)
}

/// One connection from its first byte to its last.
async fn converse(stream: TcpStream, folder: Arc<Path>, tls: Option<Arc<ServerConfig>>) {
    let _ = stream.set_nodelay(true);
    let result = match tls {
        None => http(stream, folder).await,
        Some(config) => match encrypted(stream, config).await {
            Ok(stream) => http(stream, folder).await,
            Err(error) => Err(error.into()),
        },
    };
    if let Err(error) = result {
        log::debug!("site: a connection ended early: {error}");
    }
}

async fn encrypted(
    stream: TcpStream,
    config: Arc<ServerConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    let tls = ServerConnection::new(config).map_err(io::Error::other)?;
    TlsStream::handshake(stream, tls).await
}

async fn http<S>(stream: S, folder: Arc<Path>) -> Result<(), Box<dyn std::error::Error>>
where
    S: rt::Read + rt::Write + Unpin + Send + 'static,
{
    let service = service_fn(|request| answer(Arc::clone(&folder), request));
    http1::Builder::new().serve_connection(stream, service).await?;
    Ok(())
}
