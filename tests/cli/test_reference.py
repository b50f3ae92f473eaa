"""The page about the command line leaves nothing out."""

from __future__ import annotations

import re

from helpers.commands import find_commands
from helpers.doc_pages import DOCS

from requests_zohorecruit.cli.app import app
from requests_zohorecruit.cli.reports import _EXIT_CODES

PAGE = (DOCS / "reference/cli.rst").read_text("utf-8")


def test_every_command_and_option_is_there():
    wanted = {f"``zohorecruit {' '.join(names)}" for names in find_commands()}
    wanted |= {
        f"``{option}"
        for command in (app, *find_commands().values())
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    }
    assert sorted(each for each in wanted if each not in PAGE) == []


def test_it_names_no_option_that_is_not_there():
    known = {option for command in (app, *find_commands().values()) for each in command.params for option in each.opts}
    known |= {
        option for command in find_commands().values() for each in command.params for option in each.secondary_opts
    }
    assert (
        set(re.findall(r"--[a-z][a-z-]+", PAGE)) - known - {"--help", "--auth-type", "--verbose"} == set()
    )  # two of HTTPie


def test_every_exit_code_is_there():
    codes = {str(code) for _, code in _EXIT_CODES} | {"0", "1", "2", "130"}
    assert codes == set(re.findall(r"^(\d+) +\S", PAGE, re.MULTILINE))
