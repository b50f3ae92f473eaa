"""Checks that hold for whatever a command prints: nothing is broken or over-long, and a remedy is one."""

from __future__ import annotations

import re
import shlex

import click

from helpers.commands import find_commands

__all__ = ["check_lines", "check_remedies"]


def check_lines(shown, columns):
    """Check that no line is longer than the terminal, but for what is to be copied and for a single long word."""
    too_long = [
        line
        for line in shown.splitlines()
        if len(line) > columns and not line.startswith("    ") and max(map(len, line.split())) < columns // 3
    ]
    assert too_long == [], too_long
    assert "Traceback" not in shown
    assert "Unexpected error" not in shown


def check_remedies(told):
    """Check that the commands an error names can be typed like that."""
    commands = find_commands()
    for line in re.findall(r"`(zohorecruit [^`]*)`", " ".join(told.split())):
        words = shlex.split(line)[1:]
        names = tuple(words[: 2 if tuple(words[:2]) in commands else 1])
        command = commands[names]
        # Raises for an option that the command does not have.
        command.make_parser(click.Context(command)).parse_args(words[len(names) :])
