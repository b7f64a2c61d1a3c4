/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The types of a handler: crate faas.
 */

use std::error::Error;

/// What a handler is given.
pub struct Request {
    pub method: String,
    /// Decoded.
    pub path: String,
    /// As it was sent; may be empty.
    pub query: String,
    /// In their order; see header().
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What it answers with: Response::from("text") is 200.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub type Result = std::result::Result<Response, Box<dyn Error>>;

impl Request {
    /// The value of the first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let is_it = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);

        self.headers.iter().find(is_it).map(|(_, value)| value.as_str())
    }

    /// The body as text, with U+FFFD for what is no UTF-8.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl Response {
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }
}

impl<T: Into<Vec<u8>>> From<T> for Response {
    fn from(body: T) -> Self {
        Response { status: 200, headers: Vec::new(), body: body.into() }
    }
}
