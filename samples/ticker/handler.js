// SPDX-License-Identifier: BSD-2-Clause
//
// Server-sent events: a tick, its number and the time each ?every=MS (1000, at
// least 10), until the client leaves or ?count=N ticks are sent.

"use strict";

const { setTimeout: pause } = require("timers/promises");

const EVERY = 1000; // milliseconds
const EVERY_MIN = 10;


async function* ticks(every, count) {
    for (let n = 1; n <= count; n++) {
        const data = JSON.stringify({ n, time: new Date().toISOString() });

        yield `id: ${n}\nevent: tick\ndata: ${data}\n\n`;

        if (n < count) {
            await pause(every);
        }
    }
}


module.exports = async (event, context) => {
    const every = Math.max(Number(event.query.every) || EVERY, EVERY_MIN);
    const count = Number(event.query.count) || Infinity;

    return context
        .status(200)
        .headers({
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
        })
        .succeed(ticks(every, count));
};
