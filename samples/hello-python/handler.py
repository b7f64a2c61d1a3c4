# SPDX-License-Identifier: BSD-2-Clause
#
# A long-lived function: an HTTP server on the standard library.  It serves
# on the socket that it is given as descriptor 3 (LISTEN_FDS, mode "http"
# without upstream_url), else on 127.0.0.1 and port http_port (3000).
#
# GET answers a greeting, POST what it was sent.

import os
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_MAX = 16 * 1024 * 1024     # bytes
IDLE = 300                      # seconds, longer than the watchdog keeps one


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE                      # of a connection
    wbufsize = -1                       # head and body in one write

    def do_GET(self):
        self.answer(200, "text/plain", b"Hello from python\n")

    do_HEAD = do_GET

    def do_POST(self):
        body = self.read_body()

        if body is not None:
            self.answer(200, self.headers.get("Content-Type", "text/plain"),
                        body)

    do_PUT = do_POST

    def read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self.read_chunks()

        try:
            length = int(self.headers.get("Content-Length", 0))
        except ValueError:
            length = -1

        if length < 0:
            return self.refuse(400, b"bad Content-Length\n")

        if length > BODY_MAX:
            return self.refuse(413, b"the body is too large\n")

        return self.rfile.read(length)

    def read_chunks(self):
        body = b""

        while True:
            try:
                size = int(self.rfile.readline(100).split(b";")[0], 16)
            except ValueError:
                return self.refuse(400, b"bad chunk\n")

            if size < 0 or len(body) + size > BODY_MAX:
                return self.refuse(413, b"the body is too large\n")

            if size == 0:
                break

            body += self.rfile.read(size)
            self.rfile.readline(3)

        while self.rfile.readline(8192) not in (b"\r\n", b"\n", b""):
            pass

        return body

    # What is left of the request is not read, so the connection ends.
    def refuse(self, status, text):
        self.close_connection = True
        self.answer(status, "text/plain", text)

    def answer(self, status, content_type, body):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))

        if self.close_connection:
            self.send_header("Connection", "close")

        self.end_headers()

        if self.command != "HEAD":
            self.wfile.write(body)

    def address_string(self):
        return "-"                      # a unix socket has no address

    def log_request(self, code="-", size="-"):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 512
    block_on_close = False
    daemon_threads = True

    def __init__(self, listener):
        super().__init__(("", 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name = "localhost"
        self.server_port = 0


def listener():
    if os.environ.get("LISTEN_FDS") == "1":
        return socket.socket(fileno=3)

    port = int(os.environ.get("http_port", "3000"))

    return socket.create_server(("127.0.0.1", port), backlog=512)


def main():
    server = Server(listener())

    # the watchdog sends SIGTERM when nothing is in flight any more
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(
        target=server.shutdown).start())

    server.serve_forever(poll_interval=0.1)


main()
