"""The demo: run for real, at the widths that terminals have, and told what it must notice."""

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
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from helpers.terminals import run_on_terminal, strip_styles
from rich.console import Console

import requests_zohorecruit
from requests_zohorecruit import TokenEndpointError, ZohoRecruitAuth
from requests_zohorecruit.demo import steps, storm
from requests_zohorecruit.demo.steps import run_steps
from requests_zohorecruit.demo.storm import (
    Clock,
    call_api,
    mask_interrupts,
    run_in_processes,
    run_in_threads,
    take_part,
)

SECRET = re.compile(r"1000\.\w+\.\w+|Zoho-oauthtoken \w")
#: What a frame of the spinner begins with.
SPINNER = re.compile("[\u2800-\u28ff]")


def plain_console():
    return Console(file=io.StringIO(), width=110, highlight=False)


def told(console):
    return console.file.getvalue()


def start_demo(directory, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "requests_zohorecruit", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(directory), "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"} | environment,
        start_new_session=True,
    )


def await_step(process, number):
    assert any(line.startswith(b"%d  " % number) for line in process.stdout)


@pytest.fixture
def broken_answer():
    """An answer that is none of Zoho's."""
    answer = requests.Response()
    answer.status_code = 200
    return answer


@pytest.mark.usefixtures("measured_processes")
def test_T60_the_demo_keeps_every_promise_shows_no_secret_and_leaves_nothing_behind(tmp_path):
    # A proxy of the user's has no part in it.
    process = start_demo(tmp_path, HTTPS_PROXY="http://127.0.0.1:9", REQUESTS_CA_BUNDLE="/no/such/file")
    output, errors = process.communicate(timeout=120)
    output = output.decode("utf-8")
    assert (process.returncode, errors) == (0, b""), output
    assert "All 25 promises kept." in output
    assert output.count("✔") == 25
    assert re.search(r"7 token requests for (?:1[3-9]|20)\d API requests", output)
    assert "64 token requests, 54 of them refused" in " ".join(output.split())
    assert [line for line in output.splitlines() if re.match(r"\d  ", line)][-1] == "8  The grant is revoked"
    assert "\x1b" not in output
    assert not SECRET.search(output)
    assert [line for line in output.splitlines() if line != line.rstrip()] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("measured_processes")
@pytest.mark.thorough
def test_no_word_figure_or_path_breaks_on_a_terminal():
    widths = (60, 80, 120)
    with ThreadPoolExecutor(len(widths)) as pool:
        screens = list(pool.map(lambda columns: run_on_terminal("demo", columns=columns), widths))
    for columns, shown in zip(widths, screens, strict=True):
        assert shown.code == 0
        assert "\x1b[32m" in shown.screen
        assert not SECRET.search(strip_styles(shown.screen))
        lines = [part for line in strip_styles(shown.screen).split("\n") for part in line.split("\r")]
        assert [line for line in lines if len(line) > columns] == []
        assert words(shown) == words(screens[-1])


def words(shown):
    """Return the words that stay on the screen, without what differs from run to run."""
    lines = [line.rsplit("\r", 1)[-1] for line in strip_styles(shown.screen).split("\n")]
    text = " ".join(line.strip(" │╭╮╰╯─") for line in lines if not SPINNER.match(line))
    assert "took" in text
    # Ports, process ids, fingerprints and times; how many calls were refused before the new token was there.
    text = re.sub(r"#\w{8}|(?<=process )\d+|(?<=127\.0\.0\.1:)\d+|(?<=client 1000\.)\w+|[\d.]+(?= s\b)", "0", text)
    return re.sub(r"\d+(?= of them after)|(?<=API requests: )1?\d\d\b|\d+(?= API requests,)", "0", text).split()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Processes are read from /proc")
@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.thorough(one_in=2)
def test_ctrl_c_ends_the_demo_and_clears_away(tmp_path, number):
    process = start_demo(tmp_path)
    await_step(process, number)
    # To all of them, as a terminal does, and twice, as people do.
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.split()) == (130, [b"Stopped."])
    assert list(tmp_path.iterdir()) == []
    assert await_end_of_session(process.pid) == []


def test_ctrl_c_that_another_thread_hears_waits_until_a_process_has_started():
    over, started, before = threading.Event(), False, signal.signal(signal.SIGINT, signal.default_int_handler)
    other = threading.Thread(target=over.wait)
    other.start()  # it has no mask
    try:
        with pytest.raises(KeyboardInterrupt), mask_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            started = True
        assert started
    finally:
        signal.signal(signal.SIGINT, before)
        over.set()
        other.join()


def test_nothing_goes_on_when_the_demo_is_killed(tmp_path):
    process = start_demo(tmp_path)
    await_step(process, 5)
    process.kill()
    process.communicate(timeout=60)  # until the last process that could write has ended
    assert await_end_of_session(process.pid) == []


def await_end_of_session(number):
    """Wait until all processes of a session have ended, which takes a moment longer than closing their files.

    Returns those that go on.
    """
    ends_at = time.monotonic() + 30
    while (going_on := members_of_session(number)) and time.monotonic() < ends_at:
        time.sleep(0.01)
    return going_on


def members_of_session(number):
    """Return the ids of the processes of a session that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, session = path.read_text().rpartition(")")[2].split()[:4]
            found += [path.parent.name] if session == str(number) and state != "Z" else []
    return found


def test_the_demo_says_which_promise_was_broken(monkeypatch, broken_answer):
    monkeypatch.setattr(steps, "run_in_threads", lambda count, _: [broken_answer] * count)
    broken_answer._content = b"{}"
    monkeypatch.setattr(steps, "STEPS", steps.STEPS[:2] + steps.STEPS[3:4])
    console = plain_console()
    assert run_steps(console) is False
    assert "2 of 7 promises broken." in told(console)
    assert "- step 3, API requests: 0, promised 64" in told(console)
    assert "✘ API requests: 0, promised 64" in told(console)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TokenEndpointError("No connection.", hint="Try later."), "step 1, stopped by: No connection. Try later., "),
        (RuntimeError("planted-secret"), "step 1, stopped by: RuntimeError, "),
    ],
)
def test_a_step_that_fails_ends_the_story_and_tells_no_secret(monkeypatch, error, expected):
    def fail(_):
        raise error

    monkeypatch.setattr(steps, "STEPS", (("Fails", fail), ("Never reached", fail)))
    console = plain_console()
    assert run_steps(console) is False
    assert expected in told(console)
    assert "1 of 1 promises broken." in told(console)
    assert "Never reached" not in told(console)
    assert "planted-secret" not in told(console)


def test_a_call_that_should_fail_and_does_not_breaks_a_promise(monkeypatch):
    def authorize_without_faults(stage):
        stage.zoho.fault = lambda _: None
        steps.authorize(stage)

    monkeypatch.setattr(steps, "STEPS", (("A", authorize_without_faults), ("B", steps.throttle_without_token)))
    console = plain_console()
    assert run_steps(console) is False
    assert "- step 2, ThrottledError raised: 0, promised 2" in told(console)


def test_a_changed_upload_breaks_a_promise(monkeypatch):
    def keep_something_else(stage):
        stage.call()
        stage.zoho.attachments = {"1": b"something else"}

    monkeypatch.setattr(steps, "STEPS", (("A", steps.authorize), ("B", keep_something_else), ("C", steps.upload)))
    console = plain_console()
    assert run_steps(console) is False
    assert "- step 3, of them identical to the original: 0, promised 1" in told(console)


def test_what_the_library_logs_is_part_of_the_story_and_time_goes_on_as_before_afterwards(monkeypatch):
    logger, handlers, clock = (
        logging.getLogger("requests_zohorecruit.stores"),
        logging.getLogger("requests_zohorecruit").handlers[:],
        time.time,
    )

    def log(stage):
        stage.clock.ahead += 3600
        assert time.time() - clock() > 3500
        logger.warning("Something %s", "odd")

    monkeypatch.setattr(steps, "STEPS", (("Logs", log),))
    console = plain_console()
    assert run_steps(console) is True
    assert "   logged    Something odd\n" in told(console)
    assert (logging.getLogger("requests_zohorecruit").handlers, time.time) == (handlers, clock)


@pytest.mark.parametrize("columns", [1, 12, 40])
def test_no_terminal_is_too_narrow(monkeypatch, columns):
    monkeypatch.setattr(steps, "STEPS", (("Title", lambda stage: stage.show("note", "one two")),))
    console = Console(file=io.StringIO(), width=columns)
    assert run_steps(console) is True
    assert "two" in told(console)


def test_threads_that_cannot_all_start_end_before_the_error_is_seen(monkeypatch):
    started = []
    start = threading.Thread.start

    def start_two(thread):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_two)
    with pytest.raises(RuntimeError, match="new thread"):
        run_in_threads(3, requests.Response)
    assert [thread.is_alive() for thread in started] == [False, False]


def test_processes_that_cannot_start_leave_none_behind():
    before = set(multiprocessing.active_children())
    with pytest.raises(Exception, match=r"lambda|pickle"):  # of a type that differs from Python to Python
        run_in_processes(2, lambda: [requests.Response()], Clock())
    assert set(multiprocessing.active_children()) <= before


def test_a_process_that_dies_is_noticed_and_the_others_are_ended():
    before = set(multiprocessing.active_children())
    with pytest.raises(EOFError):
        run_in_processes(2, os.abort, Clock())
    assert set(multiprocessing.active_children()) <= before


@pytest.fixture
def restored_time(monkeypatch):
    monkeypatch.setattr(time, "time", time.time)


@pytest.mark.usefixtures("restored_time")
def test_one_of_many_processes_has_the_demos_clock_and_sends_what_came_of_its_work(broken_answer):
    ours, theirs = multiprocessing.Pipe()
    clock = Clock()
    clock.ahead = 3600
    ours.send(None)
    take_part(theirs, clock, lambda: [broken_answer])
    assert (ours.recv(), [answer.status_code for answer in ours.recv()]) == (None, [200])
    assert time.time is clock


@pytest.mark.usefixtures("restored_time")
def test_one_of_many_processes_goes_quietly_when_the_demo_is_over(broken_answer):
    ours, theirs = multiprocessing.Pipe()
    ours.send(None)
    ours.close()  # before it is ready, or before it has sent its answers
    take_part(theirs, Clock(), lambda: [broken_answer])


@pytest.mark.usefixtures("restored_time")
def test_one_of_many_processes_does_no_work_if_the_demo_ends_while_it_waits_for_the_others():
    ours, theirs = multiprocessing.Pipe()
    threading.Timer(0.1, ours.close).start()
    take_part(theirs, Clock(), lambda: pytest.fail("the demo is over"))


def test_a_call_goes_nowhere_but_to_the_sandbox():
    auth = ZohoRecruitAuth("1000.X", "secret", region="eu", refresh_token="1000.a.b")
    with pytest.raises(requests_zohorecruit.UntrustedHostError):
        call_api("https://127.0.0.1:9/recruit/v2/Candidates", auth, "/no/such/file")


def test_children_do_not_hear_ctrl_c_while_they_are_started():
    asks = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    with mask_interrupts():
        inside = subprocess.run([sys.executable, "-c", asks], capture_output=True, check=True).stdout
    outside = subprocess.run([sys.executable, "-c", asks], capture_output=True, check=True).stdout
    assert (inside.split(), outside.split()) == ([b"True"], [b"False"])


def test_the_first_process_that_multiprocessing_starts_does_not_hear_it_either():
    program = (
        "import multiprocessing, os, signal, sys\n"
        "from requests_zohorecruit.demo.storm import mask_interrupts\n"
        "process = multiprocessing.get_context('spawn').Process(target=os.getpid)\n"
        "with mask_interrupts():\n"
        "    process.start()\n"
        "    print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))\n"
        "process.join()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True\n"


def test_the_demo_is_made_of_public_names():
    private = re.compile(r"SLF001|requests_zohorecruit\.(?:auth|engine|login|session|zoho|secret)\b|\._refresher")
    for module in (steps, storm):
        assert private.findall(Path(module.__file__).read_text("utf-8")) == []
