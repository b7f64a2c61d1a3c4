# SPDX-License-Identifier: BSD-2-Clause
#
# Markdown in, a page of HTML out.  "?fragment" leaves the page around it away.
# HTML in the text is shown as it was written, and the page's policy keeps its
# links from running scripts: a text may be anybody's.

import html

import markdown

PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ max-width: 40em; margin: 2em auto; font-family: sans-serif }}
table, td, th {{ border: 1px solid; border-collapse: collapse }}</style>
{body}
</html>
"""
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; img-src https:; "
                               "style-src 'unsafe-inline'",
}


def renderer():
    md = markdown.Markdown(extensions=["tables", "fenced_code"])

    # what is HTML already is text
    md.preprocessors.deregister("html_block")
    md.inlinePatterns.deregister("html")

    return md


def title_of(text):
    for line in text.splitlines():
        if line.startswith("# "):
            return line[2:].strip()

    return "Markdown"


def handle(event, context):
    if event.method != "POST":
        return {"statusCode": 405, "headers": {"Allow": "POST"}}

    try:
        text = event.body.decode("utf-8")
    except UnicodeDecodeError:
        return {"statusCode": 415, "body": "the text is not UTF-8\n",
                "headers": {"Content-Type": "text/plain"}}

    body = renderer().convert(text)

    if "fragment" not in event.query:
        body = PAGE.format(title=html.escape(title_of(text)), body=body)

    return {"statusCode": 200, "headers": HEADERS, "body": body}
