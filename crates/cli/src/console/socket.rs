//! The WebSocket to a serial port, in frames.

use crate::error::{Error, causes};
use crate::session::Session;
use futures_util::{SinkExt as _, StreamExt as _};
use hardline_console::frame::{self, ClientFrame, SUBPROTOCOL, ServerFrame};
use secrecy::ExposeSecret as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

/// A connection.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    url: String,
}

impl Socket {
    /// Opens the port at `path`; a refusal is the server's own error.
    pub async fn open(session: &Session, path: &str) -> Result<Self, Error> {
        let url = session.http.url();
        let bad = |e: &dyn std::error::Error| Error::Unreachable { url: url.to_owned(), reason: causes(e) };
        let address = format!("ws{}{path}", url.trim_start_matches("http"));
        let mut request = address.into_client_request().map_err(|e| bad(&e))?;
        let bearer = format!("Bearer {}", session.token.expose_secret());
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|e| bad(&e))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert("authorization", bearer);
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
        let tls = Connector::Rustls(session.http.tls());
        match connect_async_tls_with_config(request, None, true, Some(tls)).await {
            Ok((stream, _)) => Ok(Self { stream, url: url.to_owned() }),
            Err(tungstenite::Error::Http(answer)) => {
                Err(Error::refused(answer.status().as_u16(), answer.body().as_deref().unwrap_or_default()))
            }
            Err(error) => Err(bad(&error)),
        }
    }

    /// The next frame. Err: the connection is over; in words.
    pub async fn next(&mut self) -> Result<ServerFrame, Error> {
        loop {
            let message = match self.stream.next().await {
                Some(Ok(Message::Binary(bytes))) => frame::Message::Binary(bytes),
                Some(Ok(Message::Text(text))) => frame::Message::Text(text.as_str().to_owned()),
                Some(Ok(Message::Close(close))) => {
                    let reason = close.map(|c| c.reason.as_str().to_owned()).filter(|r| !r.is_empty());
                    return Err(Error::Console(
                        reason.unwrap_or_else(|| "the server closed the console".into()),
                    ));
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(self.broken(&error)),
                None => return Err(Error::Console("the connection to the server ended".into())),
            };
            // A newer server may say things that this client does not know.
            if let Ok(frame) = ServerFrame::decode(&message) {
                return Ok(frame);
            }
        }
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &ClientFrame) -> Result<(), Error> {
        let message = match frame.encode() {
            frame::Message::Binary(bytes) => Message::Binary(bytes),
            frame::Message::Text(text) => Message::Text(text.into()),
        };
        self.stream.send(message).await.map_err(|e| self.broken(&e))
    }

    /// Says good-bye; errors do not matter any more.
    pub async fn close(&mut self) {
        let _ = self.stream.close(None).await;
    }

    fn broken(&self, error: &tungstenite::Error) -> Error {
        Error::Unreachable { url: self.url.clone(), reason: causes(error) }
    }
}
