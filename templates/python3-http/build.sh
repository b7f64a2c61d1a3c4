#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Installs what function/requirements.txt asks for into packages/, unless the
# interpreter has all of it already, and compiles the modules, as the folder
# cannot be written to when the function runs.

set -eu


# The first python3 that functions can see: what is below /home or /root is not
# there where they run.
interpreter() {
    old=$IFS
    IFS=:

    for dir in $PATH; do
        case $dir in
        /home/*|/root/*) continue ;;
        esac

        if [ -x "$dir/python3" ]; then
            echo "$dir/python3"
            break
        fi
    done

    IFS=$old
}


# Compiled files are never compared with their source again: both are installed
# together, and copies have another time.
compile() {
    "$python" -m compileall -q --invalidation-mode unchecked-hash "$@"
}


python=$(interpreter)
[ -n "$python" ] || python=python3

requirements=function/requirements.txt

if [ -f $requirements ] && ! "$python" satisfied.py $requirements; then
    echo "pip installs $requirements"
    "$python" -m pip install --no-input --disable-pip-version-check \
        --root-user-action=ignore --target packages -r $requirements
    compile packages || true
fi

compile index.py function

printf '{"env": {"fprocess": "%s index.py"}}\n' "$python" > image.json
