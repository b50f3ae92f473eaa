"""The command itself: what it says when something is missing or goes wrong, and how it exits."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from requests_zohorecruit import errors
from requests_zohorecruit.cli import app as app_module
from requests_zohorecruit.cli import main
from requests_zohorecruit.cli.app import app


@pytest.fixture
def failing(monkeypatch):
    """Return a function that adds a command which raises, and runs it."""

    def invoke(error, *options):
        @click.command()
        def fail():
            raise error

        monkeypatch.setitem(app.commands, "fail", fail)
        return CliRunner().invoke(app, [*options, "fail"])

    return invoke


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.ReauthorizationRequired, 3),
        (errors.AuthorizationError, 3),
        (errors.ClientConfigurationError, 4),
        (errors.UnknownRegionError, 4),
        (errors.UntrustedHostError, 4),
        (errors.ThrottledError, 5),
        (errors.TokenEndpointError, 6),
        (errors.TokenStoreError, 7),
        (errors.ZohoAuthError, 1),
    ],
)
def test_an_error_is_one_message_one_remedy_and_an_exit_code(failing, kind, code):
    result = failing(kind("It broke.", hint="Mend it."))
    assert (result.exit_code, result.stderr, result.stdout) == (code, "Error: It broke.\nMend it.\n", "")


def test_an_error_without_a_remedy_is_one_line(failing):
    assert failing(errors.TokenStoreError("It broke.")).stderr == "Error: It broke.\n"


def test_debug_adds_the_traceback(failing):
    result = failing(errors.TokenStoreError("It broke."), "--debug")
    assert "Traceback (most recent call last)" in result.stderr
    assert result.exit_code == 7


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_ends_with_the_shells_own_code(failing, interruption):
    result = failing(interruption)
    assert (result.exit_code, result.stderr) == (130, "\nStopped.\n")


def test_the_second_ctrl_c_does_not_disturb_the_clearing_away():
    program = """
import os, signal, requests_zohorecruit.cli.app as app
from click.testing import CliRunner
import click
@click.command()
def wait():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        os.kill(os.getpid(), signal.SIGINT)
        print("cleared away", flush=True)
app.app.add_command(wait)
app.app(["wait"])
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout.split(), ended.stderr.split()) == (130, [b"cleared", b"away"], [b"Stopped."])


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_a_missing_package_is_named_with_the_extra_that_brings_it(missing):
    program = f"import sys; sys.modules[{missing!r}] = None; import requests_zohorecruit.cli as c; c.main()"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    expected = f"zohorecruit needs {missing}, which is not installed: pip install 'requests-zohorecruit[cli]'\n"
    assert (ended.returncode, ended.stderr, ended.stdout) == (1, expected, "")


def test_a_missing_package_is_found_out_in_this_process_too(monkeypatch):
    monkeypatch.delitem(sys.modules, "requests_zohorecruit.cli.app")
    monkeypatch.setitem(sys.modules, "click", None)
    with pytest.raises(SystemExit, match="zohorecruit needs click"):
        main()


def test_a_missing_module_of_somebody_elses_is_no_question_of_extras(monkeypatch):
    monkeypatch.delitem(sys.modules, "requests_zohorecruit.cli.app")
    monkeypatch.setitem(sys.modules, "requests_zohorecruit.cli.screen", None)
    with pytest.raises(ModuleNotFoundError, match="screen"):
        main()


def test_the_package_can_be_run_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["requests_zohorecruit", "regions", "--json"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("requests_zohorecruit", run_name="__main__")
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)[1]["code"] == "eu"


def test_importing_the_main_module_does_nothing():
    assert "main" in runpy.run_module("requests_zohorecruit", run_name="__mp_main__")


def test_every_command_has_help_that_fits_a_screen():
    for name, command in app.commands.items():
        result = CliRunner().invoke(app, [name, "--help"])
        assert result.exit_code == 0
        assert len(result.output.splitlines()) <= 40, name
        assert command.get_short_help_str(200).endswith("."), name


def test_every_error_of_the_tree_has_an_exit_code():
    kinds = {kind for kind, _ in app_module._EXIT_CODES}
    leaves = [getattr(errors, name) for name in errors.__all__ if name != "ZohoAuthError"]
    assert [kind.__name__ for kind in leaves if kind not in kinds] == []
