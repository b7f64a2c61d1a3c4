# SPDX-License-Identifier: BSD-2-Clause
#
# satisfied.py FILE: ends with status 0 if this interpreter has all that the
# requirements in FILE ask for, so that no network is needed; else with 1, and
# pip has to look.  So has it for anything that is not a name with versions.

import re
import sys
from importlib import metadata


def requirement_class():
    try:
        from packaging.requirements import Requirement
    except ImportError:
        try:
            from pip._vendor.packaging.requirements import Requirement
        except ImportError:
            return None

    return Requirement


def is_satisfied(line, parse):
    if re.fullmatch(r"[A-Za-z0-9._-]+", line):
        metadata.version(line)
        return True

    if parse is None:
        return False                    # nothing to compare versions with

    need = parse(line)

    if need.url or need.extras:
        return False

    if need.marker and not need.marker.evaluate():
        return True

    return need.specifier.contains(metadata.version(need.name),
                                   prereleases=True)


def main():
    parse = requirement_class()

    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            line = re.sub(r"(^|\s)#.*", "", line).strip()

            try:
                if line and not is_satisfied(line, parse):
                    return 1
            except metadata.PackageNotFoundError:
                return 1
            except ValueError:          # an option, a URL, a folder
                return 1

    return 0


sys.exit(main())
