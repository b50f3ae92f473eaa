"""The address a browser ended at, pasted: understood in all its forms, also while the command listens; or explained."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pexpect
import pytest
import requests
from helpers.terminals import press_ctrl_c

from requests_zohorecruit.cli.browser import hidden_lines, parse_paste
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application

URI = "http://127.0.0.1:8400/callback"
QUERY = "code=1000.ab12.cd34&state=STATE&location=eu&accounts-server=https%3A%2F%2Faccounts.zoho.eu"
ADDRESS = f"{URI}?{QUERY}"


def parse(text):
    return parse_paste(text, redirect_uri=URI, application=Application.create("1000.C", "s", "eu"), state="STATE")


@pytest.mark.parametrize(
    "text",
    [
        ADDRESS,
        f"  {ADDRESS}\t",
        f'"{ADDRESS}"',
        f"'{ADDRESS}'",
        f"<{ADDRESS}>",
        f"\u201c{ADDRESS}\u201d",
        f"{ADDRESS[:60]} {ADDRESS[60:]}",
        ADDRESS.removeprefix("http://"),
        ADDRESS.replace("127.0.0.1", "localhost"),
        ADDRESS.replace("127.0.0.1", "localhost").removeprefix("http://"),
        f"/callback?{QUERY}",
        f"?{QUERY}",
        QUERY,
        f"{ADDRESS}#",
        "1000.ab12.cd34",
        "'1000.ab12.cd34'",
    ],
)
def test_what_people_copy_is_understood(text):
    url = parse(text)
    assert url.startswith(f"{URI}?")
    assert parse_qs(urlsplit(url).query) == parse_qs(QUERY)
    assert "1000" not in repr(url)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://accounts.zoho.eu/oauth/v2/auth?client_id=1&state=STATE", f"which begins with {URI}."),
        ("hello", f"which begins with {URI}."),
        ("", f"which begins with {URI}."),
        ("1000.ab12", f"which begins with {URI}."),
        (URI, "contains no code"),
        (f"{URI}?state=STATE", "contains no code"),
        (ADDRESS.replace("STATE", "OLD"), "from another login"),
        (ADDRESS.replace("state=STATE&", ""), "from another login"),
    ],
)
def test_what_is_something_else_is_explained(text, told):
    with pytest.raises(ValueError, match="address") as caught:
        parse(text)
    assert told in str(caught.value)


def test_a_refusal_is_one_whatever_its_state():
    assert parse(f"{URI}?error=access_denied") == f"{URI}?error=access_denied"


@pytest.mark.usefixtures("measured_processes")
class TestOnATerminal:
    @pytest.fixture
    def start(self, client, port, monkeypatch):
        monkeypatch.setenv("BROWSER", "")
        monkeypatch.setenv("PATH", os.path.dirname(sys.executable))  # noqa: PTH120 - no browser there
        children = []

        def spawn(*options):
            command = ["-m", "requests_zohorecruit", "login", "--port", str(port), *options]
            child = pexpect.spawn(sys.executable, command, encoding="utf-8", dimensions=(50, 400), timeout=30)
            children.append(child)
            child.expect(r"(https://\S+/oauth/v2/auth\S+)")
            return child, child.match[1]

        yield spawn
        for child in children:
            child.close(force=True)

    @pytest.mark.parametrize("form", ["address", "code", "without scheme"])
    @pytest.mark.parametrize("options", [(), ("--no-browser",)])
    @pytest.mark.thorough(one_in=3)
    def test_a_paste_ends_the_waiting_and_is_not_shown(self, start, zoho, form, options, port):
        child, address = start(*options, *(("--redirect-uri", zoho.redirect_uri) if options else ()))
        redirect = zoho.consent(address)
        code = parse_qs(urlsplit(redirect).query)["code"][0]
        child.expect(r"Paste\s+that" if not options else r"\(hidden\): ?")
        if not options:
            child.expect("Waiting for you")
        pasted = {"address": redirect, "code": code, "without scheme": redirect.partition("://")[2]}[form]
        child.sendline("nonsense")
        child.expect(rf"which\s+begins\s+with\s+{zoho.redirect_uri}\.")
        child.sendline(pasted)
        child.expect("Logged in: profile default")
        seen = child.before
        child.expect(pexpect.EOF)
        child.wait()
        assert (child.exitstatus, code in seen) == (0, False)
        assert Profile().load().store.load()["refresh_token"]

    def test_the_browser_may_come_first_and_the_terminal_is_as_before(self, start, zoho):
        child, address = start()
        child.expect("Waiting for you")
        assert not child.getecho()
        requests.get(zoho.consent(address), timeout=30)
        child.expect("Logged in")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0

    def test_ctrl_c_gives_the_terminal_back(self, start):
        child, _ = start()
        child.expect("Waiting for you")
        press_ctrl_c(child)
        child.expect("Stopped")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 130

    def test_device_login_is_named_beside_it(self, start):
        child, _ = start()
        child.expect("login --device")


def test_a_terminal_of_another_session_is_not_read(monkeypatch):
    ours, theirs = pty.openpty()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True, fileno=lambda: theirs))
    try:
        with hidden_lines() as read:
            assert read is None
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("lines", [b"", b"one\n"])
def test_a_pipe_is_not_read(lines):
    program = """
from requests_zohorecruit.cli.browser import hidden_lines
with hidden_lines() as read:
    print(read)
"""
    told = subprocess.run([sys.executable, "-c", program], input=lines, capture_output=True, timeout=60, check=False)
    assert told.stdout == b"None\n"


def test_lines_are_read_without_waiting_and_the_terminal_gets_its_echo_back(monkeypatch):
    ours, theirs = pty.openpty()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True, fileno=lambda: theirs))
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())
    try:
        with hidden_lines() as read:
            assert not termios.tcgetattr(theirs)[3] & termios.ECHO
            assert read() is None
            os.write(ours, b"  planted \n")
            found = next(filter(None, iter(read, "")))
            assert (found, "planted" in repr(found)) == ("planted", False)
            os.write(ours, b"\x04")  # end of input
            assert read() is None
        assert termios.tcgetattr(theirs)[3] & termios.ECHO
        monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
        with hidden_lines() as read:  # in the background
            assert read is None
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_pipes_one_line_is_explained_too(run, client, port):
    result = run("login", "--port", port, "--no-browser", input="hello\n")
    told = f"That is not the redirect address, which begins with http://127.0.0.1:{port}/callback."
    assert (result.exit_code, re.sub(r"\s+", " ", result.stderr).startswith(f"Error: {told}")) == (3, True)
