"""The application and grant of the tests, and the search for where a secret of theirs turns up: ``planted`` is found."""

from __future__ import annotations

import logging
import traceback
from contextlib import contextmanager
from pathlib import Path

import pytest

from requests_zohorecruit.zoho.application import Application

CLIENT_ID = "1000.CLIENT"
CLIENT_SECRET = "planted-client-secret"
GRANT = "1000.planted-refresh-token"
APPLICATION = Application.create(CLIENT_ID, CLIENT_SECRET, "eu")


def leaks(error):
    """Return what of `error`, printed with local variables, shows a planted secret. The test's own frames are left out."""
    here = str(Path(__file__).parents[1])
    found = [text for text in (str(error), repr(error), repr(error.__dict__)) if "planted" in text]
    pending, seen = [traceback.TracebackException.from_exception(error, capture_locals=True)], []
    while pending:
        printed = pending.pop()
        seen.append(printed)
        pending += [each for each in (printed.__cause__, printed.__context__) if each and each not in seen]
        found += [line for line in printed.format_exception_only() if "planted" in line]
        for frame in printed.stack:
            if not frame.filename.startswith(here):
                found += [
                    f"{frame.filename}:{frame.name}: {name} = {value}"
                    for name, value in (frame.locals or {}).items()
                    if "planted" in value
                ]
    return found


@contextmanager
def raising(kind, **details):
    """`pytest.raises`, and no secret in what is raised."""
    with pytest.raises(kind, **details) as caught:
        yield caught
    assert leaks(caught.value) == []


@contextmanager
def quiet_about_secrets(caplog):
    """Log everything, and find no secret in it at the end."""
    with caplog.at_level(logging.DEBUG, "requests_zohorecruit"):
        yield
    assert not [record for record in caplog.records if "planted" in record.getMessage() + repr(record.__dict__)]
