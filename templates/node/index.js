// SPDX-License-Identifier: BSD-2-Clause
//
// The HTTP server that calls the handler.  It serves on the socket that it is
// given as descriptor 3 (LISTEN_FDS), else on 127.0.0.1 and port http_port
// (3000).  The watchdog bounds bodies (buffer_http).  What the handler throws
// is a stack in the log, and 500.
//
// Handlers come in three forms.  Which one it is the names of its parameters
// say, or the variable handler_form:
//
//   event       async (event, context[, callback])
//   context     (context, callback)      the body as text; OpenFaaS' first one
//   callback    (callback, context)      the same, the other way round

"use strict";

const fs = require("fs");
const http = require("http");
const os = require("os");
const path = require("path");
const { Readable, pipeline } = require("stream");
const { pathToFileURL } = require("url");

const IDLE = 300 * 1000; // milliseconds, longer than the watchdog keeps one
const HTML = "text/html; charset=utf-8"; // as Express has it
const FAILED = "the function has failed, its log says how\n";
const FORMS = ["event", "context", "callback"];
const UNITS = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

let isClosing = false;


class HttpError extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}


// What the handler says of the answer; done(error, value) ends the call.
class Context {
    constructor(done) {
        this.value = 0;
        this.headerValues = {};
        this.cbCalled = 0;
        this.done = done;
        this.hostname = os.hostname();
    }

    status(code) {
        if (code === undefined) {
            return this.value || 200;
        }

        this.value = code;
        return this;
    }

    headers(values) {
        if (values === undefined) {
            return this.headerValues;
        }

        this.headerValues = values;
        return this;
    }

    succeed(value) {
        this.cbCalled++;
        this.done(undefined, value);
    }

    fail(value) {
        this.cbCalled++;
        this.done(value === undefined ? "" : value);
    }
}


function bytesOf(text) {
    const [, number, unit] = /^(\d+) *([a-z]*)$/i.exec(text || "") || [];

    return number ? number * (UNITS[(unit || "b").toLowerCase()] || 1)
        : Infinity;
}


// The body as express' parsers give it, but of other types the bytes.
function parse(headers, body) {
    const type = (headers["content-type"] || "text/plain").split(";")[0].trim()
        .toLowerCase();
    const isJson = /^application\/(.+\+)?json$/.test(type);
    const max = bytesOf(isJson ? process.env.MAX_JSON_SIZE
        : process.env.MAX_RAW_SIZE);

    if (body.length > max) {
        throw new HttpError(413, "the body is too large\n");
    }

    if (process.env.RAW_BODY === "true") {
        return body;
    }

    if (isJson) {
        try {
            return body.length ? JSON.parse(body) : {};
        } catch (err) {
            throw new HttpError(400, `the body is no JSON: ${err.message}\n`);
        }
    }

    if (type === "application/x-www-form-urlencoded") {
        return fields(new URLSearchParams(body.toString()));
    }

    return type.startsWith("text/") ? body.toString() : body;
}


// Names that come more than once have a list.
function fields(params) {
    const all = Object.create(null);

    for (const [name, value] of params) {
        all[name] = name in all ? [].concat(all[name], value) : value;
    }

    return { ...all };
}


function decoded(text) {
    try {
        return decodeURIComponent(text);
    } catch (err) {
        return text;
    }
}


// What a forked function has in its environment.  Calls share it: it is right
// until the handler first waits for something.
function setEnvironment(req, url) {
    for (const name of Object.keys(process.env)) {
        if (name.startsWith("Http_")) {
            delete process.env[name];
        }
    }

    for (const [name, value] of Object.entries(req.headers)) {
        const words = name.split("-").map(
            (word) => word.charAt(0).toUpperCase() + word.slice(1));

        process.env[`Http_${words.join("_")}`] = String(value);
    }

    process.env.Http_Method = req.method;
    process.env.Http_Path = decoded(url.pathname);

    if (url.search.length > 1) {
        process.env.Http_Query = url.search.slice(1);
    }
}


// What is sent for a value: bytes or a stream, and its type.
function encode(value) {
    if (value === undefined || value === null) {
        return ["", HTML];
    }

    if (value instanceof Uint8Array) {
        return [value, "application/octet-stream"];
    }

    if (typeof value === "object" && (typeof value.pipe === "function"
        || value[Symbol.asyncIterator])) {
        return [Readable.from(value), "application/octet-stream"];
    }

    if (typeof value === "object") {
        return [JSON.stringify(value), "application/json; charset=utf-8"];
    }

    return [String(value), HTML];
}


function send(res, status, headers, value) {
    const [body, type] = encode(value);

    for (const [name, content] of Object.entries(headers)) {
        res.setHeader(name, content);
    }

    if (!res.hasHeader("Content-Type")) {
        res.setHeader("Content-Type", type);
    }

    if (isClosing) {
        res.shouldKeepAlive = false;
    }

    res.statusCode = status;

    if (body instanceof Readable) {
        res.flushHeaders();
        pipeline(body, res, (err) => {
            // that a client leaves is no fault
            if (err && err.code !== "ERR_STREAM_PREMATURE_CLOSE") {
                console.error(err);
            }
        });
    } else {
        res.setHeader("Content-Length", Buffer.byteLength(body));
        res.end(body);
    }
}


function sendError(res, err) {
    const status = err instanceof HttpError ? err.status : 500;

    if (status === 500) {
        console.error(err);
    }

    if (res.headersSent) {
        res.destroy();
        return;
    }

    for (const name of res.getHeaderNames()) {
        res.removeHeader(name);
    }

    send(res, status, { "Content-Type": "text/plain" },
        status === 500 ? FAILED : err.message);
}


async function receive(req) {
    const chunks = [];

    for await (const chunk of req) {
        chunks.push(chunk);
    }

    return Buffer.concat(chunks);
}


async function call(handler, form, req, res) {
    const body = await receive(req);
    const url = new URL(req.url.replace(/^\/+/, "/"), "http://function");

    // the first end of a call counts
    let isDone = false;

    const done = (err, value) => {
        if (isDone) {
            return;
        }

        isDone = true;

        try {
            if (err instanceof Error || (err && form !== "event")) {
                sendError(res, err);
            } else if (err !== undefined && err !== null) {
                console.error(err);
                send(res, context.value || 500, context.headers(), err);
            } else {
                send(res, context.status(), context.headers(), value);
            }
        } catch (problem) {
            sendError(res, problem);
        }
    };
    const context = new Context(done);

    try {
        const returned = invoke(handler, form, { req, body, url, context,
            done });
        const isPromise = returned && typeof returned.then === "function";
        const value = await returned;

        // one that is given a callback may use it later
        if (!isDone && (isPromise || (form === "event"
            && (returned !== undefined || handler.length < 3)))) {
            done(undefined, value === context ? undefined : value);
        }
    } catch (err) {
        if (isDone) {
            console.error(err);
        } else {
            isDone = true;
            sendError(res, err);
        }
    }
}


function invoke(handler, form, { req, body, url, context, done }) {
    if (form !== "event") {
        setEnvironment(req, url);

        return form === "context" ? handler(body.toString(), done)
            : handler(done, body.toString());
    }

    const event = {
        body: parse(req.headers, body),
        headers: req.headers,
        method: req.method,
        query: fields(url.searchParams),
        path: decoded(url.pathname),
    };

    return handler(event, context, done);
}


// The names of a function's parameters, as far as they are plain.
function parameters(handler) {
    const text = Function.prototype.toString.call(handler)
        .replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, "");
    const [, list, single] = /^[^(=]*\(([^)]*)\)|^(?:async\s+)?(\w+)\s*=>/
        .exec(text) || [];

    return (list || single || "").split(",")
        .map((name) => name.split("=")[0].trim());
}


function formOf(handler) {
    const form = process.env.handler_form;

    if (form) {
        if (!FORMS.includes(form)) {
            throw new Error(`handler_form=${form}, expected ${FORMS}`);
        }
        return form;
    }

    const isCallback = (name) => /^(callback|cb|done)$/i.test(name || "");
    const [first, second] = parameters(handler);

    if (isCallback(first)) {
        return "callback";
    }

    return first === "context" || isCallback(second) ? "context" : "event";
}


async function load() {
    // handler.js is there in any case: the sample, if not the handler's own
    const names = ["handler.mjs", "handler.cjs", "handler.js"];
    const file = names.map((name) => path.join(__dirname, "function", name))
        .find((name) => fs.existsSync(name));

    if (!file) {
        throw new Error(`there is no function/${names.join(", ")}`);
    }

    const { default: exported } = await import(pathToFileURL(file));
    const handler = (exported && exported.default) || exported;

    if (typeof handler !== "function") {
        throw new Error(`${file} exports no function`);
    }

    return handler;
}


function serve(handler) {
    const form = formOf(handler);
    const server = http.createServer((req, res) => {
        call(handler, form, req, res).catch((err) => sendError(res, err));
    });

    server.keepAliveTimeout = IDLE;
    server.headersTimeout = IDLE + 1000;
    server.requestTimeout = 0; // the watchdog has time-outs of its own

    // the watchdog sends SIGTERM when nothing is in flight any more
    for (const signal of ["SIGTERM", "SIGINT"]) {
        process.on(signal, () => {
            isClosing = true;
            server.close(() => process.exit(0));
            server.closeIdleConnections();
        });
    }

    server.listen(process.env.LISTEN_FDS === "1" ? { fd: 3 }
        : { host: "127.0.0.1", port: Number(process.env.http_port || 3000) });
}


// one call's forgotten promise shall not end the others
process.on("unhandledRejection", (err) => console.error(err));

load().then(serve).catch((err) => {
    console.error(err);
    process.exit(1);
});
