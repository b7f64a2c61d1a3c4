/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What t/950-templates.t asks of each template.
 */

use faas::{Request, Response, Result};

pub fn handle(req: &Request) -> Result {
    match req.path.as_str() {
        "/fail" => Err("deliberate".into()),
        "/panic" => panic!("deliberate"),
        "/request" => {
            let header = req.header("x-test").unwrap_or("");
            let text = format!("{} {} {} {}", req.method, req.path, req.query, header);

            Ok(Response::from(text)
                .status(201)
                .header("X-Answer", "yes")
                .header("Set-Cookie", "a=1")
                .header("Set-Cookie", "b=2"))
        }
        _ => Ok(Response::from(req.body.clone())),
    }
}
