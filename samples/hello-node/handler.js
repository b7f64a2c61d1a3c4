// SPDX-License-Identifier: BSD-2-Clause
//
// A long-lived function: an HTTP server on node's own modules.  It serves on
// the socket that it is given as descriptor 3 (LISTEN_FDS, mode "http" without
// upstream_url), else on 127.0.0.1 and port http_port (3000).
//
// GET answers a greeting, POST what it was sent.

"use strict";

const http = require("http");

const BODY_MAX = 16 * 1024 * 1024; // bytes
const IDLE = 300 * 1000; // milliseconds, longer than the watchdog keeps one

const HELLO = Buffer.from("Hello from node\n");

let isClosing = false;


function answer(res, status, type, body) {
    if (isClosing) {
        res.shouldKeepAlive = false;
    }

    res.writeHead(status, {
        "Content-Type": type,
        "Content-Length": body.length,
    });
    res.end(body);
}


function echo(req, res) {
    const chunks = [];
    let length = 0;

    req.on("data", (chunk) => {
        length += chunk.length;

        if (length <= BODY_MAX) {
            chunks.push(chunk);
        } else if (!res.headersSent) {
            // what is left of the request is not read
            chunks.length = 0;
            res.shouldKeepAlive = false;
            answer(res, 413, "text/plain",
                Buffer.from("the body is too large\n"));
            res.on("finish", () => req.destroy());
        }
    });

    req.on("end", () => {
        if (!res.headersSent) {
            answer(res, 200, req.headers["content-type"] || "text/plain",
                Buffer.concat(chunks));
        }
    });
}


const server = http.createServer((req, res) => {
    if (req.method === "POST" || req.method === "PUT") {
        echo(req, res);
    } else {
        answer(res, 200, "text/plain", HELLO);
    }
});

server.keepAliveTimeout = IDLE;
server.headersTimeout = IDLE + 1000;
server.requestTimeout = 0; // the watchdog has time-outs of its own

// the watchdog sends SIGTERM when nothing is in flight any more
for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => {
        isClosing = true;
        server.close(() => process.exit(0));

        if (server.closeIdleConnections) {
            server.closeIdleConnections();
        } else {
            process.exit(0); // node 16 and before
        }
    });
}

if (process.env.LISTEN_FDS === "1") {
    server.listen({ fd: 3 });
} else {
    server.listen({
        host: "127.0.0.1",
        port: Number(process.env.http_port || 3000),
    });
}
