#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Says something, waits for the test, and says more.  Who only looks whether it
# is ready does not wait.

n=0
echo 'the first line'

while [ "$Http_Method" = POST ] && [ ! -e gate ] && [ $n -lt 600 ]; do
    sleep 0.05
    n=$((n + 1))
done

echo 'the last line'
