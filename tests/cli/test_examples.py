"""The help of each command: two examples, which work as they are shown, and nothing wider than the terminal."""

from __future__ import annotations

import shlex

import click
import pytest

from requests_zohorecruit.cli.app import app
from requests_zohorecruit.cli.examples import _EXAMPLES


def find_commands(group=app, before=()):
    for name, command in group.commands.items():
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from find_commands(command, (*before, name))


COMMANDS = pytest.mark.parametrize("names", list(find_commands()), ids=" ".join)


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
        command = app
        for name in names:
            command = command.commands[name]
        # Raises for an option or argument that the command does not take.
        command.make_context(names[-1], words[words.index(names[-1]) + 1 :], parent=click.Context(app))


@pytest.mark.parametrize("columns", [60, 80, 120])
@COMMANDS
def test_help_is_no_wider_than_the_terminal(run, names, columns):
    shown = run(*names, "--help", terminal_width=columns).stdout
    assert [line for line in shown.splitlines() if len(line) > columns] == []
