"""Terminals of 60, 80 and 120 columns: no word, host or figure is broken, and errors wrap between words."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import socket
import struct
import sys
import termios
import time

import pexpect
import pytest
from rich.console import Console

from requests_zohorecruit import Region
from requests_zohorecruit.cli.console import open_console, print_rows, wrap
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token

WIDTHS = pytest.mark.parametrize("columns", [60, 80, 120])


@pytest.fixture
def screen(monkeypatch):
    """Return a function that runs a command on a terminal of some columns, and gives what the command wrote to it."""

    def run(command, columns):
        monkeypatch.delenv("COLUMNS", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        arguments = ["-m", "requests_zohorecruit", *command.split()]
        # Given, since readline may have put its own COLUMNS where `os.environ` does not see it.
        env, size = dict(os.environ), (50, columns)
        child = pexpect.spawn(sys.executable, arguments, env=env, encoding="utf-8", dimensions=size, timeout=60)
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", child.read()).replace("\r\n", "\n")
        child.wait()
        return shown

    return run


@pytest.fixture
def saved(home):
    profile, now = Profile(), time.time()
    scope = ("ZohoRecruit.modules.ALL", "ZohoRecruit.settings.ALL")
    token = Token("1000.a.b", "1000.c.d", now + 3600, scope=scope)
    profile.save(Application.create("1000.0123456789ABCDEF0123456789ABCDEF", "s", "eu"), token, now=now)
    return profile


@WIDTHS
@pytest.mark.thorough(one_in=3)
def test_hosts_of_regions_are_whole(screen, columns):
    shown = screen("regions", columns)
    assert max(map(len, shown.splitlines())) <= columns
    for region in Region.all():
        for url in (region.accounts_url, region.recruit_url, region.api_domain):
            assert re.search(rf"(?<!\S){re.escape(url.removeprefix('https://'))}(?!\S)", shown)


@WIDTHS
@pytest.mark.thorough(one_in=3)
def test_no_word_or_figure_of_the_status_is_broken(screen, saved, columns):
    shown = screen("status", columns)
    words = (
        "1000.0123456789ABCDEF0123456789ABCDEF",
        "accounts.zoho.eu",
        "ZohoRecruit.settings.ALL",
        "1 of 10 in the last 10 minutes",
        f"{saved.directory}/token.json",
    )
    for word in words:
        assert word in shown
    # What is longer than a line by itself is left to the terminal, which copies it in one piece.
    for line in shown.splitlines():
        assert len(line) <= columns or len(line.split()[-1]) > columns - 20


@WIDTHS
@pytest.mark.thorough(one_in=3)
def test_errors_wrap_between_words(screen, home, columns):
    wide = " ".join(screen("status --profile nowhere-to-be-found", 5000).split())
    shown = screen("status --profile nowhere-to-be-found", columns)
    assert " ".join(shown.split()) == wide
    for line in shown.splitlines():
        assert len(line) <= columns or " " not in line


def test_in_a_pipe_an_error_is_one_line_and_its_remedy_another(run, home):
    assert len(run("status", "--profile", "work").stderr.splitlines()) == 2


@WIDTHS
@pytest.mark.thorough(one_in=3)
def test_what_a_login_explains_wraps_between_words(screen, home, monkeypatch, columns):
    for name, value in {"CLIENT_ID": "1000.X", "CLIENT_SECRET": "s", "REGION": "eu"}.items():
        monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = screen(f"login --port {taken.getsockname()[1]}", columns)
    assert "cannot be used" in told
    for line in told.splitlines():
        assert len(line) <= columns or line.startswith("    ")


@WIDTHS
def test_text_wraps_and_what_is_to_be_copied_does_not(columns):
    console = Console(width=columns, force_terminal=True)
    command = "    zohorecruit " + "x" * 200
    words = " ".join(["word"] * 100)
    first, *others = wrap(f"{command}\n{words}", console).splitlines()
    assert (first, " ".join(others)) == (command, words)
    assert max(map(len, others)) <= columns
    assert wrap(words, Console(width=columns, force_terminal=False)) == words


@pytest.mark.parametrize("given", ["0", "", "wide", "-5"])
def test_columns_that_cannot_be_are_ignored(run, saved, monkeypatch, given):
    monkeypatch.setenv("COLUMNS", given)
    assert run("status").exit_code == 0
    assert open_console().width == 110


@pytest.mark.parametrize(("columns", "width"), [(60, 60), (0, 80), (None, 80)])
def test_a_terminal_without_colours_has_columns_all_the_same(monkeypatch, columns, width):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("TERM", "dumb")
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "w") as terminal:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns or 0, 0, 0))
        if columns is None:
            monkeypatch.setattr(os, "get_terminal_size", raise_os_error)
        monkeypatch.setattr(sys, "stdout", terminal)
        assert open_console().width == width


def raise_os_error(*_):
    raise OSError


def test_a_value_that_is_too_long_stays_beside_its_name(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_rows([("store", "/a/path/that/is/longer/than/the/line"), ("scope", "one two three\nfour")])
    assert capsys.readouterr().out == (
        "store  /a/path/that/is/longer/than/the/line\nscope  one two three\n       four\n"
    )


@WIDTHS
@pytest.mark.thorough(one_in=3)
def test_names_of_profiles_are_whole(screen, saved, columns):
    names = ["b", "an-import-of-candidates", "x" * 64]
    for name in names:
        Profile(name).save(Application.create("1000.C", "s", "eu"), Token("1000.a.b", "1000.c.d", 0.0), now=0.0)
    shown = screen("profiles", columns)
    assert set(names) <= set(shown.split())
    assert max(map(len, shown.splitlines())) <= max(columns, 66)
