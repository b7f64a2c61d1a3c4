#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Installs the packages that function/package.json depends on, unless they are
# there already: in node_modules of the handler, or where node itself looks.

set -eu

cd function

if ! node ../satisfied.js; then
    if [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then
        command=ci
    else
        command=install
    fi

    echo "npm $command"
    npm $command --omit=dev --no-audit --no-fund --loglevel=error
fi
