#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Compiles the handler into the program "handler": by rustc alone, or by cargo
# where function/Cargo.toml depends on other crates than ours.

set -eu

# rustc NAME FILE ARGUMENT...
compile() {
    name=$1
    file=$2
    shift 2

    rustc --edition 2021 -O -C debuginfo=0 -L . --crate-name "$name" "$file" \
        "$@"
}


has_crates() {
    sed -n '/^\[dependencies/,/^\[[^d]/p' function/Cargo.toml \
        | grep -v '^faas *=' | grep -q '^[a-z0-9_-]* *=\|^\[dependencies\.'
}


if [ -f function/Cargo.toml ] && has_crates; then
    cargo build --release --target-dir target
    cp target/release/server handler
    rm -rf target
else
    compile faas faas/src/lib.rs --crate-type rlib
    compile handler function/src/lib.rs --crate-type rlib --extern faas
    compile server server/src/main.rs -C strip=symbols -o handler.new \
        --extern faas --extern handler
    rm -f ./*.rlib
    mv handler.new handler
fi
