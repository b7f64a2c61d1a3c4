#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What t/950-templates.t asks of each template.

# what the watchdog sets:
# shellcheck disable=SC2154
set -e

case $Http_Path in
/fail)
    echo deliberate >&2
    exit 3
    ;;

/request)
    echo -n "$Http_Method $Http_Path $Http_Query $Http_X_Test"
    ;;

*)
    cat
    ;;
esac
