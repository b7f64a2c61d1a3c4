use faas::{Request, Response, Result};

pub fn handle(req: &Request) -> Result {
    Ok(Response::from(format!("Hello! You said: {}", req.text())))
}
