//! A small blocking HTTP/1.1 client that tells when the first byte of a body came.

use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// An answer.
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// From sending the request to the first byte of the body.
    pub first_byte: Duration,
}

/// Sends one request on a new connection and reads the whole answer. `at` is `host:port`; headers as `Name: value`.
pub fn request(at: &str, method: &str, path: &str, headers: &[String], body: &[u8]) -> Result<Answer> {
    let started = Instant::now();
    let mut stream = TcpStream::connect(at).with_context(|| at.to_owned())?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
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
    let mut out = Vec::with_capacity(length.unwrap_or(0) as usize);
    reader.fill_buf()?;
    let first_byte = started.elapsed();
    if chunked {
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16).context("chunk size")?;
            let copied = (&mut reader).take(size).read_to_end(&mut out)?;
            if copied as u64 != size {
                bail!("the answer ended in a chunk");
            }
            line.clear();
            reader.read_line(&mut line)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = length {
        reader.take(length).read_to_end(&mut out)?;
    } else {
        reader.read_to_end(&mut out)?;
    }
    Ok(Answer { status, body: out, first_byte })
}
