//! One attached client: plain bytes, conserver's protocol, or a WebSocket with bearer token.

use anyhow::{Context as _, Result, bail};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

/// How to attach.
#[derive(Clone, Debug)]
pub enum Address {
    /// Bytes as they are: `host:port`.
    Tcp(String),
    /// conserver's console protocol: `host:port` and the console's name.
    Conserver(String, String),
    /// A WebSocket: URL and bearer token.
    WebSocket(String, String),
}

/// Read at once by a client that types, bytes. Small: a WebSocket library clears its buffer before every read.
pub const TYPING: usize = 4 << 10;
/// Read at once by a client that watches a flood, bytes.
pub const WATCHING: usize = 1 << 18;

/// An attached client.
pub struct Viewer {
    way: Way,
    buffer: Vec<u8>,
    limit: Duration,
}

enum Way {
    /// Bytes as they are.
    Raw(TcpStream),
    /// Binary messages.
    Socket(Box<WebSocket<TcpStream>>),
}

impl Viewer {
    /// Attaches; `buffer` bytes are read at once ([`TYPING`], [`WATCHING`]), whatever the protocol.
    pub fn attach(address: &Address, buffer: usize) -> Result<Self> {
        let way = Way::open(address, buffer)?;
        Ok(Self { way, buffer: vec![0; buffer], limit: Duration::ZERO })
    }

    /// Sends bytes to the guest.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.way {
            Way::Raw(stream) => stream.write_all(bytes)?,
            Way::Socket(socket) => socket.send(Message::binary(bytes.to_vec()))?,
        }
        Ok(())
    }

    /// The next bytes into `out`; 0 when nothing came within `limit`.
    pub fn receive(&mut self, out: &mut Vec<u8>, limit: Duration) -> Result<usize> {
        if self.limit != limit {
            self.way.tcp().set_read_timeout(Some(limit.max(Duration::from_micros(1))))?;
            self.limit = limit;
        }
        match &mut self.way {
            Way::Raw(stream) => match stream.read(&mut self.buffer) {
                Ok(0) => bail!("the peer closed the connection"),
                Ok(n) => {
                    out.extend_from_slice(self.buffer.get(..n).unwrap_or_default());
                    Ok(n)
                }
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(0),
                Err(e) => Err(e.into()),
            },
            Way::Socket(socket) => match socket.read() {
                Ok(Message::Binary(bytes)) => {
                    out.extend_from_slice(&bytes);
                    Ok(bytes.len())
                }
                Ok(Message::Close(reason)) => bail!("closed: {reason:?}"),
                Ok(_) => Ok(0),
                Err(tungstenite::Error::Io(e))
                    if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    Ok(0)
                }
                Err(e) => Err(e.into()),
            },
        }
    }

    /// Reads until nothing has come for `quiet`: what is replayed on attaching.
    pub fn drain(&mut self, quiet: Duration) -> Result<()> {
        let mut sink = Vec::new();
        let mut last = Instant::now();
        while last.elapsed() < quiet {
            sink.clear();
            if self.receive(&mut sink, quiet)? > 0 {
                last = Instant::now();
            }
        }
        Ok(())
    }
}

impl Way {
    fn open(address: &Address, buffer: usize) -> Result<Self> {
        match address {
            Address::Tcp(at) => {
                let stream = TcpStream::connect(at)?;
                stream.set_nodelay(true)?;
                Ok(Self::Raw(stream))
            }
            Address::Conserver(at, name) => conserver(at, name).map(Self::Raw),
            Address::WebSocket(url, token) => {
                let mut request = url.as_str().into_client_request()?;
                let headers = request.headers_mut();
                headers.insert("Authorization", format!("Bearer {token}").parse()?);
                headers.insert("Sec-WebSocket-Protocol", "hardline.raw.v1".parse()?);
                let host = request.uri().authority().context("no host")?.as_str().to_owned();
                let stream = TcpStream::connect(&host)?;
                stream.set_nodelay(true)?;
                let config = tungstenite::protocol::WebSocketConfig::default().read_buffer_size(buffer);
                let (socket, _) = tungstenite::client::client_with_config(request, stream, Some(config))
                    .map_err(|e| anyhow::anyhow!("{e}"))?;
                Ok(Self::Socket(Box::new(socket)))
            }
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Raw(stream) => stream,
            Self::Socket(socket) => socket.get_ref(),
        }
    }
}

/// conserver's console protocol (its `console` client's, seen on the wire): log in, ask for the console's port, attach there.
fn conserver(at: &str, name: &str) -> Result<TcpStream> {
    let open = |at: &str| -> Result<TcpStream> {
        let mut stream = TcpStream::connect(at)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        expect(&mut stream, "", |l| l == "ok")?;
        expect(&mut stream, "login root\r\n", |l| l == "ok")?;
        Ok(stream)
    };
    let port = expect(&mut open(at)?, &format!("call {name}\r\n"), |l| l.parse::<u16>().is_ok())?;
    let host = at.rsplit_once(':').map_or("127.0.0.1", |(host, _)| host);
    let mut stream = open(&format!("{host}:{port}"))?;
    expect(&mut stream, &format!("call {name}\r\n"), |l| l.starts_with('['))?;
    // The escape with which the client says that it is ready.
    stream.write_all(b"\x05c;")?;
    Ok(stream)
}

fn expect(stream: &mut TcpStream, command: &str, good: impl Fn(&str) -> bool) -> Result<String> {
    stream.write_all(command.as_bytes())?;
    // Byte by byte, so that nothing after the line is swallowed.
    let (mut line, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte)? == 1 && byte != [b'\n'] {
        line.extend_from_slice(&byte);
    }
    let line = String::from_utf8_lossy(&line).trim().to_owned();
    if good(&line) { Ok(line) } else { bail!("conserver answered '{line}' to '{}'", command.trim()) }
}
