"""Hostile text from a store or the API never controls the terminal, and no kind of output breaks a command."""

from __future__ import annotations

import errno
import json
import logging
import re
import subprocess
import sys
import time

import click
import pytest
import responses
from helpers.terminals import run_on_terminal, strip_styles

from requests_zohorecruit import cli
from requests_zohorecruit.cli.app import app
from requests_zohorecruit.cli.console import escape_controls
from requests_zohorecruit.engine.bookkeeping import _ERRORS
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token

#: Markup of rich, a title for the terminal, colours, C1 controls, another direction, half a character, and a bell.
HOSTILE = "[red]x[/red] [/] \x1b]0;title\x07 \x1b[31m \x9b31m \u202e \ud800 \r\b"
CANDIDATES = "https://recruit.zoho.eu/recruit/v2/Candidates"


@pytest.fixture
def saved(home):
    """A profile with a live token of the real Zoho's."""
    profile, now = Profile(), time.time()
    profile.save(Application.create("1000.C", "s", "eu"), Token("1000.a.b", "1000.c.d", now + 3600), now=now)
    return profile


def is_harmless(text):
    return not any(
        (ord(each) < 32 and each != "\n") or 0x7F <= ord(each) < 0xA0 or each in "\u202e\ud800" for each in text
    )


@pytest.mark.parametrize(
    ("text", "shown"), [("a\r\nb\tc", "a\nb\tc"), ("\x1b[0m", "\\u001b[0m"), ("é—\u200d", "é—\u200d")]
)
def test_only_what_steers_a_terminal_is_escaped(text, shown):
    assert escape_controls(text) == shown


VALUES = [
    HOSTILE,
    0,
    -1,
    1e14,
    -1e14,
    1e300,
    "1e400",
    "nan",
    True,
    [],
    {},
    [HOSTILE],
    {HOSTILE: HOSTILE},
    None,
    "x" * 5000,
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
@pytest.mark.parametrize(
    "key",
    ["expires_at", "expires_in", "scope", "granted_at", "mint_times", "failure", "rejection_pause", "api_domain", "token_type",
     "refresh_token", "access_token", "client_id", "region", "soid", "other"],
)  # fmt: skip
@pytest.mark.thorough(one_in=5)
def test_status_survives_anything_in_a_record(run, saved, key, value):
    store = saved.load().store
    store.save({**store.load(), key: value})
    for options in ((), ("--json",)):
        result = run("status", *options)
        assert result.exit_code in {0, 7}, result.stderr
        assert "Unexpected" not in result.stderr
        assert is_harmless(result.output)
    if result.exit_code == 0:
        json.loads(result.stdout)


def test_a_failure_with_markup_is_shown_to_the_letter(run, saved):
    store = saved.load().store
    failure = {
        "error": "TokenEndpointError", "message": HOSTILE, "code": None, "status_code": None, "hint": HOSTILE,
        "grant": "x", "cool_down": [time.time() + 30, 60],
    }  # fmt: skip
    record = store.load()
    store.save({**record, "failure": {**failure, "error": next(iter(_ERRORS))}})
    output = run("status").output
    assert (is_harmless(output), "[red]x[/red]" in output) == (True, True)


def test_an_absurd_date_is_shown_as_what_it_is(run, saved):
    store = saved.load().store
    store.save({**store.load(), "expires_at": -1e14})
    assert "-1e+14 s after 1970, which is not a date" in run("status").output


@pytest.mark.parametrize("expires_at", [1e18, None])
def test_an_expiry_that_is_not_known_is_no_date(run, saved, expires_at):
    store = saved.load().store
    store.save({**store.load(), "expires_at": expires_at})
    [line] = [line for line in run("status").stdout.splitlines() if line.startswith("expires at")]
    assert line.split() == ["expires", "at", "unknown"]


@pytest.mark.parametrize(
    "command", [("status",), ("status", "--check"), ("profiles",), ("get", "Candidates")], ids=" ".join
)
def test_a_warning_of_the_library_is_wrapped_as_all_is_and_has_lines_of_its_own(granted, zoho, command):
    store = granted().load().store
    store.save({**store.load(), "expires_at": 1e18})
    screen = run_on_terminal(*command, columns=60).screen
    screen = strip_styles(re.sub("\r|\x1b\\[[0-9;?]*[A-HJK]", "\n", screen))  # both move the cursor
    before, _, told = screen.partition("epoch seconds.")[0].partition("Warning:")
    assert before.rpartition("\n")[2] == ""
    assert "an impossible expires_at, which is ignored. Times are in" in " ".join(told.split())
    assert max(len(line) for line in told.splitlines() if "/" not in line) <= 60


def test_a_warning_is_escaped_and_afterwards_logging_is_as_before(run, saved, monkeypatch):
    def warn(_):
        logging.lastResort.handle(logging.makeLogRecord({"msg": "Something \x1b[2J happened."}))

    before = logging.lastResort
    monkeypatch.setattr("requests_zohorecruit.cli.commands.status.diagnose", warn)
    assert run("status", "--check").stderr == "Warning: Something \\u001b[2J happened.\n"
    assert logging.lastResort is before


@pytest.mark.parametrize("kind", ["json", "text", "broken json"])
@pytest.mark.parametrize("options", [(), ("--all",)])
def test_what_the_api_answers_does_not_steer_the_terminal(saved, kind, options, monkeypatch, capsys):
    text = HOSTILE.replace("\ud800", "")  # which UTF-8 cannot hold
    body = json.dumps({"data": [{"Name": text}]}, ensure_ascii=False) if kind == "json" else text
    monkeypatch.setenv("TERM", "dumb")  # colours are our own, and wanted
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with responses.RequestsMock() as mock:
        mock.get(
            CANDIDATES,
            body=body.encode(),
            content_type="text/plain; charset=utf-8" if kind == "text" else "application/json",
        )
        if kind != "json" and options:
            with pytest.raises(click.ClickException, match="The answer is not a list of records"):
                app(["get", "Candidates", *options], standalone_mode=False)
            return
        app(["get", "Candidates", *options], standalone_mode=False)
    shown = "".join(capsys.readouterr())
    assert (is_harmless(shown), "[red]x[/red]" in shown) == (True, True)
    if kind == "json":
        record = json.loads(shown)
        assert (record if options else record["data"][0])["Name"] == text


def test_an_error_does_not_steer_the_terminal(run, saved):
    with responses.RequestsMock() as mock:
        mock.get(CANDIDATES, json={"code": "X", "message": HOSTILE}, status=400)
        result = run("get", "Candidates")
    assert (result.exit_code, is_harmless(result.output), "\\u001b]0;title" in result.stderr) == (1, True, True)


@pytest.mark.parametrize("is_damaged", [False, True], ids=["other client", "damaged client"])
@pytest.mark.parametrize("options", [(), ("--replace",)], ids=["asked", "replaced"])
@pytest.mark.parametrize("has_terminal", [False, True], ids=["pipe", "terminal"])
def test_a_login_passes_on_no_control_characters_of_the_grant_it_would_replace(
    run, client, zoho, granted, request, is_damaged, options, has_terminal
):
    if has_terminal:
        request.getfixturevalue("answering")
    directory = granted().directory
    hostile = {"client_id": "1000.\x1b[31mEVIL", "region": "eu\x1b]0;t\x07"}
    record = directory / "token.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | hostile))
    if is_damaged:
        (directory / "application.json").write_text("}{")
    code = f"{zoho.new_code()}\n" if options else ""
    result = run("exchange", *options, input=f"{code}n\n")
    assert "EVIL" in result.output or options
    assert not set("\x1b\x07") & set(result.output)


def test_a_hostile_choice_of_the_default_passes_on_no_control_characters(run, home):
    home.mkdir(parents=True, exist_ok=True)
    (home / ".default.json").write_text('{"profile": "\\u001b[31mEVIL"}')
    result = run("profiles", "default")
    assert (result.exit_code, result.output) == (0, "\\u001b[31mEVIL\n")


class TestWhereItGoes:
    @pytest.fixture
    def shell(self, granted):
        granted()

        def typed(line):
            command = f'zohorecruit() {{ {sys.executable} -m requests_zohorecruit "$@"; }}; {line}'
            return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)

        return typed

    @pytest.mark.parametrize(
        "command", ["get Candidates", "get Candidates --all", "status", "status --json", "regions"]
    )
    @pytest.mark.thorough(one_in=6)
    @pytest.mark.usefixtures("measured_processes")
    def test_a_full_disk_is_one_line(self, shell, command):
        result = shell(f"zohorecruit {command} > /dev/full")
        assert (result.returncode, result.stderr) == (
            1,
            "Error: Could not write the output: No space left on device.\n",
        )

    @pytest.mark.parametrize(
        "command", ["get Candidates", "get Candidates --all", "status", "status --json", "regions"]
    )
    @pytest.mark.thorough(one_in=6)
    def test_a_closed_output_is_quiet(self, shell, command):
        result = shell(f"zohorecruit {command} >&-")
        assert (result.returncode, result.stderr) == (0, "")

    @pytest.mark.parametrize(
        "command", ["get Candidates", "get Candidates --all", "status", "status --json", "regions"]
    )
    @pytest.mark.thorough(one_in=6)
    def test_a_reader_that_has_gone_is_quiet(self, shell, command):
        result = shell(f"zohorecruit {command} | true; echo ${{PIPESTATUS[0]}}")
        assert (result.stdout.strip() in {"0", "1"}, result.stderr) == (True, "")

    @pytest.mark.parametrize("command", ["get Candidates --all", "status --check", "refresh", "header"])
    @pytest.mark.thorough(one_in=2)
    def test_closed_errors_are_no_error(self, shell, command):
        result = shell(f"zohorecruit {command} 2>&-")
        assert (result.returncode, result.stderr, bool(result.stdout)) == (0, "", True)

    @pytest.mark.parametrize(
        ("closing", "code"), [("2>&-", 3), (">&- 2>&-", 3), ("<&- >&- 2>&-", 3), ("2> /dev/full", 1)]
    )
    @pytest.mark.thorough(one_in=2)
    def test_the_exit_code_stays_where_an_error_cannot_be_told(self, shell, closing, code):
        assert shell(f"zohorecruit get Candidates --profile none {closing}").returncode == code

    @pytest.mark.parametrize(
        ("command", "code", "told"),
        [
            ("revoke", 2, "pass --yes"),
            ("logout", 2, "pass --yes"),
            ("exchange", 4, "No code was given on standard input."),
            ("login --no-browser", 4, "No redirect address was given on standard input."),
            ("login --new-secret", 4, "No client secret was given on standard input."),
            ("api POST Candidates -d @-", 2, "not valid JSON"),
            ("status", 0, ""),
        ],
    )
    @pytest.mark.thorough(one_in=6)
    def test_a_closed_input_is_an_empty_one(self, shell, command, code, told):
        result = shell(f"zohorecruit {command} <&-")
        assert (result.returncode, told in result.stderr) == (code, True), result.stderr

    def test_a_sandbox_that_cannot_explain_itself_does_not_blame_the_port(self, shell):
        result = shell("zohorecruit sandbox > /dev/full")
        assert (result.returncode, result.stderr) == (
            1,
            "Error: Could not write the output: No space left on device.\n",
        )

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
    def test_only_an_output_that_cannot_be_written_is_told_as_one(self, monkeypatch, number, tmp_path):
        def fail(**_):
            raise OSError(number, "planted")

        monkeypatch.setattr("requests_zohorecruit.cli.app.app", fail)
        with (tmp_path / "output").open("w") as output:
            monkeypatch.setattr(sys, "stdout", output)
            with pytest.raises(SystemExit if number == errno.ENOSPC else PermissionError):
                cli.main()

    @pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
    def test_what_is_closed_is_replaced_by_nothing(self, monkeypatch, name):
        monkeypatch.setattr(sys, name, None)
        monkeypatch.setattr("requests_zohorecruit.cli.app.app", lambda **_: getattr(sys, name).fileno())
        cli.main()
        getattr(sys, name).close()
