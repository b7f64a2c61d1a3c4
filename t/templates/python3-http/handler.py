# SPDX-License-Identifier: BSD-2-Clause
#
# What t/950-templates.t asks of each template.

def handle(event, context):
    if event.path == "/fail":
        raise ValueError("deliberate")

    if event.path == "/json":
        return {"body": {"a": [1, 2]}}

    if event.path == "/request":
        return {
            "statusCode": 201,
            "headers": {"X-Answer": "yes", "Set-Cookie": ["a=1", "b=2"]},
            "body": f"{event.method} {event.path} {event.query['q']} "
                    f"{event.headers['x-test']}",
        }

    return event.body
