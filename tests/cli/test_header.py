"""`header`: the one command that prints a token, and only where no person sees it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from helpers.terminals import run_on_terminal

pytestmark = pytest.mark.usefixtures("measured_processes")


@pytest.mark.parametrize("live", [True, False])
def test_a_pipe_gets_the_header_and_nothing_else(run, granted, zoho, live):
    profile = granted(expires_at=time.time() + 3600 if live else 0.0)
    result = run("header")
    token = profile.load().store.load()["access_token"]
    assert (result.stdout, result.stderr) == (f"Authorization: Zoho-oauthtoken {token}\n", "")
    assert (zoho.token_requests, zoho.api_requests) == (0 if live else 1, 0)


def test_another_program_is_let_in_with_it(granted, zoho, run):
    granted("work")
    name, _, value = run("header", "--profile", "work").stdout.rstrip("\n").partition(": ")
    with zoho.session() as session:
        answer = session.get(f"{zoho.region.recruit_url}/recruit/v2/Candidates", headers={name: value}, timeout=60)
    assert answer.ok


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal_is_refused_and_nothing_is_sent(granted, zoho, columns):
    granted(access_token="1000.planted.token", expires_at=time.time() + 3600)
    code, screen = run_on_terminal("header", columns=columns)
    assert (code, "--show" in screen, "planted" in screen) == (2, True, False)
    assert zoho.received == []


def test_show_prints_it_on_a_terminal(granted):
    granted(access_token="1000.planted.token", expires_at=time.time() + 3600)
    assert run_on_terminal("header", "--show") == (0, "Authorization: Zoho-oauthtoken 1000.planted.token\n")


@pytest.mark.parametrize(
    ("fault", "code"), [("throttle", 5), ("throttle-200", 5), ("server-error", 6), ("html", 6), ("garbage", 6)]
)
def test_what_fails_leaves_the_pipe_empty(run, granted, zoho, fault, code):
    granted()
    zoho.fault(fault)
    result = run("header")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("Error: ")


def test_a_dead_grant_and_no_profile_leave_it_empty(run, granted):
    assert (run("header").exit_code, run("header").stdout) == (3, "")
    granted(refresh_token="1000.dead.grant")
    result = run("header")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "zohorecruit login" in result.stderr


def test_a_reader_that_has_gone_is_no_error_to_speak_of(granted):
    granted(access_token="1000.planted.token", expires_at=time.time() + 3600)
    command = [sys.executable, "-m", "requests_zohorecruit", "header"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert (process.stderr.read(), process.wait(60)) == ("", 1)
    process.stderr.close()
