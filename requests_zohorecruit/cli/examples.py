"""Holds two examples for each command, and adds them to its help. They fit on 60 columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

__all__ = ["add_examples"]

#: A non-breaking hyphen.
_UNBROKEN = "\u2011"
_EXAMPLES = {
    "login": ("zohorecruit login", "zohorecruit login --profile work --region eu"),
    "exchange": ("zohorecruit exchange --region in", "zohorecruit exchange --profile work < answers"),
    "status": ("zohorecruit status --check", "zohorecruit status --profile work --json"),
    "get": ("zohorecruit get Candidates -q per_page=5", "zohorecruit get JobOpenings --all --csv > jobs.csv"),
    "api": (
        "zohorecruit api POST Candidates -d @new.json",
        "zohorecruit api POST Candidates/4/Attachments -F cv.pdf",
    ),
    "header": ("zohorecruit header | curl -H @- URL", "zohorecruit header --profile work --show"),
    "refresh": ("zohorecruit refresh", "zohorecruit refresh --profile work"),
    "revoke": ("zohorecruit revoke", "zohorecruit revoke --profile work --yes"),
    "logout": ("zohorecruit logout --profile work", "zohorecruit logout --all --yes"),
    "profiles": ("zohorecruit profiles", "zohorecruit profiles rename default work"),
    "profiles default": ("zohorecruit profiles default", "zohorecruit profiles default work"),
    "profiles rename": ("zohorecruit profiles rename default work", "zohorecruit profiles rename work old-work"),
    "regions": ("zohorecruit regions", "zohorecruit regions --json"),
    "completion": ("zohorecruit completion", "zohorecruit completion fish --print"),
    "sandbox": ("zohorecruit sandbox", "zohorecruit sandbox --port 8443"),
    "demo": ("zohorecruit demo", "zohorecruit --debug demo"),
}


class _HelpFormatter(click.HelpFormatter):
    """Breaks lines between words only. Click's formatter breaks `--client-credentials` at a hyphen."""

    def write_text(self, text: str) -> None:
        super().write_text(text.replace("-", _UNBROKEN))

    def write_dl(self, rows: Iterable[tuple[str, str]], *args: Any, **options: Any) -> None:
        super().write_dl([(first, second.replace("-", _UNBROKEN)) for first, second in rows], *args, **options)

    def getvalue(self) -> str:
        return super().getvalue().replace(_UNBROKEN, "-")


class _Context(click.Context):
    formatter_class = _HelpFormatter


def add_examples(command: click.Command, name: str) -> None:
    """Add examples to the help of a command and its subcommands, and keep its words whole.

    :param name: the command as typed, without ``zohorecruit``
    """
    command.context_class = _Context
    command.epilog = "\n  ".join(["\b\nExamples:", *_EXAMPLES[name]])
    for subcommand in getattr(command, "commands", {}).values():
        add_examples(subcommand, f"{name} {subcommand.name}")
