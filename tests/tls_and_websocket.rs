//! TLS with rustls and a WebSocket with async-tungstenite, over the futures-io traits.

use async_tungstenite::tungstenite::Message;
use futures_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        pki_types::{PrivateKeyDer, ServerName},
    },
};
use futures_util::StreamExt;
use std::sync::Arc;
use wharf::net::{TcpListener, TcpStream};

/// Both sides' configuration, around a certificate made for the occasion.
fn certified() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["wharf.test".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = wharf::spawn(async move { listener.accept().await.unwrap().0 });
    let client = TcpStream::connect(address).await.unwrap();
    (client, accepting.await.unwrap())
}

#[wharf::test]
async fn tls_carries_a_megabyte_and_a_clean_end() {
    use futures_util::io::{AsyncReadExt, AsyncWriteExt};
    let (server_config, client_config) = certified();
    let (client, server) = pair().await;
    let serving = wharf::spawn(async move {
        let mut stream = TlsAcceptor::from(server_config).accept(server).await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        stream.write_all(&got).await.unwrap();
        stream.close().await.unwrap();
    });
    let name = ServerName::try_from("wharf.test").unwrap();
    let stream = TlsConnector::from(client_config).connect(name, client).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let sent: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 253) as u8).collect();
    writing.write_all(&sent).await.unwrap();
    writing.close().await.unwrap();
    let mut got = Vec::new();
    reading.read_to_end(&mut got).await.unwrap();
    assert!(got == sent);
    serving.await.unwrap();
}

#[wharf::test]
async fn a_websocket_echoes_and_closes() {
    let (client, server) = pair().await;
    let serving = wharf::spawn(async move {
        let mut socket = async_tungstenite::accept_async(server).await.unwrap();
        while let Some(message) = socket.next().await {
            let message = message.unwrap();
            if message.is_close() {
                break;
            }
            socket.send(message).await.unwrap();
        }
    });
    let (mut socket, _) =
        async_tungstenite::client_async("ws://wharf.test/", client).await.unwrap();
    for n in 0..100usize {
        let message = Message::text("ahoy".repeat(n * 50));
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    serving.await.unwrap();
}
