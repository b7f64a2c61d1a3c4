#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A function that fails: a message on standard error, no output, exit
# status 1.

cat > /dev/null
echo "this function always fails" >&2
exit 1
