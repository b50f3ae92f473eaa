"""`zohorecruit demo`: told whole on real sockets, and honest when a promise is broken."""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
import requests
from rich.console import Console

from requests_zohorecruit import demo
from requests_zohorecruit.demo import steps
from requests_zohorecruit.demo.narrator import Narrator
from requests_zohorecruit.demo.stage import Stage
from requests_zohorecruit.demo.storm import Call, Clock, Crowd, Outcome, in_threads, take_part
from requests_zohorecruit.errors import ThrottledError

COMMAND = [sys.executable, "-m", "requests_zohorecruit", "demo"]


def console(*, terminal=False):
    return Console(file=io.StringIO(), width=100, force_terminal=terminal, highlight=False)


def narrated(tell, *, terminal=False):
    screen = console(terminal=terminal)
    narrator = Narrator(screen)
    tell(narrator)
    return narrator, screen.file.getvalue()


def test_the_whole_story_is_told_in_plain_text_and_every_promise_is_kept(tmp_path):
    env = {**os.environ, "TMPDIR": str(tmp_path), "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}
    told = subprocess.run(COMMAND, capture_output=True, text=True, encoding="utf-8", timeout=120, env=env, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    assert "All 24 promises kept." in told.stdout
    assert [number for number in range(1, 9) if re.search(rf"^{number}  ", told.stdout, re.MULTILINE)] == [*range(1, 9)]
    assert "\x1b" not in told.stdout
    assert not re.search(r"1000\.[0-9a-f]{32}\.[0-9a-f]{32}", told.stdout)  # what a token looks like
    assert list(tmp_path.glob("zoho*")) == []


def test_on_a_terminal_it_has_colour(monkeypatch):
    narrator, told = narrated(lambda narrator: narrator.prologue("https://127.0.0.1:1", 7), terminal=True)
    assert "\x1b[1m" in told
    assert narrator.kept == 0


def test_a_broken_promise_is_counted_and_told():
    def tell(narrator):
        with narrator.step(1, "A step"):
            narrator.counted("token requests", promised=1, seen=2)
            narrator.counted("kept", promised=True, seen=True)
            narrator.counted("not kept", promised=True, seen=False)
        narrator.epilogue("2 token requests")

    narrator, told = narrated(tell)
    assert narrator.broken == ["step 1, token requests: 2, promised 1", "step 1, not kept: no, promised yes"]
    assert not narrator.stopped
    assert "2 of 3 promises broken." in told
    assert "All" not in told


@pytest.mark.parametrize(
    ("error", "shown"),
    [(ThrottledError("Access Denied.", hint="Wait."), "Access Denied. Wait."), (KeyError("planted"), "KeyError")],
)
def test_whatever_a_step_raises_ends_the_story_without_showing_more_than_is_safe(error, shown):
    def tell(narrator):
        with narrator.step(3, "A step"):
            raise error

    narrator, told = narrated(tell)
    assert narrator.stopped
    assert narrator.broken == [f"step 3 stopped: {shown}"]
    assert shown in told
    assert "planted" not in told


def test_the_command_fails_when_a_step_does(monkeypatch):
    def stops(stage, narrator):
        raise RuntimeError

    def never(stage, narrator):
        raise AssertionError("the story should have ended")

    monkeypatch.setattr("requests_zohorecruit.demo.steps.STEPS", (("Stops", stops), ("Never", never)))
    screen = console()
    assert demo.run(screen) is False
    assert "1 of 1 promises broken" in screen.file.getvalue()


def test_what_the_library_logs_belongs_to_the_story_and_to_nobody_else(caplog):
    def tell(narrator):
        with narrator.telling("Starting"):
            logging.getLogger("requests_zohorecruit").warning("Zoho says %s", "no")

    _, told = narrated(tell)
    assert "Zoho says no" in told
    assert caplog.records == []
    assert logging.getLogger("requests_zohorecruit").propagate


def test_the_stage_counts_what_arrives_and_clears_away():
    with Stage.opened() as stage:
        directory = stage.store.path.parent
        assert stage.zoho_process != os.getpid()
        assert stage.count().token_requests == stage.count().api_requests == 0
    assert not directory.exists()


def test_a_call_tells_its_status_or_its_error(monkeypatch):
    call = Call("https://127.0.0.1:1/", lambda request: request, "nowhere.pem")

    class Nothing(requests.Session):
        def get(self, *_, **__):
            raise ThrottledError("no")

    monkeypatch.setattr(requests, "Session", Nothing)
    assert call() == Outcome("ThrottledError")


def test_an_interrupt_while_the_threads_work_waits_for_them():
    going, finish = threading.Event(), threading.Event()

    def work():
        going.set()
        assert finish.wait(30)
        return Outcome("200")

    class Interrupted(threading.Thread):
        joins = 0

        def join(self, timeout=None):
            Interrupted.joins += 1
            if Interrupted.joins == 1:
                assert going.wait(30)
                finish.set()
                raise KeyboardInterrupt
            super().join(timeout)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(threading, "Thread", Interrupted)
        in_threads(2, work)
    assert not [thread for thread in threading.enumerate() if isinstance(thread, Interrupted)]


def test_a_thread_that_cannot_start_lets_the_others_go():
    class Limited(threading.Thread):
        started = 0

        def start(self):
            Limited.started += 1
            if Limited.started > 1:
                raise RuntimeError("can't start new thread")
            super().start()

    with pytest.MonkeyPatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(threading, "Thread", Limited)
        in_threads(2, lambda: Outcome("200"))
    assert not [thread for thread in threading.enumerate() if isinstance(thread, Limited)]


def unable():
    os._exit(3)


def test_a_process_that_dies_before_it_is_ready_ends_the_crowd():
    crowd = Crowd(unable, processes=1, threads=1, done=lambda _: None)
    with pytest.raises(EOFError), crowd:
        raise AssertionError("it cannot be ready")


def test_a_process_that_could_not_start_is_not_waited_for(monkeypatch):
    crowd = Crowd(unable, processes=1, threads=1, done=lambda _: None)

    def fail():
        raise OSError(11, "no more processes")

    monkeypatch.setattr(crowd._processes[0], "start", fail)
    with pytest.raises(OSError, match="no more"), crowd:
        raise AssertionError("it cannot be ready")


def test_taking_part_is_calling_saying_so_waiting_and_reporting():
    ours, theirs = multiprocessing.Pipe()
    ours.send(None)
    calls = []

    def call():
        calls.append(1)
        return Outcome("200")

    take_part(theirs, call, 2)
    assert ours.recv() is None
    assert ours.recv() == [Outcome("200")] * 2
    assert len(calls) == 3
    ours.close()
    take_part(theirs, call, 2)


def test_the_clock_is_wall_time_put_forward(monkeypatch):
    monkeypatch.setattr("time.time", lambda: 100.0)
    clock = Clock()
    clock.forward(3600)
    assert clock() == 3700.0


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals as POSIX has them")
def test_ctrl_c_leaves_nothing_behind(tmp_path):
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=env
    )
    for line in process.stdout:
        if line.startswith("4  "):
            break
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.strip() == "Stopped."
    assert [path for path in Path(tmp_path).iterdir() if path.name.startswith("zoho")] == []
    assert tempfile.gettempdir()


def test_a_call_that_should_have_failed_and_did_not_is_noticed():
    class Fine:
        def get_candidates(self):
            return "an answer"

    assert steps._failure(Fine()) is None
