/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The HTTP server that calls the handler, a thread for each connection.  It
 * serves on the socket that it is given as descriptor 3 (LISTEN_FDS), else on
 * 127.0.0.1 and port http_port (8082).  The watchdog sends bodies whole, with
 * their length (buffer_http).  An error or a panic is in the log, and the
 * answer 500.
 */

use faas::{Request, Response};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::io::FromRawFd;
use std::os::unix::net::UnixListener;
use std::panic;
use std::thread;
use std::time::Duration;

const LINE_MAX: u64 = 65_536; // bytes
const FAILED: &str = "the function has failed, its log says how\n";
const OURS: [&str; 3] = ["content-length", "connection", "transfer-encoding"];
const SIGTERM: i32 = 15;
const PAUSE: Duration = Duration::from_millis(100); // where no descriptor is left

extern "C" {
    fn signal(signum: i32, handler: extern "C" fn(i32)) -> usize;
    fn _exit(status: i32) -> !;
}

// the watchdog sends SIGTERM when nothing is in flight any more
extern "C" fn end(_: i32) {
    unsafe { _exit(0) }
}

fn line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();

    stream.by_ref().take(LINE_MAX).read_until(b'\n', &mut bytes)?;

    if bytes.pop() != Some(b'\n') {
        return Ok(None);
    }

    Ok(Some(String::from_utf8_lossy(&bytes).trim_end().to_string()))
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;

    while i < bytes.len() {
        let code = if bytes[i] == b'%' { text.get(i + 1..i + 3) } else { None };

        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }

    String::from_utf8_lossy(&out).into_owned()
}

/// None at the end of the connection.
fn receive(stream: &mut impl BufRead) -> io::Result<Option<Request>> {
    let first = match line(stream)? {
        Some(first) => first,
        None => return Ok(None),
    };
    let mut words = first.split(' ');
    let method = words.next().unwrap_or("").to_string();
    let target = words.next().unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = Vec::new();

    loop {
        match line(stream)? {
            None => return Ok(None),
            Some(text) if text.is_empty() => break,
            Some(text) => {
                let (name, value) = text.split_once(':').unwrap_or((&text, ""));
                headers.push((name.to_string(), value.trim().to_string()));
            }
        }
    }

    let mut request = Request {
        method,
        path: decoded(path),
        query: query.to_string(),
        headers,
        body: Vec::new(),
    };
    let length = request.header("Content-Length").unwrap_or("0").parse::<u64>();

    match length {
        Ok(length) if request.header("Transfer-Encoding").is_none() => {
            let read = stream.take(length).read_to_end(&mut request.body)?;

            Ok(if read as u64 == length { Some(request) } else { None })
        }
        _ => Ok(None),
    }
}

fn call(request: &Request) -> Response {
    let failed = || Response::from(FAILED).status(500);

    // what a panic says the standard library has printed
    match panic::catch_unwind(|| handler::handle(request)) {
        Ok(Ok(response)) => {
            let is_bad = |text: &String| text.contains(|c| c == '\r' || c == '\n');

            if response.headers.iter().any(|(n, v)| is_bad(n) || is_bad(v)) {
                eprintln!("error: a line break in a header");
                return failed();
            }

            response
        }
        Ok(Err(err)) => {
            eprintln!("error: {}", err);
            failed()
        }
        Err(_) => failed(),
    }
}

fn answer(out: &mut impl Write, request: &Request, response: &Response) -> io::Result<()> {
    let is_bare = response.status == 204 || response.status == 304;
    let reason = if response.status == 200 { "OK" } else { "Status" };
    let mut bytes = format!("HTTP/1.1 {} {}\r\n", response.status, reason);
    let mut has_type = is_bare;

    for (name, value) in &response.headers {
        let key = name.to_ascii_lowercase();

        if !OURS.contains(&key.as_str()) {
            bytes += &format!("{}: {}\r\n", name, value);
            has_type |= key == "content-type";
        }
    }

    if !has_type {
        bytes += "Content-Type: text/plain; charset=utf-8\r\n";
    }

    if !is_bare {
        bytes += &format!("Content-Length: {}\r\n", response.body.len());
    }

    bytes += "\r\n";

    let mut bytes = bytes.into_bytes();

    if !is_bare && request.method != "HEAD" {
        bytes.extend_from_slice(&response.body);
    }

    out.write_all(&bytes)
}

fn serve(input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut input = BufReader::new(input);

    while let Some(request) = receive(&mut input)? {
        answer(&mut output, &request, &call(&request))?;

        if request.header("Connection").map_or(false, |v| v.eq_ignore_ascii_case("close")) {
            break;
        }
    }

    Ok(())
}

macro_rules! serve_all {
    ($listener:expr) => {
        for stream in $listener.incoming() {
            match stream {
                Ok(stream) => {
                    thread::spawn(move || {
                        // an error is a client that has left
                        if let Ok(input) = stream.try_clone() {
                            let _ = serve(input, stream);
                        }
                    });
                }
                Err(err) => {
                    eprintln!("error: cannot accept: {}", err);
                    thread::sleep(PAUSE);
                }
            }
        }
    };
}

fn main() -> io::Result<()> {
    unsafe { signal(SIGTERM, end) };

    if std::env::var("LISTEN_FDS").as_deref() == Ok("1") {
        serve_all!(unsafe { UnixListener::from_raw_fd(3) });
    } else {
        let port = std::env::var("http_port").unwrap_or_else(|_| "8082".to_string());

        serve_all!(TcpListener::bind(format!("127.0.0.1:{}", port))?);
    }

    Ok(())
}
