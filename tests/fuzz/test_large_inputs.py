"""However large what comes in is: it is dealt with in time and memory that grow no faster than it does."""

from __future__ import annotations

import logging
import time
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from helpers.canned_adapter import session_over
from helpers.planted_secrets import APPLICATION
from helpers.strategies import PLANTED

from requests_zohorecruit import FileStore, Region, Token, TokenStoreError, ZohoAuthError
from requests_zohorecruit.auth.replay import peek
from requests_zohorecruit.engine.record import Record
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.session.log_filter import _hide
from requests_zohorecruit.stores import RedisStore
from requests_zohorecruit.zoho.api_answers import is_rejection
from requests_zohorecruit.zoho.consent import read_callback
from requests_zohorecruit.zoho.grants import RefreshToken
from requests_zohorecruit.zoho.regions import https_host
from requests_zohorecruit.zoho.token import split_scope
from requests_zohorecruit.zoho.token_answers import Answer, read_token_answer
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

EU = Region.lookup("eu")
SMALL, LARGE = 10_000, 80_000
MEGABYTE = 1 << 20


class Redis:
    """A client whose key holds `value`."""

    def __init__(self, value):
        self.value = value

    def get(self, _):
        return self.value

    def eval(self, *_):
        """Never called."""


def answered(body, status=200, **headers):
    return TokenEndpoint(APPLICATION, session=session_over((status, headers, body)))


def hidden(text):
    record = logging.LogRecord("oauthlib", logging.DEBUG, "", 0, text, (), None)
    _hide(record)
    return record.getMessage()


#: What is done with a text, and the texts that are worst for it.
READERS = {
    "token answer": lambda text: read_token_answer(Answer(200, text, text), region=EU, requested_at=0.0),
    "token answer on the wire": lambda text: answered(text.encode()).mint(RefreshToken(Secret(PLANTED)), None, now=0.0),
    "revocation": lambda text: answered(text.encode()).revoke(PLANTED),
    "401": lambda text: is_rejection(text.encode()),
    "callback": lambda text: read_callback(f"https://app.example/?{text}", application=APPLICATION, state="STATE"),
    "fragment": lambda text: read_callback(f"https://app.example/#{text}", application=APPLICATION, state="STATE"),
    "region": Region.lookup,
    "host": lambda text: https_host(f"https://{text}/"),
    "scope": split_scope,
    "token": lambda text: Token.from_dict(
        {"access_token": text, "expires_at": text, "scope": text, "api_domain": text}
    ),
    "record": lambda text: Record.from_mapping(
        {"refresh_token": text, "failure": {"error": text}, text: 1}, APPLICATION
    ),
    "stored text": lambda text: RedisStore(Redis(text), "key").load(),
    "log": hidden,
}
TEXTS = {
    "letters": "a",
    "digits": "1",
    "fields": "a=1&",
    "semicolons": ";",
    "percents": "%",
    "brackets": "[",
    "objects": '{"a":',
    "quotes": '"',
    "backslashes": "\\",
    "escaped quotes": '\\"',
    "blanks": " ",
    "commas": ",",
    "dots": "1000.",
    "tokens": "token",
    "names": '"token": "',
    "headers": "Authorization: ",
    "headers without blanks": "Authorization:",
    "schemes": "Zoho-oauthtoken ",
    "slashes": "/",
}


def seconds(read, text):
    """Return the fewest seconds of processor time that one of several readings takes."""
    taken = []
    for _ in range(3):
        before = time.thread_time()
        with suppress(ZohoAuthError, TypeError, ValueError):
            read(text)
        taken.append(time.thread_time() - before)
    return min(taken)


@pytest.mark.parametrize("texts", TEXTS)
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.thorough(one_in=5)
def test_reading_takes_time_in_proportion_to_the_size(reader, texts):
    piece = TEXTS[texts]
    small, large = (seconds(READERS[reader], piece * (size // len(piece))) for size in (SMALL, LARGE))
    # Eight times as much: 8 if it is proportional, 64 if it is squared. A few milliseconds are nobody's business.
    assert large < max(24 * small, 0.05)


def packed(size):
    """Return some kilobytes that unpack to so many bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(b" " * MEGABYTE) for _ in range(size // MEGABYTE)), packer.flush()])


def peak(function, *arguments, **options):
    """Return the bytes that a call needs at its height, beside what was there before."""
    tracemalloc.start()
    try:
        with suppress(ZohoAuthError):
            function(*arguments, **options)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("headers", "body"),
    [({}, b" " * 32 * MEGABYTE), ({"Content-Encoding": "gzip"}, packed(64 * MEGABYTE))],
    ids=["plain", "packed"],
)
def test_an_answer_of_zoho_accounts_is_read_no_further_than_a_token_could_reach(headers, body):
    accounts = answered(body, **headers)
    assert peak(accounts.mint, RefreshToken(Secret(PLANTED)), None, now=0.0) < 4 * MEGABYTE


def test_the_body_of_a_streamed_401_is_looked_at_no_further_than_a_reason_could_reach():
    api = session_over((401, {"Content-Encoding": "gzip"}, packed(64 * MEGABYTE)))
    answer = api.get("https://recruit.zoho.eu/recruit/v2/Candidates", stream=True)
    assert peak(peek, answer, stream=True) < 4 * MEGABYTE


def test_a_file_is_read_no_further_than_a_record_could_reach(tmp_path):
    path = tmp_path / "token.json"
    path.write_bytes(b'{"a":[' + b"{}," * 10 * MEGABYTE)
    path.chmod(0o600)
    assert peak(FileStore(path).load) < 4 * MEGABYTE


@pytest.mark.parametrize("as_bytes", [False, True])
def test_what_is_larger_than_a_record_could_be_is_not_even_parsed(as_bytes):
    text = "[" + "{}," * MEGABYTE + "{}]"
    store = RedisStore(Redis(text.encode() if as_bytes else text), "key")
    assert peak(store.load) < MEGABYTE
    with pytest.raises(TokenStoreError, match="at most 1 MiB"):
        store.load()
