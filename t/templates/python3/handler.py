# SPDX-License-Identifier: BSD-2-Clause
#
# What t/950-templates.t asks of each template.

import os


def handle(req):
    path = os.environ["Http_Path"]

    if path == "/fail":
        raise ValueError("deliberate")

    if path == "/request":
        req = " ".join(os.environ[name] for name in (
            "Http_Method", "Http_Path", "Http_Query", "Http_X_Test"))

    if path == "/package":
        import requests

        req = requests.__name__

    print(req, end="")
