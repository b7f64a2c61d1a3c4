// SPDX-License-Identifier: BSD-2-Clause
//
// Ends with status 0 if all that the package.json of the working directory
// depends on can be loaded already, so that no network is needed; else with 1,
// and npm has to look.  Versions are npm's affair: where a package lies in
// node_modules it has been put there on purpose.

"use strict";

const fs = require("fs");
const path = require("path");

const FILE = path.resolve("package.json");


function isThere(name) {
    try {
        require.resolve(name, { paths: [process.cwd()] });
        return true;
    } catch (err) {
        // one without a main file, or that is for "import" alone
        return fs.existsSync(path.join("node_modules", name, "package.json"));
    }
}


if (fs.existsSync(FILE)) {
    const needs = JSON.parse(fs.readFileSync(FILE, "utf8")).dependencies || {};

    if (!Object.keys(needs).every(isThere)) {
        process.exit(1);
    }
}
