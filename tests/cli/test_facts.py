"""The line on top of `status`, and Zoho's limits in words."""

from __future__ import annotations

import time

import pytest
from helpers.terminals import run_on_terminal, strip_styles

from requests_zohorecruit.cli.facts import describe_limit, format_seconds, give_verdict

FACTS = {"grant": "#12345678", "expires_in": 3599, "last_failure": None, "rejection_pause": 0}


@pytest.mark.parametrize(
    ("facts", "colour", "told"),
    [
        ({}, "green", "a token, valid for 59 min 59 s"),
        ({"expires_in": 0}, "green", "The next call mints a token"),
        ({"expires_in": None}, "green", "The next call mints a token"),
        ({"grant": None}, "red", "Run `zohorecruit login --profile work` to get one"),
        ({"last_failure": "Access Denied"}, "yellow", "valid for another 59 min 59 s"),
        ({"last_failure": "Access Denied", "expires_in": 0}, "red", "The last refresh failed."),
        ({"rejection_pause": 60}, "red", "rejects new tokens"),
        ({"check": "the API accepts the token", "last_failure": "old"}, "green", "It works"),
        ({"check": "There is no connection."}, "red", "does not work"),
    ],
)
def test_the_verdict(facts, colour, told):
    found, words = give_verdict(FACTS | facts, "zohorecruit login --profile work")
    assert (found, told in words) == (colour, True)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "mints",
            {"recent": 3, "allowed": 10, "window": 600.0},
            "3 of 10 in the last 10 minutes; 7 more are possible now",
        ),
        (
            "mints",
            {"recent": 10, "allowed": 10, "window": 600.0},
            "10 of 10 in the last 10 minutes; the next one has to wait",
        ),
        ("cool_down", 70, "no token is requested for 1 min 10 s"),
        ("cool_down", 0, "none"),
        ("rejection_pause", 43, "rejected tokens are not replaced for 43 s"),
        ("rejection_pause", 0, "none"),
        ("region", "eu", None),
    ],
)
def test_limits_in_words(name, value, words):
    assert describe_limit(name, value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (250, "4 min 10 s"), (3600, "1 h"), (3960, "1 h 6 min")],
)
def test_lengths_of_time(seconds, words):
    assert format_seconds(seconds) == words


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_it_is_on_top_and_coloured_on_a_terminal(granted, columns):
    granted(expires_at=time.time() + 3600)
    code, screen = run_on_terminal("status", columns=columns)
    assert code == 0
    assert "\x1b[32m" in screen.splitlines()[0]
    assert strip_styles(screen).startswith("There is a token, valid for ")
    too_long = [line for line in strip_styles(screen).splitlines() if len(line) > columns]
    assert not [line for line in too_long if "token.json" not in line]  # a path is copied, and stays whole


def test_in_a_pipe_it_is_plain_and_in_json_it_is_not(granted, run):
    granted()
    assert run("status").stdout.startswith("There is a grant. The next call mints a token.\n")
    assert run("status", "--json").stdout.startswith("{")
