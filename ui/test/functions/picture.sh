#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A picture of one pixel.

base64 -d << 'END'
iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9
awAAAABJRU5ErkJggg==
END
