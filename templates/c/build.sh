#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Compiles function/*.c with what calls the handler.  A static program starts in
# half of the time; LDFLAGS= makes one that is not.

set -eu

# lists of options are meant to be split:
# shellcheck disable=SC2086
${CC:-cc} -std=gnu11 ${CFLAGS--O2 -Wall} -I. ${LDFLAGS--static} -o handler \
    index.c function/*.c ${LDLIBS-}
