# SPDX-License-Identifier: BSD-2-Clause
#
# A handler of OpenFaaS' documentation, with a package that it requires.

import requests


def handle(req):
    """handle a request to the function
    Args:
        req (str): request body
    """

    r = requests.get(req, timeout=10)
    print(req + " => " + str(r.status_code))
