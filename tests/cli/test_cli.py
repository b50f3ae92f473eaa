"""The command line itself: what it prints, how it fails, and that it says what is missing."""

from __future__ import annotations

import builtins
import errno
import importlib
import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.commands import find_commands
from helpers.doc_preambles import require_curl

from requests_zohorecruit import Region, cli
from requests_zohorecruit.cli.app import app
from requests_zohorecruit.cli.console import open_console
from requests_zohorecruit.errors import (
    AuthorizationError,
    ClientConfigurationError,
    ReauthorizationRequired,
    ThrottledError,
    TokenEndpointError,
    TokenStoreError,
    UnknownRegionError,
    UntrustedHostError,
    ZohoAuthError,
)
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token


def run(*arguments, **options):
    return CliRunner().invoke(app, arguments, prog_name="zohorecruit", **options)


def test_the_table_of_regions_is_that_of_the_library():
    told = run("regions").output
    for region in Region.all():
        assert region.accounts_url.removeprefix("https://") in told


def test_regions_as_json_are_for_programs():
    found = json.loads(run("regions", "--json").output)
    assert all(each.pop("name") for each in found)
    assert [Region(**each) for each in found] == list(Region.all())


@pytest.mark.parametrize("command", [(), *find_commands()])
def test_help_is_short(command):
    told = run(*command, "--help")
    assert told.exit_code == 0
    assert len(told.output.partition("Examples:")[0].rstrip().splitlines()) < 40


def test_the_version_is_that_of_the_package():
    assert run("--version").output.split() == ["requests-zohorecruit", cli_version()]


def test_the_version_needs_no_metadata_which_a_zip_application_does_not_have(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    shown = run("--version")
    assert (shown.exit_code, shown.output.split()) == (0, ["requests-zohorecruit", cli_version()])


def cli_version():
    import requests_zohorecruit

    return requests_zohorecruit.__version__


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ReauthorizationRequired("dead", hint="Log in."), 3),
        (AuthorizationError("refused"), 3),
        (ClientConfigurationError("wrong"), 4),
        (UnknownRegionError("unknown"), 4),
        (UntrustedHostError("stranger"), 4),
        (ThrottledError("slower", hint="Wait."), 5),
        (TokenEndpointError("down"), 6),
        (TokenStoreError("broken"), 7),
        (ZohoAuthError("other"), 1),
    ],
)
def test_an_error_is_one_message_one_remedy_and_one_exit_code(monkeypatch, error, code):
    def fail(_):
        raise error

    monkeypatch.setattr("requests_zohorecruit.demo.steps.run_steps", fail)
    told = run("demo")
    assert told.exit_code == code
    assert told.stderr.splitlines() == [f"Error: {error.message}", *([error.advice] if error.advice else [])]
    assert "Traceback" in run("--debug", "demo").stderr


def test_what_should_not_happen_is_one_line_too_and_shows_nothing(monkeypatch):
    def fail(_):
        raise RuntimeError("planted")

    monkeypatch.setattr("requests_zohorecruit.demo.steps.run_steps", fail)
    told = run("demo")
    assert (told.exit_code, told.stderr.splitlines()[0]) == (1, "Error: Unexpected error (RuntimeError).")
    assert "planted" not in told.output


def test_T60_a_traceback_shows_the_way_of_an_error_and_the_text_of_our_own_only(monkeypatch):
    def fail(_):
        try:
            try:
                raise OSError("planted-cause")
            except OSError as error:
                raise RuntimeError("planted-error") from error
        except RuntimeError as error:
            error.__cause__.__context__ = error  # a circle, as finally blocks can make one
            raise TokenEndpointError("Zoho is down.")  # noqa: B904 - how it came about is what this is about

    monkeypatch.setattr("requests_zohorecruit.demo.steps.run_steps", fail)
    told = run("--debug", "demo").stderr
    assert "planted-" not in told.replace('"planted-', "")  # but in the source
    shown = [line for line in told.splitlines() if line.startswith(("builtins.", "requests_zohorecruit."))]
    assert shown == [
        "builtins.OSError (its text is not shown)",
        "builtins.RuntimeError (its text is not shown)",
        "requests_zohorecruit.errors.TokenEndpointError: Zoho is down.",
    ]
    assert told.count("Traceback (most recent call last):") == 3


def test_T60_what_was_left_out_of_an_error_is_left_out_of_its_traceback(monkeypatch):
    def fail(_):
        try:
            raise OSError("planted")
        except OSError:
            raise TokenEndpointError("Zoho is down.") from None

    monkeypatch.setattr("requests_zohorecruit.demo.steps.run_steps", fail)
    assert run("--debug", "demo").stderr.count("Traceback") == 1


def test_a_reader_that_has_seen_enough_is_no_error(monkeypatch):
    def fail(_):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("requests_zohorecruit.demo.steps.run_steps", fail)
    assert run("demo").stderr == ""


def test_ctrl_c_stops_with_one_word(monkeypatch):
    def interrupted(_):
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("requests_zohorecruit.demo.steps.run_steps", interrupted)
    told = run("demo")
    assert (told.exit_code, told.stderr.strip()) == (130, "Stopped.")
    assert signal.getsignal(signal.SIGINT) == before


def test_the_second_ctrl_c_does_not_disturb_the_clearing_away():
    program = """
import os, signal, click
from requests_zohorecruit.cli.app import COMMANDS, app
@app.command()
def wait():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        os.kill(os.getpid(), signal.SIGINT)
        print("cleared away", flush=True)
app(["wait"])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stdout.strip(), told.stderr.strip()) == (130, "cleared away", "Stopped.")


@pytest.mark.parametrize(("package", "install"), [("click", True), ("rich", True), ("sqlite9", False)])
def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch, package, install):
    monkeypatch.delitem(sys.modules, "requests_zohorecruit.cli.app", raising=False)
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name == "requests_zohorecruit.cli.app":
            raise ModuleNotFoundError(f"No module named {package!r}", name=f"{package}.part")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SystemExit if install else ModuleNotFoundError) as caught:
        cli.main()
    assert ("pip install 'requests-zohorecruit[cli]'" in str(caught.value)) == install


def test_python_dash_m_is_the_same_command():
    command = [sys.executable, "-m", "requests_zohorecruit", "--version"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stdout) == (0, f"requests-zohorecruit {cli_version()}\n")


def test_the_demos_processes_may_import_the_main_module_again():
    assert importlib.import_module("requests_zohorecruit.__main__").main is cli.main


def test_output_that_is_no_terminal_gets_a_width_that_suits_logs(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert open_console().width == 110
    monkeypatch.setenv("COLUMNS", "70")
    assert open_console(stderr=True).width == 70


def test_a_stream_that_encodes_nothing_is_written_to_as_it_is(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    open_console().print("é")
    assert sys.stdout.getvalue() == "é\n"


@pytest.mark.usefixtures("measured_processes")
def test_a_terminal_without_the_letters_is_no_reason_to_fail():
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "requests_zohorecruit", "regions"]
    assert subprocess.run(command, env=env, capture_output=True, timeout=60, check=False).returncode == 0


class TestSandbox:
    @pytest.fixture
    def served(self, tmp_path, measured_processes):
        command = [sys.executable, "-m", "requests_zohorecruit", "sandbox"]
        env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        told = []
        for line in process.stdout:
            told.append(line)
            if "auth=auth).json())" in line:
                break
        yield process, "".join(told)
        process.kill()
        process.wait()
        process.stdout.close()

    def test_told_to_stop_it_goes_and_takes_everything_with_it(self, served, tmp_path):
        process, _ = served
        process.terminate()
        assert (process.wait(30), process.stdout.read().splitlines()[-1]) == (0, "The sandbox has stopped.")
        assert list(tmp_path.iterdir()) == []

    def test_it_serves_until_ctrl_c_and_its_explanation_is_true(self, served, tmp_path):
        process, told = served
        [env] = tmp_path.glob("zoho-sandbox-*/env")
        assert f". {env}" in told
        assert stat.S_IMODE(env.stat().st_mode) == 0o600
        values = dict(line.removeprefix("export ").split("=", 1) for line in env.read_text("utf-8").splitlines())
        # A profile of the real Zoho's is not touched, not even by a login that names none.
        assert (values["ZOHORECRUIT_HOME"], values["ZOHORECRUIT_PROFILE"]) == (f"{env.parent}/profiles", "sandbox")
        for secret in (values["ZOHORECRUIT_CLIENT_SECRET"], values["ZOHORECRUIT_REFRESH_TOKEN"]):
            assert secret not in told
        require_curl()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        first, login, curl, library = re.findall("(?:^    .*\n)+", told + "\n", re.MULTILINE)
        assert [line.split()[1:] for line in login.splitlines()] == [
            ["login", "--profile", "sandbox"],
            ["get", "Candidates", "--profile", "sandbox"],
        ]
        for example in (first, f". {env}\n{curl}", f". {env}\n{library}"):
            command = ["sh", "-c", example]  # with its blanks, as it is copied
            said = subprocess.run(
                command, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=60, check=False
            )
            assert "Amara" in said.stdout, said.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert list(tmp_path.iterdir()) == []

    @pytest.fixture
    def shell(self, served, tmp_path):
        """Return a function that runs a command in a terminal that has loaded what the sandbox prints."""
        [env] = tmp_path.glob("zoho-sandbox-*/env")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        options = {"env": {**os.environ, "PATH": path}, "stdin": subprocess.DEVNULL, "timeout": 60, "check": False}
        return lambda command: subprocess.run(
            ["sh", "-c", f". {env}\n{command}"], capture_output=True, text=True, **options
        )

    def test_its_first_example_mints_once_however_often_it_is_run(self, shell):
        told = shell("for each in 1 2 3; do zohorecruit get Candidates --fields id || exit; done")
        assert (told.returncode, len(told.stdout.splitlines()), told.stderr) == (0, 36, "")
        assert json.loads(shell("zohorecruit status --json").stdout)["mints"]["recent"] == 1

    def test_a_grant_is_left_in_the_environment_too_when_the_profile_is_logged_out(self, shell):
        told = shell("zohorecruit logout --yes && zohorecruit get Candidates --env && zohorecruit get Candidates")
        assert (told.returncode, told.stdout.count('"Full_Name":"Amara')) == (0, 2)

    def test_the_persons_own_profiles_are_out_of_its_reach(self, shell, home):
        who = Application.create("1000.REAL", "real-secret", "eu")
        for name in ("default", "sandbox"):
            Profile(name).save(who, Token("a", "1000.REAL.GRANT", 0.0), now=0.0)
        before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
        told = shell("zohorecruit profiles; zohorecruit revoke --yes; zohorecruit logout --all --yes")
        assert (told.returncode, "default" in told.stdout, "1000.REAL" in told.stdout) == (0, False, False)
        assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before

    def test_what_is_to_be_copied_has_room_on_a_narrow_terminal(self, served):
        _, told = served
        to_copy = [line for line in told.splitlines() if line.startswith("    ")]
        assert [line for line in to_copy if len(line) > 60 and "/zoho-sandbox-" not in line] == []
        assert len(to_copy) > 8

    def test_a_port_that_is_taken_is_an_error_that_says_so(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            told = run("sandbox", "--port", str(port))
        assert told.exit_code == 1
        assert f"Port {port} of 127.0.0.1 cannot be used" in told.stderr

    @pytest.mark.parametrize("uri", ["nonsense", ""])
    def test_a_redirect_uri_that_is_none_is_an_error_that_says_so(self, uri):
        told = run("sandbox", "--redirect-uri", uri)
        assert (told.exit_code, f"Invalid value for --redirect-uri: {uri!r} is not a redirect" in told.stderr) == (
            2,
            True,
        )


@pytest.mark.parametrize(
    ("typed", "meant"), [("stat", "status"), ("logn", "login"), ("profile", "profiles"), ("region", "regions")]
)
def test_a_command_that_is_misspelt_is_suggested(typed, meant):
    told = run(typed, "--json")
    assert told.exit_code == 2
    assert re.search(rf"Error: No such command '{typed}'\. Did you mean {meant}( or \w+)*\?\n$", told.stderr)


@pytest.mark.parametrize("typed", ["xyzzy", "", "S"])
def test_a_command_that_is_like_none_is_not(typed):
    told = run(typed)
    assert (told.exit_code, "No such command" in told.stderr, "Did you mean" in told.stderr) == (2, True, False)
