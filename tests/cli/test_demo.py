"""The demo: run for real, and told what it must notice."""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading

import pytest
from rich.console import Console

from requests_zohorecruit import TokenEndpointError, ZohoRecruitAuth
from requests_zohorecruit.demo import run, steps, storm
from requests_zohorecruit.demo.narrator import Narrator
from requests_zohorecruit.demo.stage import Stage
from requests_zohorecruit.demo.storm import Call, Clock, Crowd, Outcome, mask_interrupts, run_in_threads, take_part

SECRET = re.compile(r"1000\.\w+\.\w+|Zoho-oauthtoken \w")


def plain_console():
    return Console(file=io.StringIO(), width=110, highlight=False)


def told(console):
    return console.file.getvalue()


@pytest.fixture
def unreachable_call():
    auth = ZohoRecruitAuth("1000.X", "secret", region="eu", refresh_token="1000.a.b")
    # The token is looked for before anything is sent, and the host is not one of the region's: no network either way.
    return Call("https://127.0.0.1:9/recruit/v2/Candidates", auth, "/no/such/file")


def run_demo(directory):
    return subprocess.run(
        [sys.executable, "-m", "requests_zohorecruit", "demo"],
        capture_output=True,
        # A proxy of the user's has no part in it.
        env=os.environ | {"TMPDIR": str(directory), "PYTHONIOENCODING": "utf-8", "HTTPS_PROXY": "http://127.0.0.1:9"},
        check=False,
        timeout=120,
    )


def test_T60_the_demo_keeps_every_promise_shows_no_secret_and_leaves_nothing_behind(tmp_path):
    ended = run_demo(tmp_path)
    output = ended.stdout.decode("utf-8")
    assert ended.returncode == 0, output
    assert "All 24 promises kept." in output
    assert "7 token requests for 211 API requests" in re.sub(r"2\d\d API", "211 API", output)
    assert "64 token requests, 54 of them refused" in " ".join(output.split())
    assert [line for line in output.splitlines() if re.match(r"\d  ", line)][-1] == "8  The grant is revoked"
    assert ended.stderr == b""
    assert "\x1b" not in output
    assert not SECRET.search(output)
    assert [line for line in output.splitlines() if line != line.rstrip()] == []
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_the_demo_and_clears_away(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "requests_zohorecruit", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    for line in process.stdout:
        if line.startswith(b"4  "):
            break
    # To all of them, as a terminal does, and twice, as people do.
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.split()) == (130, [b"Stopped."])
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_there_are_colours():
    console = Console(file=io.StringIO(), width=110, force_terminal=True, color_system="standard", highlight=False)
    narrator = Narrator(console)
    with narrator.tell_story("Waiting"), narrator.step(1, "Title"):
        narrator.show_progress("Working")
        narrator.compare("things", promised=True, seen=True)
    assert "\x1b[32m✔" in told(console)


def test_the_demo_says_which_promise_was_broken(monkeypatch):
    monkeypatch.setattr(steps, "_make_call", lambda _stage: lambda: Outcome("200"))
    monkeypatch.setattr(steps, "STEPS", steps.STEPS[:2] + steps.STEPS[3:4])
    console = plain_console()
    assert run(console) is False
    assert "2 of 7 promises broken." in told(console)
    assert "- step 3, API requests: 0, promised 64" in told(console)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TokenEndpointError("No connection.", hint="Try later."), "step 1 stopped: No connection. Try later."),
        (RuntimeError("planted-secret"), "step 1 stopped: RuntimeError"),
    ],
)
def test_a_step_that_fails_ends_the_story_and_tells_no_secret(monkeypatch, error, expected):
    def fail(stage, narrator):
        raise error

    monkeypatch.setattr(steps, "STEPS", (("Fails", fail), ("Never reached", fail)))
    console = plain_console()
    assert run(console) is False
    assert expected in told(console)
    assert "Never reached" not in told(console)
    assert "planted-secret" not in told(console)


def test_a_throttle_step_without_an_error_breaks_its_promises(monkeypatch):
    class NothingHappens:
        def pass_an_hour(self):
            pass

        fault = count = get_candidates = lambda self, *_: self
        zoho = property(lambda self: self)
        clock = Clock()
        token_requests = 0
        status_code = 200

    narrator = Narrator(plain_console())
    with narrator.step(1, "Throttle"):
        steps.throttle_without_token(NothingHappens(), narrator)
    assert "step 1, ThrottledError raised: 0, promised 2" in narrator.broken


def test_what_the_library_logs_is_part_of_the_story():
    console = plain_console()
    narrator = Narrator(console)
    logger = logging.getLogger("requests_zohorecruit")
    with narrator.tell_story("Waiting"):
        logger.warning("Something %s", "odd")
        assert not logger.propagate
    assert told(console).split() == ["logged", "Something", "odd"]
    assert logger.propagate


def test_a_call_that_fails_is_an_outcome(unreachable_call):
    assert unreachable_call() == Outcome("UntrustedHostError")


def test_threads_that_cannot_all_start_end_before_the_error_is_seen(monkeypatch):
    started = []

    class Thread(threading.Thread):
        def start(self):
            if len(started) == 2:
                raise RuntimeError("can't start new thread")
            started.append(self)
            super().start()

    monkeypatch.setattr(storm.threading, "Thread", Thread)
    with pytest.raises(RuntimeError, match="new thread"):
        run_in_threads(3, lambda: Outcome("200"))
    assert [thread.is_alive() for thread in started] == [False, False]


def test_a_crowd_that_cannot_be_gathered_disperses():
    before = set(multiprocessing.active_children())
    crowd = Crowd(lambda: Outcome("200"), processes=2, threads=2, done=print)
    with (
        pytest.raises(Exception, match=r"lambda|pickle"),  # of a type that differs from Python to Python
        crowd,
    ):
        pytest.fail("a lambda cannot be sent to another process")
    assert set(multiprocessing.active_children()) <= before


def test_a_member_of_the_crowd_calls_once_and_then_with_all_its_threads(unreachable_call):
    ours, theirs = multiprocessing.Pipe()
    ours.send(None)
    take_part(theirs, unreachable_call, 3)
    assert ours.recv() is None
    assert ours.recv() == [Outcome("UntrustedHostError")] * 3


def test_a_member_of_the_crowd_goes_quietly_when_the_demo_is_over(unreachable_call):
    ours, theirs = multiprocessing.Pipe()
    ours.close()
    take_part(theirs, unreachable_call, 3)


def test_children_do_not_hear_ctrl_c_while_they_are_started():
    asks = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    with mask_interrupts():
        inside = subprocess.run([sys.executable, "-c", asks], capture_output=True, check=True).stdout
    outside = subprocess.run([sys.executable, "-c", asks], capture_output=True, check=True).stdout
    assert (inside.split(), outside.split()) == ([b"True"], [b"False"])


def test_the_stage_says_what_arrived_without_the_comparison():
    with Stage.open() as stage:
        stage.compared = 3
        assert stage.total() == "-3 token requests for 0 API requests"
        assert stage.zoho_process != os.getpid()
