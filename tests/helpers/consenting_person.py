"""A person at Zoho's consent page: opens it and presses Accept, as a browser would.

Knows HTML forms, and nothing of OAuth.
"""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

__all__ = ["accept"]


def accept(session, address):
    """Open the consent page, submit its form with the Accept button, and return where the browser is sent."""
    page = session.get(address, timeout=30)
    page.raise_for_status()
    form = _Form()
    form.feed(page.text)
    answer = session.post(
        urljoin(address, form.action), data={**form.fields, "decision": "accept"}, allow_redirects=False, timeout=30
    )
    return answer.headers["Location"]


class _Form(HTMLParser):
    """The form of a page: where it goes, and its hidden fields."""

    def __init__(self):
        super().__init__()
        self.action = ""
        self.fields = {}

    def handle_starttag(self, tag, attrs):
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = values.get("action", "")
        if tag == "input":
            self.fields[values.get("name", "")] = values.get("value", "")
