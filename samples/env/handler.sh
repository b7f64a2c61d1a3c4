#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A function that prints its environment, sorted: the watchdog puts each
# header of the request there as Http_NAME, and its method, path and query.

env | LC_ALL=C sort
