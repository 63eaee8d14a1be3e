//! A small blocking HTTP/1.1 client that tells when the first byte of a body came.

use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// An answer.
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer that was read and thrown away.
pub struct Measured {
    /// Status code.
    pub status: u16,
    /// Bytes of the body.
    pub length: u64,
    /// From sending the request to the first byte of the body.
    pub first_byte: Duration,
    /// From sending the request to the last byte.
    pub took: Duration,
}

/// Sends one request on a new connection and reads the whole answer. `at` is `host:port`; headers as `Name: value`.
pub fn request(at: &str, method: &str, path: &str, headers: &[String], body: &[u8]) -> Result<Answer> {
    let mut out = Vec::new();
    let mut keep = |piece: &[u8]| out.extend_from_slice(piece);
    let (status, _) = exchange(at, method, path, headers, body, &mut keep)?;
    Ok(Answer { status, body: out })
}

/// The same for a body of which only the length is wanted: the client costs the same whoever serves it.
pub fn measure(at: &str, path: &str, headers: &[String]) -> Result<Measured> {
    let (started, mut length) = (Instant::now(), 0);
    let mut count = |piece: &[u8]| length += piece.len() as u64;
    let (status, first_byte) = exchange(at, "GET", path, headers, b"", &mut count)?;
    Ok(Measured { status, length, first_byte, took: started.elapsed() })
}

fn exchange(
    at: &str,
    method: &str,
    path: &str,
    headers: &[String],
    body: &[u8],
    take: &mut dyn FnMut(&[u8]),
) -> Result<(u16, Duration)> {
    let started = Instant::now();
    let mut stream = TcpStream::connect(at).with_context(|| at.to_owned())?;
    stream.set_nodelay(true)?;
    // A rule that is tried on a month answers when it has read it.
    stream.set_read_timeout(Some(Duration::from_secs(600)))?;
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes())?;
    stream.write_all(body)?;
    let mut reader = BufReader::with_capacity(1 << 18, stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status: u16 = line.split_whitespace().nth(1).context("no status line")?.parse()?;
    let (mut length, mut chunked) = (None, false);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let lower = line.trim().to_ascii_lowercase();
        if lower.is_empty() {
            break;
        }
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = Some(value.trim().parse::<u64>()?);
        }
        chunked |= lower.starts_with("transfer-encoding:") && lower.contains("chunked");
    }
    if length != Some(0) {
        reader.fill_buf()?;
    }
    let first_byte = started.elapsed();
    if chunked {
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16).context("chunk size")?;
            if copy(&mut reader, size, take)? != size {
                bail!("the answer ended in a chunk");
            }
            line.clear();
            reader.read_line(&mut line)?;
            if size == 0 {
                break;
            }
        }
    } else {
        copy(&mut reader, length.unwrap_or(u64::MAX), take)?;
    }
    Ok((status, first_byte))
}

/// Hands `limit` bytes over as they come, or fewer at the end.
fn copy(reader: &mut BufReader<TcpStream>, limit: u64, take: &mut dyn FnMut(&[u8])) -> Result<u64> {
    let mut left = limit;
    while left > 0 {
        let piece = reader.fill_buf()?;
        let length = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(piece) = piece.get(..length).filter(|piece| !piece.is_empty()) else { break };
        take(piece);
        reader.consume(length);
        left -= length as u64;
    }
    Ok(limit - left)
}

/// A connection that is kept for one request after the other.
pub struct Line {
    at: String,
    reader: BufReader<TcpStream>,
}

impl Line {
    /// Connects to `host:port`.
    pub fn open(at: &str) -> Result<Self> {
        let stream = TcpStream::connect(at).with_context(|| at.to_owned())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { at: at.to_owned(), reader: BufReader::new(stream) })
    }

    /// Sends a `POST` without a body and throws the answer away; its status.
    pub fn post(&mut self, path: &str, header: &str) -> Result<u16> {
        let at = &self.at;
        let text = format!("POST {path} HTTP/1.1\r\nHost: {at}\r\n{header}\r\nContent-Length: 0\r\n\r\n");
        self.reader.get_mut().write_all(text.as_bytes())?;
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        let status = line.split_whitespace().nth(1).context("no status line")?.parse()?;
        let mut length = None;
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let lower = line.trim().to_ascii_lowercase();
            if lower.is_empty() {
                break;
            }
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = Some(value.trim().parse::<u64>()?);
            }
        }
        copy(&mut self.reader, length.context("an answer without a length")?, &mut |_| {})?;
        Ok(status)
    }
}
