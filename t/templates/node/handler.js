// SPDX-License-Identifier: BSD-2-Clause
//
// What t/950-templates.t asks of each template.

"use strict";

module.exports = async (event, context) => {
    switch (event.path) {
    case "/fail":
        throw new Error("deliberate");

    case "/json":
        return { a: event.body.a };

    case "/stream":
        return context.headers({ "Content-Type": "text/event-stream" })
            .succeed((async function* () {
                yield "data: 1\n\n";
                yield "data: 2\n\n";
            })());

    case "/request":
        return context
            .status(201)
            .headers({ "X-Answer": "yes", "Set-Cookie": ["a=1", "b=2"] })
            .succeed(`${event.method} ${event.path} ${event.query.q} `
                + event.headers["x-test"]);

    case "/refused":
        return context.status(409).fail("no");

    default:
        return event.body;
    }
};
