"""The page about the command line: the commands' help, which tests/docs/test_build.py looks at, and what is beside it."""

from __future__ import annotations

import re

from click.testing import CliRunner
from helpers.commands import find_commands
from helpers.doc_pages import DOCS

from requests_zohorecruit.cli.app import EXIT_CODES, app
from requests_zohorecruit.cli.reports import _EXIT_CODES

PAGE = (DOCS / "reference/cli.rst").read_text("utf-8")


def test_commands_and_exit_codes_are_not_written_by_hand():
    for directive in ("click:: requests_zohorecruit.cli.app:app", "zoho-commands::", "zoho-exit-codes::"):
        assert f".. {directive}\n" in PAGE
    assert re.search(r":nested: full$", PAGE, re.MULTILINE)


def test_it_names_no_option_that_is_not_there():
    known = {
        option
        for command in (app, *find_commands().values())
        for each in command.params
        for option in (*each.opts, *each.secondary_opts)
    }
    of_httpie = {"--auth-type", "--verbose"}
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) - known - {"--help"} - of_httpie == set()


def test_every_exit_code_has_a_meaning_which_the_help_tells():
    of_click_and_the_shell = {0, 1, 2, 130}
    assert set(EXIT_CODES) == {code for _, code in _EXIT_CODES} | of_click_and_the_shell
    told = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert all(f"{code} {meaning}" in told for code, meaning in EXIT_CODES.items())
