"""The help of each command: two examples, which work as they are shown, and nothing wider than the terminal."""

from __future__ import annotations

import shlex
import subprocess
import sys

import click
import pytest
from helpers.commands import find_commands

from requests_zohorecruit.cli.app import _EXAMPLES, app
from requests_zohorecruit.cli.app import COMMANDS as COMMAND_LINES

COMMANDS = pytest.mark.parametrize("names", find_commands(), ids=" ".join)


@COMMANDS
def test_each_command_has_two_examples_of_itself(run, names):
    shown = run(*names, "--help").stdout.partition("Examples:\n")[2].splitlines()
    assert len(shown) == 2
    for line in shown:
        assert [word for word in shlex.split(line) if word != "--debug"][1 : len(names) + 1] == list(names)


@COMMANDS
def test_the_examples_parse(names, tmp_path, monkeypatch, granted):
    granted("work")
    monkeypatch.chdir(tmp_path)
    for name in ("new.json", "cv.pdf"):
        (tmp_path / name).write_text("{}")
    for example in _EXAMPLES[" ".join(names)]:
        words = shlex.split(example.partition(" | ")[0].partition(" > ")[0].partition(" < ")[0])
        # Raises for an option or argument that the command does not take.
        find_commands()[names].make_context(names[-1], words[words.index(names[-1]) + 1 :], parent=click.Context(app))


@pytest.mark.parametrize("columns", [60, 80, 120])
@COMMANDS
def test_help_is_no_wider_than_the_terminal(run, names, columns):
    shown = run(*names, "--help", terminal_width=columns).stdout
    assert [line for line in shown.splitlines() if len(line) > columns] == []


def test_the_list_of_commands_has_the_first_line_of_the_help_of_each():
    first_lines = {name: find_commands()[name,].get_short_help_str(100) for name in COMMAND_LINES}
    assert first_lines == COMMAND_LINES


def test_the_list_of_commands_is_there_without_the_commands():
    script = (
        "import sys; from click.testing import CliRunner; from requests_zohorecruit.cli.app import app; "
        "assert 'exchange' in CliRunner().invoke(app, ['--help']).stdout; "
        "print(sorted({'requests', 'rich', 'requests_zohorecruit.cli.commands'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
