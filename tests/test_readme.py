"""The README's examples run as they stand, and its two commands are the two there are."""

from __future__ import annotations

import configparser
import re
import textwrap
from pathlib import Path

import pytest
import responses

README = (Path(__file__).parent.parent / "README.rst").read_text("utf-8")


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


def test_every_python_example_runs_in_order_as_a_reader_would_paste_it(zoho, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    names = {"client_id": "1000.A", "client_secret": "secret", "refresh_token": "1000.r", "load_token": lambda: None}
    names["save_token"] = [].append
    assert len(blocks("python")) == 5
    for block in blocks("python"):
        exec(compile(block, "README.rst", "exec"), names)  # its own examples
    assert names["answer"].json() == {"data": []}
    assert (tmp_path / ".config/myapp/zoho.json").exists()
    assert len(capsys.readouterr().out.splitlines()) == 12


def test_the_two_commands_name_environments_that_exist():
    commands = [line for block in blocks("shell") for line in block.splitlines() if line]
    assert commands == [
        "python3 -m pip install tox && python3 -m tox run -e demo",
        "python3 -m pip install tox && python3 -m tox run",
    ]
    tox = configparser.ConfigParser()
    tox.read(Path(__file__).parent.parent / "tox.ini")
    assert {"testenv:demo", *(f"testenv:{name}" for name in tox["tox"]["env_list"].split(", "))} <= set(tox.sections())
