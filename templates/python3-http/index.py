# SPDX-License-Identifier: BSD-2-Clause
#
# The HTTP server that calls the handler, a thread for each connection.  It
# serves on the socket that it is given as descriptor 3 (LISTEN_FDS), else on
# 127.0.0.1 and port http_port (5000).  The watchdog sends bodies whole, with
# their length (buffer_http).  An exception is a traceback in the log, and 500.

import json
import os
import signal
import socket
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

sys.path.insert(1, os.path.join(sys.path[0], "packages"))

from function import handler

IDLE = 300                      # seconds, longer than the watchdog keeps one
TEXT = "text/html; charset=utf-8"       # as Flask has it
FAILED = b"the function has failed, its log says how\n"


class Event:
    def __init__(self, request, body):
        url = urlsplit(request.path)

        self.body = body                        # bytes
        self.headers = request.headers          # names in any case
        self.method = request.command
        self.query = {}                         # the first value of each name
        self.path = unquote(url.path)

        for name, value in parse_qsl(url.query, keep_blank_values=True):
            self.query.setdefault(name, value)


class Context:
    def __init__(self):
        self.hostname = os.getenv("HOSTNAME", "localhost")


def encode(body):
    """The bytes of a handler's body, and their type."""
    if body is None:
        return b"", TEXT

    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), "application/octet-stream"

    if isinstance(body, (dict, list)):
        return json.dumps(body).encode(), "application/json"

    return str(body).encode("utf-8", "surrogateescape"), TEXT


def pairs(headers):
    items = headers.items() if hasattr(headers, "items") else headers or ()

    for name, value in items:
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if {*"\r\n"} & {*f"{name}{one}"}:
                raise ValueError(f"a line break in the header {name!r}")

            f"{name}{one}".encode("latin-1")            # or an error
            yield str(name), str(one)


def call(event):
    """Status, headers and body of what the handler returns."""
    result = handler.handle(event, Context())

    if not isinstance(result, dict) or not (
            {"statusCode", "body", "headers"} & result.keys()):
        result = {"body": result}

    body, content_type = encode(result.get("body"))
    headers = [pair for pair in pairs(result.get("headers"))
               if pair[0].lower() not in ("content-length", "connection",
                                          "transfer-encoding")]

    if "content-type" not in (name.lower() for name, _ in headers):
        headers.append(("Content-Type", content_type))

    return int(result.get("statusCode", 200)), headers, body


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE                      # of a connection
    wbufsize = -1                       # head and body in one write

    def serve(self):
        length = self.headers.get("Content-Length", "0")

        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.close_connection = True
            return self.answer(411, [], b"")

        try:
            answer = call(Event(self, self.rfile.read(int(length))))
        except Exception:
            traceback.print_exc()
            answer = 500, [("Content-Type", "text/plain")], FAILED

        self.answer(*answer)

    def answer(self, status, headers, body):
        self.send_response_only(status)

        for name, value in headers:
            self.send_header(name, value)

        if status >= 200 and status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))

        if self.close_connection:
            self.send_header("Connection", "close")

        self.end_headers()

        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    # any method, as do_METHOD is looked for
    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def address_string(self):
        return "-"                      # a unix socket has no address


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

    port = int(os.environ.get("http_port", "5000"))

    return socket.create_server(("127.0.0.1", port), backlog=512)


def main():
    sys.stdout.reconfigure(line_buffering=True)         # what it prints: a log

    server = Server(listener())

    # the watchdog sends SIGTERM when nothing is in flight any more
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(
        target=server.shutdown).start())

    server.serve_forever(poll_interval=0.1)


main()
