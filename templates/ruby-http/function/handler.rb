class Handler
  def run(body, headers)
    status_code = 200 # optional, 200 where it is left out
    response_headers = {"content-type": "text/plain"}
    body = "Hello! You said: #{body}"

    return body, response_headers, status_code
  end
end
