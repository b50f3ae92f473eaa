"""The border between stores and their callers: what a driver raises, and what gets out of it."""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Mapping
from typing import Any

import pytest

from requests_zohorecruit.errors import TokenStoreError
from requests_zohorecruit.stores.errors import guarded


class Store:
    """Raises what it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    @guarded("loaded", TimeoutError, hints={errno.EBUSY: "Wait a little.", errno.EPERM: "It is not yours."})
    def load(self, key: str = "a", *, fresh: bool = False) -> Mapping[str, Any]:
        """Return what was asked for."""
        if self.error:
            raise self.error
        return {"key": key, "fresh": fresh}

    def __repr__(self) -> str:
        return "Store()"


def test_a_guarded_method_is_the_method_where_nothing_goes_wrong() -> None:
    assert Store().load() == {"key": "a", "fresh": False}
    assert Store().load("b", fresh=True) == {"key": "b", "fresh": True}
    assert (Store.load.__name__, Store.load.__doc__) == ("load", "Return what was asked for.")


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (KeyError("planted"), "Store() could not be loaded: KeyError."),
        (OSError("planted"), "Store() could not be loaded: OSError."),
        (OSError(0, "planted"), "Store() could not be loaded: OSError."),
        (OSError(errno.EIO, "planted"), "Store() could not be loaded: Input/output error (OSError)."),
        (
            OSError(errno.EBUSY, "planted"),
            f"Store() could not be loaded: {os.strerror(errno.EBUSY)} (OSError). Wait a little.",
        ),
    ],
)
def test_what_a_driver_raises_leaves_as_our_error_without_its_text(cause: Exception, text: str) -> None:
    with pytest.raises(TokenStoreError) as caught:
        Store(cause).load()
    assert str(caught.value) == text
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("promised", [TimeoutError("held by somebody"), TokenStoreError("Not a record.")])
def test_what_a_method_promises_to_raise_leaves_as_it_is(promised: Exception) -> None:
    with pytest.raises(type(promised)) as caught:
        Store(promised).load()
    assert caught.value is promised
    assert all(not frame.locals for frame in caught.traceback if frame.name == "load")


def test_what_is_not_an_error_of_the_driver_is_not_touched() -> None:
    class Interrupted(Store):
        @guarded("loaded")
        def load(self) -> None:  # type: ignore[override]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted().load()


def test_the_place_where_a_driver_failed_is_in_the_log_at_debug_level(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(TokenStoreError):
        Store(KeyError("planted")).load()
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("requests_zohorecruit.stores.errors", logging.DEBUG)
    first, *lines = record.getMessage().splitlines()
    assert first == "Store() could not be loaded"
    *_, place, source = (line.strip() for line in lines if line.strip(" ^~"))  # some Pythons underline, some do not
    assert re.fullmatch(rf'File "{re.escape(__file__)}", line \d+, in load', place)
    assert source == "raise self.error"
    assert "planted" not in record.getMessage()


def driver_error(module: str, name: str, *args: object, **values: object) -> Exception:
    """Make an error as that driver's."""
    return type(name, (Exception,), {"__module__": module, **values})(*args)


def wrapped(orig: Exception) -> Exception:
    return driver_error("sqlalchemy.exc", "OperationalError", "planted", orig=orig)


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (
            wrapped(driver_error("psycopg.errors", "LockNotAvailable", "planted", sqlstate="55P03")),
            r"OperationalError \(LockNotAvailable, SQLSTATE 55P03\)\. Another session holds a lock",
        ),
        (
            driver_error("psycopg", "OperationalError", 'password authentication failed for user "planted"'),
            r"OperationalError\. The server refused the login",
        ),
        (
            driver_error("pg8000.exceptions", "DatabaseError", {"C": "28P01", "M": "planted"}),
            r"DatabaseError \(SQLSTATE 28P01\)\. The server refused the login",
        ),
        (
            wrapped(driver_error("pymysql.err", "OperationalError", 1045, "Access denied for 'planted'")),
            r"OperationalError \(error 1045\)\. The server refused the login",
        ),
        (
            driver_error("sqlite3", "OperationalError", "planted", sqlite_errorname="SQLITE_BUSY"),
            r"\(SQLITE_BUSY\)\. An",
        ),
        (driver_error("redis.exceptions", "ResponseError", "WRONGTYPE planted"), r"ResponseError \(WRONGTYPE\)\.$"),
        (driver_error("redis.exceptions", "ResponseError", "OOM planted"), r"\(OOM\)\. Redis is out of memory"),
        (driver_error("redis.exceptions", "ResponseError", "1000.PLANTED x"), r"loaded: ResponseError\.$"),
        (driver_error("other", "Error", "PLANTED said something"), r"loaded: Error\.$"),
        (driver_error("other", "Error", sqlstate="1000.planted"), r"loaded: Error\.$"),
    ],
)
def test_t93_a_drivers_code_is_shown_with_what_to_do_and_its_text_is_not(cause: Exception, text: str) -> None:
    with pytest.raises(TokenStoreError, match=text) as caught:
        Store(cause).load()
    assert "planted" not in str(caught.value).lower()


@pytest.mark.parametrize("number", ["planted", [1], 10**30, 2.5, -2])
def test_t93_what_stands_in_the_place_of_an_errors_number_need_be_none(number: Any) -> None:
    # As with any two arguments: OSError("planted", "db.example").
    with pytest.raises(TokenStoreError, match=r"Store\(\) could not be loaded: OSError\.$"):
        Store(OSError(number, "planted")).load()
