# SPDX-License-Identifier: BSD-2-Clause
#
# Runs the handler once: the request's body is its argument, and what it prints
# and returns is the answer.  Text is UTF-8; bytes that are not pass through it
# unchanged, both ways.  An exception ends the process with its traceback in the
# log and status 1, which makes the answer 500.

import os
import sys

sys.path.insert(1, os.path.join(sys.path[0], "packages"))

from function import handler


def main():
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")

    body = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    result = handler.handle(body)

    if isinstance(result, (bytes, bytearray)):
        sys.stdout.flush()
        sys.stdout.buffer.write(result)
    elif result is not None:
        print(result)

    sys.stdout.flush()


main()
