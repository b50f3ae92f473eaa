"""The README's examples run as they stand, and its two commands are the two there are."""

from __future__ import annotations

import configparser
import re
import textwrap
from importlib import metadata
from pathlib import Path

import pytest
import responses
from click.testing import CliRunner

from requests_zohorecruit.cli.app import COMMANDS, app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.rst").read_text("utf-8")


def blocks(language):
    found = re.findall(rf"^\.\. code-block:: {language}\n\n((?:    .*\n|\n)+)", README, re.MULTILINE)
    return [textwrap.dedent(block) for block in found]


@pytest.fixture
def zoho():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_passthru("https://127.0.0.1")
        mock.post("https://accounts.zoho.eu/oauth/v2/token", json={"access_token": "T1", "expires_in": 3600})
        mock.get("https://recruit.zoho.eu/recruit/v2/Candidates", json={"data": []})
        yield mock


def log_in(zoho, monkeypatch, home):
    """Make the profile that the first example begins with: by the way that needs no browser."""
    monkeypatch.setenv("ZOHORECRUIT_HOME", str(home / "profiles"))
    answer = {"access_token": "1000.a.a", "refresh_token": "1000.r.r", "expires_in": 3600}
    zoho.upsert("POST", "https://accounts.zoho.eu/oauth/v2/token", json=answer)
    arguments = ["exchange", "--client-id", "1000.A", "--region", "eu"]
    assert CliRunner().invoke(app, arguments, input="secret\n1000.c.c\n").exit_code == 0


def test_every_python_example_runs_in_order_as_a_reader_would_paste_it(zoho, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    names = {
        "client_id": "1000.A",
        "client_secret": "secret",
        "refresh_token": "1000.r",
        "save_token": [].append,
    }
    assert len(blocks("python")) == 3
    log_in(zoho, monkeypatch, tmp_path)
    for block in blocks("python"):
        exec(compile(block, "README.rst", "exec"), names)  # its own examples
        if "answer = " in block:
            assert names.pop("answer").json() == {"data": []}
    assert (tmp_path / ".config/myapp/zoho.json").exists()


def test_the_first_example_is_the_one_minute_path_and_its_commands_exist():
    assert re.findall(r"code-block:: (\w+)", README)[:2] == ["console", "python"]
    [minute] = blocks("console")
    assert minute.strip().splitlines() == [
        "$ python3 -m venv .venv && . .venv/bin/activate",
        "$ pip install '.[cli]'",
        "$ zohorecruit login",
    ]
    assert "login" in COMMANDS
    assert {"click", "rich", "platformdirs", "trustme"} <= {
        re.match(r"[\w-]+", each)[0]
        for each in metadata.requires("requests-zohorecruit")
        if re.search(r"extra == .(cli|sandbox).", each)
    }


def test_the_two_commands_name_environments_that_exist():
    commands = [line for block in blocks("shell") for line in block.splitlines() if line]
    assert commands == [
        "python3 -m venv .venv && .venv/bin/python -m pip install tox && .venv/bin/tox run -e demo",
        "python3 -m venv .venv && .venv/bin/python -m pip install tox && .venv/bin/tox run",
    ]
    assert len(blocks("shell")) == 2
    assert (ROOT / ".ci/run").read_text("utf-8").splitlines().count(commands[1]) == 1
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    assert {"testenv:demo", *(f"testenv:{name}" for name in tox["tox"]["env_list"].split(", "))} <= set(tox.sections())


def test_the_ladder_leads_to_every_page_there_is_to_read():
    linked = set(re.findall(r"<((?:docs|examples)/[^>]*)>", README))
    assert all((ROOT / path).exists() for path in linked)
    pages = {path for folder in ("howto", "explanation") for path in (ROOT / "docs" / folder).glob("*.rst")}
    missing = pages - {ROOT / path for path in linked}
    assert {page.stem for page in missing} == {"index", "limits"}  # sharing leads to the latter
