// SPDX-License-Identifier: BSD-2-Clause
//
// A handler of OpenFaaS' first days, the callback first.

module.exports = (callback, context) =>
    callback(null, {"message": "You said: " + context})
