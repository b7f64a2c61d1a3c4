#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Twice as much as the portal shows.

head -c 2097152 /dev/zero | tr '\0' x
