"""A transport adapter without a socket: it answers every request with prepared bytes."""

from __future__ import annotations

import io

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse


class Wire(BaseAdapter):
    """Answers each request with the next of `answers`, and repeats the last one.

    :param answers: (status, headers, body as bytes) each
    """

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)
        self.requests = []

    def send(self, request, *_, **__):
        self.requests.append(request)
        status, headers, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        raw = HTTPResponse(
            io.BytesIO(body), headers=headers, status=status, preload_content=False, decode_content=False
        )
        response = HTTPAdapter().build_response(request, raw)
        response.connection = self
        return response

    def close(self):
        """Do nothing: there is nothing to close."""


def session_over(*answers):
    """Return a session all of whose requests go over a `Wire`."""
    session = requests.Session()
    session.mount("https://", Wire(*answers))
    return session
