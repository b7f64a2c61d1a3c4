#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Answers, and logs, what would take a careless page over.

echo '<img src=x onerror="window.owned = 1"><script>window.owned = 1</script>'
echo '<b onclick="window.owned = 1">logged</b>' >&2
