// SPDX-License-Identifier: BSD-2-Clause
//
// A handler of OpenFaaS' classic template: the callback last, and used later.

"use strict"

module.exports = (context, callback) => {
    if (context === "fail") {
        return callback(new Error("deliberate"));
    }

    const query = process.env.Http_Query;

    setImmediate(() => callback(undefined, {status: "done", context, query}));
}
