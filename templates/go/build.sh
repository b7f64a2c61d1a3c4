#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Compiles the handler into the program "handler".  With a go.mod of its own it
# is a module handler/function, whose modules come from its vendor/ or the
# network; without one it needs the standard library only.

set -eu

export GOTOOLCHAIN=local
[ -n "${HOME-}${GOCACHE-}" ] || export GOCACHE="$PWD/.cache"

if [ -f function/go.mod ] && [ ! -f go.work ]; then
    go work init . ./function
fi

if [ -d function/vendor ]; then
    # a workspace has no vendor/: the handler's becomes that of the whole
    rm -f go.work
    sed 's/^module .*/module handler/' function/go.mod > go.mod
    mv function/vendor vendor
    rm function/go.mod
fi

# what the handler has of tests has to pass
if ls function/*_test.go > /dev/null 2>&1; then
    go test ./function/...
fi

go build -buildvcs=false -ldflags '-s -w' -o handler .
rm -rf .cache
